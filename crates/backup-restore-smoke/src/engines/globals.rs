//! Statements about the whole server (`pg_dumpall --globals-only`), judged one by one before any of them runs:
//! roles and memberships stay, without passwords and without login; what reaches beyond a database is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use super::{
    compression::Compression,
    script::{self, End, Meta, Piece, Placed, Rule, Token, placed},
};

/// A file of globals is at most so long.
const LONGEST: u64 = 64 << 20;

/// What stays of the globals, and what was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Globals {
    /// The statements to run, in their order.
    pub(crate) statements: Vec<String>,
    /// The roles that they make.
    pub(crate) roles: BTreeSet<String>,
    /// What was left out, and how often.
    pub(crate) left_out: BTreeMap<&'static str, u64>,
}

/// Why a file of globals is not used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is not whole, or cannot be read.
    Broken(String),
    /// It holds something that nothing of ours writes.
    Refused(String),
}

/// Reads a file of globals into its statements.
///
/// # Errors
/// When it is not whole, or holds commands for psql.
pub(crate) fn read(path: &Path) -> Result<Vec<String>, Unusable> {
    let broken = |error: std::io::Error| Unusable::Broken(error.to_string());
    let mut first = Vec::new();
    File::open(path).and_then(|file| file.take(4).read_to_end(&mut first)).map_err(broken)?;
    let file = File::open(path).map_err(broken)?;
    let reader = Compression::of(&first).reader(file).take(LONGEST);
    let (mut statements, mut complete, mut refused) = (Vec::new(), false, None);
    let end = script::read(BufReader::new(reader), &mut |piece| {
        match piece {
            Piece::Statement { bytes, ends: true, begins: true } => match std::str::from_utf8(bytes) {
                Ok(text) => statements.push(text.to_owned()),
                Err(_) => refused = Some("a statement that is not UTF-8".to_owned()),
            },
            Piece::Statement { .. } | Piece::Data { .. } | Piece::EndOfData(_) => {
                refused = Some("rows of a table; give what pg_dumpall --globals-only writes".to_owned());
            }
            Piece::Meta { line, in_statement } => match script::meta(line, in_statement) {
                Meta::Frame => {}
                Meta::Connect(_) => refused = Some("the command \\connect of psql".to_owned()),
                Meta::Refuse(what) => refused = Some(what),
            },
            Piece::Comment(line) => {
                complete |= line.starts_with(b"-- PostgreSQL database cluster dump complete")
            }
        }
        Ok(())
    })
    .map_err(broken)?;
    match (refused, end, complete) {
        (Some(what), ..) => Err(Unusable::Refused(what)),
        (None, End::Whole, true) => Ok(statements),
        _ => {
            Err(Unusable::Broken("it ends before '-- PostgreSQL database cluster dump complete'".to_owned()))
        }
    }
}

impl Globals {
    /// Judges the statements. `superuser` is the copy's own, which is there already.
    pub(crate) fn judge(statements: &[String], superuser: &str) -> Self {
        let mut globals = Self::default();
        for statement in statements {
            globals.statement(statement, superuser);
        }
        globals
    }

    fn leave_out(&mut self, what: &'static str) {
        *self.left_out.entry(what).or_default() += 1;
    }

    fn statement(&mut self, statement: &str, superuser: &str) {
        match script::rule(statement.as_bytes()) {
            Rule::Global => {}
            Rule::LeaveOut(what) => return self.leave_out(what),
            // Settings of the session that pg_dumpall begins with.
            Rule::Run
                if script::tokens(statement.as_bytes()).first().is_some_and(|token| token.is("set")) =>
            {
                return;
            }
            Rule::Run | Rule::CreateDatabase | Rule::Refuse(_) => {
                return self.leave_out("statements of other kinds");
            }
        }
        let words = placed(statement.as_bytes());
        let is = |index: usize, wanted: &str| words.get(index).is_some_and(|word| word.token.is(wanted));
        if is(0, "grant") || is(0, "revoke") || is(0, "comment") {
            return self.statements.push(statement.to_owned());
        }
        if !(is(0, "create") || is(0, "alter")) {
            return self.leave_out("statements of other kinds");
        }
        let Some(name) = words.get(2).and_then(|word| word.token.name()) else { return };
        if name == superuser {
            return self.leave_out("what concerns the copy's own superuser");
        }
        if is(0, "create") {
            self.roles.insert(name.to_owned());
        }
        if is(3, "in") {
            return self.leave_out("settings of a role in one database");
        }
        if is(3, "set") || is(3, "reset") {
            let setting = words.get(4).and_then(|word| word.token.name()).unwrap_or_default();
            match script::loads_code(setting) {
                true => self.leave_out("settings that load libraries"),
                false => self.statements.push(statement.to_owned()),
            }
            return;
        }
        self.role(statement, &words);
    }

