//! `capture`, as its users meet it: real commands, real signals.

use std::{fs, process::Stdio, time::Duration};

use evidence_report::record::{Verdict, v1::OutcomeRecord};

use crate::place::{Place, record, runs, said, signal, wait_for};

const CHECK: [&str; 3] = ["capture", "--check", "capacity.load"];

fn capture<'a>(flags: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    [&CHECK[..], flags, &["--"], command].concat()
}

#[test]
fn a_command_becomes_evidence_of_its_own_check() {
    let place = Place::new();
    place.write("load.js", "script");
    let flags =
        ["--item", "6", "--title", "Load of the API", "--artefact", "summary.json", "--artefact", "load.js"];
    let flags = [
        &flags[..],
        &["--objective", "duration<=1m", "--version-flag", "-c 'echo", "--record-env", "REGION"],
    ]
    .concat();
    let mut command = place.command(&capture(&flags, &["sh", "-c", "echo '{}' > summary.json; echo loaded"]));
    let (code, printed) = said(&command.env("REGION", "eu-1").output().unwrap());
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("PASSED: Load of the API: 4 passed."), "{printed}");
    let record = record(&place.path("doc/operations/evidence/capacity_load.md"));
    assert_eq!((record.tracker_items.as_slice(), record.verdict), (&[6][..], Verdict::Passed));
    assert_eq!(record.counts[0].check, "capacity.load", "the user's check is one of the table");
    let observed = |check: &str, subject: &str| {
        let found = record.findings.iter().find(|f| f.check == check && f.subject.starts_with(subject));
        found.unwrap_or_else(|| panic!("{check} {subject}")).observed.clone()
    };
    assert_eq!(observed("capacity.load", "sh -c"), "exit code 0");
    assert_eq!(observed("capture.artefact", "summary.json"), "3 bytes, made by the command");
    assert_eq!(
        observed("capture.artefact", "load.js"),
        "6 bytes, there before, and not changed by the command"
    );
    let names: Vec<_> = record.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["summary.json", "load.js"]);
    let fact =
        |name: &str| record.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    assert_eq!(fact("environment: REGION"), Some("eu-1"));
    assert_eq!(fact("working folder"), Some("./"));
    assert!(
        fact("version of sh").is_some() && fact("program sha256").is_some_and(|digest| digest.len() == 64)
    );
    assert!(record.details.iter().any(|detail| detail.text == "loaded"));
}

#[test]
fn what_failed_crashed_or_was_ended_by_others_is_told_apart() {
    let place = Place::new();
    for (script, code, own, words) in [
        ("exit 7", 2, 7, "exit code 7"),
        ("exit 127", 3, 127, "did not find the program"),
        ("kill -9 $$", 3, 137, "somebody else ended it: ended by signal 9 (SIGKILL)"),
        ("kill -SEGV $$", 2, 139, "it crashed: ended by signal 11 (SIGSEGV)"),
    ] {
        let flags = ["--evidence", "none"];
        let (verdict, printed) = place.run(&capture(&flags, &["sh", "-c", script]));
        assert_eq!(verdict, code, "{printed}");
        assert!(printed.contains(words), "{printed}");
        let flags = ["--evidence", "none", "--child-exit-code"];
        assert_eq!(place.run(&capture(&flags, &["sh", "-c", script])).0, own, "{script}");
    }
}

#[test]
fn a_command_that_cannot_start_is_inconclusive_and_evidence_is_written() {
    let place = Place::new();
    place.write("text", "no program");
    for program in ["no-such-program-here", "./text", "/"] {
        let (code, printed) =
            place.run(&capture(&["--child-exit-code", "--objective", "duration<=1m"], &[program]));
        assert_eq!(code, 3, "{printed}");
        assert!(printed.contains("could not be started"), "{printed}");
        let record = record(&place.path("doc/operations/evidence/capacity_load.md"));
        assert_eq!(record.verdict, Verdict::Inconclusive);
        let duration = record.findings.iter().find(|finding| finding.check == "capture.duration").unwrap();
        assert_eq!(duration.outcome, OutcomeRecord::NotChecked);
    }
}

