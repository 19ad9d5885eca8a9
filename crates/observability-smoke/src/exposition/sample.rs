//! One sample, as the reader hands it out: a view into the line that is being read.

use std::{borrow::Cow, fmt};

use super::{fingerprint, labels::LabelSpan, scan::unescape};

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// `untyped` in Prometheus text, `unknown` in OpenMetrics, or no type given.
    #[default]
    Unknown,
    /// A counter.
    Counter,
    /// A gauge.
    Gauge,
    /// A histogram.
    Histogram,
    /// A histogram whose buckets may go down (OpenMetrics).
    GaugeHistogram,
    /// A summary.
    Summary,
    /// A constant 1 with labels (OpenMetrics).
    Info,
    /// One boolean a state (OpenMetrics).
    StateSet,
}

impl Kind {
    /// The word of a TYPE line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Which series a sample belongs to, and which metric: the series without the label that tells the samples of
/// one histogram, summary or state set apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    /// Fingerprint of name and labels.
    pub(super) series: u64,
    /// Fingerprint of the labels without the distinguishing one.
    pub(super) metric: u64,
    /// The distinguishing label.
    pub(super) distinguishing: Option<&'a LabelSpan>,
}

/// A sample that was read without an error of syntax.
#[derive(Debug)]
pub struct Sample<'a> {
    pub(super) text: &'a str,
    /// Where name and labels stand in the text.
    pub(super) series: (usize, usize),
    pub(super) labels: &'a [LabelSpan],
    /// The sample's name, for example `http_request_duration_seconds_bucket`; of a quoted one the escapes stay.
    pub name: &'a str,
    /// The type of the family that it belongs to.
    pub kind: Kind,
    /// The value.
    pub value: f64,
    /// The timestamp in seconds since 1970, where one is given.
    pub timestamp: Option<f64>,
    /// Whether it carries an exemplar (OpenMetrics).
    pub has_exemplar: bool,
    /// The line, counted from 1.
    pub line: u64,
}

impl<'a> Sample<'a> {
    /// Name and labels, as they are written.
    #[must_use]
    pub fn series(&self) -> &'a str {
        &self.text[self.series.0..self.series.1]
    }

    /// Whether it bears this name, in which nothing is escaped.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        is_written(self.name, name)
    }

    /// What it belongs to. `distinguishing` is the name of the label that tells samples of one metric apart;
    /// no label has an empty name.
    pub(super) fn identity(&self, distinguishing: &str) -> Identity<'a> {
        let mut identity =
            Identity { series: fingerprint::of_name(self.name), metric: 0, distinguishing: None };
        for label in self.labels {
            let part = label.fingerprint(self.text);
            identity.series = identity.series.wrapping_add(part);
            if label.name_bytes(self.text) == distinguishing.as_bytes() {
                identity.distinguishing = Some(label);
            } else {
                identity.metric = identity.metric.wrapping_add(part);
            }
        }
        identity
    }

    /// A number that is the same for the same name and labels, in whatever order these stand: 64 bits, of which
    /// two of a million series are the same with a probability of 3 in 10^8.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.identity("").series
    }

    /// The same as if it were called `name` and had no label `without`.
    #[must_use]
    pub fn fingerprint_as(&self, name: &str, without: &str) -> u64 {
        fingerprint::of_name(name).wrapping_add(self.identity(without).metric)
    }

    /// Names and values of the labels, in the order of the line.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let (labels, text) = (self.labels, self.text);
        labels.iter().map(move |label| (label.name(text), label.value(text)))
    }

    /// The value of a label, in whose name nothing is escaped; `None` where it does not stand.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        self.labels
            .iter()
            .find(|label| is_written(label.name(self.text), name))
            .map(|label| label.value(self.text))
    }
}

/// Whether a name, as it is written, is this one: quoted names may hold escapes.
fn is_written(written: &str, name: &str) -> bool {
    if written.contains('\\') { unescape(written) == name } else { written == name }
}
