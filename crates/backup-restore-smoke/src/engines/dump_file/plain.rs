//! Plain SQL of pg_dump and pg_dumpall: looked through before anything of it runs, and handed to psql without what
//! must not run here.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufReader, Read, Write},
};

use super::inspection::{DumpedDatabase, Inspection, Version, said};
use crate::{
    comparison::TableName,
    engines::script::{self, End, Meta, Piece, Rule, copy_target},
};

/// What a script looks like at its beginning and at its end.
const DUMP: &str = "PostgreSQL database dump";
const CLUSTER: &str = "PostgreSQL database cluster dump";

/// So many bytes of globals are taken, at most.
const GLOBALS_MAX: usize = 16 << 20;

/// Whether a text begins as such a script.
pub(crate) fn is_script(beginning: &str) -> bool {
    let first = beginning.trim_start_matches('\u{feff}').lines().take(8);
    first.filter_map(|line| line.strip_prefix("-- ")).any(|line| line == DUMP || line == CLUSTER)
}

/// Looks through a script.
pub(super) fn inspect(reader: impl Read, seen: &mut Inspection) {
    let mut look = Look::default();
    let end = script::read(BufReader::with_capacity(128 << 10, reader), &mut |piece| {
        look.piece(piece, seen);
        Ok(())
    });
    look.finish(end, seen);
}

/// The state of the look.
#[derive(Default)]
struct Look {
    segments: Vec<(DumpedDatabase, bool)>,
    creates: BTreeMap<String, String>,
    /// The table whose rows are read.
    table: Option<(TableName, u64)>,
    inserted: BTreeSet<TableName>,
    dumps: u32,
    dumps_complete: u32,
    cluster: bool,
    cluster_complete: bool,
    globals_bytes: usize,
    long: Option<Rule>,
}

impl Look {
    fn database(&mut self) -> &mut DumpedDatabase {
        if self.segments.is_empty() {
            self.segments.push((DumpedDatabase::default(), false));
        }
        let last = self.segments.len() - 1;
        &mut self.segments[last].0
    }

    fn piece(&mut self, piece: Piece<'_>, seen: &mut Inspection) {
        match piece {
            Piece::Comment(line) => self.comment(&String::from_utf8_lossy(line), seen),
            Piece::Statement { bytes, begins, ends } => {
                seen.bytes += bytes.len() as u64;
                if begins {
                    let rule = self.statement(bytes, seen);
                    self.long = (!ends).then_some(rule);
                }
            }
            Piece::Data { bytes, line_ends } => {
                seen.bytes += bytes.len() as u64;
                if let Some((_, rows)) = &mut self.table {
                    *rows += u64::from(line_ends);
                }
            }
            Piece::EndOfData(_) => {
                if let Some((table, rows)) = self.table.take() {
                    *self.database().rows.entry(table).or_default() += rows;
                }
            }
            Piece::Meta { line, in_statement } => match script::meta(line, in_statement) {
                Meta::Frame => {}
                Meta::Connect(name) => {
                    let create = self.creates.remove(&name);
                    self.database();
                    let database = DumpedDatabase { name: Some(name), create, ..DumpedDatabase::default() };
                    self.segments.push((database, false));
                }
                Meta::Refuse(what) => refuse(what, seen),
            },
        }
    }

    fn comment(&mut self, line: &str, seen: &mut Inspection) {
        let Some(text) = line.trim_end().strip_prefix("-- ") else { return };
        if let Some(version) = text.strip_prefix("Dumped from database version ") {
            seen.server = Version::read(version).or(seen.server.take());
        } else if let Some(version) = text.strip_prefix("Dumped by pg_dump version ") {
            seen.dumper = Version::read(version).or(seen.dumper.take());
        }
        match text {
            DUMP => self.dumps += 1,
            CLUSTER => self.cluster = true,
            _ if text.strip_suffix(" complete") == Some(DUMP) => self.dumps_complete += 1,
            _ if text.strip_suffix(" complete") == Some(CLUSTER) => self.cluster_complete = true,
            _ => {}
        }
    }

