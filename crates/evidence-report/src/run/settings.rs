//! What the shared flags, the configuration and the defaults come to: complete, and without side effects.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::{
    config::SharedConfig,
    evidence_path,
    flags::{ColorChoice, FailOn, FormatRequest, SharedFlags, parse_duration},
    waiver::Waiver,
};
use crate::record::Environment;

/// What a tool's command brings along where the user said nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Title of the evidence file.
    pub title: &'static str,
    /// Name of the evidence file under `doc/operations/evidence/`; `None` for commands that are no evidence
    /// unless asked.
    pub evidence_name: Option<&'static str>,
    /// The tracker's items that the run is evidence for.
    pub tracker_items: &'static [u32],
    /// Deadline of the whole run.
    pub timeout: Duration,
    /// How long the evidence may be relied upon.
    pub valid_for: Duration,
}

/// How a run runs: flags over file over defaults.
///
/// ```
/// use std::time::Duration;
/// use evidence_report::run::{Defaults, Settings, SharedConfig, SharedFlags};
///
/// let defaults = Defaults {
///     title: "Smoke",
///     evidence_name: None,
///     tracker_items: &[1],
///     timeout: Duration::from_secs(60),
///     valid_for: Duration::from_secs(7 * 86_400),
/// };
/// let settings = Settings::resolve(&SharedFlags::default(), &SharedConfig::default(), &defaults).unwrap();
/// assert_eq!((settings.title.as_str(), settings.evidence), ("Smoke", None));
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// Title of the evidence file.
    pub title: String,
    /// The evidence file, if one is written.
    pub evidence: Option<PathBuf>,
    /// Where the run takes place.
    pub environment: Environment,
    /// Who answers for the result.
    pub owner: Option<String>,
    /// From which verdict on the exit code says so.
    #[serde(skip)]
    pub fail_on: FailOn,
    /// Deadline of the whole run.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    /// How long the evidence may be relied upon.
    #[serde(serialize_with = "seconds")]
    pub valid_for: Duration,
    /// The tracker's items.
    pub tracker_items: Vec<u32>,
    /// What is set aside for a while.
    pub waivers: Vec<Waiver>,
    /// The outputs.
    #[serde(skip)]
    pub formats: Vec<FormatRequest>,
    /// Say nothing on a pass.
    #[serde(skip)]
    pub quiet: bool,
    /// Say more.
    #[serde(skip)]
    pub verbose: bool,
    /// Colour.
    #[serde(skip)]
    pub color: ColorChoice,
    /// Progress on stderr.
    #[serde(skip)]
    pub progress: bool,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{} s", duration.as_secs_f64()))
}

/// Flags and configuration that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no repository to put the evidence into.
    #[error(
        "there is no repository here to keep {0} in; name the evidence file with --evidence PATH, or write none with --evidence none"
    )]
    NoRepository(&'static str),
    /// Something else than a file stands at the evidence's place.
    #[error(
        "the evidence goes into a file, and {path} is none; name a file with --evidence PATH, write none with --evidence none, and print with --format",
        path = .0.display()
    )]
    NoFile(PathBuf),
    /// A duration in the configuration is none.
    #[error("run.{key} in the configuration: {message}")]
    Duration {
        /// The key.
        key: &'static str,
        /// Why.
        message: String,
    },
    /// The working folder is gone.
    #[error("finding the working folder: {0}")]
    WorkingFolder(std::io::Error),
    /// A waiver in the configuration cannot be followed.
    #[error("a waiver in {path}, line {line}, column {column}: {message}")]
    Waiver {
        /// The file.
        path: String,
        /// Where in it.
        line: u64,
        /// Where in the line.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// Two outputs to one place.
    #[error("two outputs go to {0}; give each --format a file of its own")]
    SamePlace(String),
}

impl Settings {
    /// Resolves flags over file over defaults.
    ///
    /// # Errors
    /// When they contradict each other, or name no place for the evidence.
    pub fn resolve(
        flags: &SharedFlags,
        file: &SharedConfig,
        defaults: &Defaults,
    ) -> Result<Self, SettingsError> {
        let duration = |key, text: &Option<String>, otherwise| match text {
            Some(text) => parse_duration(text).map_err(|message| SettingsError::Duration { key, message }),
            None => Ok(otherwise),
        };
        let from_file = duration("timeout", &file.timeout, defaults.timeout)?;
        let formats =
            if flags.format.is_empty() { vec![FormatRequest::text()] } else { flags.format.clone() };
        for (index, request) in formats.iter().enumerate() {
            if formats[..index].iter().any(|other| other.path == request.path) {
                let place =
                    request.path.as_ref().map_or("standard output".into(), |p| p.display().to_string());
                return Err(SettingsError::SamePlace(place));
            }
        }
        let path = flags.config.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let now = jiff::Timestamp::now();
        let waivers = file.waivers.iter().map(|waiver| Waiver::resolve(waiver, &path, now));
        Ok(Self {
            waivers: waivers.collect::<Result<_, _>>()?,
            title: defaults.title.to_owned(),
            evidence: evidence_path::resolve(
                flags.evidence.as_deref().or(file.evidence.as_deref()),
                defaults.evidence_name,
            )?,
            environment: flags.environment.or(file.environment).unwrap_or_default(),
            owner: flags.owner.clone().or_else(|| file.owner.clone()),
            fail_on: flags.fail_on.or(file.fail_on).unwrap_or_default(),
            timeout: flags.timeout.unwrap_or(from_file),
            valid_for: duration("valid_for", &file.valid_for, defaults.valid_for)?,
            tracker_items: defaults.tracker_items.to_vec(),
            formats,
            quiet: flags.quiet,
            verbose: flags.verbose,
            color: flags.color.unwrap_or_default(),
            progress: !flags.no_progress && !flags.quiet,
        })
    }
}

impl FormatRequest {
    fn text() -> Self {
        Self { format: crate::formats::Format::Text, path: None }
    }
}
