//! `self-test` catches every fault, would say so if it did not, and leaves nothing, however it ends.

use std::{collections::BTreeSet, process::ExitCode};

use backup_restore_smoke::{
    checks::TOOL,
    self_test::{
        Manner,
        fault::Fault,
        faults::{FAULTS, SOUND},
        run_faults,
        workshop::Trouble,
    },
};
use evidence_report::{record::Outcome, run::SharedFlags};

use crate::tool::{Tool, processes_of, temporary_folder, until};

/// Checks that no fault proves, and why.
const UNPROVEN: [(&str, &str); 10] = [
    (
        "restore.isolated",
        "it depends on what the machine allows; tests/it/harmless.rs shows what the copy cannot reach",
    ),
    (
        "restore.derived",
        "it lists what is not compared, and never fails; tests/it/source_safety.rs shows the list",
    ),
    (
        "restore.collations",
        "it needs two versions of a locale on one machine; the unit tests of comparison/ hold it",
    ),
    (
        "recovery.canary",
        "it measures a canary that beats at a source; tests/it/canary.rs breaks each part of it",
    ),
    ("recovery.forecast", "it looks ahead, and says how sure that is; tests/it/forecast.rs holds its limits"),
    ("canary.installed", "it writes to a source; tests/it/canary.rs breaks each part of it"),
    ("canary.beats", "it writes to a source; tests/it/canary.rs breaks each part of it"),
    (
        "policy.archive",
        "only pgBackRest and Barman have an archive; the unit tests of policy/ read broken ones",
    ),
    ("self_test.faults", "it is the verdict on all of these; the tests below show that it fails"),
    ("run.waiver", "it judges the configuration, not the world; evidence-report's own tests prove it"),
];

/// Rehearses faults from this process, and gives back the exit code.
fn code_of(faults: &[&Fault], extra: &[&str]) -> String {
    let shared = SharedFlags { evidence: Some("none".into()), ..SharedFlags::default() };
    let folder = temporary_folder("brf");
    let manner = Manner {
        scratch: Some(folder.path().to_owned()),
        program: Some(assert_cmd::cargo::cargo_bin!("backup-restore-smoke").to_owned()),
        extra: extra.iter().map(|word| (*word).to_owned()).collect(),
        ..Manner::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let code = format!("{:?}", runtime.block_on(run_faults(faults, &manner, &shared)).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "left in the scratch");
    code
}

fn exits(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

fn titled(title: &str) -> &'static Fault {
    FAULTS.iter().chain(SOUND).find(|fault| fault.title == title).unwrap()
}

/// So many tests rehearse them all, each with servers of its own, and several faults side by side.
const PARTS: usize = 3;

/// Faults of these tools are rehearsed together, because a repository is made once for all of them.
const ALONE: [&str; 2] = ["pgBackRest", "Barman"];

/// Every third fault, from this one on.
fn a_part_is_caught(from: usize) {
    let alone = |fault: &&&Fault| !ALONE.iter().any(|word| fault.title.contains(word));
    let faults: Vec<_> =
        SOUND.iter().chain(FAULTS).filter(alone).skip(from).step_by(PARTS).copied().collect();
    assert_eq!(code_of(&faults, &[]), exits(0), "the lines above say what slipped through");
}

fn those_of_a_tool_are_caught(tool: &str) {
    let faults: Vec<_> =
        SOUND.iter().chain(FAULTS).filter(|fault| fault.title.contains(tool)).copied().collect();
    assert!(faults.len() > 4 && ALONE.contains(&tool));
    assert_eq!(code_of(&faults, &[]), exits(0), "the lines above say what slipped through");
}

macro_rules! parts {
    ($($name:ident: $from:literal),*) => {
        /// Each fault is in one of these.
        mod every_fault_is_caught_and_what_is_sound_is_left_in_peace {
            $(#[test]
            fn $name() {
                super::a_part_is_caught($from);
            })*

            #[test]
            fn of_pgbackrest() {
                super::those_of_a_tool_are_caught("pgBackRest");
            }

            #[test]
            fn of_barman() {
                super::those_of_a_tool_are_caught("Barman");
            }

            #[test]
            fn in_all_the_parts() {
                assert_eq!([$($from),*].as_slice(), (0..super::PARTS).collect::<Vec<_>>());
            }
        }
    };
}

parts!(part_1: 0, part_2: 1, part_3: 2);

#[test]
fn evidence_and_formats_are_written_when_asked_and_say_how_many_were_caught() {
    let tool = Tool::new();
    let evidence = tool.path("evidence.md");
    let output =
        tool.bare().args(["self-test", "--only", "data loss", "--evidence"]).arg(&evidence).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("2 of 2 faults caught, 0 slipped through"), "{said}");
    let evidence = std::fs::read_to_string(evidence).unwrap();
    assert!(evidence.contains("Self-test of backup-restore-smoke"), "{evidence}");
    assert!(evidence.contains("2 of 2 faults caught"), "{evidence}");
    tool.assert_nothing_left();
}