    fn statement(&mut self, bytes: &[u8], seen: &mut Inspection) -> Rule {
        // Dumps of INSERT statements have millions of them, and one rule for all.
        if is_insert(bytes) {
            self.used();
            if let [_, _, schema, script::Token::Sign(b'.'), table, ..] =
                script::tokens(&bytes[..bytes.len().min(300)]).as_slice()
                && let (Some(schema), Some(table)) = (schema.name(), table.name())
                && self.inserted.insert(TableName { schema: schema.to_owned(), name: table.to_owned() })
            {
                self.database().uncounted += 1;
            }
            return Rule::Run;
        }
        let rule = script::rule(bytes);
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match &rule {
            Rule::Run => self.run(bytes),
            Rule::LeaveOut(what) => *seen.left_out.entry(what).or_default() += 1,
            Rule::Global => {
                self.globals_bytes += bytes.len();
                if self.globals_bytes > GLOBALS_MAX {
                    refuse("more than 16 MiB of statements about roles".to_owned(), seen);
                } else {
                    seen.globals.push(text());
                }
            }
            Rule::CreateDatabase => {
                if let Some(name) = script::tokens(bytes).get(2).and_then(script::Token::name) {
                    self.creates.insert(name.to_owned(), text());
                }
            }
            Rule::Refuse(what) => refuse(what.clone(), seen),
        }
        rule
    }

    fn run(&mut self, bytes: &[u8]) {
        let words = script::tokens(&bytes[..bytes.len().min(4096)]);
        let is = |index: usize, wanted: &str| words.get(index).is_some_and(|token| token.is(wanted));
        if is(0, "set") && is(1, "client_encoding") {
            let encoding = words.iter().find_map(|token| match token {
                script::Token::Text(text) => Some(text.clone()),
                _ => None,
            });
            self.database().encoding = encoding;
        }
        let about_database = is(1, "database") || (is(0, "comment") && is(2, "database"));
        if !(is(0, "set") || is(0, "select") || about_database) {
            self.used();
        }
        if is(0, "copy")
            && let Some(table) = copy_target(bytes)
        {
            self.table = Some((table, 0));
        }
        self.database().named.statement(bytes);
    }

    /// The segment makes or fills something.
    fn used(&mut self) {
        self.database();
        if let Some((_, used)) = self.segments.last_mut() {
            *used = true;
        }
    }

    fn finish(mut self, end: io::Result<End>, seen: &mut Inspection) {
        let whole = "a script that goes on to its last line";
        match end {
            Ok(End::Whole) => {}
            Ok(End::InStatement) => seen.problem("script", whole, "it ends in the middle of a statement"),
            Ok(End::InData) => {
                let table = self.table.as_ref().map(|(table, _)| table.to_string());
                let subject = table.unwrap_or_else(|| "script".to_owned());
                seen.problem(
                    subject,
                    "COPY data that ends with a line '\\.'",
                    "the script ends within the rows",
                );
            }
            Err(error) => seen.problem("script", whole, said(&error)),
        }
        let complete = |what: &str| format!("the line '-- {what} complete'");
        if self.dumps_complete < self.dumps.max(u32::from(!self.cluster)) {
            let observed = format!("{} of {}", self.dumps_complete, self.dumps.max(1));
            seen.problem("end of the dump", &complete(DUMP), observed);
        }
        if self.cluster && !self.cluster_complete {
            seen.problem("end of the dump", &complete(CLUSTER), "it is missing");
        }
        seen.databases = self
            .segments
            .drain(..)
            .enumerate()
            .filter(|(_, (_, used))| *used)
            .map(|(segment, (database, _))| DumpedDatabase { segment, ..database })
            .collect();
    }
}

fn refuse(what: String, seen: &mut Inspection) {
    if seen.refused.len() < 20 && !seen.refused.contains(&what) {
        seen.refused.push(what);
    }
}

fn is_insert(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    bytes[start..].starts_with(b"INSERT INTO ")
}

