//! The library and the command, as their users meet them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod artefact_rules;
mod fixture;
mod formats;
mod merging;
mod nasty;
mod rendering;
mod running;
mod tracker_command;
mod verification;