#[test]
fn what_cannot_be_done_is_refused() {
    let tool = Tool::new();
    for words in [
        ["self-test", "--config", "some.yaml"].as_slice(),
        &["self-test", "--dry-run"],
        &["self-test", "--only", "no such title"],
        &["self-test", "--only", "role", "--pg-bin", "/nowhere/at/all"],
    ] {
        let output = tool.bare().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
    tool.assert_nothing_left();
}

#[test]
fn a_fault_that_nobody_sees_fails_the_self_test() {
    let missed = titled("wrong password");
    let none = Fault { title: "none", build: titled("healthy database").build, ..*missed };
    let check =
        Fault { title: "other check", proves: titled("data loss objective missed").proves, ..*missed };
    let words = Fault { title: "other words", says: &["never heard"], ..*missed };
    let milder = Fault { title: "milder", outcome: Outcome::Warned, ..*missed };
    for fault in [none, check, words, milder] {
        assert_eq!(code_of(&[&fault], &[]), exits(2), "{}", fault.title);
    }
}

#[test]
fn a_tool_that_always_complains_fails_the_self_test() {
    let sound = titled("healthy database without page checksums");
    assert_eq!(code_of(&[sound], &["--rto", "1ms"]), exits(2));
}

#[test]
fn a_fault_that_cannot_be_made_is_inconclusive_unless_this_machine_forbids_it() {
    let broken = Fault {
        title: "broken",
        build: |_| Box::pin(async { Err(Trouble::Broke("no folder".to_owned())) }),
        ..*FAULTS[0]
    };
    assert_eq!(code_of(&[&broken], &[]), exits(3));
    let forbidden = Fault {
        title: "forbidden",
        build: |_| Box::pin(async { Err(Trouble::NotHere("not allowed".to_owned())) }),
        ..*FAULTS[0]
    };
    assert_eq!(code_of(&[&forbidden], &[]), exits(0));
}

#[test]
fn stopped_or_killed_the_self_test_leaves_nothing() {
    for signal in ["TERM", "KILL"] {
        let tool = Tool::new();
        let child = tool.start({
            let mut command = tool.bare();
            command.args(["self-test", "--verbose", "--only", "SIG"]);
            command
        });
        // Deep in it: the server of a copy runs.
        until("a rehearsal's copy", || {
            processes_of(&tool.base()).iter().any(|process| process.contains("/copy/data"))
        });
        let process = child.id().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &process]).status();
        assert!(sent.unwrap().success());
        let ended = tool.finish(child);
        if signal == "TERM" {
            assert_eq!(ended.code, Some(3), "{}", ended.everything());
        } else {
            until("the end of every server", || processes_of(&tool.base()).is_empty());
            assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
        }
        tool.assert_nothing_left();
    }
}

