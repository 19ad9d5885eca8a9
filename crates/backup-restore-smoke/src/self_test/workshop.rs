//! Where faults are made: three servers for all of them, and a folder for each.

use std::{
    fmt,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use evidence_report::run::{Run, child::ChildError, run_base};
use rustix::process::{Signal, kill_process};
use tokio::sync::{Mutex, OnceCell};

use super::{
    Manner,
    farm::{Database, HISTORY, History, Kept, Kind, Proxy, Repository, Server, Stored, Then, Tool, stand_in},
    fault::Scene,
    meanwhile::Meanwhile,
    remains::processes_of,
};
use crate::{
    connection::{ConnectFailure, QueryFailure, without_ambient},
    halt::Halt,
    programs::{self, Programs},
    scratch::{Isolation, Place},
};

/// Allows the scratch to share the source's disk.
pub(super) const SHARING_ALLOWED: &str = "--scratch-shares-filesystem";

/// Why a fault is not there.
#[derive(Debug)]
pub enum Trouble {
    /// It cannot be made on this machine.
    NotHere(String),
    /// Making it went wrong.
    Broke(String),
}

/// The workshop. Close it whatever happened.
#[derive(Debug)]
pub(super) struct Workshop {
    place: Place,
    home: PathBuf,
    /// With an `initdb` that is stood in for.
    programs: Programs,
    own_programs: Programs,
    isolation: Isolation,
    servers: Servers,
}

/// Each is made when the first fault asks for it.
#[derive(Debug, Default)]
struct Servers {
    /// With page checksums.
    shared: OnceCell<Server>,
    /// Without.
    plain: OnceCell<Server>,
    /// A backup and its log.
    history: OnceCell<History>,
    /// A repository of pgBackRest, and one of Barman.
    pgbackrest: OnceCell<Repository>,
    barman: OnceCell<Repository>,
    /// Servers of one fault each.
    own: Mutex<Vec<Server>>,
}

/// The place where one fault is made.
#[derive(Debug)]
pub struct Bench<'w> {
    workshop: &'w Workshop,
    /// The run, for children that make something.
    pub(super) run: &'w Run,
    /// This tool's program.
    program: &'w Path,
    /// Where in the workshop: no two faults have the same.
    number: usize,
    /// Its folder.
    pub(super) folder: PathBuf,
}

impl Workshop {
    /// Opens a workshop: makes its folder and its servers.
    ///
    /// # Errors
    /// When this machine cannot run PostgreSQL.
    pub(super) async fn open(run: &Run, manner: &Manner) -> Result<Self, Trouble> {
        let base = manner.scratch.clone().unwrap_or_else(run_base);
        let own_programs = programs::find(run, manner.pg_bin.as_deref(), None).await?;
        let isolation = Isolation::find(run, [&base, &run_base()]).await?;
        let place = Place::make(run, &base)?;
        let programs = quicker(run, &own_programs, &isolation, &place).await;
        // Without the slash at the end that an empty name brings.
        let home = place.folder("").components().collect();
        let servers = Servers::default();
        Ok(Self { place, home, programs, own_programs, isolation, servers })
    }

    /// The place of the fault of this number.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub(super) fn bench<'w>(
        &'w self,
        run: &'w Run,
        program: &'w Path,
        number: usize,
    ) -> Result<Bench<'w>, Trouble> {
        let folder = self.home.join(number.to_string());
        // A server under another user id passes through, as it does through every folder above.
        std::fs::DirBuilder::new().mode(0o711).create(&folder)?;
        Ok(Bench { workshop: self, run, program, number, folder })
    }

    /// Ends everything and removes it; says what could not be, and which server had ended before.
    pub(super) async fn close(self, run: &Run) -> Vec<String> {
        let Servers { shared, plain, history, pgbackrest, barman, own } = self.servers;
        let mut common: Vec<_> = [shared, plain].into_iter().filter_map(OnceCell::into_inner).collect();
        let mut troubles: Vec<_> = common.iter_mut().filter_map(Server::death).collect();
        let history = history.into_inner().map(History::into_server);
        let repositories = [pgbackrest, barman].into_iter().filter_map(OnceCell::into_inner);
        let repositories = repositories.map(Repository::into_server);
        for mut server in common.into_iter().chain(history).chain(repositories).chain(own.into_inner()) {
            troubles.extend(server.close(run).await);
        }
        end_processes(&self.home).await;
        troubles.extend(self.place.remove(run));
        troubles
    }
}

/// The same programs with an `initdb` that copies; where that cannot be had, they themselves.
async fn quicker(run: &Run, programs: &Programs, isolation: &Isolation, place: &Place) -> Programs {
    let folder = place.folder("programs");
    let first = std::fs::create_dir(&folder).and_then(|()| stand_in(&folder, programs.folder()));
    let given = match first {
        Ok(first) => isolation.give_folder(run, &first).await.is_ok(),
        Err(_) => false,
    };
    if given { programs.clone().within(folder) } else { programs.clone() }
}

