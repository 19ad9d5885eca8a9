//! From flags and configuration to sources and rules. Past this point everything is valid.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::{Defaults, Settings, parse_duration, read_config};
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

use super::{
    barman::Barman,
    config::{PolicyConfig, PolicySource, ScheduleConfig},
    files::{Files, TimeFrom},
    flags::{PolicyFlags, ScheduleFlags},
    pgbackrest::PgBackRest,
    rules::{Rules, parse_share},
};
use crate::{cli::Cli, config::Config, error::Error, exposure::Schedule, size::parse_bytes};

const POLICY: Defaults = Defaults {
    title: "Backup schedule and retention",
    evidence_name: Some("backup_policy_report.md"),
    tracker_items: &[3],
    timeout: Duration::from_secs(600),
    valid_for: Duration::from_secs(7 * 86_400),
};

/// The plan of `policy`.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// How to run.
    pub(crate) settings: Settings,
    /// The sources of backups.
    pub(crate) policies: Vec<Policy>,
    /// Objective of the data loss.
    #[serde(serialize_with = "seconds")]
    pub(crate) rpo: Option<Duration>,
}

fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&format!("{} s", duration.as_secs_f64())),
        None => serializer.serialize_none(),
    }
}

/// One source and its rules.
#[derive(Debug, Serialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) rules: Rules,
    pub(crate) schedule: Option<Schedule>,
}

/// Where backups are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Files(Files),
    #[serde(rename = "pgbackrest")]
    PgBackRest(PgBackRest),
    Barman(Barman),
}

impl Plan {
    /// Joins flags and configuration.
    ///
    /// # Errors
    /// When no source is named, or something cannot be understood.
    pub(crate) fn resolve(cli: &Cli, flags: &PolicyFlags) -> Result<Self, Error> {
        let (file, folder) = match &cli.shared.config {
            Some(path) => (read_config::<Config>(path)?, path.parent().unwrap_or(Path::new("")).to_owned()),
            None => (Config::default(), PathBuf::new()),
        };
        let rpo = match (flags.rpo, &file.rpo) {
            (None, Some(text)) => Some(duration("rpo", text)?),
            (flag, _) => flag,
        };
        let policies = match typed(flags)? {
            Some(policy) => vec![policy],
            None => all_configured(&file.policy, &folder)?,
        };
        if policies.is_empty() {
            return Err(Error::NoPolicy);
        }
        Ok(Self { settings: Settings::resolve(&cli.shared, &file.run, &POLICY)?, policies, rpo })
    }
}

fn duration(key: &'static str, text: &str) -> Result<Duration, Error> {
    parse_duration(text).map_err(|message| Error::Duration { key, message })
}

/// The one source of the flags.
fn typed(flags: &PolicyFlags) -> Result<Option<Policy>, Error> {
    let config = || flags.tool_config.clone();
    let (name, source) = match (&flags.files, &flags.pgbackrest, &flags.barman) {
        // What a variable of a script gives that was never set.
        (Some(pattern), ..) if pattern.trim().is_empty() => return Err(Error::NoPolicy),
        (Some(pattern), ..) => {
            let files = Files {
                pattern: pattern.clone(),
                time: TimeFrom::Auto,
                name_offset_seconds: offset(flags.name_offset.as_deref())?,
            };
            (pattern, Source::Files(files))
        }
        (_, Some(stanza), _) => {
            (stanza, Source::PgBackRest(PgBackRest { stanza: stanza.clone(), config: config() }))
        }
        (.., Some(server)) => (server, Source::Barman(Barman { server: server.clone(), config: config() })),
        (None, None, None) => return Ok(None),
    };
    let rules = Rules {
        newest_age: flags.newest_age,
        interval: flags.interval,
        interval_over: flags.interval_over,
        minimum_size: flags.minimum_size,
        maximum_drop: flags.maximum_drop,
        redundancy: flags.redundancy,
        retention: flags.retention,
        keep_at_most: flags.keep_at_most,
    };
    let schedule = of_flags(&flags.schedule, flags.interval);
    Ok(Some(Policy { name: name.clone(), source, rules, schedule }))
}

/// The schedule that flags describe.
pub(crate) fn of_flags(flags: &ScheduleFlags, interval: Option<Duration>) -> Option<Schedule> {
    schedule(interval, flags.upload, flags.archive_timeout, flags.archive_lag)
}

/// The schedule that a configuration describes.
///
/// # Errors
/// When a duration is none.
pub(crate) fn of_config(
    config: &ScheduleConfig,
    interval: Option<Duration>,
) -> Result<Option<Schedule>, Error> {
    let read = |key, text: &Option<String>| text.as_deref().map(|text| duration(key, text)).transpose();
    Ok(schedule(
        read("schedule.interval", &config.interval)?.or(interval),
        read("schedule.upload", &config.upload)?,
        read("schedule.archive_timeout", &config.archive_timeout)?,
        read("schedule.archive_lag", &config.archive_lag)?,
    ))
}

/// An archived write-ahead log decides the worst case wherever there is one.
fn schedule(
    interval: Option<Duration>,
    upload: Option<Duration>,
    archive_timeout: Option<Duration>,
    archive_lag: Option<Duration>,
) -> Option<Schedule> {
    match (archive_timeout, interval) {
        (Some(timeout), _) => Some(Schedule::Archive { timeout, lag: archive_lag.unwrap_or_default() }),
        (None, Some(interval)) => Some(Schedule::Backups { interval, upload: upload.unwrap_or_default() }),
        (None, None) => None,
    }
}

