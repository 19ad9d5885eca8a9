//! What the `list` command prints: one JSON object a line, or one JSON array of objects (as `wal-g backup-list --detail
//! --json` does). Pure.

use jiff::Timestamp;
use serde::Deserialize;

use crate::{engines::incident::Incident, engines::physical::Chosen, wal::Lsn};

/// A backup. Only its label and the time at which it had finished must be told; the second names are WAL-G's.
#[derive(Debug, Clone, Deserialize)]
struct Listed {
    #[serde(alias = "backup_name")]
    label: String,
    #[serde(alias = "finish_time")]
    finished: Timestamp,
    #[serde(default, alias = "start_time")]
    started: Option<Timestamp>,
    #[serde(default)]
    start_lsn: Option<Place>,
    #[serde(default, alias = "finish_lsn")]
    stop_lsn: Option<Place>,
    #[serde(default)]
    timeline: Option<u32>,
    #[serde(default, alias = "uncompressed_size")]
    bytes: Option<u64>,
    /// 15, or 150003.
    #[serde(default, alias = "pg_version")]
    major: Option<u32>,
    #[serde(default)]
    system_identifier: Option<Text>,
    #[serde(default)]
    atomic_image: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Place {
    Number(u64),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Text {
    Number(u64),
    Text(String),
}

/// Why there is nothing to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The listing is not what is documented; the line's number, and why.
    Unreadable(usize, String),
    /// A label that could be taken for an option, or for no word at all.
    Label(String),
    NoneBefore,
    NoSuchLabel,
}

/// The newest backup that had finished, or the one that is named; none of those that are left out.
///
/// # Errors
/// Why there is none.
pub(super) fn choose(
    text: &str,
    incident: &Incident,
    named: Option<&str>,
    left_out: &[String],
) -> Result<Chosen, Refusal> {
    let mut listed = read(text)?;
    listed.retain(|entry| !left_out.contains(&entry.label));
    if let Some(odd) = listed.iter().find(|entry| !is_word(&entry.label)) {
        return Err(Refusal::Label(odd.label.clone()));
    }
    if let Some(label) = named {
        return listed.into_iter().find(|entry| entry.label == label).map(chosen).ok_or(Refusal::NoSuchLabel);
    }
    let ended = |chosen: &Chosen| match (chosen.stop_lsn, incident.ended_by) {
        (Some(stop), Some(target)) => stop <= target,
        _ => true,
    };
    listed
        .into_iter()
        .map(chosen)
        .filter(|chosen| chosen.finished.is_some_and(|at| at <= incident.finished_by) && ended(chosen))
        .max_by_key(|chosen| chosen.finished)
        .ok_or(Refusal::NoneBefore)
}

/// The labels of those that had finished before this one, the newest first.
pub(super) fn older_than(text: &str, this: &Chosen) -> Vec<String> {
    let all = read(text).unwrap_or_default().into_iter().map(chosen);
    let mut older: Vec<_> =
        all.filter(|one| one.finished.is_some() && one.finished < this.finished).collect();
    older.sort_by_key(|one| std::cmp::Reverse(one.finished));
    older.into_iter().map(|one| one.label).collect()
}

fn read(text: &str) -> Result<Vec<Listed>, Refusal> {
    let text = text.trim();
    if text.starts_with('[') || text == "null" {
        let all: Option<Vec<Listed>> =
            serde_json::from_str(text).map_err(|error| Refusal::Unreadable(error.line(), reason(&error)))?;
        return Ok(all.unwrap_or_default());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let one = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Refusal::Unreadable(index + 1, reason(&error)))
    };
    lines.map(one).collect()
}

/// What is wrong, without what stands there.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let known =
        ["missing field `label`", "missing field `finished`"].into_iter().find(|words| text.contains(words));
    known.map_or_else(|| format!("no backup in JSON ({:?} error)", error.classify()), str::to_owned)
}

fn is_word(label: &str) -> bool {
    !label.is_empty() && !label.starts_with('-') && !label.chars().any(char::is_control)
}

