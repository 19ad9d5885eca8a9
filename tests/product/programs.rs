//! The built programs, and surroundings in which nothing of the developer's machine shows.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The root of the project.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder of the built programs: the tests lie in its `deps`.
pub(crate) fn folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().find(|folder| folder.ends_with("deps")).unwrap().parent().unwrap();
    let program = folder.join("evidence-report");
    assert!(program.exists(), "{} is missing: cargo build --workspace --bins", program.display());
    folder.to_owned()
}

/// A program with scrubbed surroundings, run folders of its own below `scratch`, and the built programs first on
/// the PATH.
pub(crate) fn program(name: impl AsRef<OsStr>, scratch: &Path) -> Command {
    let mut path = folder().into_os_string();
    path.push(":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    let mut command = Command::new(name);
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", scratch)
        .env("LANG", "C.UTF-8")
        .env("OPS_SMOKE_RUN_BASE", scratch.join("runs"))
        .stdin(std::process::Stdio::null());
    // What marks our processes for those who look for leftovers.
    if let Some(folder) = std::env::var_os("TMPDIR") {
        command.env("TMPDIR", folder);
    }
    command
}

/// One of the built programs.
pub(crate) fn tool(name: &str, scratch: &Path) -> Command {
    program(folder().join(name), scratch)
}

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
    Said {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Said {
    /// Asserts the exit code, and shows everything that was said when it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}
