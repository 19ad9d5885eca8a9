//! The managed region is a pure function of the record; frozen here by whole outputs.

use evidence_report::{
    document::{read, render_v1, seal},
    record::v1::Record,
};
use proptest::prelude::*;

use crate::fixture;

#[test]
fn the_evidence_file_looks_like_this() {
    insta::assert_snapshot!(render_v1(&Record::of(&fixture::report())));
}

#[test]
fn an_interrupted_run_is_never_better_than_inconclusive() {
    let mut report = fixture::report();
    report
        .findings
        .retain(|finding| finding.outcome.verdict() == Some(evidence_report::record::Verdict::Passed));
    report.run.interrupted = Some("SIGTERM".into());
    let text = render_v1(&Record::of(&report));
    assert!(text.contains("**INCONCLUSIVE · staging"), "{text}");
    assert!(text.contains("interrupted by SIGTERM"), "{text}");
}

#[test]
fn the_committed_schema_is_the_one_of_the_record() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/evidence-report-v1.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let generated = serde_json::to_string_pretty(&Record::json_schema()).unwrap() + "\n";
    assert_eq!(
        committed, generated,
        "write it anew: evidence-report --print-schema > docs/schemas/evidence-report-v1.json"
    );
}

#[test]
fn a_record_never_outgrows_its_limit_and_counts_what_it_left_out() {
    let mut report = fixture::report();
    let long = "é".repeat(5_000);
    report.findings = (0..5_000)
        .map(|n| fixture::CONTENT.failed(format!("{n} {long}")).expected(&long).observed(&long))
        .collect();
    report.details =
        vec![evidence_report::record::Detail { title: long.clone(), text: long.repeat(100) }; 50];
    let record = Record::of(&report);
    assert!(record.pretty().len() <= evidence_report::record::v1::MAXIMUM_BYTES);
    assert_eq!(record.findings.len() as u64 + record.findings_omitted, 5_000);
    assert_eq!(record.counts[0].failed, 5_000, "the counts are over all findings");
}

proptest! {
    #[test]
    fn what_was_rendered_reads_back_as_the_same_record(
        subject in any::<String>(), observed in any::<String>(), output in any::<String>(), title in any::<String>(),
    ) {
        let mut report = fixture::report();
        report.run.title = title;
        report.findings.push(fixture::LIFETIME.failed(subject).observed(observed));
        report.details.push(evidence_report::record::Detail { title: "output".into(), text: output });
        let record = Record::of(&report);
        let document = read(&format!("{}\n## Notes\n\nours\n", render_v1(&record))).unwrap();
        prop_assert_eq!(&document.record, &record);
        prop_assert_eq!(document.seal, seal(&record));
        prop_assert_eq!(document.notes, "\n## Notes\n\nours\n");
    }
}