fn chosen(listed: Listed) -> Chosen {
    let place = |place: Option<Place>| match place? {
        Place::Number(number) => Some(Lsn(number)),
        Place::Text(text) => text.parse().ok(),
    };
    Chosen {
        label: listed.label,
        started: listed.started,
        finished: Some(listed.finished),
        start_lsn: place(listed.start_lsn),
        stop_lsn: place(listed.stop_lsn),
        timeline: listed.timeline,
        bytes: listed.bytes,
        major: listed.major.map(|version| if version < 10_000 { version } else { version / 10_000 }),
        system_identifier: listed.system_identifier.map(|text| match text {
            Text::Number(number) => number.to_string(),
            Text::Text(text) => text,
        }),
        atomic_image: listed.atomic_image,
        older: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::RecoveryTarget;

    fn incident(at: &str, target: &RecoveryTarget) -> Incident {
        Incident::new(at.parse().unwrap(), target)
    }

    #[test]
    fn lines_and_what_wal_g_prints_are_read() {
        let lines = "{\"label\":\"a\",\"finished\":\"2026-01-01T00:00:00Z\"}\n\n\
            {\"label\":\"b\",\"finished\":\"2026-01-02T00:00:00Z\",\"stop_lsn\":\"0/5000000\",\"atomic_image\":true}\n";
        let at = |text, target| choose(lines, &incident(text, target), None, &[]).map(|chosen| chosen.label);
        assert_eq!(at("2026-01-01T12:00:00Z", &RecoveryTarget::Consistent), Ok("a".to_owned()));
        assert_eq!(at("2026-02-01T12:00:00Z", &RecoveryTarget::Consistent), Ok("b".to_owned()));
        assert_eq!(at("2026-02-01T12:00:00Z", &RecoveryTarget::Lsn(Lsn(1))), Ok("a".to_owned()));
        assert_eq!(at("2025-01-01T00:00:00Z", &RecoveryTarget::Consistent), Err(Refusal::NoneBefore));
        let walg = "[{\"backup_name\":\"base_000000010000000000000003\",\"time\":\"2026-01-01T00:00:02Z\",\
            \"wal_file_name\":\"000000010000000000000003\",\"start_time\":\"2026-01-01T00:00:00.5Z\",\
            \"finish_time\":\"2026-01-01T00:00:01.123456Z\",\"pg_version\":150018,\"start_lsn\":50331688,\
            \"finish_lsn\":50331904,\"system_identifier\":7712596483352907199,\"uncompressed_size\":23164721}]";
        let chosen =
            choose(walg, &incident("2026-02-01T00:00:00Z", &RecoveryTarget::Consistent), None, &[]).unwrap();
        assert_eq!(
            (chosen.major, chosen.start_lsn, chosen.bytes),
            (Some(15), Some(Lsn(0x300_0028)), Some(23_164_721))
        );
        assert_eq!(chosen.system_identifier.as_deref(), Some("7712596483352907199"));
    }

    #[test]
    fn what_is_no_listing_is_told_by_its_line_and_no_label_becomes_an_option() {
        let now = incident("2026-02-01T00:00:00Z", &RecoveryTarget::Consistent);
        let refusal = |text: &str| choose(text, &now, None, &[]).unwrap_err();
        let good = "{\"label\":\"a\",\"finished\":\"2026-01-01T00:00:00Z\"}";
        assert_eq!(
            refusal(&format!("{good}\n{{\"label\":\"b\"}}")),
            Refusal::Unreadable(2, "missing field `finished`".into())
        );
        assert!(matches!(refusal("secret text"), Refusal::Unreadable(1, said) if !said.contains("secret")));
        assert_eq!(refusal(&good.replace("\"a\"", "\"--force\"")), Refusal::Label("--force".into()));
        assert_eq!(refusal(""), Refusal::NoneBefore);
        assert_eq!(refusal("null"), Refusal::NoneBefore);
        assert_eq!(choose(good, &now, Some("b"), &[]).unwrap_err(), Refusal::NoSuchLabel);
    }
}
