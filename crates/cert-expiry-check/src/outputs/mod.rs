//! What is drawn and counted from the certificates that were seen. Pure.

mod seen;
pub mod timeline;

pub use seen::{One, Seen};
