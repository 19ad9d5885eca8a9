//! What goes to the formats that carry numbers or dates for other programs, and never into the record: there
//! may be ten thousand of them.

use jiff::Timestamp;

/// A metric, declared once as a constant: a finding has its check, a number has its metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Prometheus name, `[a-zA-Z_:][a-zA-Z0-9_:]*`. It is a gauge.
    pub name: &'static str,
    /// What it says, in one line.
    pub help: &'static str,
}

/// Numbers about one thing out there: one set of labels, one value for each metric.
///
/// ```
/// use evidence_report::record::{Metric, Series};
///
/// static NOT_AFTER: Metric = Metric { name: "x509_cert_not_after", help: "Unix time of the end." };
/// let labels = vec![("instance", "shop.example:443".to_owned())];
/// let series = Series { labels, values: vec![(&NOT_AFTER, 1_800_000_000.0)] };
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Label names and values, in order; an empty value is no label.
    pub labels: Vec<(&'static str, String)>,
    /// The values.
    pub values: Vec<(&'static Metric, f64)>,
}

/// A day that somebody should have in a calendar.
///
/// ```
/// use evidence_report::record::Deadline;
///
/// let renew = Deadline {
///     key: "shop.example".into(),
///     at: "2026-12-06T12:00:00Z".parse().unwrap(),
///     title: "shop.example expires".into(),
///     lines: vec!["at shop.example:443".into()],
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What tells it from every other, and stays the same when only the date moves: a calendar that reads the
    /// next run's file then moves the event instead of adding one.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// A few words.
    pub title: String,
    /// What to know about it, one line each.
    pub lines: Vec<String>,
}
