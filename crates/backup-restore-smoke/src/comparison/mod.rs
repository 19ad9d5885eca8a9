//! Whether two databases are the same. Pure: it knows nothing of how they were read.
//!
//! [`compare`] is all that a rehearsal needs; each concept has its own check, so that a difference is named.

#[cfg(test)]
pub(crate) mod cases;
mod content;
mod objects;
mod sequences;

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::Finding;

pub(crate) use self::content::left_out;
use self::{
    content::{compare_content, unlogged_left_out},
    objects::compare_objects,
    sequences::{compare_recovered_sequences, compare_sequences},
};
use crate::checks::{RESTORE_CONTENT, RESTORE_SCHEMA};
// The rest of the crate knows these names from here.
pub(crate) use crate::fingerprint::{Fingerprint, TableName};

/// So many differences of one kind are named; of the rest, how many there are.
const MOST_NAMED: usize = 50;

/// What a backup is expected to bring back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// What `pg_dump` carries: not the cluster's roles, nor the properties of the database itself.
    Dump,
    /// All that a physical backup carries, which is everything but the rows of unlogged tables.
    Everything,
}

/// Compares what was found with what was expected. One finding a difference; for each concept without any,
/// one that passed.
pub(crate) fn compare(expected: &Fingerprint, found: &Fingerprint, carried: Carried) -> Vec<Finding> {
    let mut findings = compare_content(expected, found, carried);
    findings.extend(unlogged_left_out(expected, carried));
    findings.extend(compare_sequences(expected, found));
    findings.extend(compare_objects(expected, found, carried));
    name_other_order(&mut findings);
    findings
}

/// Digests are made of the columns in their order: where that is another, they say nothing of the rows.
fn name_other_order(findings: &mut [Finding]) {
    let is_of_order = |finding: &&Finding| {
        finding.check.id == RESTORE_SCHEMA.id && finding.observed.contains(ORDER_OF_COLUMNS)
    };
    let reordered: BTreeSet<_> =
        findings.iter().filter(is_of_order).map(|finding| finding.subject.clone()).collect();
    let contents = findings.iter_mut().filter(|finding| finding.check.id == RESTORE_CONTENT.id);
    for finding in contents.filter(|finding| reordered.contains(&format!("table {}", finding.subject))) {
        finding.observed.push_str(
            " (its columns stand in another order, and digests are made in that order: of the rows they say nothing)",
        );
    }
}

/// The aspect of a table that its columns stand in (`fingerprint/objects/schema.sql`).
const ORDER_OF_COLUMNS: &str = "order of columns:";

/// Compares what a physical backup brought back by recovery. `steps` are the increments of the sequences, which
/// the write-ahead log carries ahead of time.
pub(crate) fn compare_recovered(
    expected: &Fingerprint,
    found: &Fingerprint,
    steps: &BTreeMap<TableName, i64>,
) -> Vec<Finding> {
    let mut findings = compare_content(expected, found, Carried::Everything);
    findings.extend(unlogged_left_out(expected, Carried::Everything));
    findings.extend(compare_recovered_sequences(expected, found, steps));
    findings.extend(compare_objects(expected, found, Carried::Everything));
    findings
}
