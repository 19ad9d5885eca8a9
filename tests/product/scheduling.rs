//! The snippets of docs/scheduling.md, taken out of the page and run.

use std::{path::Path, process::Command};

use testbed::tls_farm::{Farm, write_sample};

use crate::{
    programs::{folder, project, run},
    repository::Repository,
};

/// The page's fenced blocks of a language, in their order.
fn snippets(language: &str) -> Vec<String> {
    let page = fs_err::read_to_string(project().join("docs/scheduling.md")).unwrap();
    let mut blocks = page.split("\n```");
    blocks.next();
    let fenced = blocks.step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")).map(|text| format!("{text}\n")))
        .collect()
}

/// What follows `KEY=` in a unit, once or more often.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

#[test]
fn crontab_line_is_silent_when_all_is_well_and_says_one_line_when_not() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let farm = Farm::start().unwrap();
    let certificates = scratch.path().join("farm");
    write_sample(&farm, &certificates).unwrap();
    let textfiles = scratch.path().join("textfiles");
    fs_err::create_dir(&textfiles).unwrap();

    let crontab = snippets("crontab").remove(0);
    let line = crontab.lines().last().unwrap();
    let (minute, rest) = line.split_once(' ').unwrap();
    assert_eq!((minute, rest.split(' ').nth(3)), ("30", Some("*")));
    let command = rest.splitn(5, ' ').nth(4).unwrap();
    assert!(!command.contains('%'), "cron reads a percent sign as a line's end: {command}");
    let at_night = |targets: &str| {
        let config = format!("targets: [{targets}]\nroots: {}\n", certificates.join("ca.pem").display());
        fs_err::write(repository.root().join("ops/cert-expiry.yaml"), config).unwrap();
        let mut shell = repository.program("/bin/sh");
        shell.current_dir("/").env("REPOSITORY", repository.root()).env("TEXTFILES", &textfiles);
        run(shell.args(["-c", command]))
    };
    let files = |name: &str| format!("'{}'", certificates.join(name).display());

    let well = at_night(&files("good-90-days.pem")).exits(0);
    assert_eq!((well.stdout.as_str(), well.stderr.as_str()), ("", ""));
    let first = fs_err::read_to_string(textfiles.join("cert_expiry.prom")).unwrap();
    assert!(first.contains("verdict=\"passed\"} 1\n"), "{first}");
    let success = last_success(&first).expect("a success is told");

    let bad = at_night(&format!("{}, {}", files("good-90-days.pem"), files("expired.pem"))).exits(2);
    assert_eq!(bad.stdout, "");
    assert_eq!(lines(&bad.stderr), 1, "{}", bad.stderr);
    assert!(bad.stderr.contains("expired.pem"), "{}", bad.stderr);
    let second = fs_err::read_to_string(textfiles.join("cert_expiry.prom")).unwrap();
    assert!(second.contains("verdict=\"failed\"} 1\n"), "{second}");
    assert_eq!(last_success(&second), Some(success), "a failure forgets the last success");
}

/// The sample's value, as it is written.
fn last_success(textfile: &str) -> Option<&str> {
    let line = textfile.lines().find(|line| line.starts_with("ops_smoke_last_success_timestamp_seconds{"))?;
    line.rsplit(' ').next()
}

#[test]
fn systemd_accepts_the_units() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    let units = root.join("etc/systemd/system");
    let programs = root.join("usr/local/bin");
    for folder in [&units, &programs, &root.join("usr/lib/systemd")] {
        fs_err::create_dir_all(folder).unwrap();
    }
    std::os::unix::fs::symlink("usr/lib", root.join("lib")).unwrap();
    // The units of the system itself, which every unit stands on.
    run(Command::new("cp").arg("-a").arg("/usr/lib/systemd/system").arg(root.join("usr/lib/systemd")))
        .exits(0);
    for program in ["backup-restore-smoke", "cert-expiry-check"] {
        fs_err::copy(folder().join(program), programs.join(program)).unwrap();
    }
    // What somebody renews with is their own.
    let renewing = root.join("usr/local/sbin/renew-shop");
    fs_err::create_dir_all(renewing.parent().unwrap()).unwrap();
    fs_err::copy(folder().join("cert-expiry-check"), renewing).unwrap();
    let snippets = snippets("ini");
    let names = [
        "backup-restore-rehearsal.service",
        "backup-restore-rehearsal.timer",
        "backup-policy.service",
        "backup-policy.timer",
        "canary-beat.service",
        "canary-beat.timer",
        "renew-shop.service",
        "renew-shop.timer",
    ];
    assert_eq!(snippets.len(), names.len());
    for (name, text) in names.iter().zip(&snippets) {
        fs_err::write(units.join(name), text).unwrap();
    }
    let verify = || {
        run(Command::new("systemd-analyze")
            .arg(format!("--root={}", root.display()))
            .args(["--man=no", "verify"])
            .args(names))
    };
    let said = verify().exits(0);
    assert_eq!(said.stderr, "");
    // The check can fail: a key that systemd does not know.
    fs_err::write(units.join(names[0]), snippets[0].replace("TimeoutStopSec", "TimeoutStopSeconds")).unwrap();
    assert!(verify().stderr.contains("TimeoutStopSeconds"));
}

