//! The other outputs, one format a file: each turns a report into text, and none touches a file.

mod ctrf;
mod github;
mod ics;
mod in_toto;
mod json;
mod junit;
mod nagios;
mod sarif;
mod text;
mod textfile;
pub(crate) mod wording;
mod wrap;

use std::str::FromStr;

use crate::record::Report;

pub use github::{annotations, step_summary};
pub(crate) use text::first_line;
pub use textfile::last_success;
pub(crate) use wrap::wrapped;

/// An output format.
///
/// ```
/// use evidence_report::{formats::{Format, Setting}, record::Report};
///
/// fn for_people(report: &Report) -> String {
///     Format::Text.render(report, &Setting { verbose: true, ..Setting::default() })
/// }
/// assert_eq!("junit".parse(), Ok(Format::Junit));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    Text,
    /// The record, with every finding.
    Json,
    /// JUnit XML, in the dialect that Jenkins reads.
    Junit,
    /// GitHub Actions annotations.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A monitoring plugin's output, with performance data.
    Nagios,
    /// Prometheus text for node_exporter's textfile collector.
    Textfile,
    /// The Common Test Report Format, JSON.
    Ctrf,
    /// An in-toto statement with the predicate test-result, unsigned.
    InToto,
    /// A calendar of the dates that somebody should not miss.
    Ics,
}

/// What a format may need beside the report.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The evidence file, as it is shown to people.
    pub evidence: Option<String>,
    /// Every finding, not only those that need somebody.
    pub verbose: bool,
    /// Colour.
    pub color: bool,
    /// The last success that the textfile told before, in Unix seconds.
    pub last_success: Option<i64>,
}

const NAMES: [(&str, Format); 10] = [
    ("text", Format::Text),
    ("json", Format::Json),
    ("junit", Format::Junit),
    ("ctrf", Format::Ctrf),
    ("github", Format::Github),
    ("sarif", Format::Sarif),
    ("nagios", Format::Nagios),
    ("textfile", Format::Textfile),
    ("in-toto", Format::InToto),
    ("ics", Format::Ics),
];

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format).ok_or_else(|| {
            let known: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("there is no format '{name}'; there are: {}", known.join(", "))
        })
    }
}

impl Format {
    /// The report in this format.
    #[must_use]
    pub fn render(self, report: &Report, setting: &Setting) -> String {
        match self {
            Self::Text => text::render(report, setting),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Github => annotations(report),
            Self::Sarif => sarif::render(report, setting),
            Self::Nagios => nagios::render(report),
            Self::Textfile => textfile::render(report, setting),
            Self::Ctrf => ctrf::render(report, setting),
            Self::InToto => in_toto::render(report, setting),
            Self::Ics => ics::render(report, setting),
        }
    }
}