/// Ends what works in our own folder: what a rehearsal that was given up started.
async fn end_processes(folder: &Path) {
    for _ in 0..200 {
        let found = processes_of(folder);
        if found.is_empty() {
            return;
        }
        for process in found {
            let _ = kill_process(process.id, Signal::KILL);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

impl Bench<'_> {
    /// A name that no other fault has.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{what}_{}", self.number)
    }

    async fn start(&self, kind: Kind) -> Result<Server, Trouble> {
        let Workshop { place, programs, isolation, .. } = self.workshop;
        Server::start(self.run, place, programs, isolation, kind).await
    }

    async fn shared(&self) -> Result<&Server, Trouble> {
        let kind = Kind { name: "shared", checksums: true, archives: false, still: false };
        self.workshop.servers.shared.get_or_try_init(|| self.start(kind)).await
    }

    async fn plain(&self) -> Result<&Server, Trouble> {
        let kind = Kind { name: "plain", checksums: false, archives: false, still: true };
        self.workshop.servers.plain.get_or_try_init(|| self.start(kind)).await
    }

    /// A copy of a base backup and of the write-ahead log behind it.
    pub(super) async fn history(&self) -> Result<Kept, Trouble> {
        let make = || async {
            let kind = Kind { name: "history", checksums: true, archives: true, still: true };
            let base = self.workshop.place.folder("history.base");
            History::make(self.run, self.programs(), self.start(kind).await?, base).await
        };
        self.workshop.servers.history.get_or_try_init(make).await?.copy(self).await
    }

    /// A copy of a repository that a backup tool made of a server: with the same history as [`Self::history`].
    pub(super) async fn repository(&self, tool: Tool) -> Result<Stored, Trouble> {
        let servers = &self.workshop.servers;
        let (cell, name) = match tool {
            Tool::PgBackRest => (&servers.pgbackrest, "pgbackrest"),
            Tool::Barman => (&servers.barman, "barman"),
        };
        tool.refuse_where_it_is_missing()?;
        let make = || async {
            let kind = Kind { name, checksums: true, archives: true, still: true };
            let folder = self.workshop.place.folder(&format!("{name}.repository"));
            Repository::make(self.run, self.programs(), self.start(kind).await?, tool, folder).await
        };
        cell.get_or_try_init(make).await?.copy(self).await
    }

    /// A database with a shop in it, on a server of its own with page checksums or without.
    pub(super) async fn own_shop(&self, name: &'static str, checksums: bool) -> Result<Database, Trouble> {
        let server = self.start(Kind { name, checksums, archives: false, still: true }).await?;
        let database = server.shop(&self.name("fault")).await;
        self.workshop.servers.own.lock().await.push(server);
        database
    }

    /// A database with a shop in it, with page checksums.
    pub(super) async fn shop(&self) -> Result<Database, Trouble> {
        self.shared().await?.shop(&self.name("fault")).await
    }

    /// The same without page checksums.
    pub(super) async fn plain_shop(&self) -> Result<Database, Trouble> {
        self.plain().await?.shop(&self.name("fault")).await
    }

    /// A database of this name and with these options, otherwise empty.
    pub(super) async fn empty(&self, name: &str, options: &str) -> Result<Database, Trouble> {
        let create = format!("CREATE DATABASE {} TEMPLATE template0 {options}", crate::sql::identifier(name));
        let server = self.shared().await?;
        server.database("postgres").sql(&create).await?;
        Ok(server.database(name))
    }

    /// A copy of a database, made from its files as they lie on disk.
    pub(super) async fn copy_from_disk(&self, of: &Database, checksums: bool) -> Result<Database, Trouble> {
        let server = if checksums { self.shared().await? } else { self.plain().await? };
        server.copy_from_disk(of.name(), &self.name("copied")).await
    }

    /// A proxy before a database's server, and the folder of its socket.
    pub(super) fn proxy(
        &self,
        database: &Database,
        when: &'static str,
        then: Then,
    ) -> Result<(Proxy, PathBuf), Trouble> {
        let folder = self.folder.join("proxy");
        Ok((Proxy::open(&folder, database, when, then)?, folder))
    }

    /// The PostgreSQL programs.
    pub(super) fn programs(&self) -> &Programs {
        &self.workshop.programs
    }

    /// The same scene, with PostgreSQL's own `initdb`: for what happens to it.
    pub(super) fn with_own_initdb(&self, scene: Scene) -> Scene {
        scene.with_variable("PGBIN", self.workshop.own_programs.folder().display().to_string())
    }

    /// How the servers are kept apart.
    pub(super) fn isolation(&self) -> &Isolation {
        &self.workshop.isolation
    }

    /// Writes a file into the fault's folder, with this mode, and says where it is.
    pub(super) fn write(&self, name: &str, content: &str, mode: u32) -> Result<String, Trouble> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok(path.display().to_string())
    }

    /// Makes a folder in the fault's folder, and says where it is.
    pub(super) fn make_folder(&self, name: &str) -> Result<String, Trouble> {
        let path = self.folder.join(name);
        std::fs::DirBuilder::new().mode(0o711).create(&path)?;
        Ok(path.display().to_string())
    }

    /// These words are typed.
    pub(super) fn typed<S: Into<String>>(&self, words: impl IntoIterator<Item = S>) -> Scene {
        Scene {
            home: self.folder.clone(),
            words: words.into_iter().map(Into::into).collect(),
            variables: vec![("PGBIN", self.programs().folder().display().to_string())],
            by_way_of: Vec::new(),
            meanwhile: Meanwhile::Nothing,
            untouched: Vec::new(),
            idle: false,
            held: Vec::new(),
        }
    }

    /// A rehearsal of this source. The servers of the workshop are on the disk of everything else here.
    pub(super) fn rehearse(&self, conninfo: String) -> Scene {
        self.typed(["rehearse", "--jobs", "2", SHARING_ALLOWED, "--source", &conninfo])
    }

    /// Takes the fingerprint of a database, as a user would; says where it is.
    pub(super) async fn fingerprint(&self, database: &Database) -> Result<String, Trouble> {
        let file = self.folder.join("fingerprint.json").display().to_string();
        let taken = without_ambient(self.run.child(self.program))
            .args(["fingerprint", "--source", &database.conninfo(), "--output", &file, "--evidence", "none"])
            .current_dir(&self.folder)
            .env("PGBIN", self.programs().folder())
            .env("OPS_SMOKE_RUN_BASE", self.folder.join("b"))
            .output(self.run.stop())
            .await?;
        if taken.status.success() {
            return Ok(file);
        }
        Err(format!("the fingerprint of a healthy database: {}{}", taken.stdout, taken.stderr).into())
    }

    /// A rehearsal from a repository.
    pub(super) fn fetch(&self, stored: &Stored, words: &[&str]) -> Scene {
        self.typed(["rehearse", "--jobs", "2", SHARING_ALLOWED, "--database", HISTORY])
            .with_words(stored.words())
            .with_words(words.iter().copied())
    }

    /// A rehearsal by commands of a configuration.
    pub(super) fn command(&self, commands: &str, words: &[&str]) -> Result<Scene, Trouble> {
        let configuration = self.write("ops.yaml", &format!("command:\n{commands}"), 0o600)?;
        let scene = self.typed(["rehearse", "--jobs", "2", SHARING_ALLOWED, "--database", HISTORY]);
        Ok(scene.with_words(["--config", &configuration]).with_words(words.iter().copied()))
    }

    /// A rehearsal of this base backup with this write-ahead log.
    pub(super) fn recover(&self, kept: &Kept, words: &[&str]) -> Scene {
        let (base, wal) = (kept.base.display().to_string(), kept.wal.display().to_string());
        self.typed(["rehearse", "--jobs", "2", SHARING_ALLOWED, "--database", HISTORY])
            .with_words(["--backup", &base, "--wal", &wal])
            .with_words(words.iter().copied())
    }

    /// The same to the end of the log.
    pub(super) fn recover_all(&self, kept: &Kept) -> Scene {
        self.recover(kept, &["--until", "latest", "--expect-lsn", &kept.end])
    }

    /// A rehearsal of this database in which the restore ends with this: it takes away or spoils what a bad
    /// backup would not have brought.
    pub(super) fn spoil(&self, database: &Database, statements: &str) -> Result<Scene, Trouble> {
        let step = self.write("after-restore.sql", statements, 0o600)?;
        Ok(self.rehearse(database.conninfo()).with_words(["--after-restore".to_owned(), step]))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHere(why) | Self::Broke(why) => f.write_str(why),
        }
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Broke(why)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Broke(error.to_string())
    }
}

impl From<ChildError> for Trouble {
    fn from(error: ChildError) -> Self {
        Self::Broke(error.to_string())
    }
}

impl From<Halt> for Trouble {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped => Self::Broke("the run was asked to stop".to_owned()),
            Halt::Found(finding) => Self::Broke(format!("{}: {}", finding.subject, finding.observed)),
        }
    }
}

impl From<QueryFailure> for Trouble {
    fn from(failure: QueryFailure) -> Self {
        Self::Broke(format!("a statement was refused: {failure}"))
    }
}

impl From<ConnectFailure> for Trouble {
    fn from(failure: ConnectFailure) -> Self {
        match failure {
            ConnectFailure::Stopped => Halt::Stopped.into(),
            ConnectFailure::Settings(error) => Self::Broke(error.to_string()),
            ConnectFailure::Refused(attempts) => Self::Broke(format!("no session: {}", attempts.join("; "))),
        }
    }
}
