//! Whether the bytes of a backup are what they were: manifests, page checksums, the structure of heaps and
//! indexes, and a write-ahead log without gaps. None of it says whether the *content* is right.

mod amcheck;
mod checksums;
mod files;
mod manifest;
mod tablespace_records;
mod wal;

pub(crate) use amcheck::amcheck;
pub(crate) use checksums::checksums;
pub(crate) use files::{Lengths, broken, damage, enter, files};
pub(crate) use manifest::{Manifest, verify_backup};
pub(crate) use tablespace_records::refuse_new_tablespaces;
pub(crate) use wal::{Needed, Shelf};

use crate::{connection::Resolved, scratch::Cluster};

/// What a copy says of its databases (`ALTER DATABASE … SET`) is meant for applications: it must neither cut a look at a
/// large index short nor forbid to install an extension.
const UNHURRIED: &str = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off";

/// The superuser's connection to a database of the copy, without its limits.
fn unhurried(copy: &Cluster, database: &str) -> Resolved {
    let target = copy.connection(database, copy.superuser()).with_more_options(UNHURRIED);
    if copy.major() >= 17 { target.with_more_options("-c transaction_timeout=0") } else { target }
}
