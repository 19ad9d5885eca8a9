//! The paved path, walked by the example tool: stops, kills, overlaps, sweeps, notes, environments.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use evidence_report::{
    document::{Verification, read, verify},
    history::Chain,
};

/// A place of its own for one test: run base, evidence and working folder.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("er").tempdir().unwrap() }
    }

    pub(crate) fn base(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.folder.path().join("evidence.md")
    }

    /// The example tool, with an environment that holds nothing of ours.
    pub(crate) fn tool(&self, flags: &[&str], command: &[&str]) -> Command {
        self.tool_for(&self.evidence(), flags, command)
    }

    pub(crate) fn tool_for(&self, evidence: &Path, flags: &[&str], command: &[&str]) -> Command {
        let test_binary = std::env::current_exe().unwrap();
        let examples = test_binary.parent().unwrap().parent().unwrap().join("examples");
        let mut tool = Command::new(examples.join("command_smoke"));
        tool.args(["--evidence", evidence.to_str().unwrap()]).args(flags);
        if !command.is_empty() {
            tool.arg("--").args(command);
        }
        tool.env("OPS_SMOKE_RUN_BASE", self.base()).current_dir(self.folder.path());
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CI"] {
            tool.env_remove(name);
        }
        tool
    }

    pub(crate) fn run(&self, flags: &[&str], command: &[&str]) -> Output {
        self.tool(flags, command).output().unwrap()
    }

    /// Starts the tool on a command that first tells its process id in a file, then waits.
    fn start_waiting(&self, script: &str) -> (Child, u32) {
        let told = self.folder.path().join("pid");
        let script = format!("echo $$ > {}; {script}", told.display());
        let tool =
            self.tool(&[], &["sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let pid =
            wait_for("the command's process id", || fs::read_to_string(&told).ok()?.trim().parse().ok());
        (tool.unwrap(), pid)
    }

    /// Run folders that are there now.
    pub(crate) fn run_folders(&self) -> Vec<String> {
        let names = fs::read_dir(self.base()).into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != "jobs")
            .collect()
    }
}

fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs: a zombie does not.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

