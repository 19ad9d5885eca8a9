//! Every output that other programs read, read by one of them: junitparser, the published schemas of SARIF and CTRF,
//! in-toto's own types (`scripts/readers` fetches them), promtool; and the grammar of monitoring plugins.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use evidence_report::{
    formats::{Format, Setting},
    record::{Outcome, Report},
};
use serde_json::{Value, json};

use crate::fixture;

fn setting() -> Setting {
    Setting { evidence: Some("doc/evidence.md".into()), ..Setting::default() }
}

/// The fixture, as it is; with strings that mean harm; with nothing found at all.
fn reports() -> Vec<Report> {
    let mut hostile = fixture::report();
    for text in ["\u{0}\u{1b}]]>&<\"'é\u{202e}", "", "| a\nb\r\n`c`", "\u{FFFE}\u{FFFF}", "😀 x=y;z,'"] {
        let one = fixture::CONTENT.failed(text).expected(text).observed(text).remedy(text).at(text, Some(0));
        hostile.findings.push(one);
        hostile.findings.push(fixture::LIFETIME.passed(text).at("a b/é#?.md", None));
    }
    hostile.run.commit = None;
    hostile.run.interrupted = Some("\u{1b}SIGTERM".into());
    hostile.sort();
    let mut empty = fixture::report();
    empty.findings.clear();
    empty.attachments.clear();
    empty.measurements.clear();
    vec![fixture::report(), hostile, empty]
}

