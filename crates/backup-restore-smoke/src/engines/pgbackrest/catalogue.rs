//! What `pgbackrest info --output=json` says, and which backup is the one to restore. Pure: text and times come in.
//! It ends with 0 whatever it found, so that only its text counts.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::unopened::{NOT_OPENED, Unopened, as_json, why};
use crate::wal::{Lsn, Segment};

/// A stanza.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Stanza {
    name: String,
    status: Status,
    #[serde(default)]
    backup: Vec<Backup>,
    #[serde(default)]
    archive: Vec<Archive>,
    #[serde(default)]
    db: Vec<Database>,
    #[serde(default)]
    repo: Vec<Repository>,
}

#[derive(Debug, Clone, Deserialize)]
struct Status {
    code: i64,
    message: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Repository {
    #[serde(default = "without_cipher")]
    cipher: String,
    status: Status,
}

fn without_cipher() -> String {
    "none".to_owned()
}

/// Of which database in which repository something is; old versions name no repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Of {
    id: u32,
    #[serde(rename = "repo-key", default = "first")]
    repository: u32,
}

fn first() -> u32 {
    1
}

#[derive(Debug, Clone, Deserialize)]
struct Backup {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Span<i64>,
    #[serde(default)]
    lsn: Option<Span<String>>,
    #[serde(default)]
    archive: Option<Span<Option<String>>>,
    database: Of,
    info: Info,
    #[serde(default)]
    error: Option<bool>,
    /// Only where one backup is asked for; `null` where it has none.
    #[serde(default, deserialize_with = "told")]
    tablespace: Option<Vec<Tablespace>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Tablespace {
    oid: u32,
}

/// `null` says that there is none; nothing at all says nothing.
fn told<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Vec<Tablespace>>, D::Error> {
    Ok(Some(Option::<Vec<Tablespace>>::deserialize(given)?.unwrap_or_default()))
}

#[derive(Debug, Clone, Deserialize)]
struct Info {
    size: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Span<T> {
    start: T,
    stop: T,
}

#[derive(Debug, Clone, Deserialize)]
struct Archive {
    database: Of,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    max: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Database {
    #[serde(flatten)]
    of: Of,
    version: String,
    #[serde(rename = "system-id")]
    system_identifier: u64,
}

/// A backup that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) label: String,
    /// `full`, `diff` or `incr`.
    pub(super) kind: String,
    pub(super) repository: u32,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    pub(super) start: Option<Lsn>,
    pub(super) stop: Option<Lsn>,
    pub(super) first_segment: Option<String>,
    pub(super) bytes: u64,
    /// pgBackRest found pages with wrong checksums when it was made.
    pub(super) page_errors: bool,
    pub(super) major: Option<u32>,
    pub(super) system_identifier: Option<String>,
    /// The folder of the archive, as `15-1`.
    pub(super) archive: Option<String>,
    /// The newest segment of the archive, by its name.
    pub(super) newest_segment: Option<String>,
    /// The numbers of its tablespaces, where they were told.
    pub(super) tablespaces: Option<Vec<u32>>,
}

/// Why there is nothing to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The text is none of pgBackRest's.
    Unreadable(String),
    /// It does not open the repository.
    Unopened(Unopened),
    /// The repository says so, or does not answer.
    Broken(String),
    /// No backup had finished at that time.
    NoneBefore,
    /// No such label.
    NoSuchLabel,
}

/// Reads the catalogue of one stanza.
///
/// # Errors
/// Why it holds nothing that could be restored.
pub(super) fn read(text: &str, stanza: &str) -> Result<Vec<Entry>, Refusal> {
    let stanzas: Vec<Stanza> =
        serde_json::from_str(&as_json(text)).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let found = stanzas.into_iter().find(|found| found.name == stanza);
    let found = found.ok_or_else(|| Refusal::Broken("missing stanza path".to_owned()))?;
    let entries: Vec<_> = found.backup.iter().filter_map(|backup| entry(&found, backup)).collect();
    // One broken repository of several hides nothing of the others.
    if entries.is_empty() { Err(why_empty(&found)) } else { Ok(entries) }
}

fn why_empty(stanza: &Stanza) -> Refusal {
    let of = |repository: &&Repository| repository.status.code == NOT_OPENED;
    if let Some(repository) = stanza.repo.iter().find(of) {
        return Refusal::Unopened(why(&repository.cipher, &repository.status.message));
    }
    match &stanza.status {
        Status { code: 0, .. } => Refusal::Broken("no backup in it".to_owned()),
        Status { code: NOT_OPENED, message } => Refusal::Unopened(why("none", message)),
        Status { message, .. } => Refusal::Broken(message.lines().next().unwrap_or_default().to_owned()),
    }
}

fn entry(stanza: &Stanza, backup: &Backup) -> Option<Entry> {
    let database = stanza.db.iter().find(|database| database.of == backup.database);
    let archive = stanza.archive.iter().find(|archive| archive.database == backup.database);
    let place =
        |which: fn(&Span<String>) -> &String| backup.lsn.as_ref().and_then(|lsn| which(lsn).parse().ok());
    Some(Entry {
        label: backup.label.clone(),
        kind: backup.kind.clone(),
        repository: backup.database.repository,
        started: Timestamp::from_second(backup.timestamp.start).ok()?,
        finished: Timestamp::from_second(backup.timestamp.stop).ok()?,
        start: place(|lsn| &lsn.start),
        stop: place(|lsn| &lsn.stop),
        first_segment: backup.archive.as_ref().and_then(|archive| archive.start.clone()),
        bytes: backup.info.size,
        page_errors: backup.error == Some(true),
        major: database.and_then(|database| database.version.split('.').next()?.parse().ok()),
        system_identifier: database.map(|database| database.system_identifier.to_string()),
        archive: archive.and_then(|archive| archive.id.clone()),
        newest_segment: archive.and_then(|archive| archive.max.clone()),
        tablespaces: backup
            .tablespace
            .as_ref()
            .map(|all| all.iter().map(|tablespace| tablespace.oid).collect()),
    })
}

/// What a backup must have been at the incident.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// It had finished at this time.
    pub(super) before: Timestamp,
    /// It had ended at this place.
    pub(super) ended: Option<Lsn>,
    /// It has this label.
    pub(super) label: Option<&'a str>,
}

