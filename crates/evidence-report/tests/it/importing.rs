//! `import`: what other tools say, in their dialects; and files that mean harm.

use std::{fs, io::Write, process::Stdio};

use evidence_report::{
    command::import::{Account, Said, Told, Unreadable, junit, k6, sarif, tap},
    record::Verdict,
};

use crate::place::{Place, record, said};

type Read = (Vec<(Said, String, String)>, Result<Account, Unreadable>);

fn gather(read: impl FnOnce(&mut dyn FnMut(Told)) -> Result<Account, Unreadable>) -> Read {
    let mut told = Vec::new();
    let account = read(&mut |one: Told| told.push((one.said, one.subject, one.words)));
    (told, account)
}

fn junit_of(text: &str) -> Read {
    gather(|sink| junit::read(text.as_bytes(), sink))
}

fn tap_of(text: &str) -> Read {
    gather(|sink| tap::read(text.as_bytes(), sink))
}

fn k6_of(text: &str) -> Read {
    gather(|sink| k6::read(text.as_bytes(), sink))
}

fn sarif_of(text: &str) -> Read {
    gather(|sink| sarif::read(std::io::Cursor::new(text), sarif::Severity::High, sink))
}

fn said_of(read: &Read) -> Vec<Said> {
    read.0.iter().map(|(said, ..)| *said).collect()
}

fn gaps(read: &Read) -> String {
    read.1.as_ref().unwrap().gaps.join("; ")
}

