//! Whether the sequences stand where they stood. Pure.

use evidence_report::record::{Finding, Requirement};

use super::MOST_NAMED;
use crate::{
    checks::RESTORE_SEQUENCES,
    fingerprint::{Fingerprint, Readings},
    wording::counted,
};

/// Compares the sequences: each of the copy must lie between the source's readings before and after the dump.
pub(super) fn compare_sequences(expected: &Fingerprint, found: &Fingerprint) -> Vec<Finding> {
    let database = expected.taken.database.as_str();
    let mut findings: Vec<_> = expected
        .sequences
        .iter()
        .filter_map(|(name, wanted)| {
            let observed = match found.sequences.get(name) {
                Some(found) if agree(*wanted, *found) => return None,
                Some(found) => said(*found),
                None => "the sequence is missing".to_owned(),
            };
            Some(RESTORE_SEQUENCES.failed(name.to_string()).expected(said(*wanted)).observed(observed))
        })
        .collect();
    let more = findings.len().saturating_sub(MOST_NAMED);
    findings.truncate(MOST_NAMED);
    if more > 0 {
        findings.push(RESTORE_SEQUENCES.failed("other sequences").observed(format!("{more} more differ")));
    }
    match (findings.is_empty(), expected.sequences.is_empty()) {
        (false, _) => findings,
        (true, true) => {
            vec![RESTORE_SEQUENCES.not_checked(Requirement::Optional, database, "there is no sequence")]
        }
        (true, false) => vec![
            RESTORE_SEQUENCES
                .passed(database)
                .expected("every sequence within its readings before and after the dump")
                .observed(format!("{}: all so", counted(expected.sequences.len() as u64, "sequence"))),
        ],
    }
}

fn said(readings: Readings) -> String {
    match readings.before == readings.after {
        true => readings.before.to_string(),
        false => format!("from {} to {}", readings.before, readings.after),
    }
}

/// Whether the two may be readings of one sequence: their spans meet.
fn agree(wanted: Readings, found: Readings) -> bool {
    if wanted.before == wanted.after && found.before == found.after {
        return wanted.before == found.before;
    }
    let span = |readings: Readings| {
        let (one, other) = (readings.before.value, readings.after.value);
        (one.min(other), one.max(other))
    };
    let ((wanted_low, wanted_high), (low, high)) = (span(wanted), span(found));
    wanted_low <= high && low <= wanted_high
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;
    use crate::{comparison::cases::fingerprint, fingerprint::SequenceState};

    #[test]
    fn a_sequence_lies_between_its_readings() {
        let at = |before: (i64, bool), after: (i64, bool)| {
            let state = |(value, called)| SequenceState { value, called };
            let mut made = fingerprint(&[]);
            let name = crate::comparison::cases::name("s");
            made.sequences.insert(name, Readings { before: state(before), after: state(after) });
            made
        };
        let outcome = |before, after, copy| compare_sequences(&at(before, after), &at(copy, copy))[0].outcome;
        assert_eq!(outcome((5, true), (9, true), (7, true)), Outcome::Passed);
        assert_eq!(outcome((-5, true), (-9, true), (-7, true)), Outcome::Passed);
        assert_eq!(outcome((5, true), (9, true), (4, true)), Outcome::Failed);
        assert_eq!(outcome((5, true), (9, true), (10, true)), Outcome::Failed);
        assert_eq!(outcome((1, true), (1, true), (1, false)), Outcome::Failed);
        let missing = compare_sequences(&at((1, true), (1, true)), &fingerprint(&[]));
        assert_eq!(missing[0].outcome, Outcome::Failed);
    }
}
