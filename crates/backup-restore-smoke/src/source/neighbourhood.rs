//! Whether the scratch would take the space of a source or of a backup that lives on the same machine.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use evidence_report::{
    record::{Finding, Requirement},
    run::Stop,
};

use super::failures::from_query;
use crate::{
    checks::SOURCE_APART,
    connection::{Endpoint, QueryFailure, Session},
    halt::Halt,
};

const EXPECTED: &str = "another file system than the source's";

const EXPECTED_OF_BACKUP: &str = "another file system than the backup's";

/// Whose space it would take.
const SOURCE: &str = "scratch folder";

/// Likewise.
const BACKUP: &str = "scratch folder and backup";

/// The folders that a server writes to; the write-ahead log may lie elsewhere than the data. By `pg_settings`, which
/// leaves out what a role may not see: an error would end the snapshot's transaction.
const FOLDERS: &str = "
SELECT setting FROM pg_settings WHERE name = 'data_directory'
UNION ALL SELECT setting || '/pg_wal' FROM pg_settings WHERE name = 'data_directory'
UNION ALL SELECT pg_tablespace_location(oid) FROM pg_tablespace
          WHERE pg_tablespace_location(oid) <> '' AND EXISTS (SELECT FROM pg_settings WHERE name = 'data_directory')";

/// Looks whether the scratch folder shares a file system with the source's folders.
///
/// # Errors
/// An inconclusive finding when it does and nobody allowed it, or that the run was asked to stop.
pub(crate) async fn apart(
    session: &Session,
    stop: &Stop,
    scratch: &Path,
    allowed: bool,
) -> Result<Finding, Halt> {
    let unknown = |reason: String| {
        Ok(SOURCE_APART.not_checked(Requirement::Optional, "scratch folder", reason).expected(EXPECTED))
    };
    if !is_here(&session.endpoint) {
        return unknown("the source is on another machine, as far as its address tells".to_owned());
    }
    let folders: Vec<PathBuf> = match session.query(stop, FOLDERS).await {
        Ok(rows) => {
            rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).map(PathBuf::from).collect()
        }
        Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
        Err(failure) => return Err(from_query(failure, "settings of the source")),
    };
    if folders.is_empty() {
        return unknown(
            "this role is not shown where the source's data lies (pg_read_all_settings shows it)".to_owned(),
        );
    }
    let Ok(ours) = std::fs::metadata(scratch) else {
        return unknown("the scratch folder cannot be looked at".to_owned());
    };
    let shared =
        shared(&folders, ours.dev(), &|folder| std::fs::metadata(folder).ok().map(|meta| meta.dev()));
    judge([SOURCE, EXPECTED], &shared, &folders, allowed)
}

/// Looks whether the scratch folder shares a file system with the places that the backup is read from: a repository
/// that runs full takes no more backups.
///
/// # Errors
/// An inconclusive finding when it does and nobody allowed it.
pub(crate) fn apart_from_backup(
    places: &Result<Vec<PathBuf>, String>,
    scratch: &Path,
    allowed: bool,
) -> Result<Finding, Halt> {
    let unknown = |reason: &str| {
        Ok(SOURCE_APART.not_checked(Requirement::Optional, BACKUP, reason).expected(EXPECTED_OF_BACKUP))
    };
    let places = match places {
        Ok(places) => places,
        Err(reason) => return unknown(reason),
    };
    let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    match device(scratch) {
        Some(ours) => judge([BACKUP, EXPECTED_OF_BACKUP], &shared(places, ours, &device), places, allowed),
        None => unknown("the scratch folder cannot be looked at"),
    }
}

/// What a look at the folders told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shared {
    same: Vec<PathBuf>,
    unseen: Vec<PathBuf>,
}

fn shared(folders: &[PathBuf], ours: u64, device: &dyn Fn(&Path) -> Option<u64>) -> Shared {
    let mut shared = Shared::default();
    for folder in folders {
        match device(folder) {
            Some(device) if device == ours => shared.same.push(folder.clone()),
            Some(_) => {}
            None => shared.unseen.push(folder.clone()),
        }
    }
    shared
}

fn judge(
    [subject, expected]: [&'static str; 2],
    shared: &Shared,
    folders: &[PathBuf],
    allowed: bool,
) -> Result<Finding, Halt> {
    let listed = |folders: &[PathBuf]| {
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    if !shared.same.is_empty() && !allowed {
        return Err(SOURCE_APART
            .inconclusive(subject)
            .expected(expected)
            .observed(format!("the same file system as {}", listed(&shared.same)))
            .into());
    }
    if !shared.same.is_empty() {
        let reason = format!("--scratch-shares-filesystem allows it; shared with {}", listed(&shared.same));
        return Ok(SOURCE_APART.not_checked(Requirement::Optional, subject, reason).expected(expected));
    }
    if !shared.unseen.is_empty() {
        let reason = format!("cannot be looked at from here: {}", listed(&shared.unseen));
        return Ok(SOURCE_APART.not_checked(Requirement::Optional, subject, reason).expected(expected));
    }
    Ok(SOURCE_APART.passed(subject).expected(expected).observed(format!("apart from {}", listed(folders))))
}

/// Whether a server is on this machine: by its socket, or by a loopback address.
pub(crate) fn is_here(endpoint: &Endpoint) -> bool {
    let loopback = |text: &str| text.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    endpoint.host.starts_with(['/', '@'])
        || endpoint.host == "localhost"
        || loopback(&endpoint.host)
        || endpoint.address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_shared_file_system_is_refused_unless_it_is_allowed() {
        let folders = ["/data".into(), "/data/pg_wal".into(), "/fast".into()];
        let look = |wal: Option<u64>| {
            shared(&folders, 7, &|folder| if folder.ends_with("pg_wal") { wal } else { Some(8) })
        };
        let outcome = |wal, allowed| match judge([SOURCE, EXPECTED], &look(wal), &folders, allowed) {
            Ok(finding) => finding.outcome,
            Err(Halt::Found(finding)) => finding.outcome,
            Err(Halt::Stopped) => unreachable!(),
        };
        assert_eq!(outcome(Some(8), false), Outcome::Passed);
        assert_eq!(outcome(Some(7), false), Outcome::Inconclusive);
        assert_eq!(outcome(Some(7), true), Outcome::NotChecked(Requirement::Optional));
        assert_eq!(outcome(None, false), Outcome::NotChecked(Requirement::Optional));
    }

    #[test]
    fn a_backup_on_the_disk_of_the_scratch_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let places = Ok(vec![folder.path().join("shop.dump")]);
        std::fs::write(folder.path().join("shop.dump"), "x").unwrap();
        let Err(Halt::Found(refusal)) = apart_from_backup(&places, folder.path(), false) else { panic!() };
        assert_eq!(refusal.outcome, Outcome::Inconclusive);
        assert!(refusal.observed.contains("shop.dump"), "{refusal:?}");
        let outcome = |places: &Result<_, _>, allowed| {
            apart_from_backup(places, folder.path(), allowed).unwrap().outcome
        };
        assert_eq!(outcome(&places, true), Outcome::NotChecked(Requirement::Optional));
        assert_eq!(outcome(&Err("elsewhere".to_owned()), false), Outcome::NotChecked(Requirement::Optional));
        let elsewhere = Ok(vec![PathBuf::from("/proc/self")]);
        assert_eq!(outcome(&elsewhere, false), Outcome::Passed);
    }
}
