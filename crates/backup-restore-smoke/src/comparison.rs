//! Whether two databases contain the same. Pure: it knows nothing of how they were read.

use std::{collections::BTreeMap, fmt};

use evidence_report::record::{Finding, Requirement};

use crate::{
    checks::{RESTORE_CONTENT, RESTORE_SEQUENCES},
    wording::counted,
};

/// The name of a table or sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl TableName {
    /// All large objects together.
    pub(crate) fn large_objects() -> Self {
        Self { schema: "pg_catalog".to_owned(), name: "pg_largeobject".to_owned() }
    }
}

impl fmt::Display for TableName {
    /// As one would type it: plain names bare, others quoted, control characters as escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::large_objects() {
            return f.write_str("large objects");
        }
        let shown = |name: &str| {
            let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let quoted = || format!("\"{}\"", visible(&name.replace('"', "\"\"")));
            if plain { name.to_owned() } else { quoted() }
        };
        write!(f, "{}.{}", shown(&self.schema), shown(&self.name))
    }
}

/// Control characters as escapes: a name must not break a line of the evidence.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

/// What a table contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableContent {
    /// How many rows.
    pub(crate) rows: u64,
    /// The sum of the rows' hashes, a decimal number.
    pub(crate) digest: String,
}

/// What a database contains.
pub(crate) type Content = BTreeMap<TableName, TableContent>;

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SequenceState {
    pub(crate) value: i64,
    /// Whether the value has been handed out.
    pub(crate) called: bool,
}

impl fmt::Display for SequenceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, if self.called { "" } else { " (not handed out yet)" })
    }
}

/// Compares the restored copy with the source. One finding a difference; without any, one that passed.
pub(crate) fn compare_content(database: &str, source: &Content, copy: &Content) -> Vec<Finding> {
    let mut findings: Vec<_> = source
        .iter()
        .filter_map(|(name, wanted)| {
            let expected = format!("{}, digest {}", counted(wanted.rows, "row"), wanted.digest);
            let observed = match copy.get(name) {
                None => format!("the table is missing, and with it {}", counted(wanted.rows, "row")),
                Some(found) if found == wanted => return None,
                Some(found) => difference(wanted, found),
            };
            Some(RESTORE_CONTENT.failed(name.to_string()).expected(expected).observed(observed))
        })
        .collect();
    findings.extend(copy.iter().filter(|(name, _)| !source.contains_key(*name)).map(|(name, found)| {
        RESTORE_CONTENT
            .failed(name.to_string())
            .expected("no such table: the source has none")
            .observed(format!("an extra table of {}", counted(found.rows, "row")))
    }));
    if !findings.is_empty() {
        return findings;
    }
    if source.is_empty() {
        return vec![
            RESTORE_CONTENT
                .inconclusive(database)
                .expected("tables to compare")
                .observed("the source has none, so the restore proves nothing")
                .remedy("check that this is the right database (see the facts of the run)"),
        ];
    }
    let rows: u64 = source.values().map(|table| table.rows).sum();
    vec![
        RESTORE_CONTENT
            .passed(database)
            .expected("every table the same in number of rows and digest")
            .observed(format!(
                "{}, {}: all the same",
                counted(source.len() as u64, "table"),
                counted(rows, "row")
            )),
    ]
}

fn difference(wanted: &TableContent, found: &TableContent) -> String {
    let shown = format!("{}, digest {}", counted(found.rows, "row"), found.digest);
    match found.rows.cmp(&wanted.rows) {
        std::cmp::Ordering::Less => format!("{} missing: {shown}", counted(wanted.rows - found.rows, "row")),
        std::cmp::Ordering::Greater => {
            format!("{} too many: {shown}", counted(found.rows - wanted.rows, "row"))
        }
        std::cmp::Ordering::Equal => format!("as many rows, but at least one has another content: {shown}"),
    }
}