/// Hands an output to a program.
fn hand(program: &mut Command, text: &str) -> Output {
    let child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program:?}: {error}"));
    // A reader that refuses early closes its end.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a consumer understood; `None`, with a word, where it is not there.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn understood(name: &str, text: &str) -> Option<Value> {
    let target = Path::new(env!("CARGO_BIN_EXE_evidence-report")).ancestors().nth(2).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read.py");
    let mut python = Command::new("python3");
    let output = hand(python.arg("-B").arg(script).arg(name).arg(target.join("readers")), text);
    match output.status.code() {
        Some(77) => {
            println!("skipped: {name}: its reader is not there; scripts/readers fetches it");
            None
        }
        Some(0) => Some(serde_json::from_slice(&output.stdout).unwrap()),
        _ => panic!("{name}: {}\n{text}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn number(report: &Report, wanted: impl Fn(Outcome) -> bool) -> usize {
    report.findings.iter().filter(|finding| wanted(finding.outcome)).count()
}

fn stands_in_the_way(outcome: Outcome) -> bool {
    use evidence_report::record::Requirement::Required;
    matches!(outcome, Outcome::Failed | Outcome::Inconclusive | Outcome::NotChecked(Required))
}

#[test]
fn junit_is_read_by_junitparser() {
    for report in reports() {
        let Some(read) = understood("junit", &Format::Junit.render(&report, &setting())) else { return };
        assert_eq!(read["tests"], report.findings.len());
        let bad = read["failures"].as_u64().unwrap() + read["errors"].as_u64().unwrap();
        assert_eq!(usize::try_from(bad).unwrap(), number(&report, stands_in_the_way), "{read}");
    }
}

#[test]
fn sarif_is_valid_by_its_schema() {
    for report in reports() {
        let Some(read) = understood("sarif", &Format::Sarif.render(&report, &setting())) else { return };
        assert_eq!(read["results"], number(&report, |outcome| outcome != Outcome::Passed));
        assert_eq!(read["rules"], report.tool.checks.len());
    }
}

#[test]
fn ctrf_is_valid_by_its_schema_and_passes_only_what_passed() {
    for report in reports() {
        let Some(read) = understood("ctrf", &Format::Ctrf.render(&report, &setting())) else { return };
        assert_eq!(read["tests"], report.findings.len());
        let told = |status: &str| read[status].as_u64().unwrap_or(0);
        let passed = number(&report, |outcome| outcome == Outcome::Passed);
        assert_eq!(told("passed"), passed as u64);
        assert_eq!(told("failed"), number(&report, stands_in_the_way) as u64);
    }
}

#[test]
fn in_toto_is_read_by_in_totos_own_types() {
    let reports = reports();
    for report in &reports {
        let Some(read) = understood("in-toto", &Format::InToto.render(report, &setting())) else { return };
        assert_eq!(read["type"], "https://in-toto.io/attestation/test-result/v0.1");
        assert_eq!(read["result"], "FAILED", "inconclusive and nothing at all are no pass");
        let is_told = |list: &str| read[list].as_array().unwrap().len();
        assert_eq!(is_told("failed") > 0, number(report, stands_in_the_way) > 0);
    }
    let read = understood("in-toto", &Format::InToto.render(&reports[0], &setting()));
    assert_eq!(read.map_or(json!(["targets.txt"]), |read| read["subjects"].clone()), json!(["targets.txt"]));
    let read = understood("in-toto", &Format::InToto.render(&reports[2], &setting()));
    assert_eq!(
        read.map_or(json!(["doc/evidence.md"]), |read| read["subjects"].clone()),
        json!(["doc/evidence.md"])
    );
    let mut clean = fixture::report();
    clean.run.commit = Some(("0123456789abcdef0123456789abcdef01234567".into(), false));
    let text = Format::InToto.render(&clean, &setting());
    assert!(text.contains("\"gitCommit\": \"0123456789abcdef0123456789abcdef01234567\""), "{text}");
}

#[test]
fn ctrf_and_in_toto_look_like_this() {
    insta::assert_snapshot!("ctrf", Format::Ctrf.render(&fixture::report(), &setting()));
    insta::assert_snapshot!("in_toto", Format::InToto.render(&fixture::report(), &setting()));
}

#[test]
fn a_textfile_is_read_by_promtool() {
    for report in reports() {
        let text = Format::Textfile.render(&report, &setting());
        let output = hand(Command::new("promtool").args(["check", "metrics"]), &text);
        // 3 is advice about names; 1 is a text that cannot be read.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{said}\n{text}");
        assert!(!said.contains("error while linting"), "{said}\n{text}");
    }
}

/// `'label'=value[UOM];[warn];[crit];[min];[max]` of the Monitoring Plugins' guidelines, without a regular expression.
fn is_datum(datum: &str) -> bool {
    let Some((label, rest)) = datum.strip_prefix('\'').and_then(|rest| rest.split_once("'=")) else {
        return false;
    };
    let mut parts = rest.split(';');
    let value = parts.next().unwrap_or_default().trim_end_matches(['s', '%', 'B']);
    let is_number =
        |text: &str| !text.is_empty() && text.parse::<f64>().is_ok() && !text.contains(['e', 'E', 'n', 'i']);
    let is_range = |text: &str| text.is_empty() || is_number(text.trim_end_matches(':'));
    let parts: Vec<_> = parts.collect();
    !label.is_empty()
        && !label.contains(['\'', '='])
        && is_number(value)
        && parts.len() <= 4
        && parts.iter().all(|part| is_range(part))
}

#[test]
fn performance_data_follows_the_grammar_of_monitoring_plugins() {
    for wrong in ["", "a=1", "'a'=", "'a'=x", "'a=b'=1", "'a'=1;;x", "'a'=1;;;;;"] {
        assert!(!is_datum(wrong), "{wrong}");
    }
    for report in reports() {
        let text = Format::Nagios.render(&report, &setting());
        let found: Vec<_> =
            text.split(" | ").skip(1).flat_map(|data| data.split('\n').next()).flat_map(data_of).collect();
        assert!(found.iter().all(|datum| is_datum(datum)), "{found:?}");
        assert!(found.len() >= report.measurements.len().min(1), "{text}");
    }
}

/// Data one by one: a blank ends a datum, except within its label.
fn data_of(data: &str) -> Vec<String> {
    let mut quoted = false;
    let ends = |char: char| {
        quoted ^= char == '\'';
        char == ' ' && !quoted
    };
    data.split(ends).filter(|datum| !datum.is_empty()).map(str::to_owned).collect()
}
