//! Where a backup lies on this machine, as far as its engine tells: the scratch must not take the space there. It looks
//! at no file system.

use std::path::PathBuf;

use super::{barman, pgbackrest};
use crate::plan::{Backup, Origin};

/// The folders and files that a backup is read from. Empty where it is made now.
///
/// # Errors
/// Why that is not known, in words.
pub(crate) fn folders(backup: &Backup) -> Result<Vec<PathBuf>, String> {
    let physical = match backup {
        Backup::DumpNow | Backup::Unrecognised(_) => return Ok(Vec::new()),
        Backup::DumpFile(existing) => return Ok(vec![existing.dump.path.clone()]),
        Backup::Physical(physical) => physical,
    };
    let mut found = match &physical.origin {
        Origin::BaseBackupNow { .. } => Vec::new(),
        Origin::BaseBackup { folders } => folders.clone(),
        Origin::PgBackRest(origin) => pgbackrest::folders(origin)?,
        Origin::Barman(origin) => barman::folders(origin)?,
        Origin::Command(_) => {
            return Err("where the tool behind the commands keeps its backups is not known".to_owned());
        }
    };
    found.extend(physical.wal.iter().cloned());
    Ok(found.into_iter().map(|path| path.canonicalize().unwrap_or(path)).collect())
}