#[test]
fn every_check_is_proven_or_excused() {
    let known: BTreeSet<_> = TOOL.checks.iter().map(|check| check.id).collect();
    let proven: BTreeSet<_> = FAULTS.iter().map(|fault| fault.proves.id).collect();
    let excused: BTreeSet<_> = UNPROVEN.iter().map(|(id, _)| *id).collect();
    assert!(UNPROVEN.iter().all(|(_, why)| why.len() > 20), "an excuse has a reason");
    let neither: Vec<_> = known.iter().filter(|id| !proven.contains(*id) && !excused.contains(*id)).collect();
    assert!(
        neither.is_empty(),
        "add a fault to src/self_test/faults, or a reason to UNPROVEN, for {neither:?}"
    );
    let stale: Vec<_> = excused.iter().filter(|id| proven.contains(*id) || !known.contains(*id)).collect();
    assert!(stale.is_empty(), "proven, or no check any more: {stale:?}");
}

#[test]
fn every_fault_has_a_title_of_its_own() {
    let titles: BTreeSet<_> = FAULTS.iter().chain(SOUND).map(|fault| fault.title).collect();
    assert_eq!(titles.len(), FAULTS.len() + SOUND.len());
}

/// What is known to go wrong in the field, with what the stock tools let pass, and the rows that show it caught (or, of
/// a healthy backup in that setting, left in peace).
const FIELD: [(&str, &[&str]); 39] = [
    ("custom dump that was cut", &["cut_archive"]),
    ("plain script cut within COPY", &["cut_script"]),
    ("file of a directory dump deleted", &["deleted_data_file"]),
    ("file of a directory dump emptied", &["emptied_data_file"]),
    ("file of an uncompressed directory dump halved", &["halved_data_file"]),
    ("byte flipped in an uncompressed dump", &["flipped_byte"]),
    ("byte flipped in a compressed dump", &["flipped_packed_byte"]),
    ("segment of the log missing, no target", &["missing_segment"]),
    ("record of the log corrupt, no target", &["corrupt_record"]),
    ("segment of the log truncated", &["cut_segment"]),
    ("gap in the log before a target", &["commands", "repositories"]),
    ("unknown name of a target", &["unknown_target"]),
    ("page flipped in a base backup", &["flipped_page"]),
    ("page corrupt at the source, checksums off", &["silent_page", "dumped_page"]),
    ("server of another major on the folder", &["other_majors_files"]),
    ("disk full", &["full_disk", "full_disk_later", "full_disk_step", "small_disk"]),
    ("server killed in the middle of the restore", &["killed_copy"]),
    ("source killed in the middle of the dump", &["killed_source"]),
    ("wrong password", &["wrong_password"]),
    ("expired role", &["expired_role"]),
    ("connection dropped", &["cut_dump", "cut_fingerprint"]),
    ("restore_command that hangs", &["commands", "sound"]),
    ("restore_command that fails", &["commands", "sound"]),
    ("stale lock", &["sound", "repositories"]),
    ("SIGTERM in each phase", &["terminated"]),
    ("SIGKILL in each phase", &["killed"]),
    ("temporary folder that is read-only", &["read_only_disk"]),
    ("PostgreSQL of another major", &["other_major"]),
    ("extension missing", &["missing_extension", "dumped_extension"]),
    ("role missing", &["missing_role"]),
    ("statement timeout", &["cancelled_query", "sound"]),
    ("table locked ACCESS EXCLUSIVE", &["locked_table", "locked_parent"]),
    ("table dropped between listing and reading", &["dropped_table"]),
    ("writers throughout", &["sound"]),
    ("database that is not UTF-8", &["sound"]),
    ("names with quotes, spaces, newlines, emoji", &["sound"]),
    ("tablespace", &["sound", "live_tablespace"]),
    ("materialised view over a foreign table", &["foreign_view"]),
    ("repositories of pgBackRest and Barman", &["repositories"]),
];

#[test]
fn every_fault_of_the_field_has_a_row() {
    let listed = include_str!("../../src/self_test/faults/mod.rs");
    for (fault, files) in FIELD {
        for file in files {
            let rows = listed.matches(&format!("&{file}::")).count();
            assert!(rows > 0, "{fault}: {file} is in no list");
        }
    }
}
