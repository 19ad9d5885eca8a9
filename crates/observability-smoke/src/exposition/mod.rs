//! The strict reader of the Prometheus text format and of OpenMetrics.
//!
//! Bytes go in by [`Reader::feed`], in chunks of any size; samples come out one by one, and problems with line,
//! column and the offending text at the end. Memory is bounded by the series (eight bytes each, and more of the largest
//! family), never by the bytes. It knows nothing of checks, files or the network.
//!
//! Two verdicts are kept apart, because Prometheus' own scanner is permissive on purpose: *valid by the
//! specification* ([`Reading::is_valid`]) and *Prometheus would ingest it* ([`Reading::ingestion`]).

#[cfg(test)]
mod cases;
#[cfg(test)]
mod cases_of_ingestion;
mod fingerprint;
mod histogram;
mod labels;
#[cfg(test)]
mod line_by_line;
mod lines;
mod number;
mod openmetrics;
mod past;
mod problem;
mod prometheus;
mod reader;
mod reserved;
mod sample;
mod scan;

pub use problem::{Ingestion, Problem, Release, Rule, Taken, Weight};
pub use reader::{Reader, Reading, Syntax};
pub(crate) use reserved::OF_EVERY_TARGET;
pub use sample::{Kind, Sample};
pub(crate) use scan::unescape;
