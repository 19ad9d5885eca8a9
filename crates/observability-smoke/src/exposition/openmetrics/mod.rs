//! OpenMetrics 1.0: which line belongs to which family, and what may stand where. Where the text of the
//! specification leaves room, the official parser cases decide.

mod family;
mod line;

use std::collections::HashMap;

use family::{Family, suffixes};
use line::{Exemplar, Line, read_sample};

use super::{
    histogram::Role,
    labels::{LabelSpan, Labels},
    number,
    past::Past,
    problem::{Fault, Ingestion, Problems, Rule},
    reserved,
    sample::{Kind, Sample},
    scan::{QuotedNames, Scanner, Style},
};

/// The names and values of an exemplar's labels have at most so many characters together.
const EXEMPLAR_CHARACTERS: usize = 128;

/// The state between two lines.
#[derive(Debug, Default)]
pub(in crate::exposition) struct OpenMetrics {
    pub(in crate::exposition) problems: Problems,
    pub(in crate::exposition) families: u64,
    pub(in crate::exposition) samples: u64,
    /// Every name that a sample of a known family may bear, with the family's line.
    names: HashMap<String, u64>,
    current: Option<Family>,
    past: Past,
    labels: Labels,
    exemplar_labels: Labels,
    ended: bool,
    pub(in crate::exposition) quoted_names: QuotedNames,
}

impl OpenMetrics {
    /// Reads one line, without its line feed.
    pub(in crate::exposition) fn line(
        &mut self,
        number: u64,
        line: &[u8],
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) {
        let done = match std::str::from_utf8(line) {
            _ if self.ended => Err(Fault::new(
                Rule::AfterEof,
                0,
                line.len(),
                "nothing may follow # EOF, not even an empty line",
            )),
            Err(error) => {
                let at = error.valid_up_to();
                Err(Fault::new(Rule::Utf8, at, at + 8, "this is not UTF-8"))
            }
            Ok("") => Err(Fault::new(Rule::BlankLine, 0, 0, "an empty line may not stand in OpenMetrics")),
            Ok("# EOF") => {
                self.ended = true;
                Ok(())
            }
            Ok(text) if text.starts_with('#') => self.metadata(number, text),
            Ok(text) => self.sample(number, text, on_sample),
        };
        if let Err(fault) = done {
            self.problems.add(number, line, fault.or_carriage_return(line));
        }
    }

    /// Ends the reading at this line.
    pub(in crate::exposition) fn finish(&mut self, number: u64) {
        self.leave();
        if !self.ended {
            let message = "the last line must be # EOF: without it the text may have been cut off";
            let fault = Fault::new(Rule::MissingEof, 0, 0, message);
            // Nothing at all is a scrape without samples to Prometheus 3.
            let read = if number == 0 { Ingestion::RefusedByOlder } else { fault.ingestion };
            self.problems.add(number + 1, b"", fault.ingestion(read));
        }
        if self.samples == 0 && !self.problems.has_errors() {
            self.problems.add(
                number.max(1),
                b"",
                Fault::new(Rule::NoSamples, 0, 0, "there is not one sample"),
            );
        }
    }

