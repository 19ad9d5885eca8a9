//! What is drawn and counted from the certificates that were seen. Pure, but for the ledger's file.

pub mod calendar;
pub mod exporters;
mod ledger;
mod one;
mod packed;
mod seen;
mod sightings;
pub mod timeline;
mod waiting;

pub use one::One;
pub use packed::{Keeping, Places};
pub use seen::Seen;
pub use sightings::Sightings;
