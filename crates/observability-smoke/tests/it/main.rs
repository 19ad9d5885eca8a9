//! The command as its user meets it, against real servers.

mod drill;