/// Compares the sequences: each of the copy must lie between the source's readings before and after the dump.
pub(crate) fn compare_sequences(
    database: &str,
    before: &BTreeMap<TableName, SequenceState>,
    after: &BTreeMap<TableName, SequenceState>,
    copy: &BTreeMap<TableName, SequenceState>,
) -> Vec<Finding> {
    let findings: Vec<_> = before
        .iter()
        .filter_map(|(name, first)| {
            // Dropped while we looked: nothing to hold the copy against.
            let last = after.get(name)?;
            let expected = match first == last {
                true => first.to_string(),
                false => format!("from {first} to {last}"),
            };
            let observed = match copy.get(name) {
                Some(found) if lies_between(*found, *first, *last) => return None,
                Some(found) => found.to_string(),
                None => "the sequence is missing".to_owned(),
            };
            Some(RESTORE_SEQUENCES.failed(name.to_string()).expected(expected).observed(observed))
        })
        .collect();
    match (findings.is_empty(), before.is_empty()) {
        (false, _) => findings,
        (true, true) => {
            vec![RESTORE_SEQUENCES.not_checked(Requirement::Optional, database, "there is no sequence")]
        }
        (true, false) => vec![
            RESTORE_SEQUENCES
                .passed(database)
                .expected("every sequence within its readings before and after the dump")
                .observed(format!("{}: all so", counted(before.len() as u64, "sequence"))),
        ],
    }
}

/// So many values ahead of what was handed out PostgreSQL writes to its log (`SEQ_LOG_VALS`): a recovered
/// sequence may have left out so many, and never repeats one.
const LOGGED_AHEAD: i128 = 32;

/// Compares the sequences of a *recovered* copy: each must stand where it stood, or ahead by no more than was
/// written to the log ahead of time. `steps` are the increments; one that begins anew at its end is not
/// among them, and is not judged.
pub(crate) fn compare_recovered_sequences(
    database: &str,
    before: &BTreeMap<TableName, SequenceState>,
    after: &BTreeMap<TableName, SequenceState>,
    copy: &BTreeMap<TableName, SequenceState>,
    steps: &BTreeMap<TableName, i64>,
) -> Vec<Finding> {
    let mut judged = 0_u64;
    let findings: Vec<_> = before
        .iter()
        .filter_map(|(name, first)| {
            let last = after.get(name)?;
            let failed = |observed: String| {
                let expected = format!("from {first} to {last}, or up to {LOGGED_AHEAD} values ahead");
                Some(RESTORE_SEQUENCES.failed(name.to_string()).expected(expected).observed(observed))
            };
            let Some(found) = copy.get(name) else { return failed("the sequence is missing".to_owned()) };
            let step = i128::from(*steps.get(name)?);
            judged += 1;
            // Measured along the sequence's own direction.
            let along = |state: &SequenceState| i128::from(state.value) * step.signum();
            let ahead = along(last) + LOGGED_AHEAD * step.abs();
            let is_behind =
                along(found) < along(first) || (found.value == first.value && first.called && !found.called);
            if is_behind || along(found) > ahead { failed(found.to_string()) } else { None }
        })
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    let passed = RESTORE_SEQUENCES.passed(database).expected("no sequence behind where it stood");
    vec![passed.observed(format!("{}: all so", counted(judged, "sequence")))]
}

