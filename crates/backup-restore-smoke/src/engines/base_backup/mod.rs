//! Base backups as `pg_basebackup` makes them: plain files or tar archives, made now or existing, with
//! increments of PostgreSQL 17 and later.

mod chain;
mod label;
mod make;
mod plain;
mod tar;

use std::path::{Path, PathBuf};

use evidence_report::run::Run;

pub(crate) use self::{
    label::{Label, tablespace_map, tablespaces},
    make::{made_in, make},
};
use super::physical::{Chosen, Fetched, Landing, OLDER_NAMED};
use crate::{
    checks::{BACKUP_CHOSEN, ENVIRONMENT},
    halt::Halt,
    integrity::Manifest,
    plan::Plan,
    scratch::folder_bytes,
};

/// The names of the first archive of a tar backup.
const BASE_ARCHIVES: [&str; 4] = ["base.tar", "base.tar.gz", "base.tar.lz4", "base.tar.zst"];

/// Whether a folder holds a base backup, by its content.
pub(crate) fn is_base_backup(folder: &Path) -> bool {
    folder.join("PG_VERSION").is_file() || base_archive(folder).is_some()
}

fn base_archive(folder: &Path) -> Option<PathBuf> {
    BASE_ARCHIVES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Looks at the backup: the last of the folders decides where recovery begins.
pub(super) async fn choose(run: &Run, folders: &[PathBuf]) -> Result<Chosen, Halt> {
    let folders = chain::ordered(run, folders).await?;
    let Some(folder) = folders.last() else {
        return Err(ENVIRONMENT.inconclusive("base backup").observed("no folder was named").into());
    };
    let (label, major) = match base_archive(folder) {
        Some(archive) => {
            let label = tar::text_of(run, &archive, "backup_label").await?;
            (label, tar::text_of(run, &archive, "PG_VERSION").await?)
        }
        None => (read(folder, "backup_label"), read(folder, "PG_VERSION")),
    };
    let label = label.as_deref().map(Label::read).unwrap_or_default();
    let manifest = Manifest::read(&folder.join("backup_manifest"));
    let stop_lsn = manifest.as_ref().and_then(|manifest| manifest.stop_lsn);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    run.finding(BACKUP_CHOSEN.passed(&name).expected("a base backup").observed(format!(
        "{}, begun {}",
        label.label.as_deref().unwrap_or("without a label"),
        label.started_text()
    )));
    let before = folders.iter().rev().skip(1).take(OLDER_NAMED);
    let older = before.map(|folder| format!("--backup {} as the last", folder.display())).collect();
    Ok(Chosen {
        older,
        label: name,
        started: label.started,
        start_lsn: label.start_lsn,
        stop_lsn,
        timeline: label.timeline,
        bytes: Some(folders.iter().map(|folder| folder_bytes(folder)).sum()),
        major: major.and_then(|text| text.trim().parse().ok()),
        system_identifier: manifest.and_then(|manifest| manifest.system_identifier),
        ..Chosen::default()
    })
}

/// A pipe of that name would never end.
fn read(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(name);
    if path.is_file() { fs_err::read_to_string(path).ok() } else { None }
}

/// Unpacks or copies the backup into the landing.
pub(super) async fn fetch(
    run: &Run,
    plan: &Plan,
    folders: &[PathBuf],
    chosen: &Chosen,
    landing: &Landing,
) -> Result<Fetched, Halt> {
    let folders = chain::complete(run, folders).await?;
    let [folder] = folders.as_slice() else {
        return chain::combine(run, plan, &folders, chosen, landing).await;
    };
    match base_archive(folder) {
        Some(archive) => tar::unpack(run, folder, &archive, landing).await,
        None => plain::copy(run, folder, landing).await,
    }
}