pub(crate) fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_passing_run_writes_consistent_evidence_and_leaves_nothing_behind() {
    let place = Place::new();
    let output = place.run(&[], &["echo", "hello"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("PASSED: Command smoke: 1 passed."));
    let Verification::Consistent(record) = verify(&text(&place.evidence())) else { panic!() };
    assert_eq!(record.command[..2], ["command-smoke", "--evidence"]);
    assert_eq!(place.run_folders(), Vec::<String>::new());
}

#[test]
fn a_failing_run_exits_2_and_quiet_says_one_line_on_stderr() {
    let place = Place::new();
    let output = place.run(&["--quiet"], &["false"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
    let to_a_file = place.run(&["--quiet", "--format", "textfile=x.prom"], &["false"]);
    assert_eq!(String::from_utf8_lossy(&to_a_file.stderr).lines().count(), 1, "whatever else is written");
    assert_eq!(place.run(&["--quiet"], &["true"]).stderr, b"", "silent on a pass");
}

#[test]
fn a_result_that_cannot_be_printed_is_an_error_and_a_broken_pipe_is_none() {
    let place = Place::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.tool(&[], &["true"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"), "{output:?}");
    assert!(matches!(verify(&text(&place.evidence())), Verification::Consistent(_)));

    let mut tool = place.tool(&[], &["true"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(tool.stdout.take());
    assert_eq!(tool.wait().unwrap().code(), Some(0));
}

#[test]
fn where_standard_error_takes_nothing_the_exit_code_still_tells() {
    let place = Place::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let code = |arguments: &[&str], command: &[&str]| {
        place.tool(arguments, command).stderr(full()).status().unwrap().code()
    };
    assert_eq!(code(&["--environment", "a b"], &["true"]), Some(3), "settings that cannot be followed");
    assert_eq!(code(&["--no-such-flag"], &[]), Some(3), "a usage error");
    assert_eq!(code(&["--quiet"], &["false"]), Some(2), "the one line of a failed run");
    assert_eq!(place.tool(&["--help"], &[]).stdout(full()).status().unwrap().code(), Some(3), "help unseen");
}

#[test]
fn usage_errors_exit_3_and_explanations_0() {
    let place = Place::new();
    assert_eq!(place.run(&["--no-such-flag"], &[]).status.code(), Some(3));
    assert_eq!(place.run(&["--format", "yaml"], &["true"]).status.code(), Some(3));
    assert_eq!(place.run(&["--help"], &[]).status.code(), Some(0));
    let explained = place.run(&["--explain", "command.ended"], &[]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("What to do: Run it by hand"));
    let unknown = place.run(&["--explain", "command.endet"], &[]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("command.ended"),
        "it names those that there are"
    );
    let missing = place.run(&[], &["no-such-program-here"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no-such-program-here"));
    assert_eq!(place.run_folders(), Vec::<String>::new(), "an error leaves nothing behind");
}

#[test]
fn sigterm_ends_the_child_and_writes_inconclusive_evidence_beside_the_required_file() {
    let place = Place::new();
    place.run(&[], &["true"]);
    let required = text(&place.evidence());
    let (tool, command) = place.start_waiting("exec sleep 1000");
    signal("TERM", tool.id());
    let output = tool.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(!runs(command));
    assert_eq!(text(&place.evidence()), required, "an interrupted run never goes over the required file");
    let beside = text(&place.folder.path().join("evidence.local.md"));
    assert!(beside.contains("**INCONCLUSIVE · local"), "{beside}");
    assert!(beside.contains("interrupted by SIGTERM"));
    assert_eq!(place.run_folders(), Vec::<String>::new());
}

#[test]
fn the_deadline_stops_the_run() {
    let place = Place::new();
    let output = place.run(&["--timeout", "200ms"], &["sleep", "1000"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("deadline of 0.2 s"), "{output:?}");
}

#[test]
fn a_second_signal_kills_a_child_that_does_not_listen() {
    let place = Place::new();
    let (tool, command) = place.start_waiting("trap '' TERM INT HUP; while :; do sleep 0.1; done");
    signal("INT", tool.id());
    // The child is asked to end, and does not; a second signal must not wait for the end of our patience.
    let begun = Instant::now();
    wait_for("the child's end", || {
        signal("INT", tool.id());
        (!runs(command)).then_some(())
    });
    let output = tool.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!runs(command));
    assert!(begun.elapsed() < Duration::from_secs(4), "patience is 5 s: {:?}", begun.elapsed());
}

#[test]
fn kill_9_takes_the_child_along_and_the_next_run_sweeps_the_rest_and_only_that() {
    let place = Place::new();
    // A second run, of another job, lives on all the while.
    let other_evidence = place.folder.path().join("other.md");
    let mut other = place
        .tool_for(&other_evidence, &[], &["sleep", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the other run's scratch", || (place.run_folders().len() == 2).then_some(()));
    let others = place.run_folders();

    // The grandchild is no child of the tool: only the mark in its environment leads to it.
    let grandchild_file = place.folder.path().join("grandchild");
    let script = format!("sleep 1000 & echo $! > {}; exec sleep 1000", grandchild_file.display());
    let (mut tool, child) = place.start_waiting(&script);
    let grandchild: u32 =
        wait_for("the grandchild", || fs::read_to_string(&grandchild_file).ok()?.trim().parse().ok());
    signal("KILL", tool.id());
    tool.wait().unwrap();
    wait_for("the child's end", || (!runs(child)).then_some(()));
    assert!(runs(grandchild), "the kernel ends only the direct child");
    assert_eq!(place.run_folders().len(), 4, "the dead run's folder and scratch are left");

    let swept = place.run(&["--sweep"], &[]);
    assert_eq!(swept.status.code(), Some(0), "{swept:?}");
    assert!(String::from_utf8_lossy(&swept.stdout).contains("ended 1 process"), "{swept:?}");
    wait_for("the grandchild's end", || (!runs(grandchild)).then_some(()));
    let mut left = place.run_folders();
    let mut expected = others;
    left.sort();
    expected.sort();
    assert_eq!(left, expected, "the living run is not touched");
    assert!(other.try_wait().unwrap().is_none());
    signal("TERM", other.id());
    other.wait().unwrap();
    assert_eq!(place.run_folders(), Vec::<String>::new());
}

#[test]
fn the_second_of_two_overlapping_runs_exits_3_and_names_the_holder() {
    let place = Place::new();
    let (tool, _) = place.start_waiting("exec sleep 1000");
    let second = place.run(&[], &["true"]);
    assert_eq!(second.status.code(), Some(3));
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains(&format!("process {}", tool.id())), "{message}");
    assert_eq!(place.run_folders().len(), 2, "only the first run's folder and its scratch");
    signal("TERM", tool.id());
    tool.wait_with_output().unwrap();
    assert_eq!(place.run(&[], &["true"]).status.code(), Some(0), "and the lock goes with its holder");
}

#[test]
fn notes_survive_regeneration_and_the_chain_goes_on() {
    let place = Place::new();
    place.run(&[], &["true"]);
    let first = read(&text(&place.evidence())).unwrap();
    let with_notes = text(&place.evidence()) + "The owner accepts the risk.\n";
    fs::write(place.evidence(), &with_notes).unwrap();
    place.run(&[], &["true"]);
    let second = read(&text(&place.evidence())).unwrap();
    assert!(second.notes.ends_with("## Notes\n\nThe owner accepts the risk.\n"), "{:?}", second.notes);
    let chain = Chain::read(&text(&place.folder.path().join("history/evidence.jsonl")));
    assert_eq!(chain.runs().next().unwrap().seal, first.seal);
    assert_eq!(second.record.previous.as_deref(), Some(chain.entries()[0].digest.as_str()));
}

#[test]
fn a_page_by_hand_is_kept_whole_in_the_notes_and_a_damaged_file_aside() {
    let place = Place::new();
    fs::write(place.evidence(), "# By hand\n\nWe did it.\n").unwrap();
    place.run(&[], &["true"]);
    let document = read(&text(&place.evidence())).unwrap();
    assert!(document.notes.contains("# By hand\n\nWe did it.\n"));

    let damaged = text(&place.evidence()).replace("<!-- evidence-report:end v1 -->", "");
    fs::write(place.evidence(), &damaged).unwrap();
    let output = place.run(&[], &["true"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("the file is cut"), "{output:?}");
    let names = fs::read_dir(place.folder.path()).unwrap().flatten().map(|entry| entry.path());
    let aside = names.into_iter().find(|path| path.to_string_lossy().contains("damaged")).unwrap();
    assert_eq!(text(&aside), damaged);
}

#[test]
fn an_altered_file_is_told_when_it_is_replaced() {
    let place = Place::new();
    place.run(&[], &["false"]);
    fs::write(place.evidence(), text(&place.evidence()).replacen("FAILED", "PASSED", 1)).unwrap();
    let output = place.run(&[], &["true"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 3: verdict altered"), "{output:?}");
}

#[test]
fn a_local_run_never_goes_over_evidence_of_staging() {
    let place = Place::new();
    place.run(&["--environment", "staging"], &["true"]);
    let staging = text(&place.evidence());
    let output = place.run(&[], &["true"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&place.evidence()), staging);
    assert!(text(&place.folder.path().join("evidence.local.md")).contains("**PASSED · local"));
}

#[test]
fn evidence_that_cannot_be_written_is_an_error_and_the_result_is_still_shown() {
    let place = Place::new();
    fs::write(place.evidence(), "x").unwrap();
    let below_a_file = place.evidence().join("deeper.md");
    let output = place.tool_for(&below_a_file, &[], &["true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("PASSED"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("deeper.jsonl"), "{output:?}");
    assert_eq!(text(&place.evidence()), "x", "what stood there still stands");
}

#[test]
fn outputs_go_where_they_are_asked_to_and_annotations_come_unasked_on_github() {
    let place = Place::new();
    let summary = place.folder.path().join("summary.md");
    let output = place
        .tool(
            &["--format", "text", "--format", "junit=out/junit.xml", "--format", "textfile=out/x.prom"],
            &["false"],
        )
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("::error title=Command ends with 0"));
    assert!(text(&summary).contains("**FAILED · local"));
    assert!(text(&place.folder.path().join("out/junit.xml")).contains("failures=\"1\""));
    let textfile = text(&place.folder.path().join("out/x.prom"));
    assert!(textfile.contains("verdict=\"failed\"} 1"), "{textfile}");
    assert!(!textfile.contains("last_success"), "there was none");
}

#[test]
fn the_sweep_ends_what_overwrote_its_mark_and_lives_in_a_journaled_folder_but_no_shell_that_stands_there() {
    let place = Place::new();
    let dead = place.base().join("deadbeef");
    let scratch = place.base().join("scratch");
    fs::create_dir_all(&dead).unwrap();
    fs::create_dir_all(&scratch).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    let journal = format!(
        "{{\"made\":{{\"entry\":0,\"what\":{{\"effect\":\"folder\",\"path\":\"{0}\"}}}}}}\n\
         {{\"made\":{{\"entry\":1,\"what\":{{\"effect\":\"processes\",\"program\":\"sleep (a server)\"}}}}}}\n",
        scratch.display()
    );
    fs::write(dead.join("journal"), journal).unwrap();
    let mut server = Command::new("sleep").arg("1000").current_dir(&scratch).spawn().unwrap();
    let mut elsewhere = Command::new("sleep").arg("1000").current_dir("/").spawn().unwrap();
    let mut shell = Command::new("tail").args(["-f", "/dev/null"]).current_dir(&scratch).spawn().unwrap();
    let swept = place.run(&["--sweep"], &[]);
    assert_eq!(swept.status.code(), Some(0), "{swept:?}");
    assert!(String::from_utf8_lossy(&swept.stdout).contains("ended 1 process"), "{swept:?}");
    assert!(!server.wait().unwrap().success());
    assert!(!scratch.exists() && !dead.exists());
    for living in [&mut elsewhere, &mut shell] {
        assert!(living.try_wait().unwrap().is_none());
        living.kill().unwrap();
        living.wait().unwrap();
    }
}

#[test]
fn a_run_that_owes_a_check_and_does_not_make_it_is_no_pass() {
    let place = Place::new();
    let output = place.run(&["--withhold", "--format", "json"], &["true"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["verdict"], "inconclusive");
    assert_eq!(record["owed"], serde_json::json!(["command.ended"]));
    assert_eq!(record["findings"][0]["outcome"], "not_checked");
    assert!(matches!(verify(&text(&place.evidence())), Verification::Consistent(_)));
    let made = place.run(&["--format", "json"], &["true"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
}

#[test]
fn the_fourth_tool_has_fifty_lines_and_everything_that_the_others_have() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let command = place.tool(&[], &[]);
    let program = Path::new(command.get_program()).with_file_name("tcp_smoke");
    let said = |address: &str| {
        let mut tool = Command::new(&program);
        tool.args([address, "--no-progress", "--evidence"]).arg(place.evidence());
        tool.env("OPS_SMOKE_RUN_BASE", place.base()).env_remove("GITHUB_ACTIONS").output().unwrap()
    };
    assert_eq!(said(&address).status.code(), Some(0));
    drop(listener);
    let failed = said(&address);
    assert_eq!(failed.status.code(), Some(2), "{failed:?}");
    assert!(text(&place.evidence()).contains("**FAILED · local"));
    let source = include_str!("../../examples/tcp_smoke.rs");
    let code = source.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
    assert!(code.count() <= 55, "about fifty");
}

#[test]
fn what_the_tools_wrote_is_no_dirt_wherever_it_lies() {
    let place = Place::new();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"];
        let mut git = Command::new("git");
        git.current_dir(place.folder.path()).args(identity).args(arguments);
        assert!(git.stdout(Stdio::null()).status().unwrap().success());
    };
    fs::write(place.folder.path().join("code.rs"), "one").unwrap();
    git(&["init", "-q"]);
    place.run(&[], &["true"]);
    git(&["add", "code.rs", "evidence.md", "history"]);
    git(&["commit", "-q", "-m", "first"]);
    let dirty = || {
        place.run(&[], &["true"]);
        read(&text(&place.evidence())).unwrap().record.commit.unwrap().dirty
    };
    assert!(!dirty());
    assert!(!dirty(), "evidence and history have changed since");
    fs::write(place.folder.path().join("code.rs"), "two").unwrap();
    assert!(dirty());
    fs::remove_file(place.folder.path().join("code.rs")).unwrap();
    assert!(dirty());
}
