//! What is drawn and counted from the certificates that were seen. Pure.

pub mod calendar;
pub mod exporters;
mod packed;
mod seen;
pub mod timeline;
mod waiting;

pub use seen::{Keeping, One, Seen};
