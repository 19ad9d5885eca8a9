//! Every way to alter an evidence file is told apart by name.

use evidence_report::{
    document::{Alteration, Kind, ReadError, Verification, render_v1, seal, verify},
    record::{Verdict, v1::Record},
};
use proptest::prelude::*;

use crate::fixture;

fn evidence() -> String {
    format!("{}\n## Notes\n\n", render_v1(&Record::of(&fixture::report())))
}

fn alterations(text: &str) -> Vec<Alteration> {
    match verify(text) {
        Verification::Altered(alterations) => alterations,
        other => panic!("not found: {other:?}"),
    }
}

/// The one altered line, as its kind and number.
fn altered_line(text: &str) -> (Kind, usize) {
    match alterations(text).as_slice() {
        [Alteration::Line { kind, line, .. }] => (*kind, *line),
        other => panic!("not one line: {other:?}"),
    }
}

fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

fn edit_line(text: &str, part: &str, edit: impl Fn(&str) -> String) -> String {
    let number = line_of(text, part);
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| if index + 1 == number { edit(line) } else { line.into() });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn what_was_published_is_consistent() {
    assert!(matches!(verify(&evidence()), Verification::Consistent(_)));
}

#[test]
fn a_verdict_turned_by_hand_is_told_with_its_line() {
    let text = evidence();
    let turned = text.replacen("**FAILED", "**PASSED", 1);
    assert_eq!(altered_line(&turned), (Kind::Verdict, 3));
    let row = edit_line(&text, "| FAILED |", |line| line.replace("FAILED", "PASSED"));
    assert_eq!(altered_line(&row), (Kind::Verdict, line_of(&text, "| FAILED |")));
}

#[test]
fn every_verdict_turned_at_once_is_told_line_by_line() {
    let text = evidence();
    let found = alterations(&text.replace("FAILED", "PASSED"));
    let verdicts = found.iter().filter(|found| matches!(found, Alteration::Line { kind: Kind::Verdict, .. }));
    assert!(verdicts.count() >= 2, "{found:?}");
}

#[test]
fn a_changed_number_is_told() {
    let text = evidence();
    let changed = edit_line(&text, "recovery_time_seconds", |line| line.replace("12.500", "02.500"));
    assert_eq!(altered_line(&changed), (Kind::Number, line_of(&text, "recovery_time_seconds")));
}

