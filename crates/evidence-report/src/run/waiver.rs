//! What somebody has decided to live with for a while, as the configuration says it. What it does to findings stands in
//! `waivers`.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use serde_saphyr::Spanned;

use super::{settings::SettingsError, waivers::fits};
use crate::{
    formats::wording::place,
    record::{Check, Finding, Tool},
};

/// What is set aside for longer is no exception any more: it belongs into the thresholds or the targets.
const LONGEST_DAYS: i64 = 90;

/// Each waiver of the configuration is of use. Every tool with a configuration has it in its table.
pub const WAIVER: Check = Check {
    id: "run.waiver",
    title: "Waiver in force and of use",
    explanation: "Each waiver under `run.waivers` in the configuration sets aside at least one finding that \
        failed or warned, and is not over. A waiver that matches nothing is a slip of the pen, or is left from a \
        fault that was mended: the next fault of that name would pass unseen. What is inconclusive or was not \
        checked cannot be set aside.",
    remedy: "Correct the waiver's check and subject, or remove it.",
};

/// An entry of `run.waivers`: failures and warnings of one check on these subjects are set aside until a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverConfig {
    /// Id of the check, such as `tls.lifetime`.
    #[schemars(with = "Words")]
    check: Spanned<Words>,
    /// The finding's subject, as the outputs show it; `*` stands for any characters.
    subject: Words,
    /// Why it can wait.
    reason: Words,
    /// Who decided that.
    approver: Words,
    /// The first day on which it holds (UTC), such as 2026-11-01; at once where it says none.
    #[serde(default)]
    #[schemars(with = "Option<Words>")]
    starts: Option<Spanned<Day>>,
    /// The last day on which it holds (UTC), such as 2026-12-31; at most 90 days from its start, or from now.
    #[schemars(with = "Words")]
    expires: Spanned<Day>,
}

/// A text that says something.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
struct Words(#[schemars(length(min = 1))] String);

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day(Date);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words = text.trim();
        if words.is_empty() {
            Err(D::Error::custom("a waiver needs words here, not nothing"))
        } else {
            Ok(Self(words.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Of a moment the day alone would be read: its hours would count for nothing.
        let is_day = text.len() == "2026-12-31".len();
        let day = text.parse().ok().filter(|_| is_day);
        day.map(Self).ok_or_else(|| D::Error::custom(format!("'{text}' is no day; write 2026-12-31")))
    }
}

/// A waiver that can be followed.
///
/// ```
/// use evidence_report::run::{SharedConfig, Settings, Waiver, WaiverConfig};
///
/// fn all(file: &SharedConfig) -> &[WaiverConfig] {
///     &file.waivers
/// }
/// fn in_force(settings: &Settings) -> &[Waiver] {
///     &settings.waivers
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Waiver {
    pub(super) check: String,
    pub(super) subject: String,
    pub(super) reason: String,
    pub(super) approver: String,
    /// The first moment at which it holds, where it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Timestamp>,
    /// The last moment at which it holds.
    pub(super) until: Timestamp,
    #[serde(skip)]
    pub(super) path: String,
    #[serde(skip)]
    pub(super) line: u32,
    #[serde(skip)]
    pub(super) column: u64,
}

impl Waiver {
    /// A waiver of the configuration at `path`.
    ///
    /// # Errors
    /// When it would hold for more than 90 days from `now`.
    pub(super) fn resolve(config: &WaiverConfig, path: &str, now: Timestamp) -> Result<Self, SettingsError> {
        let day = config.expires.value.0;
        let end = TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0));
        let place = &config.expires.referenced;
        let wrong = |message: String| SettingsError::Waiver {
            path: path.to_owned(),
            line: place.line(),
            column: place.column(),
            message,
        };
        let until = end.map_err(|error| wrong(error.to_string()))?;
        let starts = config.starts.as_ref().map(|starts| starts.value.0);
        let from = match starts {
            Some(day) => {
                TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|error| wrong(error.to_string()))?
            }
            None => now,
        };
        let days = from.duration_until(until).as_secs() / 86_400;
        if days < 0 && starts.is_some() {
            return Err(wrong(format!("it expires {day}, before it starts")));
        }
        if days > LONGEST_DAYS {
            let since = if starts.is_some() { "its start" } else { "now" };
            return Err(wrong(format!(
                "it expires {day}, {days} days from {since}; a waiver holds for {LONGEST_DAYS} days at most. What is to stay for longer belongs into the thresholds, or out of the targets"
            )));
        }
        Ok(Self {
            check: config.check.value.0.clone(),
            subject: config.subject.0.clone(),
            reason: config.reason.0.clone(),
            approver: config.approver.0.clone(),
            from: starts.map(|_| from),
            until,
            path: path.to_owned(),
            line: u32::try_from(config.check.referenced.line()).unwrap_or(0),
            column: config.check.referenced.column(),
        })
    }

    /// A waiver of a tracker's policy: it says when it starts, so that any day can be judged anew.
    #[cfg(feature = "command")]
    pub(crate) fn of_policy(config: &WaiverConfig, path: &str) -> Result<Self, SettingsError> {
        if config.starts.is_none() {
            return Err(SettingsError::Waiver {
                path: path.to_owned(),
                line: config.check.referenced.line(),
                column: config.check.referenced.column(),
                message: "a policy's waiver says the day on which it `starts`".to_owned(),
            });
        }
        Self::resolve(config, path, Timestamp::UNIX_EPOCH)
    }

    /// Whether the tool knows the check, and whether it may be waived.
    ///
    /// # Errors
    /// A sentence that says what may stand there.
    pub(crate) fn is_of(&self, tool: &Tool) -> Result<(), SettingsError> {
        let wrong = |message| SettingsError::Waiver {
            path: self.path.clone(),
            line: u64::from(self.line),
            column: self.column,
            message,
        };
        if self.check == WAIVER.id {
            return Err(wrong(format!("{} cannot be waived", WAIVER.id)));
        }
        if tool.check(&self.check).is_none() {
            let known: Vec<_> =
                tool.checks.iter().map(|check| check.id).filter(|id| *id != WAIVER.id).collect();
            return Err(wrong(format!(
                "there is no check '{}'; there are: {}",
                self.check,
                known.join(", ")
            )));
        }
        Ok(())
    }

    /// Whether it is in force at a moment.
    #[cfg(feature = "command")]
    pub(crate) fn holds_at(&self, now: Timestamp) -> bool {
        now <= self.until && self.from.is_none_or(|from| now >= from)
    }

    /// The last moment at which it holds.
    #[cfg(feature = "command")]
    pub(crate) const fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether it is about this finding: by its subject, or by what the outputs show, with the line of a file.
    pub(super) fn matches(&self, finding: &Finding) -> bool {
        finding.check.id == self.check
            && (fits(&self.subject, &finding.subject) || fits(&self.subject, &place(finding)))
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.check, self.subject)
    }
}
