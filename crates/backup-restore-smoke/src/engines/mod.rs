//! Ways of taking and restoring a backup, one a file.

mod barman;
pub(crate) mod base_backup;
pub(crate) mod command;
pub(crate) mod dump;
mod foreign;
pub(crate) mod incident;
mod ini;
pub(crate) mod own_command;
mod passed;
mod pgbackrest;
pub(crate) mod physical;
mod segments;
pub(crate) mod wal_archive;
