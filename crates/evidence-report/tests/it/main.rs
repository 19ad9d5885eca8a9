//! The library and the command, as their users meet them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod accepting;
mod artefact_rules;
mod capture;
mod comparing;
mod corpus;
mod dashboard;
mod documented;
mod drilling;
mod fixture;
mod formats;
mod gfm;
mod golden;
mod guide;
mod histories;
mod honesty;
mod hostile_trackers;
mod imported_files;
mod importing;
mod launch;
mod merging;
mod nasty;
mod place;
mod policy;
mod publishing;
mod readers;
mod rendering;
mod running;
mod signing;
mod tracker_chain;
mod tracker_command;
mod tracker_shortfalls;
mod verification;
