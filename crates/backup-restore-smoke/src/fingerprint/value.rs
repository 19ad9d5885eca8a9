//! What a fingerprint is: a value that says what one database contained at one moment. Pure: how it is read
//! from a server, and how it is kept in a file, is told elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{aspects::Aspects, buckets::Buckets, names::TableName};

/// A fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Of what, and when.
    pub(crate) taken: Taken,
    /// Every table and partition whose rows belong to the database, large objects as one of them.
    pub(crate) tables: Content,
    /// What has rows of which nobody expects that they come back alike.
    pub(crate) apart: BTreeMap<TableName, Apart>,
    /// Tables whose rows no write-ahead log carries: they stand among the tables, too.
    pub(crate) unlogged: BTreeSet<TableName>,
    /// Where the sequences stood.
    pub(crate) sequences: BTreeMap<TableName, Readings>,
    /// Everything that has no rows, by what it is about.
    pub(crate) objects: BTreeMap<Section, Objects>,
    /// Digests of parts of the tables, where they were asked for.
    pub(crate) buckets: TableBuckets,
}

/// Of what and when a fingerprint was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taken {
    /// The database's name.
    pub(crate) database: String,
    /// As `server_version` says it.
    pub(crate) server_version: String,
    /// The major version.
    pub(crate) major: u32,
    /// The cluster's system identifier, where the role could see it.
    pub(crate) system_identifier: Option<String>,
    /// The database's encoding, which the digests are made in.
    pub(crate) encoding: String,
    /// The server's time at the snapshot, UTC, RFC 3339.
    pub(crate) at: String,
}

/// What a table contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableContent {
    /// How many rows.
    pub(crate) rows: u64,
    /// The sum of the rows' hashes, a decimal number.
    pub(crate) digest: String,
}

/// What a database contains.
pub(crate) type Content = BTreeMap<TableName, TableContent>;

/// Parts of the tables.
pub(crate) type TableBuckets = BTreeMap<TableName, Buckets>;

/// Why a relation stands apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Apart {
    /// Computed anew by a restore.
    MaterialisedView,
    /// Its rows live on another server.
    Foreign,
    /// Belongs to an extension, which decides what of it is dumped.
    OfExtension,
    /// Unlogged, on a standby, where it cannot be read.
    UnloggedOnStandby,
}

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SequenceState {
    pub(crate) value: i64,
    /// Whether the value has been handed out.
    pub(crate) called: bool,
}

impl fmt::Display for SequenceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, if self.called { "" } else { " (not handed out yet)" })
    }
}

/// A sequence belongs to no snapshot: it is read before the others and after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readings {
    pub(crate) before: SequenceState,
    pub(crate) after: SequenceState,
}

/// What an object without rows is about; each is compared under its own check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Section {
    /// Schemas, tables and their columns, views, functions, triggers, types and all other definitions.
    Schema,
    /// Constraints, and whether they have been proven for all rows.
    Constraints,
    /// Indexes, and whether they are valid.
    Indexes,
    /// Row security and its policies.
    RowSecurity,
    /// Owners, grants, default privileges.
    Grants,
    /// Comments.
    Comments,
    /// Extensions and their versions.
    Extensions,
    /// Encoding, locale, versions of collations.
    Collations,
    /// Roles, memberships, and the properties of the database that only `pg_dump --create` carries.
    Cluster,
}

/// Objects by their names, such as `table shop.orders`, with what is said of each.
pub(crate) type Objects = BTreeMap<Box<str>, Aspects>;

impl Fingerprint {
    /// Adds the second reading of the sequences; one that is gone by now is nothing to hold a copy against.
    pub(crate) fn read_again(&mut self, after: &BTreeMap<TableName, SequenceState>) {
        self.sequences.retain(|name, _| after.contains_key(name));
        for (name, readings) in &mut self.sequences {
            if let Some(state) = after.get(name) {
                readings.after = *state;
            }
        }
    }

    /// How many rows all tables have.
    pub(crate) fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}
