//! What an inspection of a dump brought to light, before anything of it is restored.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    comparison::TableName,
    engines::{compression::Compression, script::Named},
};

/// A version, as PostgreSQL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// For example `15.18`.
    pub(crate) text: String,
    /// For example 15.
    pub(crate) major: u32,
}

impl Version {
    /// Reads `15.18 (Debian …)`, `17beta1`, `9.6.24`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?;
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { text: text.to_owned(), major: digits.parse().ok()? })
    }
}

/// Something that a whole dump would not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where: a table, a file, the end.
    pub(crate) subject: String,
    /// What a whole dump has there.
    pub(crate) expected: String,
    /// What is there.
    pub(crate) observed: String,
}

/// One database in a dump.
#[derive(Debug, Clone, Default)]
pub(crate) struct DumpedDatabase {
    /// Which part of a script it is: the databases that psql would be connected to, counted from 0.
    pub(crate) segment: usize,
    /// Its name; a plain dump without `--create` does not tell it.
    pub(crate) name: Option<String>,
    /// The statement that makes it.
    pub(crate) create: Option<String>,
    /// The encoding that the script is written in.
    pub(crate) encoding: Option<String>,
    /// Roles and extensions that it names.
    pub(crate) named: Named,
    /// Rows of each table, as the dump holds them.
    pub(crate) rows: BTreeMap<TableName, u64>,
    /// Tables whose rows are not COPY data of their own, and so are not counted.
    pub(crate) uncounted: u64,
    /// Large objects.
    pub(crate) large_objects: u64,
}

/// What is known of a dump.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inspection {
    /// The server that was dumped.
    pub(crate) server: Option<Version>,
    /// The pg_dump that dumped it.
    pub(crate) dumper: Option<Version>,
    /// The databases.
    pub(crate) databases: Vec<DumpedDatabase>,
    /// Statements about the whole server (of pg_dumpall).
    pub(crate) globals: Vec<String>,
    /// Bytes, uncompressed.
    pub(crate) bytes: u64,
    /// By what the data inside is compressed.
    pub(crate) inner: Option<Compression>,
    /// What is wrong with it. Empty: it is whole.
    pub(crate) problems: Vec<Problem>,
    /// Why nothing of it will be run, whole or not.
    pub(crate) refused: Vec<String>,
    /// What of a script is left out, and how often.
    pub(crate) left_out: BTreeMap<&'static str, u64>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Inspection {
    /// Notes that something is wrong.
    pub(super) fn problem(
        &mut self,
        subject: impl Into<String>,
        expected: &str,
        observed: impl Into<String>,
    ) {
        let (subject, expected, observed) = (subject.into(), expected.to_owned(), observed.into());
        self.problems.push(Problem { subject, expected, observed });
    }

    /// The programs must be of this major version at least.
    pub(crate) fn needed_major(&self) -> Option<u32> {
        self.server.iter().chain(&self.dumper).map(|version| version.major).max()
    }

    /// How many tables and rows were counted.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let all = self.databases.iter().flat_map(|database| database.rows.values());
        all.fold((0, 0), |(tables, rows), more| (tables + 1, rows + more))
    }
}

/// What went wrong with reading, in words.
pub(super) fn said(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it ends in the middle".to_owned(),
        _ => error.to_string(),
    }
}
