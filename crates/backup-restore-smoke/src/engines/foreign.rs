//! Programs of other people (pgBackRest, Barman, a command of the user's): how they are called. Their surroundings are
//! scrubbed, their workers end with us, their messages come back as templates. It knows no verb of any of them.

use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use evidence_report::{
    record::Finding,
    run::{
        Run,
        child::{ChildCommand, find_program},
    },
};

use crate::{checks::ENVIRONMENT, halt::Halt, programs::Programs, size, sql::message_template};

/// A catalogue of some six thousand backups is no longer than this.
const OUTPUT_KEPT: usize = 4 << 20;

/// So many messages are kept.
const MESSAGES_KEPT: usize = 20;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SystemUser {
    pub(super) name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

/// A program, and the way in which it is started.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    /// What people call it.
    pub(super) name: &'static str,
    program: PathBuf,
    way: Vec<OsString>,
    user: Option<SystemUser>,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    /// Its messages, without values: errors, then whatever else it said, each the first first.
    pub(super) messages: Vec<String>,
}

impl Said {
    /// What it printed, where all of it was kept.
    ///
    /// # Errors
    /// That it printed more than a catalogue can have.
    pub(super) fn answer(&self) -> Result<&str, String> {
        match self.stdout.len() >= OUTPUT_KEPT {
            true => {
                Err(format!("it printed more than {}: that is no catalogue", size::shown(OUTPUT_KEPT as u64)))
            }
            false => Ok(&self.stdout),
        }
    }

    /// The message that tells most: the first error, otherwise the first line, otherwise how it ended.
    pub(super) fn reason(&self) -> String {
        let error = self.messages.iter().find(|message| message.starts_with("ERROR:"));
        error.or(self.messages.first()).cloned().unwrap_or_else(|| format!("no message ({})", self.status))
    }

    /// Whether one of its messages says this.
    pub(super) fn says(&self, words: &str) -> bool {
        self.messages.iter().any(|message| message.contains(words))
    }
}

impl Foreign {
    /// Finds the program; `package` is what to install where it is missing.
    ///
    /// # Errors
    /// An inconclusive finding: a program that is missing here says nothing about the backup.
    pub(super) fn find(
        name: &'static str,
        program: &OsStr,
        package: &str,
        programs: &Programs,
        user: Option<SystemUser>,
    ) -> Result<Self, Halt> {
        let Some(program) = find_program(program) else {
            return Err(ENVIRONMENT
                .inconclusive(format!("{name} on this machine"))
                .expected(format!("the program {}", program.to_string_lossy()))
                .observed("it is not on PATH")
                .remedy(format!("install {package}, or rehearse on the machine that has it"))
                .into());
        };
        let mut way: Vec<OsString> = programs.containment().iter().map(OsString::from).collect();
        if let Some(user) = &user {
            way.push("setpriv".into());
            way.push(format!("--reuid={}", user.uid).into());
            way.push(format!("--regid={}", user.gid).into());
            way.extend(["--init-groups", "--"].map(OsString::from));
        }
        Ok(Self { name, program, way, user })
    }

    /// As whom it runs, where that is somebody else than us.
    pub(super) fn user(&self) -> Option<&SystemUser> {
        self.user.as_ref()
    }

    /// Runs it to its end, at most so long.
    ///
    /// # Errors
    /// An inconclusive finding when it cannot be started or does not end, or that the run was asked to stop.
    pub(super) async fn call(
        &self,
        run: &Run,
        arguments: &[OsString],
        folder: &Path,
        limit: Duration,
    ) -> Result<Said, Halt> {
        let mut command = scrubbed(run.child(&self.program)).args(arguments).env("TMPDIR", folder);
        command = command.current_dir(folder).keep(OUTPUT_KEPT);
        if let Some(user) = &self.user {
            command = command.env("HOME", &user.home).env("USER", &user.name).env("LOGNAME", &user.name);
        }
        if !self.way.is_empty() {
            command = command.by_way_of(&self.way);
        }
        let cannot = |observed: String| ENVIRONMENT.inconclusive(self.name).observed(observed);
        let ended = tokio::time::timeout(limit, command.output(run.stop())).await;
        let output = ended
            .map_err(|_| cannot(format!("it did not end within {} s, and was ended", limit.as_secs())))?
            .map_err(|error| cannot(error.to_string()))?;
        if output.stopped || run.stop().is_requested() {
            return Err(Halt::Stopped);
        }
        Ok(Said { status: output.status, stdout: output.stdout, messages: messages(&output.stderr) })
    }

