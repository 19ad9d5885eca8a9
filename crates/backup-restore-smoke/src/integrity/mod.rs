//! Whether the bytes of a backup are what they were: manifests, page checksums, the structure of heaps and
//! indexes, and a write-ahead log without gaps. None of it says whether the *content* is right.

mod amcheck;
mod checksums;
mod manifest;
mod tablespace_records;
mod wal;

pub(crate) use amcheck::amcheck;
pub(crate) use checksums::checksums;
pub(crate) use manifest::{Manifest, verify_backup};
pub(crate) use tablespace_records::refuse_new_tablespaces;
pub(crate) use wal::{Needed, Shelf};