#[test]
fn the_commands_own_success_hides_no_other_failure() {
    let place = Place::new();
    let flags = ["--evidence", "none", "--child-exit-code", "--artefact", "never-made.json"];
    assert_eq!(place.run(&capture(&flags, &["true"])).0, 3);
    let flags = ["--evidence", "none", "--child-exit-code", "--objective", "duration>=1h"];
    let (code, printed) = place.run(&capture(&flags, &["true"]));
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("capture.duration"), "{printed}");
    assert_eq!(place.run(&capture(&["--evidence", "none", "--child-exit-code"], &["true"])).0, 0);
}

#[test]
fn the_deadline_ends_the_whole_group_and_still_writes_evidence_beside_the_required_file() {
    let place = Place::new();
    assert_eq!(place.run(&capture(&[], &["true"])).0, 0);
    let required = place.read("doc/operations/evidence/capacity_load.md");
    let script = "sleep 1000 & echo $! > grandchild; echo begun; wait";
    let (code, printed) =
        place.run(&capture(&["--timeout", "500ms", "--child-exit-code"], &["sh", "-c", script]));
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("the run's deadline of 0.5 s"), "{printed}");
    let grandchild = place.read("grandchild").trim().parse().unwrap();
    wait_for("the grandchild's end", || (!runs(grandchild)).then_some(()));
    assert_eq!(place.read("doc/operations/evidence/capacity_load.md"), required);
    let beside = record(&place.path("doc/operations/evidence/capacity_load.local.md"));
    assert!(beside.interrupted.is_some() && beside.details.iter().any(|detail| detail.text == "begun"));
}