    /// Gives a folder of ours, with all in it, to the user as whom the program runs.
    ///
    /// # Errors
    /// An inconclusive finding when it cannot be given.
    pub(super) async fn lend(&self, run: &Run, folder: &Path) -> Result<(), Halt> {
        match &self.user {
            Some(user) => give(run, folder, user.uid, user.gid).await,
            None => Ok(()),
        }
    }
}

/// The surroundings without what would steer the program elsewhere: every variable of PostgreSQL and of Barman. What
/// begins with `PGBACKREST_` stays, because repositories' keys are kept there; what could do harm in it is overruled
/// on the command line.
fn scrubbed(command: ChildCommand) -> ChildCommand {
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        (name.starts_with("PG") && !name.starts_with("PGBACKREST_")) || name.starts_with("BARMAN_")
    });
    ours.fold(command, |command, name| command.env_remove(name)).env("LC_ALL", "C.UTF-8").env("TZ", "UTC")
}

fn messages(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| ["ERROR", "FATAL"].iter().any(|word| line.starts_with(word));
    let (errors, others): (Vec<_>, Vec<_>) =
        lines.filter(|line| !line.starts_with("WARN:")).partition(is_error);
    // Of a tool that tells all that it does, the error stands behind a thousand other lines.
    errors.into_iter().chain(others).map(message_template).take(MESSAGES_KEPT).collect()
}

/// Changes the owner of a folder and of all in it, links themselves and not what they name.
///
/// # Errors
/// An inconclusive finding when it cannot be done.
pub(super) async fn give(run: &Run, folder: &Path, uid: u32, gid: u32) -> Result<(), Halt> {
    let command = run.child("chown").args(["-R", "-P", "-h"]).arg(format!("{uid}:{gid}")).arg(folder);
    let output = command.output(run.stop()).await.map_err(|error| cannot_give(folder, &error.to_string()))?;
    match (output.stopped, output.status.success()) {
        (true, _) => Err(Halt::Stopped),
        (false, true) => Ok(()),
        (false, false) => Err(cannot_give(folder, output.stderr.trim()).into()),
    }
}

fn cannot_give(folder: &Path, why: &str) -> Finding {
    ENVIRONMENT.inconclusive("owner of the scratch folder").observed(format!("{}: {why}", folder.display()))
}

/// As whom the program is to run. Only root has a choice: the user that is asked for, otherwise the one that owns the
/// repository.
///
/// # Errors
/// An inconclusive finding when there is no such user.
pub(super) fn user_for(asked: Option<&str>, repository: Option<&Path>) -> Result<Option<SystemUser>, Halt> {
    let me = rustix::process::geteuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = match (asked, repository.and_then(|path| std::fs::metadata(path).ok())) {
        (Some(name), _) => user(&users, |user| user.name == name),
        (None, Some(folder)) if me == 0 => user(&users, |user| user.uid == folder.uid()),
        _ => return Ok(None),
    };
    match (found, asked) {
        (Some(user), _) if user.uid == me => Ok(None),
        (Some(user), _) if me == 0 => Ok(Some(user)),
        (Some(user), _) => Err(ENVIRONMENT
            .inconclusive(format!("running as the user {}", user.name))
            .observed("only root can become another user")
            .remedy(format!("run the rehearsal as {}, or leave --repository-user out", user.name))
            .into()),
        (None, Some(name)) => {
            Err(ENVIRONMENT.inconclusive(format!("the user {name}")).observed("there is no such user").into())
        }
        (None, None) => Ok(None),
    }
}

fn user(users: &str, wanted: impl Fn(&SystemUser) -> bool) -> Option<SystemUser> {
    let parsed = users.lines().filter_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        Some(SystemUser { name: fields.first()?.to_string(), uid, gid, home: fields.get(5)?.into() })
    });
    parsed.into_iter().find(wanted)
}

/// The name that the password database gives to us.
pub(super) fn own_name() -> Option<String> {
    let me = rustix::process::geteuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user(&users, |user| user.uid == me).map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# no\nbarman:x:105:110::/var/lib/barman:/bin/bash\n";
        let barman = user(users, |user| user.name == "barman").unwrap();
        assert_eq!((barman.uid, barman.gid, barman.home), (105, 110, PathBuf::from("/var/lib/barman")));
        assert_eq!(user(users, |user| user.uid == 7), None);
    }

    #[test]
    fn warnings_and_values_are_no_reason() {
        let kept = messages("WARN: x\n\nERROR: [055]: unable to open \"4111\"\n       HINT: y\n");
        assert_eq!(kept, ["ERROR: [055]: unable to open \"…\"", "HINT: y"]);
        let talkative = format!("{}ERROR: no such bucket\n", "INFO: fetching\n".repeat(1000));
        assert_eq!(messages(&talkative)[0], "ERROR: no such bucket");
    }
}
