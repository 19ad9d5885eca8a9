//! Places of their own for tests of the command: a repository, a run base, and an environment that holds nothing of
//! ours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("er").tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.folder, name, content);
        self.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The command, in this place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        in_folder(self.folder.path(), &self.path("base"), arguments)
    }

    /// Runs the command: its exit code, and what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        said(&self.command(arguments).output().unwrap())
    }
}

fn in_folder(folder: &Path, base: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evidence-report"));
    command.args(arguments).current_dir(folder).env("OPS_SMOKE_RUN_BASE", base);
    command.env("USER", "ada").env_remove("SUDO_USER");
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CI", "OPS_SMOKE_DRILLS"] {
        command.env_remove(name);
    }
    command
}

/// Runs the command in a folder: its exit code, and what it printed.
pub(crate) fn command(folder: impl AsRef<Path>, arguments: &[&str]) -> (i32, String) {
    let base = tempfile::tempdir().unwrap();
    said(&in_folder(folder.as_ref(), &base.path().join("base"), arguments).output().unwrap())
}

/// Writes a file of a folder, and the folders above it.
pub(crate) fn write(folder: impl AsRef<Path>, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.as_ref().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
}

/// Has git do something in a folder.
pub(crate) fn git(folder: impl AsRef<Path>, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=Test", "-c", "user.email=test@platform.example"]);
    git.args(["-c", "protocol.file.allow=always"]).args(arguments);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code().unwrap(), text.concat())
}

pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs: a zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

pub(crate) fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

/// The record of an evidence file that is as it was written.
pub(crate) fn record(path: &Path) -> evidence_report::record::v1::Record {
    match evidence_report::document::verify(&fs::read_to_string(path).unwrap()) {
        evidence_report::document::Verification::Consistent(record) => *record,
        other => panic!("{other:?}"),
    }
}
