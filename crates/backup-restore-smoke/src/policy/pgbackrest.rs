//! Backups in pgBackRest's repository, as `pgbackrest info` tells them.
//!
//! Only the verb `info` is ever called, with a lock path and a log path of our own, so that nothing of the
//! installation is touched (`info` knows no spool path). It needs no server and no repository lock.

use std::{path::PathBuf, time::Duration};

use evidence_report::{record::Finding, run::Run};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    answer::ask,
    inventory::{Archive, Backup, Fault, Inventory, Weight},
};
use crate::{
    checks::POLICY_FOUND,
    engines::pgbackrest::unopened::{NOT_OPENED, Unopened, as_json, why},
    halt::Halt,
};

/// Where to look.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct PgBackRest {
    /// The stanza.
    pub(crate) stanza: String,
    /// Its configuration, where it is not in its usual place.
    pub(crate) config: Option<PathBuf>,
}

/// The verbs that may be called: those that read.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Info,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
        }
    }
}

/// Asks pgBackRest.
///
/// # Errors
/// An inconclusive finding where it cannot be asked; a failed one where the stanza is not there.
pub(crate) async fn look(run: &Run, name: &str, wanted: &PgBackRest) -> Result<Inventory, Halt> {
    let own = |what: &str| run.folder().join(format!("pgbackrest-{what}"));
    let mut command = run.child("pgbackrest").arg(Verb::Info.word()).args([
        "--output=json",
        "--log-level-file=off",
        "--log-level-console=off",
        "--log-level-stderr=error",
        &format!("--stanza={}", wanted.stanza),
        &format!("--lock-path={}", own("lock").display()),
        &format!("--log-path={}", own("log").display()),
    ]);
    if let Some(config) = &wanted.config {
        command = command.arg(format!("--config={}", config.display()));
    }
    let answer = ask(run, name, "pgbackrest", command).await?;
    if !answer.success {
        let said = answer.said;
        return Err(POLICY_FOUND
            .inconclusive(name)
            .expected("pgBackRest tells its backups")
            .observed(format!("pgbackrest info: {said}"))
            .remedy("run as a user who may read the repository, and name its configuration (config:, --tool-config)")
            .into());
    }
    read(name, wanted, &answer.text)
}

