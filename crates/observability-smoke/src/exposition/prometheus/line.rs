//! One sample's line of the Prometheus text format. It knows nothing of families.

use super::super::{
    labels::Labels,
    number,
    problem::{Fault, Ingestion, Rule},
    sample::{Kind, Sample},
    scan::Scanner,
};

/// Reads a sample's line. The labels are left in `labels`.
pub(super) fn read_sample<'a>(
    scanner: &mut Scanner<'a>,
    labels: &mut Labels,
    line: u64,
) -> Result<(Sample<'a>, (usize, usize)), Fault> {
    let from = scanner.at;
    let mut name_at = (from, from + scanner.metric_name_as_before(labels).len());
    labels.clear();
    scanner.blanks();
    let braced = scanner.peek() == Some(b'{');
    if name_at.0 == name_at.1 && !braced {
        return Err(scanner.no_name());
    }
    if braced {
        let brace = scanner.at;
        scanner.at += 1;
        let quoted = scanner.labels(labels)?;
        scanner.minor.extend(scanner.name_label_fault(labels.spans()));
        name_at = scanner.name_of_braced(name_at, quoted, brace)?;
    } else if scanner.at == name_at.1 && !scanner.is_at_end() {
        let fault =
            scanner.fault(Rule::MetricName, "a blank or an opening brace must follow the metric name");
        // Prometheus' scanner begins the value where the name ends: `jobs-3` is -3 to it.
        let is_value = number::parse(scanner.word()).is_ok();
        return Err(fault.ingestion(if is_value { Ingestion::Whole } else { Ingestion::Refused }));
    }
    if from > 0 && name_at.0 == from {
        let message =
            "Prometheus takes the blanks before the name for a part of it, and nobody finds such a series";
        scanner.minor.push(Fault::new(Rule::LeadingBlank, 0, from, message));
    }
    let series = (from, if braced { scanner.at } else { name_at.1 });
    scanner.blanks();
    let at = scanner.at;
    let word = scanner.word();
    let value = number::parse(word).map_err(|wrong| {
        let message = if word.is_empty() { "the sample has no value" } else { wrong };
        Fault::new(Rule::Value, at, scanner.at, message)
    })?;
    let timestamp = read_timestamp(scanner)?;
    let name = &scanner.text[name_at.0..name_at.1];
    let sample = Sample {
        text: scanner.text,
        series,
        labels: &[],
        name,
        kind: Kind::Unknown,
        value,
        timestamp,
        has_exemplar: false,
        line,
    };
    Ok((sample, name_at))
}

/// The timestamp, milliseconds since 1970, and the end of the line. Comes back in seconds.
fn read_timestamp(scanner: &mut Scanner<'_>) -> Result<Option<f64>, Fault> {
    scanner.blanks();
    if scanner.is_at_end() {
        return Ok(None);
    }
    let at = scanner.at;
    let word = scanner.word();
    if word.starts_with(['-', '+']) {
        let message = "Prometheus' scanner takes no timestamp with a sign";
        scanner.minor.push(Fault::new(Rule::SignedTimestamp, at, scanner.at, message));
    }
    let milliseconds: i64 = word.parse().map_err(|_| {
        let message = "a timestamp is a whole number of milliseconds in 64 bits";
        Fault::new(Rule::Timestamp, at, scanner.at, message)
    })?;
    scanner.blanks();
    if !scanner.is_at_end() {
        let message = "nothing may follow the timestamp";
        return Err(Fault::new(Rule::TrailingText, scanner.at, scanner.text.len(), message));
    }
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 285,000")]
    Ok(Some(milliseconds as f64 / 1000.0))
}
