//! Child processes: each in a process group of its own, without standard input, marked as ours, and bound
//! to die with us.
//!
//! Spawn from a runtime task, never from a blocking-pool thread: the kernel's parent-death signal fires when
//! the *thread* that spawned the child ends (prctl(2), `PR_SET_PDEATHSIG`).

mod groups;
mod program;
mod running;
mod stream;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

pub(super) use self::groups::Groups;
use self::stream::Stream;
pub use self::{
    program::{bound_to_us, find_program},
    running::Child,
};
use super::stop::Stop;

/// The environment variable that marks every process of a run, for [`super::sweep`].
pub(super) const MARK: &str = "OPS_SMOKE_RUN";

/// A child could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("starting {program}: {source}. Is it installed, and on PATH or named by its flag?")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It could not be waited for.
    #[error("waiting for {program}: {source}")]
    Wait {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
}

/// How a stop asks a child to end before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// SIGTERM.
    Terminate,
    /// SIGINT: PostgreSQL's fast shutdown.
    Interrupt,
    /// SIGKILL at once.
    Kill,
}

impl Farewell {
    const fn signal(self) -> Signal {
        match self {
            Self::Terminate => Signal::TERM,
            Self::Interrupt => Signal::INT,
            Self::Kill => Signal::KILL,
        }
    }
}

/// A child that is about to be started. Made by [`super::Run::child`].
///
/// ```
/// use std::time::Duration;
/// use evidence_report::run::{Run, child::{ChildCommand, ChildError, Farewell, Output}};
///
/// async fn version(run: &Run) -> Result<String, ChildError> {
///     let server: ChildCommand = run.child("pg_dump").arg("--version");
///     let Output { stdout, .. } = server.farewell(Farewell::Terminate, Duration::from_secs(5)).output(run.stop()).await?;
///     Ok(stdout)
/// }
/// ```
#[derive(Debug)]
pub struct ChildCommand {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    folder: Option<PathBuf>,
    output: Option<PathBuf>,
    answer: Option<PathBuf>,
    input: Option<Stdio>,
    prefix: Vec<OsString>,
    kept: usize,
    farewell: Farewell,
    patience: Duration,
    run_id: String,
    groups: Groups,
}

/// What a child left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Whether we ended it because the run was asked to stop.
    pub stopped: bool,
    /// Standard output, its last 64 KiB, or as much as [`ChildCommand::keep`] says.
    pub stdout: String,
    /// Standard error, its last 64 KiB at most.
    pub stderr: String,
    /// From its start to its own end, whoever held its outputs open longer.
    pub took: Duration,
}

/// How much of each output stream is kept: the last so many bytes.
const OUTPUT_KEPT: usize = 64 * 1024;

impl ChildCommand {
    pub(super) fn new(program: &OsStr, run_id: &str, groups: &Groups) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            output: None,
            answer: None,
            input: None,
            prefix: Vec::new(),
            kept: OUTPUT_KEPT,
            farewell: Farewell::Terminate,
            patience: Duration::from_secs(5),
            run_id: run_id.to_owned(),
            groups: groups.clone(),
        }
    }

    /// Adds an argument. Never a secret: argument lists are public on the machine.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts it in this folder.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sends both output streams to this file instead of keeping them (a server's log).
    #[must_use]
    pub fn output_to(mut self, file: impl AsRef<Path>) -> Self {
        self.output = Some(file.as_ref().to_owned());
        self
    }

    /// Sends standard output to this file, whole, and keeps standard error: for an answer that is longer than
    /// what is kept of a stream.
    #[must_use]
    pub fn answer_to(mut self, file: impl AsRef<Path>) -> Self {
        self.answer = Some(file.as_ref().to_owned());
        self
    }

    /// Keeps the last so many bytes of standard output, of a catalogue whose beginning counts too; of standard error
    /// no more than 64 KiB.
    #[must_use]
    pub fn keep(mut self, bytes: usize) -> Self {
        self.kept = bytes;
        self
    }

    /// Gives it this as its standard input instead of none (the reading end of a pipe).
    #[must_use]
    pub fn input(mut self, input: impl Into<Stdio>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Starts it by way of another program, for example `setpriv --reuid=postgres …` or
    /// `unshare --user --net …`. The parent-death signal is set after these, because a change of credentials
    /// clears it.
    #[must_use]
    pub fn by_way_of<S: AsRef<OsStr>>(mut self, prefix: impl IntoIterator<Item = S>) -> Self {
        self.prefix = prefix.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// How a stop asks it to end, and how long it waits before it kills. The default is SIGTERM and 5 s.
    #[must_use]
    pub fn farewell(mut self, farewell: Farewell, patience: Duration) -> Self {
        self.farewell = farewell;
        self.patience = patience;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(self) -> Result<Child, ChildError> {
        let program = self.program.to_string_lossy().into_owned();
        let failed = |source| ChildError::Spawn { program: program.clone(), source };
        let mut words = self.prefix;
        if find_program("setpriv").is_some() {
            words.extend(bound_to_us().into_iter().map(OsString::from));
            // `setpriv` would report a missing program as its own failure: look first.
            let missing = || failed(std::io::Error::from(std::io::ErrorKind::NotFound));
            words.push(find_program(&self.program).ok_or_else(missing)?.into());
        } else {
            words.push(self.program);
        }
        words.extend(self.arguments);
        let mut command = tokio::process::Command::new(&words[0]);
        let input = self.input.unwrap_or_else(Stdio::null);
        command.args(&words[1..]).stdin(input).process_group(0).env(MARK, &self.run_id);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some(path) = &self.output {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
            command.stdout(log.try_clone().map_err(failed)?).stderr(log);
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if let Some(path) = &self.answer {
            command.stdout(std::fs::File::create(path).map_err(failed)?);
        }
        command.kill_on_drop(true);
        let mut inner = command.spawn().map_err(failed)?;
        let group = inner
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| failed(std::io::Error::other("the child has no process id")))?;
        self.groups.add(group);
        let kept = self.kept;
        let stdout = Stream::keep(inner.stdout.take().map(|s| Box::new(s) as _), kept);
        let stderr = Stream::keep(inner.stderr.take().map(|s| Box::new(s) as _), kept.min(OUTPUT_KEPT));
        Ok(Child {
            inner,
            program,
            group,
            groups: self.groups,
            farewell: self.farewell,
            patience: self.patience,
            started: Instant::now(),
            stdout,
            stderr,
        })
    }

    /// Runs it to its end, or until the run is asked to stop.
    ///
    /// # Errors
    /// When it cannot be started or waited for. A status other than 0 is no error.
    pub async fn output(self, stop: &Stop) -> Result<Output, ChildError> {
        self.spawn()?.output(stop).await
    }
}
