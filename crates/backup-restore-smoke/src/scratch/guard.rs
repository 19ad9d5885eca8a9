//! Where no process namespace is allowed (a container without rights), a guard outlives us by a moment: a shell that
//! waits for the end of a pipe which only we hold, and then ends what a kill -9 of ours left alive: a busy backend, a
//! `restore_command` that waits for a disk. Folders it leaves to the next sweep. See docs/decisions, 0040.

use std::{
    io::{self, PipeWriter},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

/// What it does.
const SCRIPT: &str = include_str!("guard.sh");

/// A guard. Dropping it dismisses it.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
    /// The kernel closes it when we die.
    _ours: PipeWriter,
}

impl Guard {
    /// Posts a guard over the run of this id. It is none of the run's own children, which all die with us.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn post(run: &str) -> io::Result<Self> {
        let (theirs, ours) = io::pipe()?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", run])
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { shell, _ours: ours })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It has nothing to do any more, and it is ours: it cannot be anybody else by now.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
