//! The evidence file: markdown that people read, re-derived from a sealed record inside the same file.
//!
//! * [`render_v1`]: record → the managed region. A pure function.
//! * [`seal`]: SHA-256 over the RFC 8785 form of the parsed record.
//! * [`read`]: text → record, seal, notes; duplicate and unknown keys refused.
//! * [`verify`]: renders again and compares text; every alteration is told by name and line.
//! * `normalise`: what a formatter may change without touching the meaning.
//! * [`notes`]: people's own words after the managed region, kept on regeneration.
//!
//! No markdown parser takes part: comparing parsed markdown lets an extra table cell or an entity-coded
//! verdict through.

mod escape;
mod normalise;
pub mod notes;
mod read;
mod render_v1;
mod seal;
mod strict_json;
mod verify;

#[cfg(feature = "command")]
pub(crate) use read::behind_managed;
pub use read::{Document, END_MARKER, FENCE_TAG, ReadError, SIGNATURE_TAG, Signature, read, read_json};
pub use render_v1::{render_signed_v1, render_v1};
pub(crate) use render_v1::{summary, tally, with_unit};
pub(crate) use seal::hex;
pub use seal::seal;
pub use verify::{Alteration, Kind, Verification, verify};