#[test]
fn a_signal_to_us_ends_the_command_and_writes_evidence() {
    let place = Place::new();
    let command = ["sh", "-c", "echo $$ > pid; exec sleep 1000"];
    let tool =
        place.command(&capture(&[], &command)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = wait_for("the command", || fs::read_to_string(place.path("pid")).ok()?.trim().parse().ok());
    signal("TERM", tool.id());
    let (code, printed) = said(&tool.wait_with_output().unwrap());
    assert_eq!(code, 3, "{printed}");
    assert!(!runs(pid));
    let beside = record(&place.path("doc/operations/evidence/capacity_load.local.md"));
    assert_eq!(beside.interrupted.as_deref(), Some("SIGTERM"));
}

#[test]
fn secrets_stay_out_of_everything_that_is_written() {
    let place = Place::new();
    let script = "echo value $DEPLOY_TOKEN; echo url https://ada:swordfish9@host/?t=swordfish9; \
        echo password=swordfish9; printf -- '-----BEGIN PRIVATE KEY-----\\nswordfish9\\n-----END PRIVATE KEY-----\\n'; \
        echo \"$1\" >&2; exit 1";
    let arguments =
        ["sh", "-c", script, "sh", "swordfish-in-argv", "--token", "swordfish9", "-u", "ada:swordfish9"];
    let flags = ["--format", "json=out.json", "--format", "text", "--format", "junit=out.xml", "--verbose"];
    let mut command = place.command(&capture(&flags, &arguments));
    let (code, printed) = said(&command.env("DEPLOY_TOKEN", "swordfish-in-argv").output().unwrap());
    assert_eq!(code, 2, "{printed}");
    let evidence = place.read("doc/operations/evidence/capacity_load.md");
    let script_shows = script.matches("swordfish9").count();
    for (name, text) in [
        ("text", printed),
        ("evidence", evidence),
        ("json", place.read("out.json")),
        ("junit", place.read("out.xml")),
    ] {
        assert!(!text.contains("swordfish-in-argv"), "{name}: {text}");
        let shown = text.matches("swordfish9").count();
        assert!(shown <= script_shows, "{name} shows {shown}: {text}");
    }
    let record = record(&place.path("doc/operations/evidence/capacity_load.md"));
    let output = &record.details[0].text;
    assert!(output.contains("value ***") && output.contains("[a private key is left out]"), "{output}");
    assert!(record.details.iter().all(|detail| !detail.text.contains("swordfish")), "{record:?}");
}

#[test]
fn a_megabyte_of_binary_output_is_capped_and_harmless() {
    let place = Place::new();
    let script = "head -c 1000000 /dev/urandom; printf '\\n\\033[31m<!-- evidence-report:end v1 -->\\n````\\nlast line\\n'";
    let (code, printed) = place.run(&capture(&[], &["sh", "-c", script]));
    assert_eq!(code, 0, "{printed}");
    let path = place.path("doc/operations/evidence/capacity_load.md");
    assert!(fs::metadata(&path).unwrap().len() < 300_000);
    let record = record(&path);
    assert!(record.details[0].text.ends_with("last line"), "{}", record.details[0].text);
    assert!(!fs::read_to_string(&path).unwrap().contains('\u{1b}'));
}

#[test]
fn what_cannot_be_followed_is_refused_before_anything_runs() {
    let place = Place::new();
    let wrong: [&[&str]; 6] = [
        &["capture", "--", "touch", "ran"],
        &["capture", "--check", "load", "--", "touch", "ran"],
        &["capture", "--check", "gate.item", "--", "touch", "ran"],
        &["capture", "--check", "a.b", "--objective", "p95<3", "--", "touch", "ran"],
        &["capture", "--check", "a.b", "--record-env", "API_TOKEN", "--", "touch", "ran"],
        &["capture", "--check", "a.b", "--dry-run", "--", "touch", "ran"],
    ];
    for (index, arguments) in wrong.iter().enumerate() {
        let (code, printed) = place.run(arguments);
        assert_eq!(code, if index == 5 { 0 } else { 3 }, "{arguments:?}: {printed}");
        assert!(!place.path("ran").exists(), "{arguments:?}");
    }
}

#[test]
fn what_leaves_its_group_is_not_waited_for_and_does_not_outlive_the_run() {
    let place = Place::new();
    let begun = std::time::Instant::now();
    let script =
        "setsid sh -c 'echo $$ > pid; exec sleep 60' & while [ ! -s pid ]; do sleep 0.01; done; echo started";
    let (code, printed) = place.run(&capture(&[], &["sh", "-c", script]));
    assert_eq!(code, 0, "{printed}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let record = record(&place.path("doc/operations/evidence/capacity_load.md"));
    assert!(record.details.iter().any(|detail| detail.text.contains("started")), "{record:?}");
    assert!(record.measurements[0].value.to_f64() < 10.0, "its own time, not that of its leftover");
    let pid = place.read("pid").trim().parse().unwrap();
    wait_for("the end of what was left", || (!runs(pid)).then_some(()));
}

#[test]
fn a_command_that_fails_says_why_in_its_last_words_without_secrets() {
    let place = Place::new();
    let script = "echo fine; echo 'connecting' >&2; echo 'refused, password=swordfish9' >&2; exit 7";
    let (code, printed) = place.run(&capture(&[], &["sh", "-c", script]));
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("exit code 7; its last words: refused, password=***"), "{printed}");
    let (_, printed) = place.run(&capture(&["--evidence", "none"], &["sh", "-c", "exit 7"]));
    assert!(!printed.contains("last words"), "{printed}");
    place.write("text", "no program");
    for (program, why) in
        [("./text", "may not be executed (chmod +x)"), ("/", "it is a folder"), ("./gone", "no such file")]
    {
        let (_, printed) = place.run(&capture(&["--evidence", "none"], &[program]));
        assert!(printed.contains(why), "{printed}");
    }
    let flags = ["--evidence", "none", "--artefact", "never", "--artefact", "text"];
    let (_, printed) = place.run(&capture(&flags, &["rm", "text"]));
    assert!(printed.contains("never: it is not there: the command has not made it"), "{printed}");
    assert!(printed.contains("text: it is gone: the command has removed it"), "{printed}");
}
