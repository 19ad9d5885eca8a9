//! The checks of the drill.

use evidence_report::record::Check;

/// The drill's part of the table of checks.
pub const ALL: &[&Check] = &[];
