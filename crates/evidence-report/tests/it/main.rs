//! The library and the command, as their users meet them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod capture;
mod corpus;
mod drilling;
mod fixture;
mod formats;
mod gfm;
mod importing;
mod merging;
mod nasty;
mod place;
mod readers;
mod rendering;
mod running;
mod tracker_command;
mod verification;