#[test]
fn service_rehearses_writes_its_textfile_and_sweeps() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let config = "source: null\nembedded: true\nembedded_size: 3MB\nrto: 30m\n";
    fs_err::write(repository.root().join("ops/backup-restore.yaml"), config).unwrap();
    let service = snippets("ini").remove(0);
    assert_eq!(values(&service, "WorkingDirectory"), ["/srv/platform"]);
    let by_hand = |command: &str| {
        assert!(command.starts_with("/usr/local/bin/"), "{command}");
        let command = command.replace("/usr/local/bin", &folder().display().to_string());
        let mut shell = repository.program("/bin/sh");
        run(shell.env("TEXTFILES", scratch.path()).args(["-c", &command]))
    };
    let started = by_hand(values(&service, "ExecStart")[0]).exits(0);
    assert!(started.stdout.starts_with("PASSED"), "{}", started.stdout);
    by_hand(values(&service, "ExecStopPost")[0]).exits(0);

    let textfile = scratch.path().join("backup_restore_rehearsal.prom");
    let told = fs_err::read_to_string(&textfile).unwrap();
    for metric in
        ["last_run_timestamp_seconds", "last_success_timestamp_seconds", "verdict", "duration_seconds"]
    {
        assert!(told.contains(&format!("\nops_smoke_{metric}{{tool=\"backup-restore-smoke\"")), "{told}");
    }
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(fs_err::File::open(&textfile).unwrap().into_parts().0);
    run(&mut promtool).exits(0);
}

#[test]
fn renewal_goes_on_when_due_skips_when_not_and_fails_when_nobody_knows() {
    let scratch = tempfile::tempdir().unwrap();
    let farm = Farm::start().unwrap();
    write_sample(&farm, scratch.path()).unwrap();
    let service = snippets("ini").into_iter().find(|unit| unit.contains("ExecCondition=")).unwrap();
    assert!(
        !service.lines().any(|line| line.starts_with("SuccessExitStatus=")),
        "it would run what is not due"
    );
    let [condition] = values(&service, "ExecCondition")[..] else { panic!("{service}") };
    let ask = |file: &str| {
        let condition = condition
            .replace("/usr/local/bin", &folder().display().to_string())
            .replace("/etc/ssl/private/shop.pem", &scratch.path().join(file).display().to_string());
        run(Command::new("/bin/sh").args(["-c", &condition]))
    };
    assert!(ask("expiring.pem").exits(0).stdout.starts_with("due: "));
    assert!(ask("good-90-days.pem").exits(1).stdout.starts_with("not due: "));
    assert!(ask("nowhere.pem").exits(255).stderr.contains("nowhere.pem"));
}

#[test]
fn ci_job_annotates_and_writes_junit() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let job: serde_json::Value = serde_saphyr::from_str(&snippets("yaml")[0]).unwrap();
    let steps = job["jobs"]["evidence"]["steps"].as_array().unwrap();
    let commands: Vec<_> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    let summary = scratch.path().join("summary.md");
    let step = |command: &str| {
        let mut shell = repository.program("bash");
        shell.env("GITHUB_ACTIONS", "true").env("CI", "true").env("GITHUB_STEP_SUMMARY", &summary);
        run(shell.args(["-e", "-c", command]))
    };
    let [rehearse, check] = commands[..] else { panic!("two steps run something: {commands:?}") };
    let rehearsed = step(rehearse).exits(0);
    assert!(!rehearsed.stdout.contains("::error"), "{}", rehearsed.stdout);

    // The sample's tracker has an item without evidence: an annotation with file and line.
    let checked = step(check).exits(2);
    let place = "file=doc/operations/parallel_ops_track.md,line=142";
    let annotation = checked.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
    assert!(annotation.contains(place) && annotation.contains("item 10"), "{annotation}");
    let summary = fs_err::read_to_string(summary).unwrap();
    assert!(summary.contains("Backup and restore") && summary.contains("item 10"), "{summary}");
    for report in ["reports/rehearsal.xml", "reports/evidence.xml"] {
        let text = fs_err::read_to_string(repository.root().join(report)).unwrap();
        assert!(text.starts_with("<?xml") && text.contains("<testsuite"), "{report}: {text}");
    }
}

/// The last YAML of the page, beside the unit tests of this folder.
fn rules(into: &Path) {
    let tests = fs_err::read_to_string(project().join("tests/product/rehearsal_rules_test.yaml")).unwrap();
    fs_err::write(into.join("rules.yaml"), snippets("yaml").last().unwrap()).unwrap();
    fs_err::write(into.join("tests.yaml"), tests).unwrap();
}

#[test]
fn alert_rules_fire_when_a_rehearsal_fails_and_when_none_succeeds() {
    let scratch = tempfile::tempdir().unwrap();
    rules(scratch.path());
    let promtool =
        |arguments: &[&str]| run(Command::new("promtool").current_dir(scratch.path()).args(arguments));
    promtool(&["check", "rules", "rules.yaml"]).exits(0);
    promtool(&["test", "rules", "tests.yaml"]).exits(0);
    // The test can fail: a rule that waits a year.
    let text = fs_err::read_to_string(scratch.path().join("rules.yaml")).unwrap();
    fs_err::write(scratch.path().join("rules.yaml"), text.replace("8 * 86400", "365 * 86400")).unwrap();
    promtool(&["test", "rules", "tests.yaml"]).exits(1);
}

#[test]
fn sample_repository_tests_its_own_rules() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    run(repository.program("promtool").args(["test", "rules", "ops/alert_rule_tests.yaml"])).exits(0);
}