#[test]
fn every_end_of_a_junit_test_is_told_apart() {
    use Said::{Failed, Passed, Skipped, Warned};
    for (case, expected, words) in [
        (r#"<testcase name="a"/>"#, Passed, "passed"),
        (r#"<testcase name="a"><system-out>x</system-out></testcase>"#, Passed, "passed"),
        (r#"<testcase name="a"><failure message="3 &lt; 4"/></testcase>"#, Failed, "failure: 3 < 4"),
        (r#"<testcase name="a"><error type="x">  first\nsecond</error></testcase>"#, Failed, "error: first"),
        (r#"<testcase name="a"><failure><![CDATA[<b>]]></failure></testcase>"#, Failed, "failure: <b>"),
        (r#"<testcase name="a"><skipped/></testcase>"#, Skipped, "skipped"),
        (r#"<testcase name="a"><skipped message="no db"/></testcase>"#, Skipped, "skipped: no db"),
        (r#"<testcase name="a"><skipped/><failure/></testcase>"#, Failed, "failure"),
        (r#"<testcase name="a"><failure/><skipped/></testcase>"#, Failed, "failure"),
        (
            r#"<testcase name="a"><flakyFailure message="m"/></testcase>"#,
            Warned,
            "passed only when it was run again: m",
        ),
        (r#"<testcase name="a"><failure/><rerunFailure/></testcase>"#, Failed, "failure"),
        (r#"<testcase name="a" status="notrun" result="suppressed"/>"#, Skipped, "status notrun"),
        (r#"<testcase name="a" status="run" result="completed"/>"#, Passed, "passed"),
        (r#"<testcase name="a" status="failed"/>"#, Failed, "status failed"),
        (r#"<testcase name="a"><properties><failure/></properties></testcase>"#, Passed, "passed"),
    ] {
        let read = junit_of(&format!(r#"<testsuite name="s">{}</testsuite>"#, case.replace(r"\n", "\n")));
        assert_eq!(read.0, [(expected, "s: a".to_owned(), words.to_owned())], "{case}");
        assert_eq!(gaps(&read), "", "{case}");
    }
}

#[test]
fn suites_within_suites_are_counted_and_an_empty_one_is_a_gap() {
    let nested = r#"<testsuites><testsuite name="outer" tests="2"><testsuite name="inner" tests="2">
        <testcase classname="c" name="a"/><testcase classname="inner" name="b"/></testsuite></testsuite></testsuites>"#;
    let read = junit_of(nested);
    let names: Vec<_> = read.0.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!((names.as_slice(), gaps(&read).as_str()), (&["inner: c: a", "inner: b"][..], ""));
    let read = junit_of(
        r#"<testsuites><testsuite name="e" tests="0"/><testsuite name="f"><testcase name="a"/></testsuite></testsuites>"#,
    );
    assert_eq!(gaps(&read), "the suite e holds no test");
    let read = junit_of(
        r#"<testsuite name="s" tests="3" failures="1" errors="1"><testcase name="a"><failure/></testcase></testsuite>"#,
    );
    assert_eq!(
        gaps(&read),
        "the suite s counts 3 tests and holds 1; the suite s counts 2 failures and shows 1"
    );
    let read =
        junit_of(r#"<testsuite name="s"><error message="no database"/><testcase name="a"/></testsuite>"#);
    assert_eq!(said_of(&read), [Said::Failed, Said::Passed]);
}

#[test]
fn junit_that_is_cut_or_is_something_else_says_so_and_keeps_what_it_read() {
    let read = junit_of(r#"<testsuite name="s"><testcase name="a"><failure/></testcase><testcase name="b">"#);
    assert_eq!(said_of(&read), [Said::Failed, Said::Passed]);
    assert!(read.1.unwrap_err().why.contains("breaks off"));
    for (text, why) in [
        ("", "no XML element"),
        ("just words", "no XML element"),
        ("<html></html>", "begins with <html>"),
        ("<testsuite><testcase></testsuite>", ""),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>", "document type"),
    ] {
        assert!(junit_of(text).1.unwrap_err().why.contains(why), "{text}");
    }
}

#[test]
fn an_entity_is_never_followed_and_never_grows() {
    let folder = Place::new();
    let secret = folder.write("secret", "swordfish9");
    let xxe = format!(
        r#"<?xml version="1.0"?><!DOCTYPE t [<!ENTITY x SYSTEM "file://{}">]><testsuite name="s"><testcase name="&x;"/></testsuite>"#,
        secret.display()
    );
    let read = junit_of(&xxe);
    assert!(read.0.is_empty() && read.1.is_err());
    let undeclared =
        r#"<testsuite name="s"><testcase name="&x;"><failure>&y; text</failure></testcase></testsuite>"#;
    assert_eq!(junit_of(undeclared).0[0].1, "s: &x;");
    let bytes = b"<testsuite name=\"s\"><testcase name=\"a\xff\xfe\"/></testsuite>";
    let (told, account) = gather(|sink| junit::read(&bytes[..], sink));
    assert_eq!((told[0].1.as_str(), account.is_ok()), ("s: a\u{FFFD}\u{FFFD}", true), "invalid UTF-8");
}

#[test]
fn tap_in_all_its_versions() {
    use Said::{Failed, Passed, Skipped, Warned};
    for (text, expected, gap) in [
        ("1..2\nok 1 - a\nnot ok 2 - b\n", vec![Passed, Failed], ""),
        ("TAP version 13\nok 1\nok 2\n1..2\n", vec![Passed, Passed], ""),
        ("1..1\nok 1 - a # SKIP no db\n", vec![Skipped], ""),
        ("1..1\nnot ok 1 - a # skipped: no db\n", vec![Skipped], ""),
        ("1..2\nnot ok 1 # TODO later\nok 2 # todo later\n", vec![Skipped, Warned], ""),
        ("1..1\nok 1 - tag \\# TODO is text\n", vec![Passed], ""),
        ("1..0 # SKIP no network\n", vec![Skipped], ""),
        ("1..3\nok 1\nok 2\n", vec![Passed, Passed], "3 tests are planned, 2 were made"),
        ("1..1\nok 1\nok 2\n", vec![Passed, Passed], "1 tests are planned, 2 were made"),
        ("ok 1\n", vec![Passed], "there is no plan: nobody knows how many tests there should be"),
        ("1..2\nok 1\nok 3\n", vec![Passed, Passed], "the tests are not numbered one after the other"),
        ("1..1\n1..1\nok 1\n", vec![Passed], "there is more than one plan"),
        (
            "1..2\nok 1\nBail out! no database\nok 2\n",
            vec![Passed],
            "it bailed out in line 3: no database; 2 tests are planned, 1 were made",
        ),
        ("1..1\n# words\nnoise\nok 1\nokay 2\n", vec![Passed], ""),
    ] {
        let read = tap_of(text);
        assert_eq!((said_of(&read), gaps(&read).as_str()), (expected, gap), "{text}");
    }
    assert!(tap_of("hello\n").1.is_err() && tap_of("").1.is_err());
}

#[test]
fn a_subtest_counts_by_the_point_that_sums_it_up_unless_the_two_differ() {
    let of = |inner: &str, outer: &str| {
        tap_of(&format!("TAP version 14\n1..1\n# Subtest: in\n{inner}{outer}\n")).0.remove(0)
    };
    let (said, _, words) = of("    1..2\n    ok 1\n    not ok 2 - b\n", "not ok 1 - in");
    assert_eq!((said, words.as_str()), (Said::Failed, "not ok: 1 of 2 failed inside: b"));
    let (said, _, words) = of("    1..1\n    not ok 1 - b\n", "ok 1 - in");
    assert_eq!(
        (said, words.contains("it says ok, and its subtest does not")),
        (Said::Failed, true),
        "{words}"
    );
    assert_eq!(of("    1..2\n    ok 1\n", "ok 1 - in").0, Said::Failed, "a plan that is not kept");
    assert_eq!(of("    1..1\n    not ok 1 # TODO\n", "ok 1 - in").0, Said::Passed);
    assert_eq!(of("    1..1\n    not ok 1 - b\n", "not ok 1 - in # TODO").0, Said::Skipped);
    assert_eq!(of("        1..1\n        not ok 1\n    not ok 1\n    1..1\n", "not ok 1").0, Said::Failed);
    let open = tap_of("1..1\nok 1\n    1..2\n    ok 1\n");
    assert!(gaps(&open).contains("within a subtest that no test point sums up"), "{}", gaps(&open));
}

#[test]
fn a_diagnostic_gives_the_words() {
    let read = tap_of("1..2\nnot ok 1 - a\n  ---\n  message: \"got 3\"\n  at: x\n  ...\nok 2 - b\n");
    assert_eq!(read.0[0].2, "not ok: got 3");
    assert_eq!(gaps(&read), "");
    assert!(gaps(&tap_of("1..1\nok 1\n  ---\n  message: x\n")).contains("within a diagnostic"));
}

#[test]
fn the_two_summaries_of_k6_say_the_opposite_and_mean_the_same() {
    let export = |crossed: bool, value: f64| {
        k6_of(&format!(
            r#"{{"metrics":{{"http_req_duration":{{"avg":1,"p(95)":{value},"thresholds":{{"p(95)<500":{crossed}}}}}}}}}"#
        ))
    };
    let handle = |ok: bool, value: f64| {
        k6_of(&format!(
            r#"{{"metrics":{{"http_req_duration":{{"type":"trend","contains":"time","values":{{"p(95)":{value}}},"thresholds":{{"p(95)<500":{{"ok":{ok}}}}}}}}}}}"#
        ))
    };
    for (read, expected) in [
        (export(false, 480.0), Said::Passed),
        (export(true, 520.0), Said::Failed),
        (handle(true, 480.0), Said::Passed),
        (handle(false, 520.0), Said::Failed),
        (export(false, 500.0), Said::Failed),
        (handle(true, 500.0), Said::Failed),
    ] {
        assert_eq!(said_of(&read), [expected], "{:?}", read.0);
        let account = read.1.unwrap();
        assert_eq!(account.measurements[0].metric, "k6_http_req_duration");
        assert_eq!(account.measurements[0].unit, "ms");
        assert!(account.measurements[0].objective.is_some());
    }
}

#[test]
fn a_load_test_without_thresholds_or_without_measurements_proves_nothing() {
    let none = k6_of(r#"{"metrics":{"http_reqs":{"count":10,"rate":1.5}}}"#);
    assert!(gaps(&none).contains("no threshold"), "{}", gaps(&none));
    let nothing_seen = r#"{"metrics":{"checks":{"type":"rate","values":{"rate":0,"passes":0,"fails":0},"thresholds":{"rate<0.1":{"ok":true}}}}}"#;
    assert_eq!(said_of(&k6_of(nothing_seen)), [Said::Undecided]);
    // k6 shows a trend without samples as zeros, and calls its thresholds kept.
    let flat = |name: &str, requests: u32| {
        k6_of(&format!(
            r#"{{"metrics":{{"{name}":{{"avg":0,"min":0,"med":0,"max":0,"p(95)":0,"thresholds":{{"p(95)<300":false}}}},"http_reqs":{{"count":{requests},"rate":1}}}}}}"#
        ))
    };
    for (name, requests, said) in [
        ("http_req_duration", 0, Said::Undecided),
        ("http_req_duration", 9, Said::Undecided),
        ("http_req_duration{name:login}", 9, Said::Undecided),
        ("queue_wait", 9, Said::Undecided),
        ("http_req_tls_handshaking", 0, Said::Undecided),
        ("http_req_tls_handshaking", 9, Said::Passed),
    ] {
        assert_eq!(said_of(&flat(name, requests)), [said], "{name}, {requests} requests");
    }
    let checks = r#"{"metrics":{"vus":{"value":1,"thresholds":{"value<5":false}}},"root_group":{"groups":[{"checks":[{"name":"a","passes":3,"fails":1}],"groups":{}}],
        "checks":{"b":{"name":"b","passes":3,"fails":0},"c":{"name":"c","passes":0,"fails":0}}}}"#;
    let read = k6_of(checks);
    assert_eq!(said_of(&read), [Said::Passed, Said::Passed, Said::Warned]);
    assert_eq!(gaps(&read), "the check c was never made");
    for wrong in ["", "[]", "{}", "{\"metrics\":[]}", "{\"type\":\"Metric\"}\n{\"type\":\"Point\"}"] {
        assert!(k6_of(wrong).1.unwrap_err().why.contains("no summary of k6"), "{wrong}");
    }
}

fn log(rules: &str, results: &str) -> String {
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"scan","rules":[{rules}]}}}},"results":[{results}]}}]}}"#
    )
}

#[test]
fn severity_comes_from_result_rule_and_default_in_this_order() {
    use Said::{Failed, Passed, Skipped, Undecided, Warned};
    let rules = r#"{"id":"hot","properties":{"security-severity":"7.0"}},{"id":"mild","properties":{"security-severity":6.9}},
        {"id":"err","defaultConfiguration":{"level":"error"}},{"id":"plain"},{"id":"low","properties":{"security-severity":"0.1"}}"#;
    for (result, expected) in [
        (r#"{"ruleId":"hot","message":{"text":"m"}}"#, Failed),
        (r#"{"ruleId":"mild","message":{"text":"m"}}"#, Warned),
        (r#"{"ruleId":"low","message":{"text":"m"}}"#, Passed),
        (r#"{"ruleId":"err","message":{"text":"m"}}"#, Failed),
        (r#"{"ruleId":"err","level":"note","message":{"text":"m"}}"#, Passed),
        (r#"{"ruleId":"err/sub","message":{"text":"m"}}"#, Failed),
        (r#"{"ruleId":"plain","message":{"text":"m"}}"#, Warned),
        (r#"{"ruleId":"unknown","message":{"text":"m"}}"#, Warned),
        (r#"{"ruleId":"plain","properties":{"security-severity":"9.8"},"message":{"text":"m"}}"#, Failed),
        (r#"{"ruleId":"err","kind":"pass","message":{"text":"m"}}"#, Passed),
        (r#"{"ruleId":"err","kind":"review","message":{"text":"m"}}"#, Undecided),
        (r#"{"ruleId":"err","kind":"notApplicable","message":{"text":"m"}}"#, Skipped),
        (r#"{"ruleId":"err","baselineState":"absent","message":{"text":"m"}}"#, Passed),
        (r#"{"ruleId":"err","suppressions":[{"kind":"inSource"}],"message":{"text":"m"}}"#, Skipped),
        (r#"{"ruleId":"err","suppressions":[],"message":{"text":"m"}}"#, Failed),
        (
            r#"{"ruleId":"err","suppressions":[{"kind":"external","status":"underReview"}],"message":{"text":"m"}}"#,
            Failed,
        ),
        (
            r#"{"ruleId":"err","suppressions":[{"kind":"external"},{"kind":"external","status":"rejected"}],"message":{"text":"m"}}"#,
            Failed,
        ),
    ] {
        assert_eq!(said_of(&sarif_of(&log(rules, result))), [expected], "{result}");
    }
}

#[test]
fn rules_may_stand_behind_the_results_that_need_them() {
    let text = r#"{"runs":[{"results":[{"ruleId":"hot","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.go"},"region":{"startLine":7}}}]}],
        "tool":{"extensions":[{"rules":[{"id":"hot","defaultConfiguration":{"level":"error"}}]}],"driver":{"name":"scan","version":"1"}}}],"version":"2.1.0"}"#;
    let read = sarif_of(text);
    assert_eq!(read.0, [(Said::Failed, "a.go: hot".to_owned(), "high: m".to_owned())]);
    assert_eq!(read.1.unwrap().tool.as_deref(), Some("scan 1"));
}

#[test]
fn a_scanner_that_did_not_look_or_did_not_succeed_is_a_gap() {
    assert_eq!(said_of(&sarif_of(&log("", ""))), [Said::Passed], "a run without a finding passes");
    for (text, gap) in [
        (r#"{"version":"2.1.0","runs":[]}"#, "no run"),
        (r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}}}]}"#, "no list of results"),
        (
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}},"results":null}]}"#,
            "no list of results",
        ),
        (
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}},"results":[],"invocations":[{"executionSuccessful":false}]}]}"#,
            "did not succeed",
        ),
        (
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}},"results":[],"invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"error","message":{"text":"no rules"}}]}]}]}"#,
            "no rules",
        ),
        (
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}},"results":[],"externalPropertyFileReferences":{"results":[{}]}}]}"#,
            "other files",
        ),
    ] {
        assert!(gaps(&sarif_of(text)).contains(gap), "{text}");
    }
    for (text, why) in [
        ("{}", "no version"),
        (r#"{"version":"1.0.0","runs":[]}"#, "1.0.0"),
        ("[]", "a SARIF log"),
        ("{", "EOF"),
    ] {
        assert!(sarif_of(text).1.unwrap_err().why.contains(why), "{text}");
    }
    let cut = log("", r#"{"ruleId":"a","level":"error","message":{"text":"m"}}"#).replace("]}]}", ",");
    assert!(sarif_of(&cut).1.is_err());
}

#[test]
fn files_of_several_tools_become_evidence_with_digest_tool_and_age() {
    let place = Place::new();
    let results = r#"{"ruleId":"r","level":"error","message":{"text":"bad"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a.go"},"region":{"startLine":7}}}]}"#;
    place.write("scan.sarif", log("", results));
    place.write("clean.sarif", log("", ""));
    let arguments =
        ["import", "sarif", "--item", "7", "--check", "security.sast", "scan.sarif", "clean.sarif"];
    let (code, printed) = place.run(&arguments);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.starts_with("FAILED: Security sast: 1 failed, 5 passed."), "{printed}");
    assert!(printed.contains("src/a.go:7: scan.sarif: src/a.go: r: high: bad [security.sast]"), "{printed}");
    let record = record(&place.path("doc/operations/evidence/security_sast.md"));
    assert_eq!(record.tracker_items, [7]);
    let attached: Vec<_> = record.attachments.iter().map(|file| (file.name.as_str(), file.bytes)).collect();
    let size = |name: &str| fs::metadata(place.path(name)).unwrap().len();
    assert_eq!(attached, [("scan.sarif", size("scan.sarif")), ("clean.sarif", size("clean.sarif"))]);
    assert!(record.facts.iter().any(|fact| fact.name == "scan.sarif was made by" && fact.value == "scan"));
    let args = ["import", "sarif", "--fails-from", "critical", "--evidence", "none", "scan.sarif"];
    assert_eq!(place.run(&args).0, 1, "with another limit it warns");
}

