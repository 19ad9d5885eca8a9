//! Runs the real binary in a folder of its own, and reads what came out of it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder for one test: its evidence, its runs, its files.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a scan came to.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) record: Value,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One finding, as it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) check: String,
    pub(crate) outcome: String,
    pub(crate) subject: String,
    pub(crate) expected: String,
    pub(crate) observed: String,
    pub(crate) remedy: String,
    pub(crate) hurts_at: String,
    pub(crate) location: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("cec").tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and says where it is.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// The binary, in this folder, in an environment that nobody has touched.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cert-expiry-check"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let ambient = ["PG", "GITHUB_", "SSL_CERT_", "NO_COLOR", "CI", "CLICOLOR"];
            if ambient.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("OPS_SMOKE_RUN_BASE", self.path("runs"));
        command
    }

    /// Runs what was typed, as it was typed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `scan`, with the record on standard output and the evidence file in this folder.
    pub(crate) fn scan_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["scan"]);
        command.args(arguments).args(["--format", "json", "--evidence"]).arg(self.evidence());
        command
    }

    /// The same command with so many open files at most.
    pub(crate) fn limited_to_open_files(&self, command: &Command, limit: u32) -> Command {
        let mut limited = self.command(&[]);
        let inner = std::mem::replace(&mut limited, Command::new("sh"));
        limited.args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"]);
        limited.arg(command.get_program()).args(command.get_args());
        limited
            .current_dir(self.path(""))
            .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        for (name, _) in inner.get_envs().filter(|(_, value)| value.is_none()) {
            limited.env_remove(name);
        }
        limited
    }

    pub(crate) fn scan(&self, arguments: &[&str]) -> Outcome {
        Outcome::read(&self.scan_command(arguments).output().unwrap())
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.path("evidence.md")
    }

    /// Nothing is left of the runs but the locks of their jobs.
    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path("runs"))
            .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
            .unwrap_or_default();
        assert!(left.iter().all(|name| name == "jobs"), "left behind: {left:?}");
    }
}

impl Outcome {
    pub(crate) fn read(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let record = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("no record ({error}):\n{stdout}\n{stderr}"));
        Self { code: output.status.code().unwrap_or(-1), record, stdout, stderr }
    }

    pub(crate) fn findings(&self) -> Vec<Found> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let findings = self.record["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|finding| Found {
                check: text(finding, "check"),
                outcome: text(finding, "outcome"),
                subject: text(finding, "subject"),
                expected: text(finding, "expected"),
                observed: text(finding, "observed"),
                remedy: text(finding, "remedy"),
                hurts_at: text(finding, "hurts_at"),
                location: text(finding, "location"),
            })
            .collect()
    }

    /// The findings of a check.
    pub(crate) fn of(&self, check: &str) -> Vec<Found> {
        self.findings().into_iter().filter(|found| found.check == check).collect()
    }

    /// The one finding of a check on a subject.
    #[track_caller]
    pub(crate) fn one(&self, check: &str, subject: &str) -> Found {
        let found: Vec<_> = self.of(check).into_iter().filter(|found| found.subject == subject).collect();
        assert_eq!(found.len(), 1, "{check} on {subject}: {:#?}", self.findings());
        found.into_iter().next().unwrap()
    }

    /// Asserts what came of a check on a subject, and a part of what was observed.
    #[track_caller]
    pub(crate) fn expect(&self, check: &str, subject: &str, outcome: &str, observed: &str) {
        let found = self.one(check, subject);
        assert_eq!(found.outcome, outcome, "{found:#?}");
        assert!(found.observed.contains(observed), "'{observed}' is not in: {found:#?}");
    }

    /// The checks that came to something other than a pass, each once, sorted.
    pub(crate) fn not_passed(&self) -> Vec<String> {
        let mut checks: Vec<_> =
            self.findings().into_iter().filter(|found| found.outcome != "passed").collect();
        checks.sort_by(|a, b| a.check.cmp(&b.check));
        checks.dedup_by(|a, b| a.check == b.check);
        checks.into_iter().map(|found| found.check).collect()
    }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Waits until a server has seen what a finished scan did to it.
#[track_caller]
pub(crate) fn eventually(condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < patience, "it never came to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}