fn lies_between(found: SequenceState, first: SequenceState, last: SequenceState) -> bool {
    if first == last {
        return found == first;
    }
    let (low, high) = (first.value.min(last.value), first.value.max(last.value));
    (low..=high).contains(&found.value)
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> TableName {
        TableName { schema: "shop".to_owned(), name: text.to_owned() }
    }

    fn content(tables: &[(&str, u64, &str)]) -> Content {
        tables
            .iter()
            .map(|(n, rows, digest)| (name(n), TableContent { rows: *rows, digest: (*digest).to_owned() }))
            .collect()
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let source = content(&[("a", 2, "5"), ("b", 3, "7"), ("c", 1, "1"), ("d", 4, "9"), ("same", 1, "0")]);
        let copy = content(&[("a", 1, "2"), ("b", 4, "8"), ("d", 4, "10"), ("e", 6, "6"), ("same", 1, "0")]);
        let findings = compare_content("db", &source, &copy);
        let said: Vec<_> = findings.iter().map(|f| (f.subject.as_str(), f.observed.as_str())).collect();
        assert_eq!(
            said,
            [
                ("shop.a", "1 row missing: 1 row, digest 2"),
                ("shop.b", "1 row too many: 4 rows, digest 8"),
                ("shop.c", "the table is missing, and with it 1 row"),
                ("shop.d", "as many rows, but at least one has another content: 4 rows, digest 10"),
                ("shop.e", "an extra table of 6 rows"),
            ]
        );
        assert!(findings.iter().all(|finding| finding.outcome == Outcome::Failed));
    }

    #[test]
    fn nothing_to_compare_is_no_pass() {
        assert_eq!(compare_content("db", &Content::new(), &Content::new())[0].outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_sequence_lies_between_its_readings() {
        let at = |value, called| BTreeMap::from([(name("s"), SequenceState { value, called })]);
        let outcome = |before, after, copy| compare_sequences("db", &before, &after, &copy)[0].outcome;
        assert_eq!(outcome(at(5, true), at(9, true), at(7, true)), Outcome::Passed);
        assert_eq!(outcome(at(-5, true), at(-9, true), at(-7, true)), Outcome::Passed);
        assert_eq!(outcome(at(5, true), at(9, true), at(4, true)), Outcome::Failed);
        assert_eq!(outcome(at(5, true), at(9, true), at(10, true)), Outcome::Failed);
        assert_eq!(outcome(at(1, true), at(1, true), at(1, false)), Outcome::Failed);
        assert_eq!(outcome(at(1, true), at(1, true), BTreeMap::new()), Outcome::Failed);
    }

    #[test]
    fn a_recovered_sequence_may_be_ahead_a_little_and_never_behind() {
        let at = |value, called| BTreeMap::from([(name("s"), SequenceState { value, called })]);
        let outcome = |step, copy| {
            let steps = BTreeMap::from([(name("s"), step)]);
            compare_recovered_sequences("db", &at(10, true), &at(10, true), &copy, &steps)[0].outcome
        };
        for (step, value, called, wanted) in [
            (1, 10, true, Outcome::Passed),
            (1, 42, true, Outcome::Passed),
            (1, 43, true, Outcome::Failed),
            (1, 9, true, Outcome::Failed),
            (1, 10, false, Outcome::Failed),
            (-1, 9, true, Outcome::Passed),
            (-1, 11, true, Outcome::Failed),
            (5, 170, true, Outcome::Passed),
            (5, 171, true, Outcome::Failed),
        ] {
            assert_eq!(outcome(step, at(value, called)), wanted, "{step} {value}");
        }
        assert_eq!(outcome(1, BTreeMap::new()), Outcome::Failed);
    }

    #[test]
    fn names_are_shown_as_one_would_type_them() {
        assert_eq!(name("orders_2024").to_string(), "shop.orders_2024");
        assert_eq!(name("a \"b\"\nc😀").to_string(), "shop.\"a \"\"b\"\"\\nc😀\"");
        assert_eq!(TableName::large_objects().to_string(), "large objects");
    }

    proptest! {
        #[test]
        fn a_mutation_is_always_found_and_no_mutation_never(
            tables in proptest::collection::btree_map("[a-z]{1,3}", (0_u64..9, 0_u64..9), 1..8),
            victim in any::<prop::sample::Index>(),
            kind in 0_u8..4,
        ) {
            let source: Content = tables.iter()
                .map(|(n, (rows, digest))| (name(n), TableContent { rows: *rows, digest: digest.to_string() }))
                .collect();
            prop_assert_eq!(compare_content("db", &source, &source)[0].outcome, Outcome::Passed);
            let mut copy = source.clone();
            let key = source.keys().nth(victim.index(source.len())).unwrap().clone();
            match kind {
                0 => { copy.remove(&key); }
                1 => { copy.get_mut(&key).unwrap().rows += 1; }
                2 => { copy.get_mut(&key).unwrap().digest.push('1'); }
                _ => { copy.insert(name("NEW"), TableContent { rows: 0, digest: "0".into() }); }
            }
            let findings = compare_content("db", &source, &copy);
            prop_assert!(findings.len() == 1 && findings[0].outcome == Outcome::Failed);
        }
    }
}