/// Each under a name of its own: by it the evidence and the metrics tell them apart.
fn all_configured(configs: &[PolicyConfig], folder: &Path) -> Result<Vec<Policy>, Error> {
    for (index, config) in configs.iter().enumerate() {
        if config.name.trim().is_empty() || configs[..index].iter().any(|other| other.name == config.name) {
            let message = "give each a name of its own: it stands in the evidence".to_owned();
            return Err(Error::Policy { name: config.name.clone(), message });
        }
    }
    configs.iter().map(|config| configured(config, folder)).collect()
}

fn configured(config: &PolicyConfig, folder: &Path) -> Result<Policy, Error> {
    let wrong = |message: String| Error::Policy { name: config.name.clone(), message };
    let read = |key, text: &Option<String>| text.as_deref().map(|text| duration(key, text)).transpose();
    let rules = Rules {
        newest_age: read("policy.newest_age", &config.newest_age)?,
        interval: read("policy.interval", &config.interval)?,
        interval_over: read("policy.interval_over", &config.interval_over)?,
        minimum_size: config.minimum_size.as_deref().map(parse_bytes).transpose().map_err(wrong)?,
        maximum_drop: config.maximum_drop.as_deref().map(parse_share).transpose().map_err(wrong)?,
        redundancy: config.redundancy,
        retention: read("policy.retention", &config.retention)?,
        keep_at_most: read("policy.keep_at_most", &config.keep_at_most)?,
    };
    let schedule = match &config.schedule {
        Some(schedule) => of_config(schedule, rules.interval)?,
        None => of_flags(&ScheduleFlags::default(), rules.interval),
    };
    Ok(Policy { name: config.name.clone(), source: place(&config.source, folder, &wrong)?, rules, schedule })
}

fn place(source: &PolicySource, folder: &Path, wrong: &impl Fn(String) -> Error) -> Result<Source, Error> {
    let config = source.config.as_ref().map(|path| folder.join(path));
    let of_files = source.time.is_some() || source.name_offset.is_some();
    match (&source.files, &source.pgbackrest, &source.barman) {
        (Some(pattern), None, None) if pattern.trim().is_empty() => {
            Err(wrong("files is empty: name a folder, or a pattern".to_owned()))
        }
        (Some(pattern), None, None) if config.is_none() => Ok(Source::Files(Files {
            pattern: beside(folder, pattern),
            time: source.time.unwrap_or(TimeFrom::Auto),
            name_offset_seconds: offset(source.name_offset.as_deref())?,
        })),
        (None, Some(stanza), None) if !of_files => {
            Ok(Source::PgBackRest(PgBackRest { stanza: stanza.clone(), config }))
        }
        (None, None, Some(server)) if !of_files => Ok(Source::Barman(Barman { server: server.clone(), config })),
        _ => Err(wrong(
            "source takes exactly one of files, pgbackrest and barman; time and name_offset go with files, config \
             with the others"
                .to_owned(),
        )),
    }
}

/// A pattern relative to the configuration's folder, whose own name is no pattern.
fn beside(folder: &Path, pattern: &str) -> String {
    if Path::new(pattern).is_absolute() || folder.as_os_str().is_empty() {
        return pattern.to_owned();
    }
    let plain = folder.join(pattern);
    if plain.exists() {
        return plain.display().to_string();
    }
    format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()))
}

/// Reads `+02:00`, `-0530`, `Z`, into seconds.
fn offset(text: Option<&str>) -> Result<i32, Error> {
    let Some(text) = text else { return Ok(0) };
    let wrong = || Error::NameOffset(text.to_owned());
    if text == "Z" {
        return Ok(0);
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let digits = digits.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let (hours, minutes) = digits.split_at(2);
    let part = |text: &str| text.parse::<i32>().map_err(|_| wrong());
    let (hours, minutes) = (part(hours)?, part(minutes)?);
    // No clock of the world is further from UTC.
    if hours > 14 || minutes > 59 {
        return Err(wrong());
    }
    let seconds = sign * (hours * 3600 + minutes * 60);
    Offset::from_seconds(seconds).map(Offset::seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_and_refused() {
        for (text, seconds) in [("+02:00", 7200), ("-0530", -19_800), ("Z", 0)] {
            assert_eq!(offset(Some(text)).unwrap(), seconds, "{text}");
        }
        for text in ["", "2", "+2", "+aa:00", "+99:00", "+15:00", "+02:60", "Europe/Berlin"] {
            assert!(offset(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn an_archive_decides_the_worst_case_wherever_there_is_one() {
        let hour = Duration::from_secs(3600);
        let minute = Duration::from_secs(60);
        assert_eq!(
            schedule(Some(hour), Some(minute), None, None),
            Some(Schedule::Backups { interval: hour, upload: minute })
        );
        assert_eq!(
            schedule(Some(hour), None, Some(minute), None),
            Some(Schedule::Archive { timeout: minute, lag: Duration::ZERO })
        );
        assert_eq!(schedule(None, Some(minute), None, None), None);
    }

    #[test]
    fn a_pattern_lies_beside_its_configuration_and_the_folder_is_no_pattern() {
        assert_eq!(beside(Path::new("/a[1]"), "b-*.dump"), "/a[[]1[]]/b-*.dump");
        assert_eq!(beside(Path::new("/a"), "/c/*"), "/c/*");
        assert_eq!(beside(Path::new(""), "c/*"), "c/*");
    }
}