impl Wanted<'_> {
    /// Any backup.
    pub(super) fn any() -> Self {
        Self { before: Timestamp::MAX, ended: None, label: None }
    }
}

/// The newest backup that fits; of two as new, the one in the repository that is asked first.
///
/// # Errors
/// Why there is none.
pub(super) fn choose(entries: Vec<Entry>, wanted: Wanted<'_>) -> Result<Entry, Refusal> {
    if let Some(label) = wanted.label {
        return entries.into_iter().find(|entry| entry.label == label).ok_or(Refusal::NoSuchLabel);
    }
    let ended = |entry: &Entry| match (entry.stop, wanted.ended) {
        (Some(stop), Some(target)) => stop <= target,
        _ => true,
    };
    entries
        .into_iter()
        .filter(|entry| entry.finished <= wanted.before && ended(entry))
        .max_by(|one, other| one.finished.cmp(&other.finished).then(other.repository.cmp(&one.repository)))
        .ok_or(Refusal::NoneBefore)
}

/// The labels of those that had finished before this one, the newest first.
pub(super) fn older_than<'a>(entries: &'a [Entry], chosen: &Entry) -> impl Iterator<Item = &'a str> {
    let mut older: Vec<_> = entries.iter().filter(|entry| entry.finished < chosen.finished).collect();
    older.sort_by_key(|entry| std::cmp::Reverse(entry.finished));
    older.into_iter().map(|entry| entry.label.as_str())
}

