//! Ways of taking and restoring a backup, one a file.

pub(crate) mod base_backup;
pub(crate) mod compression;
pub(crate) mod detect;
pub(crate) mod dump;
pub(crate) mod dump_file;
pub(crate) mod globals;
pub(crate) mod physical;
pub(crate) mod restore_errors;
pub(crate) mod script;
pub(crate) mod wal_archive;
