//! Ways of taking and restoring a backup, one a file.

pub(crate) mod dump;
pub(crate) mod own_command;
