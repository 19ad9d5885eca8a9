//! A copy of the sample repository with a history of its own, for one test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::programs::{program, project, run, tool};

/// The copy. It lives as long as the scratch folder that holds it.
pub(crate) struct Repository {
    root: PathBuf,
    scratch: PathBuf,
}

impl Repository {
    pub(crate) fn new(scratch: &Path) -> Self {
        let copy = Self { root: scratch.join("platform"), scratch: scratch.to_owned() };
        let sample = project().join("examples/parallel-ops-track");
        run(program("cp", scratch).arg("-R").arg(sample).arg(&copy.root)).exits(0);
        copy.git(&["init", "--quiet"]);
        copy.git(&["add", "--all"]);
        copy.git(&["commit", "--quiet", "--message", "the sample"]);
        copy
    }

    fn git(&self, arguments: &[&str]) {
        let settings = ["user.name=Test", "user.email=test@example.invalid", "commit.gpgsign=false"];
        let mut git = program("git", &self.scratch);
        git.current_dir(&self.root);
        for setting in settings {
            git.args(["-c", setting]);
        }
        run(git.args(arguments)).exits(0);
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// One of the built programs, standing in the repository.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut tool = tool(name, &self.scratch);
        tool.current_dir(&self.root);
        tool
    }

    /// Another program, standing in the repository.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut program = program(name, &self.scratch);
        program.current_dir(&self.root);
        program
    }

    pub(crate) fn evidence(&self, name: &str) -> PathBuf {
        self.root.join("doc/operations/evidence").join(name)
    }

    pub(crate) fn rewrite(&self, path: &str, change: impl FnOnce(String) -> String) {
        let path = self.root.join(path);
        let text = fs_err::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed, "nothing to change in {}", path.display());
        fs_err::write(path, changed).unwrap();
    }
}
