//! Whether the sequences stand where they stood. Pure.

use std::collections::BTreeMap;

use evidence_report::record::{Finding, Requirement};

use super::MOST_NAMED;
use crate::{
    checks::RESTORE_SEQUENCES,
    fingerprint::{Fingerprint, Readings, SequenceState, TableName},
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
    name_the_rest(&mut findings);
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

/// So many values ahead of what was handed out PostgreSQL writes to its log (`SEQ_LOG_VALS`): a recovered
/// sequence may have left out so many, and never repeats one.
const LOGGED_AHEAD: i128 = 32;

/// Compares the sequences of a *recovered* copy: each must stand where it stood, or ahead by no more than was
/// written to the log ahead of time. `steps` are the increments; one that begins anew at its end is not
/// among them, and is not judged.
pub(super) fn compare_recovered_sequences(
    expected: &Fingerprint,
    found: &Fingerprint,
    steps: &BTreeMap<TableName, i64>,
) -> Vec<Finding> {
    let database = expected.taken.database.as_str();
    if expected.sequences.is_empty() {
        return vec![RESTORE_SEQUENCES.not_checked(Requirement::Optional, database, "there is no sequence")];
    }
    let mut judged = 0_u64;
    let mut findings: Vec<_> = expected
        .sequences
        .iter()
        .filter_map(|(name, wanted)| {
            let failed = |observed: String| {
                let expected = format!("{}, or up to {LOGGED_AHEAD} values ahead", said(*wanted));
                Some(RESTORE_SEQUENCES.failed(name.to_string()).expected(expected).observed(observed))
            };
            let Some(found) = found.sequences.get(name) else {
                return failed("the sequence is missing".to_owned());
            };
            let step = *steps.get(name)?;
            judged += 1;
            if is_recovered(*wanted, found.before, step) { None } else { failed(said(*found)) }
        })
        .collect();
    if findings.is_empty() {
        let passed = RESTORE_SEQUENCES.passed(database).expected("no sequence behind where it stood");
        return vec![passed.observed(format!("{}: all so", counted(judged, "sequence")))];
    }
    name_the_rest(&mut findings);
    findings
}

/// Whether a sequence that recovery left here may have stood so; measured along its own direction.
fn is_recovered(wanted: Readings, found: SequenceState, step: i64) -> bool {
    let Readings { before, after } = wanted;
    let step = i128::from(step);
    let along = |state: SequenceState| i128::from(state.value) * step.signum();
    let is_behind =
        along(found) < along(before) || (found.value == before.value && before.called && !found.called);
    !is_behind && along(found) <= along(after) + LOGGED_AHEAD * step.abs()
}

/// So many are named; of the rest, how many there are.
fn name_the_rest(findings: &mut Vec<Finding>) {
    let more = findings.len().saturating_sub(MOST_NAMED);
    findings.truncate(MOST_NAMED);
    if more > 0 {
        findings.push(RESTORE_SEQUENCES.failed("other sequences").observed(format!("{more} more differ")));
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
    use crate::comparison::cases::fingerprint;

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

    #[test]
    fn a_recovered_sequence_may_be_ahead_a_little_and_never_behind() {
        let stood = SequenceState { value: 10, called: true };
        let stood = Readings { before: stood, after: stood };
        for (step, value, called, wanted) in [
            (1, 10, true, true),
            (1, 42, true, true),
            (1, 43, true, false),
            (1, 9, true, false),
            (1, 10, false, false),
            (-1, 9, true, true),
            (-1, 11, true, false),
            (5, 170, true, true),
            (5, 171, true, false),
        ] {
            assert_eq!(is_recovered(stood, SequenceState { value, called }, step), wanted, "{step} {value}");
        }
    }
}
