//! The tool as its user runs it: with a clean environment, its own run folder, and its evidence in a
//! temporary folder.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use backup_restore_smoke::self_test::own_words;
use serde_json::Value;

use crate::cluster::{bin_folder, quick_programs};

pub(crate) struct Tool {
    folder: tempfile::TempDir,
}

/// A folder with a short path; in memory where there is plenty, because clusters are made by the dozen.
pub(crate) fn temporary_folder(prefix: &str) -> tempfile::TempDir {
    let plenty = |space: rustix::fs::StatVfs| space.f_bavail * space.f_frsize > 4_000_000_000;
    let root = if rustix::fs::statvfs("/dev/shm").is_ok_and(plenty) { "/dev/shm" } else { "/tmp" };
    // The server's own user passes through, as it does through the folder that the tool uses by itself.
    let passable = fs::Permissions::from_mode(0o711);
    tempfile::Builder::new().prefix(prefix).permissions(passable).tempdir_in(root).unwrap()
}

/// What came of a run.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) report: Value,
}

impl Tool {
    pub(crate) fn new() -> Self {
        Self { folder: temporary_folder("brt") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the evidence.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A PATH with every program of this machine but one.
    pub(crate) fn path_without(&self, name: &str) -> PathBuf {
        let folder = self.path(&format!("without-{name}"));
        fs::create_dir(&folder).unwrap();
        for directory in ["/usr/bin", "/bin", "/usr/sbin", "/sbin"] {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                if entry.file_name() != name {
                    let _ = std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name()));
                }
            }
        }
        folder
    }

    /// What stands behind the managed region of the evidence.
    pub(crate) fn notes(&self) -> String {
        let evidence = fs::read_to_string(self.path("evidence.md")).unwrap();
        evidence.split("<!-- evidence-report:end v1 -->").nth(1).unwrap().to_owned()
    }

    pub(crate) fn base(&self) -> PathBuf {
        self.path("b")
    }

    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("backup-restore-smoke"));
        let ambient = |name: &str| {
            name.starts_with("PG") || name.starts_with("GITHUB_") || name == "CI" || name == "NO_COLOR"
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| ambient(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command
            .env("OPS_SMOKE_RUN_BASE", self.base())
            .env("PGBIN", quick_programs(&bin_folder()))
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    /// A run with evidence and a report, and progress in plain lines.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        // The tests' servers, their backups and the copies all live in one place.
        let shares =
            |word: &&str| ["--source", "--backup", "--pgbackrest", "--barman", "--config"].contains(word);
        if arguments[0] == "rehearse" && arguments.iter().any(shares) {
            command.args(arguments).arg("--scratch-shares-filesystem");
        } else {
            command.args(arguments);
        }
        command.arg("--verbose").arg("--evidence").arg(self.path("evidence.md"));
        command
            .arg("--format")
            .arg("text")
            .arg("--format")
            .arg(format!("json={}", self.path("report.json").display()));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.finish(self.spawn(arguments))
    }

    /// Starts it; its progress goes to a file, for [`Self::wait_for`].
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.start(self.command(arguments))
    }

    pub(crate) fn start(&self, mut command: Command) -> Child {
        let _ = fs::remove_file(self.path("report.json"));
        let stderr = fs::File::create(self.path("stderr")).unwrap();
        command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap()
    }

    pub(crate) fn finish(&self, mut child: Child) -> Ended {
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = child.wait().unwrap();
        let report = fs::read_to_string(self.path("report.json")).unwrap_or_else(|_| "null".to_owned());
        Ended {
            code: status.code(),
            stdout,
            stderr: self.stderr(),
            report: serde_json::from_str(&report).unwrap(),
        }
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap_or_default()
    }

    /// Waits until a progress line begins so.
    pub(crate) fn wait_for(&self, phase: &str) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !self.stderr().lines().any(|line| line.starts_with(phase)) {
            assert!(Instant::now() < deadline, "the phase '{phase}' does not come about: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Nothing of any run is left: no folder of a run or scratch, no process that works in one.
    pub(crate) fn assert_nothing_left(&self) {
        let base = self.base();
        let folders: Vec<_> = fs::read_dir(&base)
            .map(|entries| {
                entries.flatten().map(|entry| entry.file_name()).filter(|name| name != "jobs").collect()
            })
            .unwrap_or_default();
        assert!(folders.is_empty(), "left behind: {folders:?}");
        assert_eq!(processes_of(&base), Vec::<String>::new());
    }
}

/// Live processes that work in, or name, a folder under this one. A zombie is dead already.
pub(crate) fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) || name == std::process::id().to_string() {
            continue;
        }
        let status = fs::read_to_string(path.join("stat")).unwrap_or_default();
        if status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')) {
            continue;
        }
        let cwd =
            fs::read_link(path.join("cwd")).map(|cwd| cwd.to_string_lossy().into_owned()).unwrap_or_default();
        // Not what the sandbox of another test's run hides: our sockets.
        let arguments = own_words(&fs::read(path.join("cmdline")).unwrap_or_default());
        if cwd.starts_with(&folder) || arguments.contains(&folder) {
            found.push(format!("{name} {arguments}"));
        }
    }
    found
}

/// Polls until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come about within 120 s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Ended {
    /// The findings of a check: outcome, subject, observed.
    pub(crate) fn findings(&self, check: &str) -> Vec<(String, String, String)> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let all = self.report["findings"].as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|finding| finding["check"] == check)
            .map(|finding| (text(finding, "outcome"), text(finding, "subject"), text(finding, "observed")))
            .collect()
    }

    /// The one finding of a check.
    pub(crate) fn finding(&self, check: &str) -> (String, String, String) {
        let findings = self.findings(check);
        assert_eq!(findings.len(), 1, "{check}: {findings:?}\n{}", self.everything());
        findings.into_iter().next().unwrap()
    }

    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.everything());
        self
    }

    pub(crate) fn everything(&self) -> String {
        format!("stdout:\n{}\nstderr:\n{}\nreport:\n{}", self.stdout, self.stderr, self.report)
    }
}
