//! Backups that are not there as they should be are found by listing them; nothing is restored.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::tool::{Ended, Tool};

const HOUR: Duration = Duration::from_secs(3600);

/// A dump of this size, last changed so many hours ago.
fn dump(tool: &Tool, name: &str, bytes: usize, hours: u32) {
    let path = tool.path("backups").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, vec![b'x'; bytes]).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - HOUR * hours).unwrap();
}

/// Ten dumps, one a day, the newest two hours old.
fn nightly(tool: &Tool) -> String {
    for day in 0..10 {
        dump(tool, &format!("shop-{day}.dump"), 1000 + day, 2 + 24 * u32::try_from(day).unwrap());
    }
    tool.path("backups/shop-*.dump").display().to_string()
}

fn judged(tool: &Tool, pattern: &str) -> Ended {
    tool.run(&[
        "policy",
        "--files",
        pattern,
        "--newest-age",
        "26h",
        "--interval",
        "24h",
        "--minimum-size",
        "500B",
        "--maximum-drop",
        "50%",
        "--redundancy",
        "7",
        "--retention",
        "7d",
        "--rpo",
        "25h",
    ])
}

#[test]
fn a_schedule_that_is_kept_passes_and_is_evidence() {
    let tool = Tool::new();
    let pattern = nightly(&tool);
    let ended = judged(&tool, &pattern);
    ended.assert_code(0);
    for check in ["found", "sound", "newest", "interval", "size", "drop", "redundancy", "retention"] {
        assert_eq!(ended.finding(&format!("policy.{check}")).0, "passed", "{check}: {}", ended.everything());
    }
    assert_eq!(ended.finding("policy.archive").0, "not_checked_optional");
    let exposure = ended.finding("recovery.exposure");
    assert!(exposure.0 == "passed" && exposure.2.contains("computed from the schedule"), "{exposure:?}");
    assert_eq!(ended.report["tracker_items"][0], 3);
    assert_eq!(ended.report["title"], "Backup schedule and retention");
    assert!(fs::read_to_string(tool.path("evidence.md")).unwrap().contains("Backups of"));
    tool.assert_nothing_left();
}