impl Entry {
    /// The timeline that it was taken on.
    pub(super) fn timeline(&self) -> Option<u32> {
        let name = self.first_segment.as_deref()?;
        // Only the timeline is read, which does not depend on the size of segments.
        Segment::from_name(name, 16 << 20).map(|segment| segment.timeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(backups: &str, status: &str) -> String {
        format!(
            r#"[{{"archive":[{{"database":{{"id":1,"repo-key":1}},"id":"15-1","max":"00000001000000000000000A","min":"x"}}],
            "backup":[{backups}],"cipher":"none","db":[{{"id":1,"repo-key":1,"system-id":7712596483352907199,"version":"15"}}],
            "name":"shop","repo":[{{"cipher":"none","key":1,"status":{status}}}],
            "status":{status}}}]"#
        )
    }

    fn backup(label: &str, repository: u32, stop: i64, lsn: &str) -> String {
        format!(
            r#"{{"archive":{{"start":"000000020000000000000002","stop":"000000020000000000000002"}},
            "database":{{"id":1,"repo-key":{repository}}},"error":false,"info":{{"delta":1,"size":23164721}},
            "label":"{label}","lsn":{{"start":"0/2000028","stop":"{lsn}"}},"prior":null,"reference":null,
            "timestamp":{{"start":1,"stop":{stop}}},"type":"full"}}"#
        )
    }

    const OK: &str = r#"{"code":0,"message":"ok"}"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn wanted(before: i64) -> Wanted<'static> {
        Wanted { before: at(before), ended: None, label: None }
    }

    #[test]
    fn the_newest_backup_that_had_finished_is_chosen() {
        let all = [
            backup("A", 1, 100, "0/3000000"),
            backup("C", 2, 200, "0/5000000"),
            backup("B", 1, 200, "0/5000000"),
        ];
        let entries = read(&catalogue(&all.join(","), OK), "shop").unwrap();
        let label = |wanted| choose(entries.clone(), wanted).map(|entry| entry.label);
        assert_eq!(label(wanted(99)), Err(Refusal::NoneBefore));
        assert_eq!(label(wanted(100)), Ok("A".to_owned()));
        assert_eq!(label(wanted(199)), Ok("A".to_owned()));
        assert_eq!(label(wanted(200)), Ok("B".to_owned()), "the repository that is asked first");
        let ended = |text: &str| Wanted { ended: Some(text.parse().unwrap()), ..wanted(500) };
        assert_eq!(label(ended("0/4FFFFFF")), Ok("A".to_owned()));
        assert_eq!(label(ended("0/5000000")), Ok("B".to_owned()));
        assert_eq!(label(Wanted { label: Some("C"), ..wanted(0) }), Ok("C".to_owned()));
        let newest = choose(entries.clone(), wanted(500)).unwrap();
        assert_eq!(older_than(&entries, &newest).collect::<Vec<_>>(), ["A"]);
        assert_eq!(label(Wanted { label: Some("D"), ..wanted(500) }), Err(Refusal::NoSuchLabel));
    }

    #[test]
    fn what_it_says_of_a_backup_is_read() {
        let entry = read(&catalogue(&backup("A", 1, 100, "0/3000100"), OK), "shop").unwrap().remove(0);
        assert_eq!((entry.major, entry.timeline(), entry.bytes), (Some(15), Some(2), 23_164_721));
        assert_eq!(entry.system_identifier.as_deref(), Some("7712596483352907199"));
        assert_eq!(entry.newest_segment.as_deref(), Some("00000001000000000000000A"));
        assert_eq!(
            (entry.start.unwrap().to_string(), entry.stop.unwrap().to_string()),
            ("0/2000028".into(), "0/3000100".into())
        );
    }

    #[test]
    fn no_tablespaces_and_nothing_told_of_tablespaces_are_two_things() {
        let told = |more: &str| {
            let backup = backup("A", 1, 100, "0/3000100").replace("\"prior\"", &format!("{more}\"prior\""));
            read(&catalogue(&backup, OK), "shop").unwrap().remove(0).tablespaces
        };
        assert_eq!(told(""), None);
        assert_eq!(told("\"tablespace\":null,"), Some(vec![]));
        let two = "\"tablespace\":[{\"destination\":\"/ts\",\"name\":\"fast\",\"oid\":16384},{\"oid\":5}],";
        assert_eq!(told(two), Some(vec![16_384, 5]));
    }

    #[test]
    fn an_exit_of_0_with_nothing_in_it_is_no_backup() {
        let refusal = |status: &str| read(&catalogue("", status), "shop").unwrap_err();
        assert_eq!(refusal(OK), Refusal::Broken("no backup in it".to_owned()));
        assert_eq!(
            refusal(r#"{"code":1,"message":"missing stanza path"}"#),
            Refusal::Broken("missing stanza path".to_owned())
        );
        let denied = "[PathOpenError] unable to list '/r': [13] Permission denied";
        assert_eq!(
            refusal(&format!(r#"{{"code":99,"message":"{denied}"}}"#)),
            Refusal::Unopened(Unopened::Forbidden(denied.to_owned()))
        );
        assert!(matches!(read("", "shop"), Err(Refusal::Unreadable(_))));
        assert!(matches!(read("[]", "shop"), Err(Refusal::Broken(_))));
    }
}
