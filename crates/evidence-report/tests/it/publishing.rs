//! The exchange of evidence and history, disturbed at every step: two writers, a full disk, a folder that cannot be
//! written, a kill. What stands there is the old or the new, never half; and the chain is never forked silently.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use evidence_report::{
    document::{Verification, render_v1, verify},
    history::{Came, Chain, Line, Standing},
    record::v1::Record,
};

use crate::{
    fixture,
    running::{Place, text},
};

fn history(place: &Place) -> PathBuf {
    place.folder.path().join("history/evidence.jsonl")
}

fn chain(place: &Place) -> Chain {
    Chain::read(&text(&history(place)))
}

fn record(place: &Place) -> Record {
    match verify(&text(&place.evidence())) {
        Verification::Consistent(record) => *record,
        other => panic!("half a file: {other:?}"),
    }
}

/// How the evidence stands to its history, which has to be whole.
fn standing(place: &Place) -> Standing {
    let chain = chain(place);
    assert_eq!(chain.troubles(), []);
    chain.standing("evidence.md", &record(place))
}

/// Files that nobody asked for, in the evidence's folder and in that of its history.
fn leftovers(place: &Place) -> Vec<String> {
    let folders = [place.folder.path().to_owned(), place.folder.path().join("history")];
    let names = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".tmp"))
        .collect()
}

/// Evidence of one real run behind so many older ones.
fn with_runs(place: &Place, number: usize) {
    let mut lines = String::new();
    let mut record = Record::of(&fixture::report());
    record.environment = evidence_report::record::Environment::Local;
    for index in 0..number {
        let chain = Chain::read(&lines);
        record.previous = chain.head().map(str::to_owned);
        record.operator = format!("operator {index}");
        lines += &(chain.next(&record, "evidence.md", Came::Published).text() + "\n");
    }
    fs::create_dir_all(place.folder.path().join("history")).unwrap();
    fs::write(history(place), lines).unwrap();
    fs::write(place.evidence(), render_v1(&record)).unwrap();
    assert_eq!(place.run(&[], &["true"]).status.code(), Some(0));
    assert_eq!(chain(place).runs().count(), number + 1);
}

/// The example tool, with no file of its larger than so many bytes: beyond that the kernel kills it, or, where the
/// signal is ignored, refuses to write, as a full disk does.
fn limited(place: &Place, bytes: u64, signal: &str) -> Output {
    let tool = place.tool(&[], &["true"]);
    let script = format!("trap {signal} XFSZ; exec prlimit --core=0 --fsize={bytes} \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(tool.get_program()).args(tool.get_args());
    command.env("OPS_SMOKE_RUN_BASE", place.base()).current_dir(place.folder.path());
    command.stdin(Stdio::null()).output().unwrap()
}

/// A run at every limit from nothing to more than enough: what stood there before, or what is new, stands there
/// afterwards; and the run after that finds its way.
fn disturbed_at_every_size(signal: &str, mut seen: impl FnMut(&Place, &Output)) {
    let place = Place::new();
    with_runs(&place, 30);
    let (old_evidence, old_history) = (text(&place.evidence()), text(&history(&place)));
    assert!(old_history.len() > 2 * old_evidence.len(), "so that a limit falls between the two");
    let largest = u64::try_from(old_history.len()).unwrap() + 1500;
    let mut new_without_line = 0;
    for bytes in (600..largest).step_by(usize::try_from(largest / 14).unwrap()) {
        fs::write(place.evidence(), &old_evidence).unwrap();
        fs::write(history(&place), &old_history).unwrap();
        let output = limited(&place, bytes, signal);
        let standing = standing(&place);
        match standing {
            Standing::Newest { number: 31 } => assert_eq!(text(&place.evidence()), old_evidence),
            Standing::Newest { number: 32 } => assert_eq!(output.status.code(), Some(0)),
            Standing::Pending => {
                new_without_line += 1;
                assert_ne!(text(&place.evidence()), old_evidence);
                assert_eq!(text(&history(&place)), old_history);
            }
            other => panic!("{bytes}: {other:?}"),
        }
        seen(&place, &output);
        let after = place.run(&[], &["true"]);
        assert_eq!(after.status.code(), Some(0), "{after:?}");
        let runs: Vec<u64> = chain(&place).runs().map(|run| run.number).collect();
        let new = if matches!(standing, Standing::Newest { number: 31 }) { 32 } else { 33 };
        assert_eq!(runs, (1..=new).collect::<Vec<_>>(), "no run is lost, and none is there twice");
        assert!(chain(&place).runs().all(|run| run.came == Came::Published));
        assert_eq!(self::standing(&place), Standing::Newest { number: new });
        assert_eq!(leftovers(&place), Vec::<String>::new());
    }
    assert!(new_without_line > 2, "a limit fell between evidence and history: {new_without_line}");
}

#[test]
fn killed_between_the_steps_leaves_old_or_new_and_the_next_run_completes_the_chain() {
    let mut killed = 0;
    disturbed_at_every_size("-", |_, output| killed += usize::from(output.status.code().is_none()));
    assert!(killed > 4, "{killed}");
}

#[test]
fn a_full_disk_leaves_old_or_new_and_says_so() {
    let mut full = 0;
    disturbed_at_every_size("''", |place, output| {
        assert!(output.status.code().is_some(), "{output:?}");
        assert_eq!(leftovers(place), Vec::<String>::new());
        if output.status.code() == Some(3) {
            full += 1;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("evidence.md") || said.contains("evidence.jsonl"), "{said}");
            assert!(said.contains("File too large"), "{said}");
        }
    });
    assert!(full > 4, "{full}");
}

