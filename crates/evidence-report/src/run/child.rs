//! Child processes: each in a process group of its own, without standard input, marked as ours, and bound
//! to die with us.
//!
//! Spawn from a runtime task, never from a blocking-pool thread: the kernel's parent-death signal fires when
//! the *thread* that spawned the child ends (prctl(2), `PR_SET_PDEATHSIG`).

mod stream;

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use self::stream::Stream;
use super::stop::Stop;
use rustix::process::{Pid, Signal, kill_process_group};

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

/// The process groups that are alive, so that a second signal can end them at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<Mutex<BTreeSet<i32>>>);

impl Groups {
    fn add(&self, group: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(group.as_raw_nonzero().get());
    }

    fn remove(&self, group: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&group.as_raw_nonzero().get());
    }

    pub(super) fn kill_all(&self) {
        for &group in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(group) = Pid::from_raw(group) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
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

/// Words by way of which a program dies with us. The signal is asked for after the start, and never comes when we
/// died before that: so whoever has got another parent by then ends at once. (The first process of a new process
/// namespace sees no parent; whoever made the namespace is bound to us.)
#[must_use]
pub fn bound_to_us() -> Vec<String> {
    const UNLESS_ORPHANED: &str = "case $PPID in \"$1\" | 0) shift && exec \"$@\" ;; esac";
    let ours = std::process::id().to_string();
    ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", UNLESS_ORPHANED, "sh", &ours]
        .map(str::to_owned)
        .into()
}

/// A child that runs. Dropping it kills its whole group.
///
/// ```
/// use evidence_report::run::{Run, child::{Child, ChildError}};
///
/// async fn until_it_ends(run: &Run) -> Result<(), ChildError> {
///     let mut server: Child = run.child("prometheus").spawn()?;
///     server.wait().await.map(drop)
/// }
/// ```
#[derive(Debug)]
pub struct Child {
    inner: tokio::process::Child,
    program: String,
    group: Pid,
    groups: Groups,
    farewell: Farewell,
    patience: Duration,
    started: Instant,
    stdout: Stream,
    stderr: Stream,
}

impl Child {
    /// Its process id, which is also its group's.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// Ends when the child does.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(&mut self) -> Result<ExitStatus, ChildError> {
        let program = self.program.clone();
        self.inner.wait().await.map_err(|source| ChildError::Wait { program, source })
    }

    /// Whether it has ended already.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ChildError> {
        let program = self.program.clone();
        self.inner.try_wait().map_err(|source| ChildError::Wait { program, source })
    }

    /// Waits for its end, or ends it when the run is asked to stop; either way with what it printed.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn output(mut self, stop: &Stop) -> Result<Output, ChildError> {
        let (status, stopped) = tokio::select! {
            status = self.wait() => (status?, false),
            () = stop.requested() => (self.end().await?, true),
        };
        self.collect(status, stopped).await
    }

    /// Asks the whole group to end, waits as long as its patience lasts, then kills it.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn end(&mut self) -> Result<ExitStatus, ChildError> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        let _ = kill_process_group(self.group, self.farewell.signal());
        if let Ok(status) = tokio::time::timeout(self.patience, self.wait()).await {
            return status;
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        self.wait().await
    }

    async fn collect(self, status: ExitStatus, stopped: bool) -> Result<Output, ChildError> {
        let took = self.started.elapsed();
        // A grandchild may hold the pipes open: it belongs to the group, and goes with it.
        let _ = kill_process_group(self.group, Signal::KILL);
        let (stdout, stderr) = tokio::join!(self.stdout.text(), self.stderr.text());
        Ok(Output { status, stopped, stdout, stderr, took })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // After the leader was reaped its id could only be taken again by a new group once no member is
        // left, and then there is nobody of ours to end.
        if self.inner.id().is_some() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
        self.groups.remove(self.group);
    }
}

/// Where a program is: the path itself when it has a slash, otherwise the first of its name on `PATH` that
/// may be executed.
#[must_use]
pub fn find_program(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let name = Path::new(name.as_ref());
    if name.components().count() > 1 {
        return executable(name).then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| executable(candidate))
}
