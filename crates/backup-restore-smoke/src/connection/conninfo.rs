//! Reads connection strings: URIs and keyword strings, as in the PostgreSQL manual, "Connection Strings".
//! Pure; it does not know what the keywords mean.

use std::collections::BTreeMap;

use super::{error::ConnectionError, keywords};

/// Keyword → value, as it was written.
pub(super) type Given = BTreeMap<String, String>;

/// Reads a URI, a keyword string, or a bare database name.
///
/// # Errors
/// When it is none of these, or has an unknown keyword. The message never shows the string: it may hold a
/// password.
pub(super) fn read(text: &str) -> Result<Given, ConnectionError> {
    let given = if let Some(rest) = uri_rest(text) {
        read_uri(rest)?
    } else if text.contains('=') {
        read_keywords(text)?
    } else if text.trim().is_empty() {
        Given::new()
    } else {
        Given::from([("dbname".to_owned(), text.trim().to_owned())])
    };
    match given.keys().find(|keyword| !keywords::is_known(keyword)) {
        Some(unknown) => Err(ConnectionError::UnknownKeyword(unknown.clone())),
        None => Ok(given),
    }
}

fn uri_rest(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

fn syntax(message: &str) -> ConnectionError {
    ConnectionError::Syntax(message.to_owned())
}

/// `keyword = value` pairs; values may be quoted by `'`, and `\` takes the next character as it is.
fn read_keywords(text: &str) -> Result<Given, ConnectionError> {
    let mut given = Given::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let keyword = rest[..end].to_owned();
        let after = rest[end..].trim_start().strip_prefix('=');
        let after = after.ok_or_else(|| {
            syntax("a keyword has no '=' and value behind it; quote values with blanks by '…'")
        })?;
        let (value, remaining) = read_value(after.trim_start())?;
        given.insert(keyword, value);
        rest = remaining.trim_start();
    }
    Ok(given)
}

fn read_value(text: &str) -> Result<(String, &str), ConnectionError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) => value.push(escaped),
                None => return Err(syntax("the connection string ends in a backslash")),
            },
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            blank if !quoted && blank.is_whitespace() => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted { Err(syntax("a quote in the connection string is not closed")) } else { Ok((value, "")) }
}

/// What follows `postgresql://`: `[user[:password]@][host[:port],…][/database][?keyword=value&…]`.
fn read_uri(rest: &str) -> Result<Given, ConnectionError> {
    let mut given = Given::new();
    let mut put = |keyword: &str, value: &str| -> Result<(), ConnectionError> {
        if !value.is_empty() {
            given.insert(keyword.to_owned(), percent_decoded(value)?);
        }
        Ok(())
    };
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (user_information, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user_information.split_once(':').unwrap_or((user_information, ""));
    put("user", user)?;
    put("password", password)?;
    put("dbname", database)?;
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = host_and_port(host)?;
        names.push(percent_decoded(name)?);
        ports.push(port.to_owned());
    }
    // Commas stand between decoded names, as libpq has it.
    if names.iter().any(|name| !name.is_empty()) {
        put("host", &names.join(",").replace('%', "%25"))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        put("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) =
            pair.split_once('=').ok_or_else(|| syntax("a parameter of the URI has no '='"))?;
        match (keyword, value) {
            ("ssl", "true") => put("sslmode", "require")?,
            _ => put(&percent_decoded(keyword)?, value)?,
        }
    }
    Ok(given)
}

fn host_and_port(host: &str) -> Result<(&str, &str), ConnectionError> {
    if let Some(bracketed) = host.strip_prefix('[') {
        let (address, after) = bracketed
            .split_once(']')
            .ok_or_else(|| syntax("an IPv6 address in the URI has no closing ']'"))?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, port)),
            None if after.is_empty() => Ok((address, "")),
            None => Err(syntax("something follows the ']' of an IPv6 address that is no ':port'")),
        };
    }
    Ok(host.split_once(':').unwrap_or((host, "")))
}

fn percent_decoded(text: &str) -> Result<String, ConnectionError> {
    let wrong = || {
        syntax(
            "a '%' in the URI is not followed by two hexadecimal digits (or decodes to no UTF-8); write %25 for '%'",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits =
                after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
            let value = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
            if value == 0 {
                return Err(wrong());
            }
            bytes.push(value);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(text).unwrap_or_else(|error| panic!("{text}: {error}")).into_iter().collect()
    }

    fn expect(text: &str, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> = wanted.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(pairs(text), wanted, "{text}");
    }

    #[test]
    fn keyword_strings_are_read_as_libpq_reads_them() {
        expect("host=db dbname = shop", &[("dbname", "shop"), ("host", "db")]);
    }

    #[test]
    fn quotes_and_backslashes_take_characters_as_they_are() {
        expect(r"password='a \'b\\ c' user=x\ y", &[("password", r"a 'b\ c"), ("user", "x y")]);
        expect("password=''", &[("password", "")]);
        expect("shop", &[("dbname", "shop")]);
        expect("", &[]);
    }

    #[test]
    fn uris_are_read_as_libpq_reads_them() {
        expect(
            "postgresql://app:s%40fe@db.example:6432/shop?sslmode=verify-full&connect_timeout=3",
            &[
                ("connect_timeout", "3"),
                ("dbname", "shop"),
                ("host", "db.example"),
                ("password", "s@fe"),
                ("port", "6432"),
                ("sslmode", "verify-full"),
                ("user", "app"),
            ],
        );
        expect("postgres://[::1]:5433/x", &[("dbname", "x"), ("host", "::1"), ("port", "5433")]);
        expect("postgres://a,b:2/x", &[("dbname", "x"), ("host", "a,b"), ("port", ",2")]);
        expect(
            "postgresql://%2Fvar%2Frun/x?ssl=true",
            &[("dbname", "x"), ("host", "/var/run"), ("sslmode", "require")],
        );
        expect("postgresql:///x?host=/tmp", &[("dbname", "x"), ("host", "/tmp")]);
        expect("postgresql://", &[]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for wrong in [
            "host=db password",
            "password='hunter2",
            "password=hunter2\\",
            "postgresql://u:hunter2%zz@h/x",
            "postgresql://u:hunter2@[::1/x",
            "postgresql://u:hunter2@h/x?nonsense",
            "host=db colour=hunter2",
        ] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
