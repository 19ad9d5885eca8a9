//! What `barman list-backups` and `barman show-backup` say in JSON, and which backup is the one to restore. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{sql::message_template, wal::Lsn};

/// A line of `list-backups`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    pub(super) backup_id: String,
    status: String,
    /// Seconds, as text.
    #[serde(default)]
    end_time_timestamp: Option<String>,
}

/// What `show-backup` says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Shown {
    #[serde(rename = "base_backup_information")]
    pub(super) base: Base,
    #[serde(default)]
    pub(super) tablespaces: Vec<Tablespace>,
    #[serde(default)]
    postgresql_version: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Base {
    begin_time_timestamp: String,
    end_time_timestamp: String,
    #[serde(default)]
    begin_lsn: Option<String>,
    #[serde(default)]
    end_lsn: Option<String>,
    /// The first segment that it needs.
    #[serde(default)]
    pub(super) begin_wal: Option<String>,
    #[serde(default)]
    pub(super) timeline: Option<u32>,
    #[serde(default, rename = "disk_usage_bytes")]
    pub(super) bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Tablespace {
    pub(super) name: String,
    pub(super) oid: u32,
}

/// Why there is nothing to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The text is none of Barman's.
    Unreadable(String),
    /// No backup had finished at that time.
    NoneBefore,
    /// No such backup, or not a whole one.
    NoSuchId,
}

/// Reads what a server has.
///
/// # Errors
/// When it cannot be read.
pub(super) fn listed(text: &str, server: &str) -> Result<Vec<Listed>, Refusal> {
    let mut servers: BTreeMap<String, Vec<Listed>> = read(text)?;
    servers.remove(server).ok_or_else(|| Refusal::Unreadable(format!("it says nothing of {server}")))
}

/// Reads what a backup is.
///
/// # Errors
/// When it cannot be read.
pub(super) fn shown(text: &str, server: &str) -> Result<Shown, Refusal> {
    let mut servers: BTreeMap<String, Shown> = read(text)?;
    servers.remove(server).ok_or_else(|| Refusal::Unreadable(format!("it says nothing of {server}")))
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text.trim()).map_err(|error| Refusal::Unreadable(error.to_string()))
}

/// The first error that Barman names in what it prints as JSON, as a template.
pub(super) fn error(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        #[serde(rename = "_ERROR")]
        errors: Vec<String>,
    }
    let errors: Errors = read(text).ok()?;
    errors.errors.first().map(|first| message_template(first))
}

/// The newest whole backup that had finished at the time, or the one that is named.
///
/// # Errors
/// Why there is none.
pub(super) fn choose(listed: Vec<Listed>, before: Timestamp, named: Option<&str>) -> Result<Listed, Refusal> {
    // `WAITING_FOR_WALS`: the files are there; whether the segments are too shows when they are fetched.
    let mut whole =
        listed.into_iter().filter(|entry| matches!(entry.status.as_str(), "DONE" | "WAITING_FOR_WALS"));
    if let Some(id) = named {
        return whole.find(|entry| entry.backup_id == id).ok_or(Refusal::NoSuchId);
    }
    whole
        .filter_map(|entry| Some((seconds(entry.end_time_timestamp.as_deref()?)?, entry)))
        .filter(|(finished, _)| *finished <= before)
        .max_by_key(|(finished, _)| *finished)
        .map(|(_, entry)| entry)
        .ok_or(Refusal::NoneBefore)
}

/// Those that had finished before this one, the newest first.
pub(super) fn older_than(listed: &[Listed], id: &str) -> Vec<String> {
    let finished = |entry: &Listed| entry.end_time_timestamp.as_deref().and_then(seconds);
    let Some(at) = listed.iter().find(|entry| entry.backup_id == id).and_then(finished) else {
        return Vec::new();
    };
    let mut rest: Vec<_> = listed.to_vec();
    rest.retain(|entry| finished(entry).is_some_and(|other| other < at));
    let mut older = Vec::new();
    while let Ok(next) = choose(rest.clone(), Timestamp::MAX, None) {
        rest.retain(|entry| entry.backup_id != next.backup_id);
        older.push(next.backup_id);
    }
    older
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}

impl Shown {
    pub(super) fn started(&self) -> Option<Timestamp> {
        seconds(&self.base.begin_time_timestamp)
    }

    pub(super) fn finished(&self) -> Option<Timestamp> {
        seconds(&self.base.end_time_timestamp)
    }

    pub(super) fn start(&self) -> Option<Lsn> {
        self.base.begin_lsn.as_deref()?.parse().ok()
    }

    pub(super) fn stop(&self) -> Option<Lsn> {
        self.base.end_lsn.as_deref()?.parse().ok()
    }

    /// `150018` is 15.
    pub(super) fn major(&self) -> Option<u32> {
        self.postgresql_version.map(|version| version / 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, status: &str, end: i64) -> String {
        format!(r#"{{"backup_id":"{id}","status":"{status}","end_time_timestamp":"{end}","tablespaces":[]}}"#)
    }

    #[test]
    fn the_newest_whole_backup_that_had_finished_is_chosen() {
        let text = format!(
            r#"{{"shop":[{},{},{},{{"backup_id":"D","status":"STARTED"}}]}}"#,
            entry("A", "DONE", 100),
            entry("B", "WAITING_FOR_WALS", 200),
            entry("C", "FAILED", 300)
        );
        let all = listed(&text, "shop").unwrap();
        let id = |second, named| {
            choose(all.clone(), Timestamp::from_second(second).unwrap(), named).map(|entry| entry.backup_id)
        };
        assert_eq!(id(99, None), Err(Refusal::NoneBefore));
        assert_eq!(id(100, None), Ok("A".to_owned()));
        assert_eq!(id(500, None), Ok("B".to_owned()));
        assert_eq!(id(0, Some("A")), Ok("A".to_owned()));
        assert_eq!(id(500, Some("C")), Err(Refusal::NoSuchId), "a failed backup is none");
        assert_eq!(older_than(&all, "B"), ["A"]);
        assert!(older_than(&all, "A").is_empty());
        assert!(matches!(listed(&text, "other"), Err(Refusal::Unreadable(_))));
    }

    #[test]
    fn what_it_says_of_a_backup_is_read() {
        let text = r#"{"shop": {"backup_id": "20261126T213337", "base_backup_information": {"begin_lsn": "0/3000028",
            "begin_time_timestamp": "1795728817", "disk_usage_bytes": 23303269, "end_lsn": "0/4000000",
            "end_time_timestamp": "1795728818", "timeline": 1}, "postgresql_version": 150018, "status": "DONE",
            "tablespaces": [{"location": "/ts", "name": "fast", "oid": 16384}]}}"#;
        let shown = shown(text, "shop").unwrap();
        assert_eq!(
            (shown.major(), shown.base.timeline, shown.base.bytes),
            (Some(15), Some(1), Some(23_303_269))
        );
        assert_eq!(shown.stop(), Some(Lsn(0x400_0000)));
        assert_eq!(shown.tablespaces, [Tablespace { name: "fast".to_owned(), oid: 16_384 }]);
    }
}