#[test]
fn each_broken_rule_fails_with_its_own_check_and_a_risk_note() {
    type Break = (&'static str, fn(&Tool));
    let faults: [Break; 5] = [
        ("policy.newest", |tool| fs::remove_file(tool.path("backups/shop-0.dump")).unwrap()),
        ("policy.interval", |tool| fs::remove_file(tool.path("backups/shop-3.dump")).unwrap()),
        ("policy.drop", |tool| dump(tool, "shop-0.dump", 501, 2)),
        ("policy.size", |tool| dump(tool, "shop-0.dump", 499, 2)),
        ("policy.retention", |tool| {
            for day in 7..10 {
                fs::remove_file(tool.path(&format!("backups/shop-{day}.dump"))).unwrap();
            }
        }),
    ];
    for (check, inject) in faults {
        let tool = Tool::new();
        let pattern = nightly(&tool);
        inject(&tool);
        let ended = judged(&tool, &pattern);
        ended.assert_code(2);
        assert_eq!(ended.finding(check).0, "failed", "{}", ended.everything());
        let notes = tool.notes();
        assert!(
            notes.contains(&format!("### Risk note: {check}, ")) && notes.contains("- Accepted by"),
            "{notes}"
        );
        // What somebody wrote there stays, and is not proposed again.
        let completed = fs::read_to_string(tool.path("evidence.md")).unwrap().replacen(
            ": …",
            ": the owner, 2027-01-01",
            9,
        );
        tool.file("evidence.md", &completed);
        judged(&tool, &pattern).assert_code(2);
        assert_eq!(tool.notes(), completed.split("<!-- evidence-report:end v1 -->").nth(1).unwrap());
    }
}

#[test]
fn an_empty_pattern_and_an_empty_file_are_failed() {
    let tool = Tool::new();
    let pattern = nightly(&tool);
    let nothing = tool.path("backups/*.sql.gz").display().to_string();
    let ended = judged(&tool, &nothing);
    ended.assert_code(2);
    assert_eq!(ended.finding("policy.found").0, "failed");
    dump(&tool, "shop-4.dump", 0, 98);
    let ended = judged(&tool, &pattern);
    ended.assert_code(2);
    let (outcome, subject, _) = ended.finding("policy.sound");
    assert!(outcome == "failed" && subject.ends_with("shop-4.dump"), "{subject}");
}

#[test]
fn the_time_in_a_name_counts_so_that_a_copied_file_is_not_fresh() {
    let tool = Tool::new();
    dump(&tool, "shop-20200101-0230.dump", 1000, 1);
    let folder = tool.path("backups").display().to_string();
    let ended = tool.run(&["policy", "--files", &folder, "--newest-age", "26h"]);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("policy.newest");
    assert!(outcome == "failed" && observed.contains("the time in the name"), "{observed}");
    dump(&tool, "shop-20990101-0230.dump", 1000, 1);
    let ended = tool.run(&["policy", "--files", &folder, "--newest-age", "26h"]);
    assert!(ended.finding("policy.newest").2.contains("yet to come"), "{}", ended.everything());
}

#[test]
fn a_configuration_names_several_sources_relative_to_itself() {
    let tool = Tool::new();
    nightly(&tool);
    dump(&tool, "base/data.tar", 5000, 1);
    let config = tool.file(
        "backups.yaml",
        "rpo: 30h\npolicy:\n- name: nightly dumps\n  source: { files: 'backups/shop-*.dump', time: mtime }\n  \
         newest_age: 26h\n  interval: 24h\n  maximum_drop: 50%\n- name: base backups\n  source: { files: \
         'backups/base' }\n  newest_age: 30m\n  schedule: { archive_timeout: 1m, archive_lag: 10s }\n",
    );
    let ended = tool.run(&["policy", "--config", config.to_str().unwrap()]);
    ended.assert_code(2);
    let newest = ended.findings("policy.newest");
    let told: Vec<_> =
        newest.iter().map(|(outcome, subject, _)| (outcome.as_str(), subject.as_str())).collect();
    assert!(
        told.contains(&("passed", "nightly dumps")) && told.contains(&("failed", "base backups")),
        "{told:?}"
    );
    let exposures = ended.findings("recovery.exposure");
    assert!(
        exposures.iter().any(|(.., observed)| observed.starts_with("70 s would be lost")),
        "{exposures:?}"
    );
}

#[test]
fn an_objective_that_nothing_computes_is_inconclusive() {
    let tool = Tool::new();
    let pattern = nightly(&tool);
    let ended = tool.run(&["policy", "--files", &pattern, "--rpo", "1h"]);
    ended.assert_code(3);
    assert_eq!(ended.finding("recovery.exposure").0, "not_checked");
}

#[test]
fn the_guide_s_configuration_is_understood() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/backup-restore-smoke.md");
    let guide = fs::read_to_string(guide).unwrap();
    let shown = |first: &str| {
        let start = guide.find(&format!("```yaml\n{first}")).unwrap() + "```yaml\n".len();
        guide[start..].split("```").next().unwrap().to_owned()
    };
    let tool = Tool::new();
    fs::create_dir(tool.path("sql")).unwrap();
    tool.file("sql/orders-without-customers.sql", "SELECT 1 WHERE false");
    let policy = tool.file("policy.yaml", &shown("rpo: 25h\npolicy:"));
    let assertions = tool.file("assertions.yaml", &shown("assertions:"));
    for arguments in [
        vec!["policy", "--config", policy.to_str().unwrap(), "--dry-run"],
        vec!["rehearse", "--embedded", "--config", assertions.to_str().unwrap(), "--dry-run"],
    ] {
        let output = tool.command(&arguments).output().unwrap();
        let plan = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{plan}{}", String::from_utf8_lossy(&output.stderr));
        assert!(plan.contains("nightly dumps") || plan.contains("every order has its customer"), "{plan}");
    }
}

#[test]
fn what_cannot_be_understood_is_refused_before_anything_is_begun() {
    let tool = Tool::new();
    let both = tool.file("both.yaml", "policy:\n- name: x\n  source: { files: a, barman: b }\n");
    let empty = tool.file("empty.yaml", "policy:\n- name: x\n  source: { files: '' }\n");
    let share = tool.file("share.yaml", "policy:\n- name: x\n  source: { files: a }\n  maximum_drop: half\n");
    let key = tool.file("key.yaml", "policy:\n- name: x\n  source: { files: a }\n  newest_aeg: 1h\n");
    let twice = tool.file(
        "twice.yaml",
        "policy:\n- { name: x, source: { files: a } }\n- { name: x, source: { barman: b } }\n",
    );
    let config = |path: &Path| vec!["policy".to_owned(), "--config".to_owned(), path.display().to_string()];
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (arguments, said) in [
        (words(&["policy"]), "--pgbackrest STANZA"),
        (words(&["policy", "--newest-age", "1h"]), "--files"),
        (words(&["policy", "--files", "a", "--barman", "b"]), "cannot be used with"),
        (words(&["policy", "--files", ""]), "--files PATTERN"),
        (config(&empty), "files is empty"),
        (words(&["policy", "--files", "a", "--maximum-drop", "2"]), "write 50%"),
        (words(&["policy", "--files", "a", "--name-offset", "Europe/Berlin"]), "+02:00"),
        (config(&both), "exactly one of"),
        (config(&share), "write 50%"),
        (config(&twice), "name of its own"),
        (config(&key), "line 4"),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let output = tool.command(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && stderr.contains(said), "{arguments:?}: {stderr}");
    }
}
