//! Backups in Barman's catalogue, as `barman list-backups` and `barman show-backup` tell them.
//!
//! Only these two verbs are ever called. Barman knows no flag for its lock folder and its log, so it is given a
//! private copy of its configuration that ends with our own.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::{
    record::Finding,
    run::{Run, child::ChildCommand},
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    answer::ask,
    inventory::{Archive, Backup, Fault, Inventory, Weight},
};
use crate::{checks::POLICY_FOUND, halt::Halt};

/// Where to look.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Barman {
    /// The server, as Barman calls it.
    pub(crate) server: String,
    /// Its configuration, where it is not in its usual place.
    pub(crate) config: Option<PathBuf>,
}

/// The verbs that may be called: those that read.
#[derive(Debug, Clone, Copy)]
enum Verb {
    ListBackups,
    ShowBackup,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::ListBackups => "list-backups",
            Self::ShowBackup => "show-backup",
        }
    }
}

/// Asks Barman.
///
/// # Errors
/// An inconclusive finding where it cannot be asked; a failed one where it does not know the server.
pub(crate) async fn look(run: &Run, name: &str, wanted: &Barman) -> Result<Inventory, Halt> {
    let config = private_config(run.folder(), wanted.config.as_deref()).map_err(|why| {
        let finding = POLICY_FOUND.inconclusive(name).expected("Barman's configuration").observed(why);
        finding.remedy("run as Barman's user, and name its configuration (config:, --tool-config)")
    })?;
    let command = |verb: Verb| -> ChildCommand {
        run.child("barman").arg("-c").arg(&config).args(["-f", "json", verb.word(), &wanted.server])
    };
    let list = called(run, name, command(Verb::ListBackups)).await?;
    let mut shown = Vec::new();
    for id in ids(&list, &wanted.server) {
        shown.push(called(run, name, command(Verb::ShowBackup).arg(&id)).await?);
    }
    Ok(read(wanted, &list, &shown))
}

async fn called(run: &Run, name: &str, command: ChildCommand) -> Result<Value, Halt> {
    let answer = ask(run, name, "barman", command).await?;
    // What it warns of stands before the JSON.
    let json = answer.text.find('{').map_or("", |start| &answer.text[start..]);
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    if answer.success && value.is_object() {
        return Ok(value);
    }
    let said = value["_ERROR"][0].as_str().map_or(answer.said, str::to_owned);
    let expected = "Barman tells its backups";
    Err(refused(name, expected, &said).into())
}

fn refused(name: &str, expected: &str, said: &str) -> Finding {
    let made = match said.contains("Unknown server") {
        true => POLICY_FOUND.failed(name),
        false => POLICY_FOUND.inconclusive(name).remedy("run as Barman's user, and read its log"),
    };
    made.expected(expected).observed(format!("barman: {said}"))
}

/// The places where Barman looks for its configuration.
fn usual_places() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".barman.conf"));
    home.into_iter().chain(["/etc/barman.conf", "/etc/barman/barman.conf"].map(PathBuf::from)).collect()
}

/// Writes the copy. It may hold a password: nobody else may read it, and it goes with the run's folder.
fn private_config(folder: &Path, named: Option<&Path>) -> Result<PathBuf, String> {
    let places = named.map_or_else(usual_places, |path| vec![path.to_owned()]);
    let Some(path) = places.iter().find(|path| path.exists()) else {
        let places: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
        return Err(format!("there is none at {}", places.join(", ")));
    };
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    let copy = folder.join("barman.conf");
    let made = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&copy);
    let written = made.and_then(|mut file| file.write_all(with_own_paths(&text, folder).as_bytes()));
    written.map_err(|error| format!("writing its copy {}: {error}", copy.display()))?;
    Ok(copy)
}

/// Barman merges sections of one name, and the last value counts.
fn with_own_paths(text: &str, folder: &Path) -> String {
    // As root Barman would become its own user, who may not read the run's folder.
    let user = if rustix::process::geteuid().is_root() { "barman_user = root\n" } else { "" };
    let own = folder.display();
    format!("{text}\n[barman]\nbarman_lock_directory = {own}\nlog_file = {own}/barman.log\n{user}")
}

fn ids(list: &Value, server: &str) -> Vec<String> {
    let entries = list[server].as_array().into_iter().flatten();
    let usable = entries.filter(|entry| entry["status"] == "DONE");
    usable.filter_map(|entry| entry["backup_id"].as_str().map(str::to_owned)).collect()
}

