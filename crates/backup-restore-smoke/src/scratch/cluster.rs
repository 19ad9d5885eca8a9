//! One throw-away cluster: made by `initdb`, served by a `postgres` that is our direct child (a kill -9 of
//! ours takes it along), reached through a unix socket only.

use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::{
    record::Finding,
    run::{
        Effect, Entry, Run, Stop,
        child::{Child, ChildCommand, Farewell},
    },
};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    folder::folder_bytes,
    isolation::Isolation,
    place::{Place, cannot_make},
    quiet,
    server_log::{errors_in, last_error},
    settings::settings,
};
use crate::{
    checks::ENVIRONMENT,
    connection::{ConnectFailure, Resolved, Session, connect, connect_bounded},
    growth::Growth,
    halt::Halt,
    programs::Programs,
    sql::message_template,
    wording::counted,
};

/// How long a new server may take until it accepts connections.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long an immediate shutdown may take (PostgreSQL kills its children after 5 s itself).
const END_PATIENCE: Duration = Duration::from_secs(8);

/// How long is waited until a server is asked once more to end.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What a cluster is made like.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSpec {
    /// A short name for its folder.
    pub(crate) name: &'static str,
    /// The bootstrap superuser: the source's own, so that its objects find their owner.
    pub(crate) superuser: String,
    /// Whether pages carry checksums, as the source's do.
    pub(crate) checksums: bool,
}

/// A cluster. Call [`Cluster::close`] whatever happened.
#[derive(Debug)]
pub(crate) struct Cluster {
    spec: ClusterSpec,
    programs: Programs,
    isolation: Isolation,
    home: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    server: Option<(Child, Entry)>,
    further_settings: Vec<String>,
    further_initdb: Vec<String>,
}

impl Cluster {
    /// Names the folders; nothing is made yet.
    ///
    /// # Errors
    /// An inconclusive finding when the socket's path would be too long.
    pub(crate) fn new(
        place: &Place,
        spec: ClusterSpec,
        programs: &Programs,
        isolation: &Isolation,
    ) -> Result<Self, Halt> {
        let too_long =
            |error: crate::error::Error| ENVIRONMENT.inconclusive("socket path").observed(error.to_string());
        Ok(Self {
            home: place.folder(spec.name),
            data: place.folder(spec.name).join("data"),
            log: place.folder(&format!("{}.log", spec.name)),
            socket: place.socket_folder(spec.name).map_err(too_long)?,
            programs: programs.clone(),
            isolation: isolation.clone(),
            server: None,
            further_settings: Vec::new(),
            further_initdb: Vec::new(),
            spec,
        })
    }

    /// The same with further settings, which win over those that every cluster has.
    #[must_use]
    pub(crate) fn with_settings(mut self, settings: Vec<String>) -> Self {
        self.further_settings = settings;
        self
    }