#[test]
fn removed_and_added_rows_and_cells_are_told() {
    let text = evidence();
    let line = line_of(&text, "| WARNED | Lifetime");
    let removed: String = text
        .lines()
        .filter(|line| !line.contains("| WARNED | Lifetime"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(altered_line(&removed), (Kind::RowRemoved, line));
    let added = edit_line(&text, "| WARNED | Lifetime", |row| format!("{row}\n| a | b | c | d | e |"));
    assert_eq!(altered_line(&added), (Kind::RowAdded, line + 1));
    let cell = edit_line(&text, "| WARNED | Lifetime", |row| format!("{row} and all is well |"));
    assert_eq!(altered_line(&cell), (Kind::CellAdded, line));
    let without =
        edit_line(&text, "| WARNED | Lifetime", |row| row.rsplit_once(" | ").unwrap().0.to_owned() + " |");
    assert_eq!(altered_line(&without), (Kind::CellRemoved, line));
}

#[test]
fn a_cut_file_is_told_wherever_it_is_cut() {
    let text = evidence();
    let end = text.find("<!-- evidence-report:end v1 -->\n\n## Notes").unwrap();
    for part in [text.find("| FAILED").unwrap(), text.find("evidence-report/v1\n{").unwrap() + 100, end] {
        let found = alterations(&text[..part]);
        assert!(
            matches!(found.as_slice(), [Alteration::Structure(ReadError::Cut { .. })]),
            "{part}: {found:?}"
        );
    }
}

#[test]
fn doubled_marks_are_told_with_their_lines() {
    let text = evidence();
    let end = line_of(&text, "evidence-report:end v1 -->\n".trim_end());
    let marker = format!("{text}<!-- evidence-report:end v1 -->\n");
    let found = alterations(&marker);
    let [Alteration::Structure(ReadError::Doubled { what, lines })] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((*what, lines.len()), ("the end marker", 2));
    assert!(lines[0] >= end);
    let lines: Vec<_> = text.lines().collect();
    let opening = lines.iter().position(|line| line.ends_with("`evidence-report/v1")).unwrap();
    let closing = opening + lines[opening..].iter().position(|line| *line == "}").unwrap() + 2;
    let doubled = [&lines[..closing], &lines[opening..]].concat().join("\n");
    let found = alterations(&doubled);
    assert!(
        matches!(found.as_slice(), [Alteration::Structure(ReadError::Doubled { what: "the record", .. })]),
        "{found:?}"
    );
}

#[test]
fn a_record_changed_in_its_fence_breaks_the_seal() {
    let text = evidence();
    let changed = text.replacen("\"operator\": \"deploy\"", "\"operator\": \"somebody\"", 1);
    assert!(alterations(&changed).contains(&Alteration::Seal { line: line_of(&text, "Seal: `") }));
    let duplicate =
        text.replacen("\"operator\": \"deploy\"", "\"operator\": \"x\",\n  \"operator\": \"deploy\"", 1);
    let found = alterations(&duplicate);
    assert!(
        matches!(&found[0], Alteration::Structure(ReadError::Record { message, .. }) if message.contains("twice"))
    );
    let unknown =
        text.replacen("\"operator\": \"deploy\"", "\"approved\": \"yes\",\n  \"operator\": \"deploy\"", 1);
    let found = alterations(&unknown);
    assert!(
        matches!(&found[0], Alteration::Structure(ReadError::Record { message, .. }) if message.contains("approved"))
    );
}

#[test]
fn a_record_sealed_anew_with_another_verdict_contradicts_its_counts() {
    let mut record = Record::of(&fixture::report());
    record.verdict = Verdict::Passed;
    let text = render_v1(&record);
    assert!(text.contains(&seal(&record)));
    let found = alterations(&text);
    assert!(
        matches!(
            found.as_slice(),
            [Alteration::Contradiction { claimed: Verdict::Passed, counted: Verdict::Failed, .. }]
        ),
        "{found:?}"
    );
}

#[test]
fn a_pass_without_a_check_that_was_owed_contradicts_itself() {
    let mut report = fixture::report();
    report.findings = vec![fixture::CONTENT.passed("public.orders")];
    report.owed = vec![&fixture::CONTENT, &fixture::LIFETIME];
    assert_eq!(report.verdict(), Verdict::Inconclusive);
    assert!(matches!(verify(&render_v1(&Record::of(&report))), Verification::Consistent(_)));
    let mut record = Record::of(&report);
    record.verdict = Verdict::Passed;
    let found = alterations(&render_v1(&record));
    assert!(
        matches!(found.as_slice(), [Alteration::Contradiction { counted: Verdict::Inconclusive, .. }]),
        "{found:?}"
    );
    record.owed.pop();
    assert!(matches!(verify(&render_v1(&record)), Verification::Consistent(_)));
}

#[test]
fn notes_and_formatters_alter_nothing() {
    let text = evidence();
    let notes = format!("{text}The risk is accepted. PASSED FAILED\n\n| a | table |\n");
    assert!(matches!(verify(&notes), Verification::Consistent(_)));
    let formatted =
        text.replace("| --- | --- |", "|-----|:---|").replace(":---", "----").replace('\n', "\r\n");
    assert!(matches!(verify(&formatted), Verification::Consistent(_)), "{:?}", verify(&formatted));
}

#[test]
fn a_page_by_hand_and_a_newer_version_are_unverified_and_not_altered() {
    let by_hand = "# Rehearsal\n\nWe restored it. **PASSED**\n";
    assert_eq!(verify(by_hand), Verification::Unverified(ReadError::NoEvidence));
    let newer = evidence().replace("evidence-report:end v1", "evidence-report:end v2");
    assert!(matches!(verify(&newer), Verification::Unverified(ReadError::Newer { .. })));
}

#[test]
fn a_detail_may_hold_the_end_marker_in_its_fence() {
    assert!(evidence().matches("evidence-report:end v1").count() > 1, "the fixture holds one");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_changed_character_of_the_managed_region_is_found(position in any::<prop::sample::Index>(), new in any::<char>()) {
        let text = render_v1(&Record::of(&fixture::report()));
        let (at, old) = text.char_indices().nth(position.index(text.chars().count())).unwrap();
        let changed = format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..]);
        prop_assume!(new != old);
        let found = verify(&changed);
        let blank = |char: char| char.is_whitespace();
        if let Verification::Consistent(record) = &found {
            // Only what has no meaning may go unnoticed: white space, a delimiter's dash, JSON's own blanks.
            prop_assert_eq!(&**record, &Record::of(&fixture::report()));
            prop_assert!(blank(new) || blank(old) || (old == '-' && new == '|') || (new == '-'), "{:?} for {:?}", new, old);
        }
    }
}