    fn metadata(&mut self, number: u64, text: &str) -> Result<(), Fault> {
        let keyword = text.split(' ').nth(1).unwrap_or_default();
        if !text.starts_with("# ") || !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
            let message = "a comment is one of # HELP, # TYPE, # UNIT and # EOF";
            return Err(Fault::new(Rule::Comment, 0, text.len(), message));
        }
        let from = "# HELP ".len().min(text.len());
        let mut scanner = Scanner::new(text, Style::Strict, self.quoted_names);
        scanner.at = from;
        let quoted = if scanner.peek() == Some(b'"') { scanner.quoted_name() } else { None };
        if let Some(fault) = quoted.and_then(|at| scanner.quoted_name_fault(at)) {
            self.problems.add(number, text.as_bytes(), fault);
        }
        let at = quoted.unwrap_or_else(|| (from, from + scanner.metric_name().len()));
        if at.0 >= at.1 || !matches!(scanner.peek(), None | Some(b' ')) {
            let message = format!("# {keyword} needs a metric name");
            return Err(Fault::new(Rule::Metadata, from, text.len(), message));
        }
        let name = &text[at.0..at.1];
        let Some(rest) = text[scanner.at..].strip_prefix(' ') else {
            let message = format!("a blank and its text must follow the name on # {keyword}");
            return Err(Fault::new(Rule::Metadata, at.0, at.1, message));
        };
        let rest_at = (text.len() - rest.len(), text.len());
        let kind = if keyword == "TYPE" { Some(kind_of(rest, rest_at)?) } else { None };
        self.enter(number, name, text, at);
        let Some(family) = &mut self.current else { return Ok(()) };
        let slot = match keyword {
            "HELP" => &mut family.help,
            "TYPE" => &mut family.kind_line,
            _ => &mut family.unit,
        };
        if let Some(line) = slot.replace(number) {
            let message = format!("{keyword} of this family stands in line {line} already");
            return Err(Fault::new(Rule::RepeatedMetadata, at.0, at.1, message));
        }
        if family.samples > 0 {
            let message = format!("{keyword} must stand before the family's first sample");
            return Err(Fault::new(Rule::LateMetadata, at.0, at.1, message));
        }
        if let Some(kind) = kind {
            family.kind = kind;
        }
        if keyword == "UNIT" {
            rest.clone_into(&mut family.unit_text);
        }
        let unit = family.unit_text.as_str();
        if !unit.is_empty() && keyword != "HELP" {
            let fault = |message| Fault::new(Rule::Unit, rest_at.0, rest_at.1, message);
            let ends_with_unit = family.name.strip_suffix(unit).is_some_and(|name| name.ends_with('_'));
            if keyword == "UNIT" && !ends_with_unit {
                return Err(fault("the unit must be the end of the metric name, behind an underscore"));
            }
            if matches!(family.kind, Kind::Info | Kind::StateSet) {
                return Err(fault("an info or a stateset has no unit").ingestion(Ingestion::Whole));
            }
        }
        if kind.is_some() { self.claim_names(at) } else { Ok(()) }
    }

    /// Makes the family of this name the current one.
    fn enter(&mut self, number: u64, name: &str, line: &str, at: (usize, usize)) {
        if self.current.as_ref().is_some_and(|family| family.name == name) {
            return;
        }
        self.leave();
        let mut family = Family::new(name, number);
        if let Some(first) = self.names.get(name) {
            let message = format!(
                "the name {name} belongs to the family that began in line {first}; its lines must stand together, and no two families may share a name"
            );
            self.problems.add(
                number,
                line.as_bytes(),
                Fault::new(Rule::InterleavedFamily, at.0, at.1, message),
            );
            (family.reopened, family.elsewhere) = (true, Some(*first));
        } else {
            self.families += 1;
        }
        self.current = Some(family);
    }

    /// No other family may have a sample of the same name as the current one.
    fn claim_names(&mut self, at: (usize, usize)) -> Result<(), Fault> {
        let Some(family) = self.current.as_mut().filter(|family| !family.reopened) else { return Ok(()) };
        let ours = suffixes(family.kind).iter().map(|(suffix, _)| format!("{}{suffix}", family.name));
        let taken = ours.filter_map(|name| self.names.get(&name).map(|line| (name, *line))).next();
        match taken {
            Some((name, line)) => {
                family.elsewhere = Some(line);
                let message = format!("{name} is a name of the family in line {line} too");
                Err(Fault::new(Rule::ClashingName, at.0, at.1, message))
            }
            None => Ok(()),
        }
    }

    /// Judges what was read of the current family, and remembers its names.
    fn leave(&mut self) {
        let Some(mut family) = self.current.take() else { return };
        family.end(&mut self.problems);
        for (suffix, _) in suffixes(family.kind) {
            self.names.entry(format!("{}{suffix}", family.name)).or_insert(family.line);
        }
        self.names.entry(family.name).or_insert(family.line);
    }

    fn sample(
        &mut self,
        number: u64,
        text: &str,
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) -> Result<(), Fault> {
        let scanner = Scanner::new(text, Style::Strict, self.quoted_names);
        let Line { mut sample, name_at, exemplar, minor } =
            read_sample(scanner, &mut self.labels, &mut self.exemplar_labels, number)?;
        minor.into_iter().for_each(|fault| self.problems.add(number, text.as_bytes(), fault));
        let (spans, exemplar_spans) = (self.labels.take(), self.exemplar_labels.take());
        sample.labels = &spans;
        let placed = self.place(&mut sample, name_at, exemplar, &exemplar_spans);
        reserved::look(&sample, &mut self.problems);
        self.samples += 1;
        on_sample(&sample);
        self.labels.give_back(spans);
        self.exemplar_labels.give_back(exemplar_spans);
        placed
    }

    /// Finds the family of a sample and checks it there.
    fn place(
        &mut self,
        sample: &mut Sample<'_>,
        name_at: (usize, usize),
        exemplar: Option<Exemplar>,
        exemplar_spans: &[LabelSpan],
    ) -> Result<(), Fault> {
        let known = self.current.as_ref().and_then(|family| family.role(sample.name));
        if known.is_none() && self.current.as_ref().is_none_or(|family| family.name != sample.name) {
            self.enter(sample.line, sample.name, sample.text, name_at);
        }
        let Some(family) = &mut self.current else { return Ok(()) };
        family.samples += 1;
        sample.kind = family.kind;
        let Some(role) = family.role(sample.name) else {
            let ends: Vec<_> = suffixes(family.kind).iter().map(|(suffix, _)| *suffix).collect();
            let message = format!("a sample of type {} ends with {}", family.kind, ends.join(", "));
            return Err(Fault::new(Rule::SampleName, name_at.0, name_at.1, message));
        };
        if let Some(exemplar) = exemplar {
            let fault = check_exemplar(role, sample, exemplar, exemplar_spans).err();
            fault.into_iter().for_each(|fault| self.problems.add(sample.line, sample.text.as_bytes(), fault));
        }
        family.take(role, sample, &mut self.past, &mut self.problems);
        Ok(())
    }
}

