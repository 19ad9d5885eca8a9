//! One sample's line of OpenMetrics, with its exemplar. It knows nothing of families.

use super::super::{
    labels::Labels,
    number,
    problem::{Fault, Ingestion, Rule},
    sample::{Kind, Sample},
    scan::Scanner,
};

/// An exemplar: where it stands, and its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    pub(super) at: (usize, usize),
    pub(super) value: f64,
}

/// What stands on a sample's line.
pub(super) struct Line<'a> {
    pub(super) sample: Sample<'a>,
    /// Where its name stands.
    pub(super) name_at: (usize, usize),
    pub(super) exemplar: Option<Exemplar>,
    /// Faults that did not keep the line from being read.
    pub(super) minor: Vec<Fault>,
}

/// Reads a sample's line. The labels are left in `labels`.
pub(super) fn read_sample<'a>(
    mut scanner: Scanner<'a>,
    labels: &mut Labels,
    exemplar_labels: &mut Labels,
    line: u64,
) -> Result<Line<'a>, Fault> {
    let text = scanner.text;
    let mut name_at = (0, scanner.metric_name_as_before(labels).len());
    if name_at.1 == 0 && scanner.peek() != Some(b'{') {
        return Err(scanner.no_name());
    }
    labels.clear();
    if scanner.take(b'{') {
        let quoted = scanner.labels(labels)?;
        scanner.minor.extend(scanner.name_label_fault(labels.spans()));
        name_at = scanner.name_of_braced(name_at, quoted, name_at.1)?;
    }
    let series = (0, scanner.at);
    one_blank(&mut scanner, "a blank and a value must follow the name and its labels")?;
    let value = read_number(&mut scanner, Rule::Value, number::parse)?;
    let (mut timestamp, mut exemplar) = (None, None);
    if !scanner.is_at_end() {
        one_blank(&mut scanner, "one blank must follow the value")?;
        if scanner.peek() != Some(b'#') {
            timestamp = Some(read_number(&mut scanner, Rule::Timestamp, number::parse_seconds)?);
            if !scanner.is_at_end() {
                one_blank(&mut scanner, "one blank must follow the timestamp")?;
            }
        }
        // A blank was read: something must follow it, and that can be an exemplar only.
        if !scanner.is_at_end() || text.ends_with(' ') {
            exemplar = Some(read_exemplar(&mut scanner, exemplar_labels)?);
        }
    }
    let sample = Sample {
        text,
        series,
        labels: &[],
        name: &text[name_at.0..name_at.1],
        kind: Kind::Unknown,
        value,
        timestamp,
        has_exemplar: exemplar.is_some(),
        line,
    };
    Ok(Line { sample, name_at, exemplar, minor: scanner.minor })
}

fn one_blank(scanner: &mut Scanner<'_>, message: &'static str) -> Result<(), Fault> {
    if scanner.take(b' ') { Ok(()) } else { Err(scanner.fault(Rule::Spacing, message)) }
}

fn read_number(
    scanner: &mut Scanner<'_>,
    rule: Rule,
    parse: fn(&str) -> Result<f64, &'static str>,
) -> Result<f64, Fault> {
    let at = scanner.at;
    let word = scanner.word();
    parse(word).map_err(|wrong| Fault::new(rule, at, scanner.at, wrong))
}

/// In an exemplar Prometheus minds less: a label that stands twice is none of its cares.
fn refused(fault: Fault) -> Fault {
    let twice = fault.rule == Rule::DuplicateLabel;
    fault.ingestion(if twice { Ingestion::Whole } else { Ingestion::Refused })
}

/// An exemplar: `# {labels} value`, and perhaps a timestamp.
fn read_exemplar(scanner: &mut Scanner<'_>, labels: &mut Labels) -> Result<Exemplar, Fault> {
    let from = scanner.at;
    let wrong = |scanner: &Scanner<'_>, message: &'static str| {
        Fault::new(Rule::Exemplar, scanner.at, scanner.text.len(), message)
    };
    if !(scanner.take(b'#') && scanner.take(b' ') && scanner.take(b'{')) {
        return Err(Fault::new(
            Rule::Exemplar,
            from,
            scanner.text.len(),
            "only an exemplar may follow here: # {labels} value",
        ));
    }
    if scanner.labels(labels).map_err(refused)?.is_some() {
        return Err(wrong(scanner, "an exemplar has labels and no name"));
    }
    if !scanner.take(b' ') {
        return Err(wrong(scanner, "a blank and a value must follow an exemplar's labels"));
    }
    let value = read_number(scanner, Rule::Exemplar, number::parse)?;
    if !scanner.is_at_end() {
        if !scanner.take(b' ') {
            return Err(wrong(scanner, "one blank must follow an exemplar's value"));
        }
        read_number(scanner, Rule::Exemplar, number::parse_seconds)?;
        if !scanner.is_at_end() {
            return Err(wrong(scanner, "nothing may follow an exemplar's timestamp"));
        }
    }
    Ok(Exemplar { at: (from, scanner.text.len()), value })
}