/// Writes what psql is to run of one database of the script. psql is first told to take no command but the one
/// that ends this (`\restrict`), so that a reader that takes a line for data where psql does not can do no harm.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn feed(reader: impl Read, segment: usize, key: &str, mut to: impl Write) -> io::Result<()> {
    writeln!(to, "\\restrict {key}")?;
    let mut at = 0;
    let mut runs = false;
    script::read(BufReader::with_capacity(128 << 10, reader), &mut |piece| {
        match piece {
            Piece::Meta { line, in_statement } => {
                if matches!(script::meta(line, in_statement), Meta::Connect(_)) {
                    at += 1;
                }
            }
            Piece::Statement { bytes, begins, ends } if at == segment => {
                if begins {
                    runs = is_insert(bytes) || script::rule(bytes) == Rule::Run;
                }
                if runs {
                    to.write_all(bytes)?;
                }
                // Whatever follows stands on a line of its own, as data must.
                if runs && ends {
                    to.write_all(b"\n")?;
                }
            }
            Piece::Data { bytes, .. } | Piece::EndOfData(bytes) if at == segment && runs => {
                to.write_all(bytes)?
            }
            _ => {}
        }
        Ok(())
    })?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version 15.18 (Debian)\n\
        SET client_encoding = 'UTF8';\nCREATE TABLE public.t (a int);\nALTER TABLE public.t OWNER TO shop;\n\
        COPY public.t (a) FROM stdin;\n1\n2\n\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n";

    fn seen(script: &str) -> Inspection {
        let mut seen = Inspection::default();
        inspect(script.as_bytes(), &mut seen);
        seen
    }

    #[test]
    fn a_whole_script_is_whole_and_its_rows_are_counted() {
        let seen = seen(SCRIPT);
        assert!(seen.problems.is_empty() && seen.refused.is_empty(), "{seen:?}");
        assert_eq!(seen.server.as_ref().unwrap().major, 15);
        assert_eq!(seen.databases[0].rows.values().copied().collect::<Vec<_>>(), [2]);
        assert!(seen.databases[0].named.roles.contains_key("shop"));
    }

    #[test]
    fn wherever_a_script_is_cut_it_is_not_whole() {
        let last = SCRIPT.find("complete").unwrap() + "complete".len();
        for at in 1..last {
            assert!(!seen(&SCRIPT[..at]).problems.is_empty(), "cut at {at}: {}", &SCRIPT[..at]);
        }
        assert!(seen(&SCRIPT[..last]).problems.is_empty());
    }

    #[test]
    fn a_hostile_command_is_refused_and_the_same_bytes_as_a_row_are_not() {
        for (line, refused) in [("\\! id", true), ("\\copy t to program 'id'", true), ("\\connect x y", true)]
            .into_iter()
            .chain([("SELECT 1 \\g |id", true), ("SELECT ( \\! id", true), ("SELECT 1 \\gexec", true)])
        {
            let hostile = SCRIPT.replace("SET client_encoding", &format!("{line}\nSET client_encoding"));
            assert_eq!(!seen(&hostile).refused.is_empty(), refused, "{line}");
            assert!(seen(&hostile).problems.is_empty(), "{line}: it is whole, and refused");
            let data = SCRIPT.replace("1\n2\n", &format!("1\n{line}\n"));
            assert!(seen(&data).refused.is_empty(), "{line}");
        }
    }

    #[test]
    fn psql_gets_a_statement_of_any_length_to_the_byte() {
        let rows = "x".repeat(3 << 20);
        let body = "it''s; -- $bod\n".repeat(200_000);
        for statement in [
            format!("INSERT INTO public.t VALUES (1, '{rows}');"),
            format!("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $body$\n{body}$body$;"),
        ] {
            let mut fed = Vec::new();
            let script = SCRIPT.replace("COPY public.t", &format!("{statement}\nCOPY public.t"));
            feed(script.as_bytes(), 0, "key", &mut fed).unwrap();
            let fed = String::from_utf8(fed).unwrap();
            assert!(fed.contains(&format!(";\n{statement}\nCOPY public.t")), "{}", &statement[..40]);
        }
    }

    #[test]
    fn psql_gets_one_database_without_what_must_not_run() {
        let script = SCRIPT.replace(
            "SET client_encoding",
            "CREATE DATABASE shop;\n\\connect shop\nSET default_tablespace = fast;\nSET client_encoding",
        );
        let mut fed = Vec::new();
        feed(script.as_bytes(), 1, "key", &mut fed).unwrap();
        let fed = String::from_utf8(fed).unwrap();
        assert!(fed.starts_with("\\restrict key\n"), "{fed}");
        assert!(fed.contains("FROM stdin;\n1\n2\n\\.\n"), "{fed}");
        assert!(!fed.contains("tablespace") && !fed.contains("\\connect") && !fed.contains("abc"), "{fed}");
        assert_eq!(seen(&script).databases[0].name.as_deref(), Some("shop"));
        assert_eq!(seen(&script).databases[0].create.as_deref(), Some("CREATE DATABASE shop;"));
    }
}