/// Reads the answers. Pure.
fn read(wanted: &Barman, list: &Value, shown: &[Value]) -> Inventory {
    let server = wanted.server.as_str();
    let mut faults = Vec::new();
    for entry in list[server].as_array().into_iter().flatten() {
        let status = entry["status"].as_str().unwrap_or("without a status");
        let weight = match status {
            "DONE" => continue,
            "FAILED" => Weight::Bad,
            _ => Weight::Doubtful,
        };
        let subject = entry["backup_id"].as_str().unwrap_or("a backup").to_owned();
        faults.push(Fault { subject, said: format!("Barman says: {status}"), weight });
    }
    let mut backups: Vec<_> = shown.iter().filter_map(|shown| backup(&shown[server])).collect();
    backups.sort_by_key(|backup| backup.at);
    let newest = shown.iter().map(|shown| &shown[server]).max_by_key(|one| end_time(one));
    Inventory {
        backups,
        place: format!("Barman, server {server}"),
        times: "the end of the backup, as Barman tells it".to_owned(),
        sizes: "of the base backup, without its write-ahead log",
        faults,
        archive: newest.map_or(Archive::NotTold("there is no backup that would need it"), archive),
    }
}

fn end_time(shown: &Value) -> Option<i64> {
    shown["base_backup_information"]["end_time_timestamp"].as_str()?.parse().ok()
}

fn backup(shown: &Value) -> Option<Backup> {
    let base = &shown["base_backup_information"];
    let end = end_time(shown)?;
    let begin: Option<i64> = base["begin_time_timestamp"].as_str().and_then(|text| text.parse().ok());
    Some(Backup {
        label: shown["backup_id"].as_str()?.to_owned(),
        at: Timestamp::from_second(end).ok()?,
        took: begin.and_then(|begin| u64::try_from(end - begin).ok()).map(Duration::from_secs),
        bytes: base["disk_usage_bytes"].as_u64().unwrap_or(0),
        full: true,
    })
}

fn archive(shown: &Value) -> Archive {
    let Some(needed) = shown["base_backup_information"]["end_wal"].as_str() else {
        return Archive::NotTold("Barman does not say which write-ahead log the newest backup needs");
    };
    match shown["wal_information"]["last_available"].as_str() {
        Some(last) => Archive::Told {
            covers: last >= needed,
            words: format!(
                "the archive reaches to {last}, the newest backup needs it to {needed}; whether one in between is \
                 missing, Barman does not tell: a rehearsal does"
            ),
        },
        None => Archive::Told {
            covers: false,
            words: format!("the archive holds nothing behind {needed}, as Barman tells"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Barman 3.4 answered.
    const LIST: &str = r#"{"demo": [{"backup_id": "20261127T000000", "status": "FAILED"}, {"backup_id": "20261126T213449", "end_time": "Thu Nov 26 21:35:45 2026", "end_time_timestamp": "1795728945", "retention_status": "-", "size": "41.6 MiB", "size_bytes": 43651713, "status": "DONE", "tablespaces": [], "wal_size": "16.0 MiB", "wal_size_bytes": 16777216}]}"#;
    const SHOWN: &str = r#"{"demo": {"backup_id": "20261126T213449", "base_backup_information": {"begin_time_timestamp": "1795728889", "begin_wal": "000000010000000000000008", "disk_usage_bytes": 26874497, "end_time_timestamp": "1795728945", "end_wal": "000000010000000000000008"}, "status": "DONE", "wal_information": {"last_available": "000000010000000000000009", "no_of_files": 1}}}"#;

    fn demo(shown: &str) -> Inventory {
        let list: Value = serde_json::from_str(LIST).unwrap();
        assert_eq!(ids(&list, "demo"), ["20261126T213449"]);
        let wanted = Barman { server: "demo".to_owned(), config: None };
        read(&wanted, &list, &[serde_json::from_str(shown).unwrap()])
    }

    #[test]
    fn backups_failures_and_the_archive_are_read() {
        let seen = demo(SHOWN);
        let newest = seen.newest().unwrap();
        assert_eq!((newest.bytes, newest.took), (26_874_497, Some(Duration::from_secs(56))));
        assert_eq!(newest.at.as_second(), 1_795_728_945);
        assert!(matches!(seen.archive, Archive::Told { covers: true, .. }));
        assert_eq!((seen.faults.len(), seen.faults[0].weight), (1, Weight::Bad));
        let short = demo(&SHOWN.replace("000000010000000000000009", "000000010000000000000007"));
        assert!(matches!(short.archive, Archive::Told { covers: false, .. }));
    }

    #[test]
    fn the_copy_of_the_configuration_ends_with_our_own_paths() {
        let text = with_own_paths("[barman]\nlog_file = /var/log/barman/barman.log\n", Path::new("/r"));
        assert!(text.contains("[barman]\nbarman_lock_directory = /r\nlog_file = /r/barman.log\n"), "{text}");
    }

    #[test]
    fn an_unknown_server_is_failed_and_a_refusal_inconclusive() {
        use evidence_report::record::Outcome;
        assert_eq!(refused("x", "", "Unknown server 'nosuch'").outcome, Outcome::Failed);
        assert_eq!(refused("x", "", "Permission denied").outcome, Outcome::Inconclusive);
    }
}
