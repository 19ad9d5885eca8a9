//! Ways of taking and restoring a backup, one a file.

mod aside;
mod barman;
pub(crate) mod base_backup;
mod branches;
pub(crate) mod command;
pub(crate) mod compression;
pub(crate) mod detect;
pub(crate) mod dump;
pub(crate) mod dump_file;
mod foreign;
pub(crate) mod globals;
pub(crate) mod incident;
mod ini;
pub(crate) mod own_command;
mod passed;
pub(crate) mod pgbackrest;
pub(crate) mod physical;
pub(crate) mod restore_errors;
pub(crate) mod script;
mod segments;
pub(crate) mod wal_archive;
pub(crate) mod whereabouts;