#[derive(Debug, Deserialize)]
struct Stanza {
    name: String,
    #[serde(default)]
    archive: Vec<ArchiveInfo>,
    #[serde(default)]
    backup: Vec<BackupInfo>,
    #[serde(default)]
    repo: Vec<Repository>,
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    cipher: Option<String>,
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Status {
    code: i64,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
struct ArchiveInfo {
    database: Key,
    max: Option<String>,
    min: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Key {
    #[serde(default)]
    id: u64,
    #[serde(default, rename = "repo-key")]
    repository: u64,
}

#[derive(Debug, Deserialize)]
struct BackupInfo {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    error: Option<bool>,
    archive: Span<Option<String>>,
    database: Key,
    info: Info,
    timestamp: Span<i64>,
}

#[derive(Debug, Deserialize)]
struct Span<T> {
    start: T,
    stop: T,
}

#[derive(Debug, Deserialize)]
struct Info {
    size: u64,
}

/// Reads the answer. Pure.
fn read(name: &str, wanted: &PgBackRest, text: &str) -> Result<Inventory, Halt> {
    let expected = format!("the stanza {} of pgBackRest", wanted.stanza);
    let unreadable = |error: serde_json::Error| {
        let observed = format!("the answer of pgbackrest info cannot be read: {error}");
        Halt::from(POLICY_FOUND.inconclusive(name).expected(expected.clone()).observed(observed))
    };
    let stanzas: Vec<Stanza> = serde_json::from_str(&as_json(text)).map_err(unreadable)?;
    let Some(stanza) = stanzas.into_iter().find(|stanza| stanza.name == wanted.stanza) else {
        let finding = POLICY_FOUND.failed(name).expected(expected).observed("pgBackRest does not know it");
        return Err(finding.into());
    };
    if stanza.status.code == NOT_OPENED {
        return Err(unopened(name, &stanza).expected(expected).into());
    }
    let mut faults = Vec::new();
    // 1 missing stanza path, 2 no valid backups, 3 missing stanza data, 4 different across repositories, …
    if stanza.status.code != 0 {
        let weight = if stanza.status.code == 4 { Weight::Doubtful } else { Weight::Bad };
        let said = format!("pgBackRest says: {} (status {})", stanza.status.message, stanza.status.code);
        faults.push(Fault { subject: format!("stanza {}", stanza.name), said, weight });
    }
    for backup in stanza.backup.iter().filter(|backup| backup.error == Some(true)) {
        let said = "pgBackRest found pages with wrong checksums while it made it".to_owned();
        faults.push(Fault { subject: backup.label.clone(), said, weight: Weight::Bad });
    }
    let archive = archive(&stanza);
    let mut backups: Vec<_> = stanza.backup.iter().filter_map(backup).collect();
    backups.sort_by_key(|backup| backup.at);
    Ok(Inventory {
        backups,
        place: format!("pgBackRest, stanza {}", stanza.name),
        times: "the end of the backup, as pgBackRest tells it".to_owned(),
        sizes: "of the database that was backed up, before compression",
        faults,
        archive,
    })
}

/// None of its repositories was opened, or one of several was not.
fn unopened(name: &str, stanza: &Stanza) -> Finding {
    let repository = stanza.repo.iter().find(|repository| repository.status.code == NOT_OPENED);
    let (cipher, status) = match repository {
        Some(repository) => (repository.cipher.as_deref(), &repository.status),
        None => (None, &stanza.status),
    };
    let ours = |observed: String| POLICY_FOUND.inconclusive(name).observed(observed);
    match why(cipher.unwrap_or("none"), &status.message) {
        Unopened::NoPassphrase => ours("the repository is encrypted, and no passphrase was given".to_owned())
            .remedy("name the configuration that holds repo1-cipher-pass (config:, --tool-config)"),
        Unopened::WrongPassphrase => ours(
            "the passphrase that was given is another one: nothing that it deciphers makes sense".to_owned(),
        )
        .remedy("correct repo1-cipher-pass in the configuration; without the right one there is no recovery"),
        Unopened::Damaged(said) => {
            POLICY_FOUND.failed(name).observed(format!("pgBackRest says: {said}")).remedy(
                "run `pgbackrest info` with the same configuration: in an emergency it would answer the same",
            )
        }
        Unopened::Forbidden(said) | Unopened::Other(said) => ours(format!("pgBackRest says: {said}"))
            .remedy("run as a user who may read the repository, and look whether it can be reached"),
    }
}

fn backup(info: &BackupInfo) -> Option<Backup> {
    Some(Backup {
        label: info.label.clone(),
        at: Timestamp::from_second(info.timestamp.stop).ok()?,
        took: u64::try_from(info.timestamp.stop - info.timestamp.start).ok().map(Duration::from_secs),
        bytes: info.info.size,
        full: info.kind == "full",
    })
}

/// Whether the archive reaches from the oldest backup that needs it to the newest. Names of segments sort by
/// timeline and place.
fn archive(stanza: &Stanza) -> Archive {
    let Some(newest) = stanza.backup.iter().max_by_key(|backup| backup.timestamp.stop) else {
        return Archive::NotTold("there is no backup that would need it");
    };
    let same = |key: Key| key == newest.database;
    let oldest = stanza.backup.iter().filter(|backup| same(backup.database)).min_by_key(|b| b.timestamp.stop);
    let (Some(needed_from), Some(needed_to)) =
        (oldest.and_then(|backup| backup.archive.start.clone()), newest.archive.stop.clone())
    else {
        return Archive::NotTold("the backups were made without the write-ahead log (--no-online)");
    };
    let held = stanza.archive.iter().find(|archive| same(archive.database));
    match held.and_then(|held| Some((held.min.clone()?, held.max.clone()?))) {
        Some((min, max)) => Archive::Told {
            covers: min <= needed_from && max >= needed_to,
            words: format!(
                "the archive holds {min} to {max}, the backups need {needed_from} to {needed_to}; whether one in \
                 between is missing, `pgbackrest info` does not tell: a rehearsal does"
            ),
        },
        None => Archive::Told {
            covers: false,
            words: format!("the archive is empty, the backups need {needed_from} to {needed_to}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What pgBackRest 2.45 answered, a full and an incremental backup.
    const ANSWER: &str = r#"[{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000009","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000002"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":22992584,"repository":{"delta":3043469,"size":3043469},"size":22992584},"label":"20261126-213059F","lsn":{"start":"0/2000028","stop":"0/2000100"},"prior":null,"reference":null,"timestamp":{"start":1795728659,"stop":1795728663},"type":"full"},{"archive":{"start":"000000010000000000000004","stop":"000000010000000000000004"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":5038346,"repository":{"delta":578388,"size":3460099},"size":26621640},"label":"20261126-213059F_20261126-213104I","lsn":{"start":"0/4000028","stop":"0/4000100"},"prior":"20261126-213059F","reference":["20261126-213059F"],"timestamp":{"start":1795728664,"stop":1795728666},"type":"incr"}],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":7712595855559144967,"version":"15"}],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]"#;

    /// What it answers for a stanza that nobody created.
    const MISSING: &str = r#"[{"archive":[],"backup":[],"cipher":"none","db":[],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"lock":{"backup":{"held":false}},"message":"missing stanza path"}}]"#;

    fn demo(text: &str) -> Result<Inventory, Halt> {
        read("x", &PgBackRest { stanza: "demo".to_owned(), config: None }, text)
    }

    /// What it answers, with exit code 0, to a user who may not read the repository.
    const CLOSED: &str = r#"[{"archive":[],"backup":[],"cipher":"none","db":[],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":99,"message":"[PathOpenError] unable to list file info for path '/repo/backup': [13] Permission denied"}}],"status":{"code":99,"lock":{"backup":{"held":false}},"message":"other"}}]"#;

    #[test]
    fn a_repository_that_cannot_be_looked_at_is_not_called_empty() {
        let Err(Halt::Found(finding)) = demo(CLOSED) else { panic!("it was looked at") };
        assert_eq!(finding.outcome, evidence_report::record::Outcome::Inconclusive);
        assert!(finding.observed.contains("Permission denied"), "{}", finding.observed);
    }

    #[test]
    fn backups_their_sizes_and_the_archive_are_read() {
        let seen = demo(ANSWER).unwrap();
        assert_eq!(seen.backups.len(), 2);
        let newest = seen.newest().unwrap();
        assert_eq!(
            (newest.bytes, newest.full, newest.took),
            (26_621_640, false, Some(Duration::from_secs(2)))
        );
        assert_eq!(newest.at.as_second(), 1_795_728_666);
        assert!(matches!(seen.archive, Archive::Told { covers: true, .. }) && seen.faults.is_empty());
    }

    #[test]
    fn an_archive_that_ends_before_the_backup_does_not_cover_it() {
        for (from, to) in [
            ("\"max\":\"000000010000000000000009\"", "\"max\":\"000000010000000000000003\""),
            ("\"min\":\"000000010000000000000001\"", "\"min\":\"000000010000000000000003\""),
            ("\"max\":\"000000010000000000000009\"", "\"max\":null"),
        ] {
            let seen = demo(&ANSWER.replace(from, to)).unwrap();
            assert!(matches!(seen.archive, Archive::Told { covers: false, .. }), "{to}");
        }
    }

    #[test]
    fn what_pgbackrest_complains_of_is_a_fault() {
        let seen = demo(&ANSWER.replacen("\"error\":false", "\"error\":true", 1)).unwrap();
        assert_eq!(seen.faults[0].subject, "20261126-213059F");
        let missing = demo(MISSING).unwrap();
        assert!(missing.backups.is_empty() && missing.faults[0].said.contains("missing stanza path"));
        let refused = |text| match demo(text) {
            Err(Halt::Found(finding)) => finding.observed,
            other => panic!("{other:?}"),
        };
        assert!(refused("[]").contains("does not know"));
        assert!(refused("ERROR: x").contains("cannot be read"));
    }
}
