//! The product as a whole: the built programs, the sample repository, the scripts and the documentation, together.
//! It knows the programs by their command lines only.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod check_pages;
mod example_repository;
mod honesty;
mod outputs;
mod programs;
mod repository;
mod scheduling;
mod shards;
mod shims;
mod story;
mod trees;
