//! The library and the command, as their users meet them.

mod fixture;
mod formats;
mod rendering;
mod running;
mod tracker_command;
mod verification;
