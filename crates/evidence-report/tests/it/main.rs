//! The library and the command, as their users meet them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod accepting;
mod comparing;
mod corpus;
mod documented;
mod fixture;
mod formats;
mod golden;
mod histories;
mod merging;
mod nasty;
mod publishing;
mod rendering;
mod running;
mod signing;
mod tracker_command;
mod verification;
