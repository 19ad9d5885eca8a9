//! Ways of taking and restoring a backup, one a file.

pub(crate) mod base_backup;
pub(crate) mod dump;
pub(crate) mod physical;
pub(crate) mod wal_archive;