#[test]
fn killed_at_any_moment_leaves_old_or_new_and_a_chain_that_is_whole() {
    let place = Place::new();
    with_runs(&place, 2);
    for round in 0..25_u64 {
        let mut tool =
            place.tool(&[], &["true"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 1_700));
        let _ = tool.kill();
        tool.wait().unwrap();
        assert!(matches!(standing(&place), Standing::Newest { .. } | Standing::Pending), "round {round}");
    }
    assert_eq!(place.run(&[], &["true"]).status.code(), Some(0));
    let chain = chain(&place);
    let numbers: Vec<u64> = chain.runs().map(|run| run.number).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert!(chain.runs().all(|run| run.came == Came::Published), "{chain:?}");
    assert_eq!(leftovers(&place), Vec::<String>::new());
}

#[test]
fn writers_at_once_take_turns_and_the_chain_has_no_fork() {
    const EACH: usize = 6;
    let place = Place::new();
    let write = &|name: &str| {
        // Each has run folders of its own, as containers on one volume do: no lock of a job keeps them apart.
        let base = place.folder.path().join(name);
        for _ in 0..EACH {
            let output = place.tool(&[], &["true"]).env("OPS_SMOKE_RUN_BASE", &base).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
    };
    std::thread::scope(|scope| {
        for name in ["one", "two", "three"] {
            scope.spawn(move || write(name));
        }
    });
    let chain = chain(&place);
    assert_eq!(chain.troubles(), []);
    assert_eq!(chain.runs().count(), 3 * EACH);
    assert!(chain.runs().all(|run| run.came == Came::Published));
    assert_eq!(standing(&place), Standing::Newest { number: 3 * EACH as u64 });
    assert_eq!(leftovers(&place), Vec::<String>::new());
}

/// `unshare` with mounts of its own; `None` where nobody may have some. What a limit on the size of files shows is
/// shown there, too.
fn in_a_mount_namespace() -> Option<Command> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let way = ways.into_iter().find(|way| {
        let probe = "mount -t tmpfs -o size=4k tmpfs /mnt";
        let tried =
            Command::new("unshare").args(*way).args(["sh", "-c", probe]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    let mut command = Command::new("unshare");
    command.args(way?);
    Some(command)
}

#[test]
fn a_folder_that_cannot_be_written_keeps_what_stands_there() {
    let place = Place::new();
    with_runs(&place, 2);
    let (evidence, lines) = (text(&place.evidence()), text(&history(&place)));
    // Root writes where nobody may; a mount that is read-only stops root, too.
    let tool = place.tool(&[], &["true"]);
    let folder = place.folder.path().display().to_string();
    let script =
        format!("mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && cd / && exec \"$@\"");
    let base = tempfile::tempdir().unwrap();
    let Some(mut command) = in_a_mount_namespace() else {
        return eprintln!("namespaces are forbidden here");
    };
    command.args(["sh", "-c", &script, "sh"]);
    command.arg(tool.get_program()).args(tool.get_args()).env("OPS_SMOKE_RUN_BASE", base.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(said.contains("Read-only file system") && said.contains("No evidence was written"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("PASSED"), "the result is still shown");
    assert_eq!((text(&place.evidence()), text(&history(&place))), (evidence, lines));
}

#[test]
fn a_disk_that_is_really_full_keeps_what_stands_there() {
    let place = Place::new();
    with_runs(&place, 30);
    let tool = place.tool(&[], &["true"]);
    let folder = place.folder.path().display().to_string();
    let base = tempfile::tempdir().unwrap();
    // A file system with room for what stands there, and for nothing more.
    let script = format!(
        "set -e; cp -r {folder} {base}/copy; mount -t tmpfs -o size=64k tmpfs {folder}; \
         cp {base}/copy/evidence.md {folder}/; cp -r {base}/copy/history {folder}/; \
         cat /dev/zero > {folder}/filler 2>/dev/null || true; cd {folder}; \"$@\" && exit 9; code=$?; \
         cmp {base}/copy/evidence.md evidence.md; cmp {base}/copy/history/evidence.jsonl history/evidence.jsonl; \
         test \"$(ls -A | wc -l) $(ls -A history | wc -l)\" = '3 1'; exit $code",
        base = base.path().display()
    );
    let Some(mut command) = in_a_mount_namespace() else {
        return eprintln!("namespaces are forbidden here");
    };
    command.args(["sh", "-c", &script, "sh"]);
    command.arg(tool.get_program()).args(tool.get_args()).env("OPS_SMOKE_RUN_BASE", base.path().join("runs"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("No space left on device"), "{said}");
}

#[test]
fn a_damaged_history_is_kept_aside_and_begun_anew_and_says_so_for_good() {
    let place = Place::new();
    with_runs(&place, 3);
    let damaged = text(&history(&place)).replacen("\"passed\":", "\"passed\":7", 1);
    fs::write(history(&place), &damaged).unwrap();
    let output = place.run(&[], &["true"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("rewritten: line 1 is not the line that line 2 went on from"), "{said}");
    let chain = chain(&place);
    let Line::Anew(anew) = &chain.entries()[0].line else { panic!("{chain:?}") };
    assert_eq!(text(&place.folder.path().join("history").join(&anew.kept_as)), damaged);
    // What stood there is put into the new one as found, then ours.
    let came: Vec<_> = chain.runs().map(|run| (run.number, run.came)).collect();
    assert_eq!(came, [(5, Came::Found), (6, Came::Published)]);
    assert_eq!(standing(&place), Standing::Newest { number: 6 });
}

#[test]
fn evidence_of_another_environment_and_an_interrupted_run_share_the_chain() {
    let place = Place::new();
    place.run(&["--environment", "staging"], &["true"]);
    place.run(&[], &["true"]);
    let interrupted = place.run(&["--timeout", "1s"], &["sleep", "60"]);
    assert_eq!(interrupted.status.code(), Some(3));
    let chain = chain(&place);
    let runs: Vec<_> = chain.runs().map(|run| (run.file.as_str(), run.interrupted)).collect();
    assert_eq!(runs, [("evidence.md", false), ("evidence.local.md", false), ("evidence.local.md", true)]);
    assert_eq!(standing(&place), Standing::Newest { number: 1 });
}

#[test]
fn evidence_of_staging_that_was_altered_is_still_not_replaced_by_a_local_run() {
    let place = Place::new();
    place.run(&["--environment", "staging"], &["false"]);
    let altered = text(&place.evidence()).replacen("FAILED", "PASSED", 1);
    fs::write(place.evidence(), &altered).unwrap();
    place.run(&[], &["true"]);
    assert_eq!(text(&place.evidence()), altered);
    assert!(place.folder.path().join("evidence.local.md").exists());
}

#[test]
fn evidence_behind_a_link_has_its_history_beside_the_file_itself() {
    let place = Place::new();
    let kept = place.folder.path().join("kept");
    fs::create_dir(&kept).unwrap();
    place.tool_for(&kept.join("rehearsal.md"), &[], &["true"]).output().unwrap();
    std::os::unix::fs::symlink("kept/rehearsal.md", place.evidence()).unwrap();
    place.run(&[], &["true"]);
    assert!(fs::symlink_metadata(place.evidence()).unwrap().is_symlink());
    let chain = Chain::read(&text(&kept.join("history/rehearsal.jsonl")));
    assert_eq!(chain.standing("rehearsal.md", &record(&place)), Standing::Newest { number: 2 });
}

#[test]
fn a_history_of_a_newer_version_is_left_as_it_is() {
    let place = Place::new();
    with_runs(&place, 1);
    let newer = text(&history(&place)) + "{\"rehearsed\":{\"number\":3}}\n";
    fs::write(history(&place), &newer).unwrap();
    let evidence = text(&place.evidence());
    let output = place.run(&[], &["true"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(said.contains("'rehearsed'") && said.contains("upgrade it. No evidence was written"), "{said}");
    assert_eq!((text(&place.evidence()), text(&history(&place))), (evidence, newer));
}