fn kind_of(word: &str, at: (usize, usize)) -> Result<Kind, Fault> {
    let kinds = [
        Kind::Unknown,
        Kind::Counter,
        Kind::Gauge,
        Kind::Histogram,
        Kind::GaugeHistogram,
        Kind::Summary,
        Kind::Info,
        Kind::StateSet,
    ];
    kinds.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        let message =
            "the type must be counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown";
        Fault::new(Rule::UnknownType, at.0, at.1, message)
    })
}

fn check_exemplar(
    role: Role,
    sample: &Sample<'_>,
    Exemplar { at, value }: Exemplar,
    spans: &[LabelSpan],
) -> Result<(), Fault> {
    let text = sample.text;
    let may_stand = matches!(
        (sample.kind, role),
        (Kind::Counter, Role::Total) | (Kind::Histogram | Kind::GaugeHistogram, Role::Bucket)
    );
    if !may_stand {
        let message = "an exemplar stands on a counter's _total or on a bucket only";
        // An older Prometheus goes by the name alone, and 3 takes one everywhere.
        let by_name = sample.name.ends_with("_total") || sample.name.ends_with("_bucket");
        let ingestion = if by_name { Ingestion::Whole } else { Ingestion::RefusedByOlder };
        return Err(Fault::new(Rule::ExemplarPlace, at.0, at.1, message).ingestion(ingestion));
    }
    let characters: usize =
        spans.iter().map(|label| label.name(text).chars().count() + label.value(text).chars().count()).sum();
    if characters > EXEMPLAR_CHARACTERS {
        let message = format!(
            "the labels of an exemplar have {characters} characters, and may have {EXEMPLAR_CHARACTERS}"
        );
        return Err(Fault::new(Rule::ExemplarPlace, at.0, at.1, message));
    }
    // A bucket covers the values up to its bound.
    let bound = sample.label("le").and_then(|le| number::parse(&le).ok());
    if let (Role::Bucket, Some(bound)) = (role, bound)
        && (value > bound || value.is_nan())
    {
        let (value, bound) = (number::show(value), number::show(bound));
        let message = format!("an exemplar of {value} does not belong to a bucket up to {bound}");
        return Err(Fault::new(Rule::ExemplarRange, at.0, at.1, message));
    }
    Ok(())
}
