//! Ways of taking and restoring a backup, one a file.

pub(crate) mod dump;
