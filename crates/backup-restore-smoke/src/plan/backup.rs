//! What is restored: told by what was asked for and by what lies at the path.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Origin, Physical, Source, physical};
use crate::{
    cli::{PhysicalFlags, RehearseFlags},
    config::Config,
    engines::{
        base_backup::is_base_backup,
        detect::{Recognised, Unrecognised, recognise},
        dump_file::DumpFile,
    },
    error::Error,
    fingerprint::Fingerprint,
};

/// What is restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Backup {
    /// A dump that is made now, from the source.
    DumpNow,
    /// A dump that exists.
    DumpFile(Box<ExistingDump>),
    /// Files of a whole cluster.
    Physical(Box<Physical>),
    /// A path where no backup is that this tool knows.
    Unrecognised(Unrecognised),
}

/// A dump that exists, and what belongs to it.
#[derive(Debug, Serialize)]
pub(crate) struct ExistingDump {
    /// The dump.
    pub(crate) dump: DumpFile,
    /// Roles and memberships.
    pub(crate) globals: Option<PathBuf>,
    /// What it should contain.
    pub(crate) expectation: Option<Expectation>,
}

/// A fingerprint that was taken with a backup.
#[derive(Debug, Serialize)]
pub(crate) struct Expectation {
    /// Its file.
    pub(crate) path: PathBuf,
    /// What it says.
    #[serde(skip)]
    pub(crate) fingerprint: Fingerprint,
}

/// Joins flags and file.
///
/// # Errors
/// When they contradict each other, or name something that is not there.
pub(super) fn resolve(
    flags: &RehearseFlags,
    file: &Config,
    file_folder: &Path,
    source: &Source,
    repository: Option<Origin>,
) -> Result<Backup, Error> {
    let near = |path: &Option<PathBuf>| path.as_ref().map(|path| file_folder.join(path));
    let globals = flags.existing.globals.clone().or_else(|| near(&file.globals));
    let fingerprint = flags.existing.fingerprint.clone().or_else(|| near(&file.fingerprint));
    let physical = physical::joined(&flags.physical, file, file_folder);
    let belongs_to_dump = globals.is_some() || fingerprint.is_some();
    match physical.backup.as_slice() {
        [path] if repository.is_none() && !is_base_backup(path) => {
            return match recognise(path) {
                Ok(Recognised::Dump(dump)) => existing(&physical, source, dump, globals, fingerprint),
                Err(unrecognised) => Ok(Backup::Unrecognised(unrecognised)),
            };
        }
        [] if belongs_to_dump && repository.is_none() => return Err(Error::WithoutBackup),
        _ if belongs_to_dump => return Err(Error::NotOfADump),
        _ => {}
    }
    let physical = physical::resolve(&physical, source, repository)?;
    Ok(physical.map_or(Backup::DumpNow, |physical| Backup::Physical(Box::new(physical))))
}

fn existing(
    physical: &PhysicalFlags,
    source: &Source,
    dump: DumpFile,
    globals: Option<PathBuf>,
    fingerprint: Option<PathBuf>,
) -> Result<Backup, Error> {
    if matches!(source, Source::Embedded { .. }) {
        return Err(Error::EmbeddedWithBackup);
    }
    if !(PhysicalFlags { backup: Vec::new(), ..physical.clone() }).is_empty() {
        return Err(Error::NotOfACluster(dump.path));
    }
    if let Some(path) = &globals {
        std::fs::File::open(path).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    let read = |path: PathBuf| Fingerprint::read(&path).map(|fingerprint| Expectation { path, fingerprint });
    let expectation = fingerprint.map(read).transpose()?;
    Ok(Backup::DumpFile(Box::new(ExistingDump { dump, globals, expectation })))
}
