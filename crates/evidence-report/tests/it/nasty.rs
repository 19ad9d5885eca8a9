//! Whatever servers and files say, the outputs stay what they are.

use std::collections::HashSet;

use evidence_report::{
    formats::{Format, Setting},
    record::{Deadline, Decimal, Measurement, Metric, Report, Series},
};
use proptest::prelude::*;

use crate::fixture;

static METRIC: Metric = Metric { name: "x509_cert_not_after", help: "Unix time of the end." };

const NASTY: &str = "[a|;,\\\\\"'=\n\r\t\u{0}\u{1b}{}<>&#%é証\u{202e} ]{0,90}";

fn report(texts: &[String]) -> Report {
    let mut report = fixture::report();
    for (index, text) in texts.iter().enumerate() {
        let at = report.run.finished;
        report.findings.push(
            fixture::LIFETIME.failed(text).observed(text).expected(text).remedy(text).at(text, Some(3)),
        );
        report.measurements.push(Measurement::new(text, Decimal::from(index as u64), text).label(text, text));
        let labels = vec![("subject_CN", text.clone()), ("filepath", "twice".to_owned())];
        report
            .series
            .push(Series { labels, values: vec![(&METRIC, f64::from(u32::try_from(index).unwrap()))] });
        let (title, lines) = (text.clone(), vec![text.clone(); 3]);
        report.deadlines.push(Deadline { key: text.clone(), at, title, lines });
    }
    report.run.title = texts.join("");
    report.sort();
    report
}

fn render(format: Format, texts: &[String]) -> String {
    format.render(&report(texts), &Setting { evidence: Some(texts.concat()), ..Setting::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nagios_has_one_status_line_and_at_most_eight_kibibytes(texts in proptest::collection::vec(NASTY, 0..60)) {
        let text = render(Format::Nagios, &texts);
        prop_assert!(text.len() <= 8192, "{} bytes", text.len());
        let first = text.lines().next().unwrap();
        let (status, data) = first.split_once(" | ").unwrap();
        prop_assert!(status.chars().count() <= 200);
        prop_assert!(status.starts_with("fixture-smoke CRITICAL: "));
        prop_assert!(!data.contains('|'), "{data}");
        prop_assert!(text.matches('|').count() <= 2);
        prop_assert!(!text.chars().any(|char| char.is_control() && char != '\n'));
    }

    #[test]
    fn a_calendar_has_short_lines_and_an_identity_for_each_event(texts in proptest::collection::vec(NASTY, 0..20)) {
        let text = render(Format::Ics, &texts);
        prop_assert!(text.ends_with("END:VCALENDAR\r\n"));
        prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
        let unfolded = text.replace("\r\n ", "");
        let uids: Vec<_> = unfolded.lines().filter(|line| line.starts_with("UID:")).collect();
        prop_assert_eq!(uids.len(), unfolded.lines().filter(|line| *line == "BEGIN:VEVENT").count());
        prop_assert_eq!(uids.iter().collect::<HashSet<_>>().len(), uids.len());
    }

    #[test]
    fn a_textfile_tells_every_set_of_labels_once(texts in proptest::collection::vec(NASTY, 0..20)) {
        let text = render(Format::Textfile, &texts);
        let samples: Vec<_> =
            text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap().0).collect();
        prop_assert_eq!(samples.iter().collect::<HashSet<_>>().len(), samples.len());
        let families: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        prop_assert_eq!(families.iter().collect::<HashSet<_>>().len(), families.len());
    }

    #[test]
    fn sarif_has_what_its_schema_requires(texts in proptest::collection::vec(NASTY, 0..20)) {
        let log: serde_json::Value = serde_json::from_str(&render(Format::Sarif, &texts)).unwrap();
        prop_assert_eq!(&log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let mut fingerprints = HashSet::new();
        for result in run["results"].as_array().unwrap() {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            prop_assert_eq!(&rule["id"], &result["ruleId"]);
            prop_assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let (kind, level) = (result["kind"].as_str().unwrap(), result["level"].as_str().unwrap());
            prop_assert!(matches!((kind, level), ("fail", "error" | "warning") | ("notApplicable", "none")));
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str();
            let of_a_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte);
            prop_assert!(uri.is_none_or(|uri| uri.bytes().all(of_a_uri)));
            prop_assert!(fingerprints.insert(result["partialFingerprints"]["checkAndSubject/v1"].to_string()));
        }
    }
}

#[test]
fn fingerprints_stay_when_line_and_words_change() {
    let mut before = fixture::report();
    before.findings = vec![fixture::LIFETIME.failed("a:443").observed("in 3 d").at("list.txt", Some(3))];
    let mut after = before.clone();
    after.findings = vec![fixture::LIFETIME.warned("a:443").observed("in 2 d").at("list.txt", Some(9))];
    let fingerprint = |report: &Report| {
        let log: serde_json::Value =
            serde_json::from_str(&Format::Sarif.render(report, &Setting::default())).unwrap();
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    assert_eq!(fingerprint(&before), fingerprint(&after));
}

#[test]
fn an_event_keeps_its_identity_when_its_date_moves() {
    let mut before = fixture::report();
    before.deadlines.truncate(1);
    let mut after = before.clone();
    after.deadlines[0].at = "2027-12-06T12:00:00Z".parse().unwrap();
    let uid = |report: &Report| {
        let text = Format::Ics.render(report, &Setting::default());
        text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned()
    };
    assert_eq!(uid(&before), uid(&after));
}
