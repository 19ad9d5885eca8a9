//! What every engine of physical backups does: it *chooses* a backup and *fetches* it into the scratch. What
//! comes after that (the server, the target, the proof) is the same for all, and knows no engine.

use std::path::PathBuf;

use evidence_report::run::Run;
use jiff::Timestamp;

use super::{barman, base_backup, command, incident::Incident, pgbackrest};
use crate::{
    checks::ENVIRONMENT,
    halt::Halt,
    plan::{Origin, Plan, Recovery},
    scratch::Place,
    wal::Lsn,
};

/// The backup that would have been taken at the incident. A tool may not tell everything about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chosen {
    /// What its tool calls it.
    pub(crate) label: String,
    /// When it was begun.
    pub(crate) started: Option<Timestamp>,
    /// When it was complete.
    pub(crate) finished: Option<Timestamp>,
    /// Where recovery begins.
    pub(crate) start_lsn: Option<Lsn>,
    /// Where the copy is consistent.
    pub(crate) stop_lsn: Option<Lsn>,
    /// The timeline that it was made on.
    pub(crate) timeline: Option<u32>,
    /// Its size, about.
    pub(crate) bytes: Option<u64>,
    /// The server's major version.
    pub(crate) major: Option<u32>,
    /// The cluster that it was made of.
    pub(crate) system_identifier: Option<String>,
    /// An atomic image of all files at one instant (a snapshot of the file system), which needs no
    /// `backup_label`.
    pub(crate) atomic_image: bool,
    /// How older ones would be named on the command line, the newest first, where this one was not named.
    pub(crate) older: Vec<String>,
}

/// So many older backups are named.
pub(super) const OLDER_NAMED: usize = 3;

/// Where the files of a backup are put, all inside the scratch place.
#[derive(Debug, Clone)]
pub(crate) struct Landing {
    /// The folder of everything below.
    pub(crate) home: PathBuf,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// A folder for each tablespace, named by its number.
    pub(crate) tablespaces: PathBuf,
    /// Every segment of the write-ahead log that recovery needs.
    pub(crate) wal: PathBuf,
}

impl Landing {
    /// Makes the folders for the copy; the data folder too, empty.
    ///
    /// # Errors
    /// An inconclusive finding when they cannot be made.
    pub(crate) fn make(place: &Place, copy: &str) -> Result<Self, Halt> {
        let home = place.folder(copy);
        let (data, tablespaces, wal) = (home.join("data"), home.join("tablespaces"), home.join("wal"));
        for folder in [&home, &data, &tablespaces, &wal] {
            crate::scratch::make_private(folder)?;
        }
        Ok(Self { home, data, tablespaces, wal })
    }
}

/// What was fetched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fetched {
    /// How many bytes were brought.
    pub(crate) bytes: u64,
    /// A few words for the timeline.
    pub(crate) note: String,
    /// The manifest of the files, where it does not lie in the data folder.
    pub(crate) manifest: Option<PathBuf>,
}

/// Chooses the newest backup that existed at the incident, or the one that is named.
///
/// # Errors
/// A finding when there is none, or that the run was asked to stop.
pub(crate) async fn choose(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Origin,
    incident: &Incident,
) -> Result<Chosen, Halt> {
    match origin {
        Origin::BaseBackup { folders } => base_backup::choose(run, folders).await,
        Origin::BaseBackupNow { .. } => Err(not_made()),
        Origin::PgBackRest(stanza) => pgbackrest::choose(run, plan, place, stanza, incident).await,
        Origin::Barman(server) => barman::choose(run, plan, place, server, incident).await,
        Origin::Command(commands) => command::choose(run, plan, place, commands, incident).await,
    }
}

/// Fetches it. Afterwards the data folder is filled, every tablespace lies below [`Landing::tablespaces`] and
/// every segment that the backup carries below [`Landing::wal`].
///
/// # Errors
/// A finding that says why it cannot be had, or that the run was asked to stop.
pub(crate) async fn fetch(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Origin,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<Fetched, Halt> {
    match origin {
        Origin::BaseBackup { folders } => base_backup::fetch(run, plan, folders, chosen, landing).await,
        Origin::BaseBackupNow { .. } => Err(not_made()),
        Origin::PgBackRest(stanza) => {
            pgbackrest::fetch(run, plan, place, stanza, chosen, landing, recovery).await
        }
        Origin::Barman(server) => barman::fetch(run, plan, place, server, chosen, landing, recovery).await,
        Origin::Command(commands) => {
            command::fetch(run, plan, place, commands, chosen, landing, recovery).await
        }
    }
}

/// A backup that is made now is an existing one by the time that it is chosen.
fn not_made() -> Halt {
    ENVIRONMENT.inconclusive("base backup").observed("it was not made before it was to be chosen").into()
}
