//! How matchers are written. Alertmanager has two syntaxes: the classic one, and since 0.27 the UTF-8 one. Its
//! default reads both and keeps the classic meaning where they disagree; so do we.

use std::str::Chars;

use super::matcher::{Matcher, Operator};

/// The four operators, the longer first.
const OPERATORS: [(&str, Operator); 4] = [
    ("=~", Operator::Matches),
    ("!~", Operator::MatchesNot),
    ("!=", Operator::NotEqual),
    ("=", Operator::Equal),
];

/// Reads a text in both syntaxes.
pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, String> {
    match (utf8(text), classic(text)) {
        (Err(_), Err(why)) => Err(why),
        (_, Ok(classic)) => Ok(classic),
        (Ok(utf8), Err(_)) => Ok(utf8),
    }
}

/// Whether a sign must stand in quotes.
pub(super) fn is_reserved(sign: char) -> bool {
    sign.is_whitespace() || "{}!=~,\\\"'`".contains(sign)
}

/// The classic syntax: names of letters, digits, `_` and `:`; values with or without quotes.
fn classic(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    split(text).into_iter().map(classic_one).collect()
}

/// Divides at the commas outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(text[start..].trim());
    }
    parts
}

fn classic_one(text: &str) -> Result<Matcher, String> {
    let text = text.trim();
    let named = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ':');
    let end = text.find(|sign| !named(sign)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|sign: char| sign.is_ascii_digit()) {
        return Err("a matcher does not begin with the name of a label; write name=\"value\"".to_owned());
    }
    let rest = rest.trim_start();
    let operator = OPERATORS.iter().find_map(|(sign, operator)| Some((rest.strip_prefix(sign)?, *operator)));
    let (value, operator) =
        operator.ok_or_else(|| format!("after {name} stands none of the operators =, !=, =~ and !~"))?;
    Matcher::new(name, operator, &classic_value(name, value.trim())?)
}

fn classic_value(name: &str, raw: &str) -> Result<String, String> {
    let (raw, mut open) = raw.strip_prefix('"').map_or((raw, false), |rest| (rest, true));
    let (mut value, mut signs) = (String::new(), raw.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some('n') => value.push('\n'),
                Some(known @ ('"' | '\\')) => value.push(known),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            '"' if open && signs.as_str().is_empty() => open = false,
            '"' => return Err(format!("the value of {name} holds a quote that is not escaped")),
            _ => value.push(sign),
        }
    }
    if open {
        return Err(format!("the value of {name} begins with a quote and does not end with one"));
    }
    Ok(value)
}

/// The UTF-8 syntax: names and values of any signs, in quotes where they hold a reserved one.
fn utf8(text: &str) -> Result<Vec<Matcher>, String> {
    let mut rest = text.trim_start();
    let braces = rest.strip_prefix('{');
    rest = braces.unwrap_or(rest).trim_start();
    let mut matchers = Vec::new();
    while !rest.is_empty() && !rest.starts_with('}') {
        let (name, behind) = word(rest).ok_or("a matcher does not begin with the name of a label")?;
        let behind = behind.trim_start();
        let operator =
            OPERATORS.iter().find_map(|(sign, operator)| Some((behind.strip_prefix(sign)?, *operator)));
        let (behind, operator) = operator.ok_or("none of the operators =, !=, =~ and !~")?;
        let (value, behind) = word(behind.trim_start()).ok_or("a matcher without a value")?;
        matchers.push(Matcher::new(&name, operator, &value)?);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.is_empty() || rest.starts_with('}') => {}
            None => return Err("between two matchers stands no comma".to_owned()),
        }
    }
    match (braces, rest.strip_prefix('}').map(str::trim_start)) {
        (Some(_), Some("")) => Ok(matchers),
        (None, None) => Ok(matchers),
        _ => Err("the braces around the matchers do not fit".to_owned()),
    }
}

/// The next word, in quotes or not, and what stands behind it.
fn word(text: &str) -> Option<(String, &str)> {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(is_reserved).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut bytes, mut signs) = (Vec::new(), inside.chars());
    loop {
        match signs.next()? {
            '"' => return Some((String::from_utf8(bytes).ok()?, signs.as_str())),
            '\n' => return None,
            '\\' => bytes.extend(escape(&mut signs)?),
            sign => bytes.extend(sign.to_string().into_bytes()),
        }
    }
}

/// An escape of a Go string: the signs behind the backslash become bytes.
fn escape(signs: &mut Chars<'_>) -> Option<Vec<u8>> {
    let byte = match signs.next()? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::try_from(number(signs, 2, 16)?).ok()?,
        'u' => return Some(char::from_u32(number(signs, 4, 16)?)?.to_string().into_bytes()),
        'U' => return Some(char::from_u32(number(signs, 8, 16)?)?.to_string().into_bytes()),
        first @ '0'..='7' => u8::try_from(first.to_digit(8)? * 64 + number(signs, 2, 8)?).ok()?,
        _ => return None,
    };
    Some(vec![byte])
}

fn number(signs: &mut Chars<'_>, digits: usize, base: u32) -> Option<u32> {
    (0..digits)
        .try_fold(0_u32, |number, _| number.checked_mul(base)?.checked_add(signs.next()?.to_digit(base)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(read: Result<Vec<Matcher>, String>) -> Result<String, String> {
        read.map(|all| super::super::matcher::in_braces(&all))
    }

    #[test]
    fn both_syntaxes_are_read() {
        for (text, expected) in [
            ("severity=critical", "{severity=\"critical\"}"),
            (" severity = \"a, b\" ", "{severity=\"a, b\"}"),
            ("{a=\"b\",c=~d|e,}", "{a=\"b\",c=~\"d|e\"}"),
            ("a!~\"x\\\"y\"", "{a!~\"x\\\"y\"}"),
            ("a=\\d", "{a=\"\\\\d\"}"),
            ("a=b c", "{a=\"b c\"}"),
            ("a=", "{a=\"\"}"),
            ("größe=\"5\"", "{größe=\"5\"}"),
            ("\"a b\"!=c", "{\"a b\"!=\"c\"}"),
            ("{\"🙂\"=\"\\u00fc\"}", "{🙂=\"ü\"}"),
            ("", "{}"),
            ("{}", "{}"),
        ] {
            assert_eq!(shown(parse(text)).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn where_the_syntaxes_disagree_the_classic_one_is_right() {
        // An escape that only Go knows is no escape in the classic syntax.
        assert_eq!(shown(utf8("a=\"\\t\"")).as_deref(), Ok("{a=\"\t\"}"));
        assert_eq!(shown(parse("a=\"\\t\"")).as_deref(), Ok("{a=\"\\\\t\"}"));
    }

    #[test]
    fn what_neither_reads_is_refused() {
        for wrong in ["a", "=b", "1a", "a=\"b", "a=b\"c", "a==\"b", "a=~(", "größe", ",", "a=b,,c=d"] {
            assert!(parse(wrong).is_err(), "{wrong}: {:?}", parse(wrong));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}=!~,\\\\\"a-c1\\[(ü \n]{0,24}") {
            let _ = parse(&text);
        }
    }
}
