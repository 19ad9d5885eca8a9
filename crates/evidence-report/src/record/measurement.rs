//! What was measured, and the objective that it is held against.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A decimal number, kept as text: RFC 8785 writes numbers as IEEE 754 doubles, and would round others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Decimal(String);

impl Decimal {
    /// A number with so many digits after the point. What is not finite becomes `0` (a measurement that
    /// could not be made has no place in the record: leave it out).
    ///
    /// ```
    /// use evidence_report::record::Decimal;
    ///
    /// assert_eq!(Decimal::new(12.5, 3).as_str(), "12.500");
    /// assert_eq!(Decimal::from(9_007_199_254_740_993).as_str(), "9007199254740993");
    /// ```
    #[must_use]
    pub fn new(value: f64, digits: usize) -> Self {
        let value = if value.is_finite() { value } else { 0.0 };
        let text = format!("{value:.digits$}");
        let negative_zero = text.starts_with('-') && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
        Self(if negative_zero { text.trim_start_matches('-').to_owned() } else { text })
    }

    /// The text, for example `12.500`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, as near as a double comes.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(0.0)
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if all_digits(whole) && all_digits(fraction) {
            Ok(Self(text))
        } else {
            Err(serde::de::Error::custom(format!("'{text}' is not a decimal number")))
        }
    }
}

/// What a measurement has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Objective {
    /// No more than this.
    AtMost(Decimal),
    /// No less than this.
    AtLeast(Decimal),
}

/// One number that a run measured.
///
/// ```
/// # use evidence_report::record::{Decimal, Measurement, Objective};
/// let recovery = Measurement::seconds("recovery_time_seconds", 12.5).objective(Objective::AtMost(Decimal::from(60)));
/// assert_eq!(recovery.met(), Some(true));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Prometheus-style metric name, for example `recovery_time_seconds`.
    pub metric: String,
    /// Label names and values, in order.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: Decimal,
    /// `s`, `B`, `rows`, `days`, …
    pub unit: String,
    /// The objective, where there is one.
    pub objective: Option<Objective>,
}

impl Measurement {
    /// A number with its unit.
    #[must_use]
    pub fn new(metric: impl Into<String>, value: Decimal, unit: impl Into<String>) -> Self {
        Self { metric: metric.into(), labels: Vec::new(), value, unit: unit.into(), objective: None }
    }

    /// Seconds, to the millisecond.
    #[must_use]
    pub fn seconds(metric: impl Into<String>, seconds: f64) -> Self {
        Self::new(metric, Decimal::new(seconds, 3), "s")
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Holds the value against an objective.
    #[must_use]
    pub fn objective(mut self, objective: Objective) -> Self {
        self.objective = Some(objective);
        self
    }

    /// Whether the objective is met; `None` without one. It decides nothing by itself: the tool makes a
    /// finding of it.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        self.objective.as_ref().map(|objective| match objective {
            Objective::AtMost(limit) => self.value.to_f64() <= limit.to_f64(),
            Objective::AtLeast(limit) => self.value.to_f64() >= limit.to_f64(),
        })
    }
}