    /// The same, made by `initdb` with these further arguments.
    #[must_use]
    pub(crate) fn made_with(mut self, arguments: &[&str]) -> Self {
        self.further_initdb = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// Makes the data folder.
    ///
    /// # Errors
    /// An inconclusive finding, or that the run was asked to stop.
    pub(crate) async fn initdb(&self, run: &Run) -> Result<(), Halt> {
        for folder in [&self.home, &self.socket] {
            let failed = |error: std::io::Error| cannot_make(folder, &error);
            std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
            self.isolation.give_folder(run, folder).await.map_err(failed)?;
        }
        let mut command = self
            .programs
            .child(run, "initdb")
            .args(["--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .arg(format!("--username={}", self.spec.superuser))
            .args(&self.further_initdb)
            .arg("--pgdata")
            .arg(&self.data)
            .current_dir(&self.home);
        command = match (self.spec.checksums, self.programs.major) {
            (true, _) => command.arg("--data-checksums"),
            (false, 18..) => command.arg("--no-data-checksums"),
            (false, _) => command,
        };
        let output = self
            .isolation
            .apply(command)
            .output(run.stop())
            .await
            .map_err(|error| no_server(&error.to_string()))?;
        match (output.stopped, output.status.success()) {
            (true, _) => Err(Halt::Stopped),
            (false, true) => Ok(()),
            (false, false) => {
                let said = last_error(&output.stderr).unwrap_or_else(|| "no message".to_owned());
                Err(no_server(&format!("initdb ended with {}: {said}", output.status)).into())
            }
        }
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    /// An inconclusive finding, or that the run was asked to stop.
    pub(crate) async fn start(&mut self, run: &Run) -> Result<(), Halt> {
        self.spawn(run, &[])?;
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            match self.session(run.stop(), "postgres", &self.spec.superuser).await {
                Ok(_) => return Ok(()),
                Err(ConnectFailure::Stopped) => return Err(Halt::Stopped),
                Err(_) if self.has_ended() => {
                    return Err(self.why_ended("the server ended while it started").into());
                }
                Err(_) if Instant::now() > deadline => {
                    return Err(self.why_ended("the server accepts no connection within 60 s").into());
                }
                Err(_) => run.stop().guard(tokio::time::sleep(Duration::from_millis(20))).await?,
            }
        }
    }

    /// Takes over a data folder that is there already, and makes the folder of its socket.
    ///
    /// # Errors
    /// An inconclusive finding when that cannot be done.
    pub(crate) async fn adopt(&self, run: &Run) -> Result<(), Halt> {
        let failed = |error: std::io::Error| cannot_make(&self.home, &error);
        std::fs::DirBuilder::new().mode(0o700).create(&self.socket).map_err(failed)?;
        self.isolation.give_folder(run, &self.socket).await.map_err(failed)?;
        self.isolation.give_tree(run, &self.home).await.map_err(failed)?;
        Ok(())
    }

    /// Runs one of PostgreSQL's programs as the server's user, on the data folder.
    pub(crate) fn program(&self, run: &Run, name: &str) -> ChildCommand {
        let command = self.programs.child(run, name).arg("--pgdata").arg(&self.data).current_dir(&self.home);
        self.isolation.apply(command)
    }

    /// Starts the server with these settings besides; they win over those that every server has.
    ///
    /// # Errors
    /// An inconclusive finding when it cannot be started.
    pub(crate) fn spawn(&mut self, run: &Run, added: &[String]) -> Result<(), Halt> {
        let noted =
            run.journal().note(Effect::Processes { program: format!("postgres ({})", self.spec.name) });
        let entry = noted.map_err(|error| no_server(&format!("writing the journal: {error}")))?;
        let mut command =
            self.programs.child(run, "postgres").arg("-D").arg(&self.data).current_dir(&self.home);
        for setting in
            settings(self.programs.major, &self.socket).iter().chain(&self.further_settings).chain(added)
        {
            command = command.arg("-c").arg(setting);
        }
        // A function of the copy that names no host when it connects (`dblink('dbname=shop')`) comes back here.
        let command = command.env("PGHOST", &self.socket).env("PGPORT", "5432");
        // Asked to end it is by [`Self::close`]; what comes after that is not asked.
        let command = command.output_to(&self.log).farewell(Farewell::Kill, END_PATIENCE);
        let child = self.isolation.confine(command).spawn().map_err(|error| no_server(&error.to_string()))?;
        self.server = Some((child, entry));
        Ok(())
    }

    /// The connection to one of its databases. What its catalogue would load or run at the login of a superuser is
    /// switched off.
    pub(crate) fn connection(&self, database: &str, user: &str) -> Resolved {
        let resolved = Resolved::through_socket(&self.socket, database, user);
        if user == self.spec.superuser {
            resolved.with_options(quiet::options(self.programs.major))
        } else {
            resolved
        }
    }

    /// Its major version.
    pub(crate) const fn major(&self) -> u32 {
        self.programs.major
    }

    /// The bootstrap superuser.
    pub(crate) fn superuser(&self) -> &str {
        &self.spec.superuser
    }

    /// The folder of its socket.
    pub(crate) fn socket_folder(&self) -> &Path {
        &self.socket
    }

    /// Shows by how much its files grow, towards `total`.
    pub(crate) fn growth(&self, run: &Run, total: Option<u64>) -> Growth {
        let folders = [self.data.join("base"), self.data.join("pg_tblspc")];
        Growth::watch(run.progress(), folders.into(), total, "in files")
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// So many bytes its tables and indexes have, in files.
    pub(crate) fn bytes(&self) -> u64 {
        [self.data.join("base"), self.data.join("pg_tblspc")].iter().map(|folder| folder_bytes(folder)).sum()
    }

    /// How it is kept apart.
    pub(crate) const fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// A session in one of its databases.
    ///
    /// # Errors
    /// When the server does not take it.
    pub(crate) async fn session(
        &self,
        stop: &Stop,
        database: &str,
        user: &str,
    ) -> Result<Session, ConnectFailure> {
        connect(&self.connection(database, user), "backup-restore-smoke", stop).await
    }

    /// The same for queries that the user has written: no answer may have more than `most` bytes.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub(crate) async fn bounded_session(
        &self,
        stop: &Stop,
        database: &str,
        user: &str,
        most: u64,
    ) -> Result<Session, ConnectFailure> {
        connect_bounded(&self.connection(database, user), "backup-restore-smoke", most, stop).await
    }

    /// A session of the superuser.
    ///
    /// # Errors
    /// An inconclusive finding: it is our own server that does not take us.
    pub(crate) async fn administrator(&mut self, run: &Run, database: &str) -> Result<Session, Halt> {
        let superuser = self.spec.superuser.clone();
        match self.session(run.stop(), database, &superuser).await {
            Ok(session) => Ok(session),
            Err(ConnectFailure::Stopped) => Err(Halt::Stopped),
            Err(ConnectFailure::Settings(error)) => Err(no_server(&error.to_string()).into()),
            Err(ConnectFailure::Refused(attempts)) => Err(self.why_ended(&attempts.join("; ")).into()),
        }
    }

    /// Whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.server.as_mut().is_none_or(|(child, _)| !matches!(child.try_wait(), Ok(None)))
    }

    /// The same where a client has just lost it: a server whose backend died takes a moment to end, and takes nobody
    /// until then.
    pub(crate) async fn has_died(&mut self, run: &Run) -> bool {
        if self.has_ended() {
            return true;
        }
        let superuser = self.spec.superuser.clone();
        if self.session(run.stop(), "postgres", &superuser).await.is_ok() {
            return false;
        }
        if let Some((child, _)) = &mut self.server {
            let _ = tokio::time::timeout(END_PATIENCE, child.wait()).await;
        }
        true
    }

    /// An inconclusive finding that quotes the server's last words.
    pub(crate) fn why_ended(&mut self, what: &str) -> Finding {
        let mut errors = self.errors_since(0);
        // A full disk is the cause of whatever came after it.
        let full = errors.iter().position(|(code, _)| code == "53100");
        let last = full.map(|at| errors.swap_remove(at)).or_else(|| errors.pop());
        let last = last.map(|(code, message)| format!("; its log ends: {message} ({code})"));
        let ended = match self.server.as_mut().map(|(child, _)| child.try_wait()) {
            Some(Ok(Some(status))) => format!(" (postgres: {status})"),
            _ => String::new(),
        };
        no_server(&format!("{what}{ended}{}", last.unwrap_or_default()))
    }

    /// How long the server's log is, for [`Self::errors_since`].
    pub(crate) fn log_length(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |meta| meta.len())
    }

    /// SQLSTATE and message template of the errors in the log from this byte on.
    pub(crate) fn errors_since(&self, start: u64) -> Vec<(String, String)> {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
        errors_in(&String::from_utf8_lossy(&bytes[start..]))
    }

    /// What the server reported of its own doing from this byte on: messages of level LOG and WARNING.
    pub(crate) fn reports_since(&self, start: u64) -> Vec<String> {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
        let report = |line: &str| {
            let (_, rest) = line.strip_prefix('@')?.split_once('@')?;
            let message = ["LOG:", "WARNING:"].iter().find_map(|level| rest.strip_prefix(level))?;
            Some(message_template(message.trim()))
        };
        String::from_utf8_lossy(&bytes[start..]).lines().filter_map(report).collect()
    }

    /// Shuts the server down cleanly, with a checkpoint, so that its files can be looked at.
    ///
    /// # Errors
    /// That the run was asked to stop; a server that does not end by then is ended by [`Self::close`].
    pub(crate) async fn shut_down(&mut self, run: &Run) -> Result<(), Halt> {
        let Some((child, _)) = self.server.as_mut() else { return Ok(()) };
        if let (Ok(None), Some(postmaster)) = (child.try_wait(), postmaster(child.id())) {
            let _ = kill_process(postmaster, Signal::INT);
            let waited = run.stop().guard(child.wait()).await?;
            waited.map_err(|error| no_server(&error.to_string()))?;
        }
        Ok(())
    }

    /// Ends the server at once (nobody needs this data again) and makes sure that none of it lives on. Says
    /// what could not be ended.
    pub(crate) async fn close(&mut self, run: &Run) -> Option<String> {
        let (mut child, entry) = self.server.take()?;
        let deadline = Instant::now() + END_PATIENCE;
        while let (Ok(None), Some(postmaster)) = (child.try_wait(), postmaster(child.id())) {
            // PostgreSQL's immediate shutdown: no checkpoint of a copy that is thrown away. Asked for again, because
            // the first process of a process namespace does not hear it before it listens.
            let _ = kill_process(postmaster, Signal::QUIT);
            if tokio::time::timeout(ASK_AGAIN, child.wait()).await.is_ok() || Instant::now() > deadline {
                break;
            }
        }
        let ended = child.end().await;
        let left = self.end_backends().await;
        if let Err(error) = run.journal().strike(entry) {
            return Some(format!("striking the server from the journal: {error}"));
        }
        match (ended, left) {
            (Err(error), _) => Some(error.to_string()),
            (_, Some(count)) => {
                Some(format!("{} of {} do not end", counted(count as u64, "backend"), self.spec.name))
            }
            _ => None,
        }
    }

    /// Backends stand in process groups of their own; after the postmaster's end each leaves by itself as
    /// soon as it looks. One that is busy may not look for long.
    async fn end_backends(&self) -> Option<usize> {
        let deadline = Instant::now() + END_PATIENCE;
        loop {
            let alive = processes_in(&self.data);
            if alive.is_empty() {
                return None;
            }
            if Instant::now() > deadline {
                return Some(alive.len());
            }
            for process in alive {
                let _ = kill_process(process, Signal::KILL);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The postmaster of a server that we started: our child, or where a process namespace stands between us (`unshare`
/// waits outside it), that one's child. `None` while neither is one yet.
fn postmaster(child: u32) -> Option<Pid> {
    let is_postgres = |process: &Path| {
        std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "postgres")
    };
    let own = PathBuf::from(format!("/proc/{child}"));
    if is_postgres(&own) {
        return i32::try_from(child).ok().and_then(Pid::from_raw);
    }
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut inside =
        processes.filter(|entry| parent(&entry.path()) == Some(child) && is_postgres(&entry.path()));
    Pid::from_raw(inside.next()?.file_name().to_string_lossy().parse().ok()?)
}

/// The parent of a process (proc(5): the second word behind the name, which may hold anything).
fn parent(process: &Path) -> Option<u32> {
    let status = std::fs::read_to_string(process.join("stat")).ok()?;
    status.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// Processes whose working folder is this one: the servers of a data folder.
fn processes_in(folder: &Path) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_string_lossy().parse().ok()?))
        .collect()
}

fn no_server(observed: &str) -> Finding {
    ENVIRONMENT.inconclusive("scratch server").expected("a throw-away PostgreSQL server").observed(observed)
}