    /// CREATE ROLE and ALTER ROLE with their options, of which passwords and login are taken out.
    fn role(&mut self, statement: &str, words: &[Placed]) {
        let mut text = String::new();
        let mut kept_to = 0;
        let mut cut = |range: std::ops::Range<usize>, instead: &str| {
            text.push_str(statement.get(kept_to..range.start).unwrap_or_default());
            text.push_str(instead);
            kept_to = range.end;
        };
        cut(words[1].range.clone(), "ROLE");
        let (mut passwords, mut logins) = (0, 0);
        let mut index = 3;
        while let Some(word) = words.get(index) {
            let next = words.get(index + 1);
            match &word.token {
                Token::Word(option) if option == "encrypted" || option == "unencrypted" => {
                    cut(word.range.clone(), "");
                }
                Token::Word(option) if option == "password" => {
                    let end = next.map_or(word.range.end, |value| value.range.end);
                    cut(word.range.start..end, "");
                    passwords += 1;
                    index += 1;
                }
                Token::Word(option) if option == "login" || option == "nologin" => {
                    logins += u64::from(option == "login");
                    cut(word.range.clone(), "");
                }
                Token::Sign(b';') => cut(word.range.clone(), ""),
                _ => {}
            }
            index += 1;
        }
        text.push_str(statement.get(kept_to..).unwrap_or_default());
        self.statements.push(format!("{} NOLOGIN;", text.trim_end()));
        for (count, what) in [(passwords, "passwords"), (logins, "the right to log in")] {
            if count > 0 {
                *self.left_out.entry(what).or_default() += count;
            }
        }
    }

    /// What was left out, for people.
    pub(crate) fn said(&self) -> String {
        said(&self.left_out)
    }
}

/// `2 passwords, 1 tablespaces`.
pub(crate) fn said(left_out: &BTreeMap<&'static str, u64>) -> String {
    let parts: Vec<_> = left_out.iter().map(|(what, count)| format!("{what} ({count})")).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(statements: &[&str]) -> Globals {
        let statements: Vec<_> = statements.iter().map(|text| (*text).to_owned()).collect();
        Globals::judge(&statements, "postgres")
    }

    #[test]
    fn passwords_and_login_are_taken_out() {
        for (statement, kept) in [
            (
                "ALTER ROLE app WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:secret' VALID UNTIL '2030-01-01';",
                "ALTER ROLE app WITH NOSUPERUSER INHERIT   VALID UNTIL '2030-01-01' NOLOGIN;",
            ),
            ("CREATE USER app ENCRYPTED PASSWORD E'se\\'cret';", "CREATE ROLE app NOLOGIN;"),
            ("CREATE ROLE login;", "CREATE ROLE login NOLOGIN;"),
            ("CREATE ROLE \"a;PASSWORD 'x'\" LOGIN;", "CREATE ROLE \"a;PASSWORD 'x'\" NOLOGIN;"),
            ("ALTER ROLE x WITH PASSWORD NULL;", "ALTER ROLE x WITH NOLOGIN;"),
        ] {
            let globals = judged(&[statement]);
            let squeezed: Vec<_> = globals
                .statements
                .iter()
                .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(squeezed, [kept.split_whitespace().collect::<Vec<_>>().join(" ")], "{statement}");
        }
    }

    #[test]
    fn what_reaches_beyond_a_database_is_left_out_and_counted() {
        let globals = judged(&[
            "CREATE ROLE postgres;",
            "ALTER ROLE postgres WITH SUPERUSER LOGIN PASSWORD 'x';",
            "CREATE ROLE app;",
            "ALTER ROLE app SET session_preload_libraries TO 'evil';",
            "ALTER ROLE app IN DATABASE shop SET search_path TO 'x';",
            "ALTER ROLE app SET search_path TO 'x';",
            "CREATE TABLESPACE fast OWNER app LOCATION '/srv/fast';",
            "ALTER SYSTEM SET archive_command = 'cp %p /srv';",
            "DROP ROLE app;",
            "GRANT reader TO app GRANTED BY postgres;",
            "CREATE TABLE x (a int);",
            "DO $$ BEGIN END $$;",
        ]);
        assert_eq!(globals.roles.iter().collect::<Vec<_>>(), ["app"]);
        let kept: Vec<_> = globals.statements.iter().map(String::as_str).collect();
        assert_eq!(
            kept,
            [
                "CREATE ROLE app NOLOGIN;",
                "ALTER ROLE app SET search_path TO 'x';",
                "GRANT reader TO app GRANTED BY postgres;"
            ]
        );
        let said = globals.said();
        for what in [
            "tablespaces (1)",
            "ALTER SYSTEM (1)",
            "settings that load libraries (1)",
            "statements of other kinds (2)",
        ] {
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn a_cut_or_hostile_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("globals.sql");
        let whole = "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE app;\n\n--\n-- PostgreSQL database cluster dump complete\n--\n";
        let read_text = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        assert_eq!(read_text(whole).unwrap().len(), 1);
        assert!(matches!(read_text(&whole[..70]), Err(Unusable::Broken(_))));
        for line in ["\\! id", "\\connect shop", "\\i x", "CREATE ROLE b \\gexec"] {
            let hostile = whole.replace("CREATE ROLE app;", &format!("CREATE ROLE app;\n{line}\n"));
            assert!(matches!(read_text(&hostile), Err(Unusable::Refused(_))), "{line}");
        }
    }
}