#[test]
fn skipped_tests_alone_are_no_pass_and_an_old_report_fails() {
    let place = Place::new();
    place.write("s.xml", r#"<testsuite name="s"><testcase name="a"><skipped/></testcase></testsuite>"#);
    place.write(
        "o.xml",
        r#"<testsuite name="s" timestamp="2020-01-01T00:00:00"><testcase name="a"/></testsuite>"#,
    );
    let (code, printed) =
        place.run(&["import", "junit", "s.xml", "--evidence", "none", "--skipped", "required"]);
    assert_eq!(code, 3, "{printed}");
    let (code, printed) = place.run(&["import", "junit", "s.xml", "--check", "a.b"]);
    let record = record(&place.path("doc/operations/evidence/a_b.md"));
    let count = record.counts.iter().find(|count| count.check == "a.b").unwrap();
    assert_eq!((count.passed, count.not_checked_optional), (0, 1));
    assert_ne!(record.verdict, Verdict::Passed, "{code}: {printed}");
    let (code, printed) = place.run(&["import", "junit", "o.xml", "--evidence", "none"]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("2020-01-01 00:00 UTC, as it says itself [import.recent]"), "{printed}");
    assert_eq!(place.run(&["import", "junit", "o.xml", "--evidence", "none", "--max-age", "36500d"]).0, 0);
}

#[test]
fn an_exception_has_an_approver_and_a_last_day() {
    let place = Place::new();
    place.write("s.sarif", log("", r#"{"ruleId":"r","level":"error","message":{"text":"bad"}}"#));
    let day = |days: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        at.strftime("%Y-%m-%d").to_string()
    };
    for (expires, code, words) in [(day(30), 0, "waived by AppSec"), (day(-1), 2, "1 failed")] {
        let waiver = format!(
            "{{check: security.sast, subject: r, reason: no way in, approver: AppSec, expires: {expires}}}"
        );
        place.write("import.yaml", format!("run:\n  valid_for: 7d\n  waivers:\n    - {waiver}\n"));
        let arguments = [
            "import",
            "sarif",
            "--check",
            "security.sast",
            "--config",
            "import.yaml",
            "s.sarif",
            "--verbose",
        ];
        let (found, printed) = place.run(&arguments);
        assert_eq!(found, code, "{printed}");
        assert!(printed.contains(words), "{printed}");
    }
    place.write("import.yaml", "rum: {}\n");
    let (code, printed) = place.run(&["import", "sarif", "--config", "import.yaml", "s.sarif"]);
    assert_eq!((code, printed.contains("line 1")), (3, true), "{printed}");
    let (code, printed) = place.run(&["check", "--config", "import.yaml"]);
    assert_eq!((code, printed.contains("only capture and import")), (3, true), "{printed}");
}

#[test]
fn standard_input_is_read_and_what_is_no_file_is_refused() {
    let place = Place::new();
    let mut tool = place.command(&["import", "tap", "-", "--evidence", "none"]);
    let mut tool = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    tool.stdin.take().unwrap().write_all(b"1..1\nok 1 - a\n").unwrap();
    let (code, printed) = said(&tool.wait_with_output().unwrap());
    assert_eq!(code, 0, "{printed}");
    let (code, printed) =
        place.run(&["import", "junit", "/dev/zero", "missing.xml", ".", "--evidence", "none"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("3 inconclusive"), "{printed}");
}

/// Peak of the resident memory in KiB, asked of the kernel by a shell that waits for nothing else.
fn peak(place: &Place, arguments: &[&str]) -> (i32, u64, String) {
    let script = "\"$@\" & child=$!; peak=0; \
        while read -r name value rest <<END\n$(grep VmHWM /proc/$child/status 2>/dev/null)\nEND\n\
        [ -n \"$value\" ]; do peak=$value; sleep 0.01; done; wait $child; code=$?; echo \"peak $peak\" >&2; exit $code";
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_evidence-report")]).args(arguments);
    let output =
        shell.current_dir(place.path("")).env("OPS_SMOKE_RUN_BASE", place.path("base")).output().unwrap();
    let (code, printed) = said(&output);
    let peak = printed.rsplit("peak ").next().unwrap().trim().parse().unwrap();
    (code, peak, printed)
}

#[test]
fn a_hundred_megabytes_of_harm_need_little_memory_and_end() {
    let place = Place::new();
    let hundred = 100 * 1024 * 1024;
    let repeat = |head: &str, piece: &str, tail: &str, bytes: usize| {
        [head, &piece.repeat(bytes / piece.len()), tail].concat()
    };
    place.write(
        "text.xml",
        repeat(
            "<testsuite name=\"s\"><testcase name=\"a\"><system-out>",
            "x",
            "</system-out></testcase></testsuite>",
            hundred,
        ),
    );
    place.write("deep.xml", repeat("", "<testsuite>", "", hundred));
    place.write("attribute.xml", repeat("<testsuite name=\"", "x", "\"/>", hundred));
    place.write("string.sarif", repeat("{\"version\":\"", "x", "\"}", hundred));
    place.write("deep.sarif", repeat("{\"x\":", "[", "", hundred));
    place.write("line.tap", repeat("ok ", "x", "", hundred));
    place.write("long.json", repeat("{\"metrics\":{", " ", "}}", hundred));
    place.write(
        "many.xml",
        repeat(
            "<testsuite name=\"s\">",
            "<testcase name=\"t\"><failure/></testcase>",
            "</testsuite>",
            8 * 1024 * 1024,
        ),
    );
    for (arguments, code, words) in [
        (["import", "junit", "text.xml"], 3, "longer than 16 MiB"),
        (["import", "junit", "deep.xml"], 3, "nested more than 100 deep"),
        (["import", "junit", "attribute.xml"], 3, "longer than 16 MiB"),
        (["import", "sarif", "string.sarif"], 3, "longer than 16 MiB"),
        (["import", "sarif", "deep.sarif"], 3, "line 1"),
        (["import", "tap", "line.tap"], 3, "there is no plan"),
        (["import", "k6", "long.json"], 3, "longer than 16 MiB"),
        (["import", "junit", "many.xml"], 2, " failed, 2 passed."),
    ] {
        let (found, peak, printed) = peak(&place, &[&arguments[..], &["--evidence", "none"]].concat());
        assert_eq!(found, code, "{arguments:?}: {printed}");
        assert!(printed.contains(words), "{arguments:?}: {printed}");
        assert!(peak < 128 * 1024, "{arguments:?} needed {peak} KiB");
    }
}
