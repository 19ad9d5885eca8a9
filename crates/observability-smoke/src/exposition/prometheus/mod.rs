//! The Prometheus text format 0.0.4, with the quoted names of 1.0.0: which line belongs to which family, and
//! what may stand where.

mod family;
mod held;
mod line;

use std::collections::HashMap;

use family::{Family, SUFFIXES, possible_families, role};
use held::Held;
use line::read_sample;

use super::{
    histogram::Role,
    labels::Labels,
    past::Past,
    problem::{Fault, Ingestion, Problems, Rule, Weight},
    reserved,
    sample::{Kind, Sample},
    scan::{QuotedNames, Scanner, Style},
};

/// What is remembered of a family that was left.
#[derive(Debug)]
struct Known {
    line: u64,
    kind: Kind,
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(in crate::exposition) struct Prometheus {
    pub(in crate::exposition) problems: Problems,
    pub(in crate::exposition) families: u64,
    pub(in crate::exposition) samples: u64,
    known: HashMap<String, Known>,
    current: Option<Family>,
    /// The tables of the last family, to be filled again.
    spare: Family,
    past: Past,
    /// Lines whose last quote is open.
    held: Option<Held>,
    labels: Labels,
    pub(in crate::exposition) quoted_names: QuotedNames,
}

impl Prometheus {
    /// Reads one line, without its line feed.
    pub(in crate::exposition) fn line(
        &mut self,
        number: u64,
        line: &[u8],
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) {
        match self.held.take() {
            Some(held) => self.go_on(held, line, on_sample),
            None => self.held = self.line_alone(number, line, on_sample),
        }
    }

    /// Reads one line for itself. Comes back with it where a quote is open at its end: nothing was told of it then.
    fn line_alone(
        &mut self,
        number: u64,
        line: &[u8],
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) -> Option<Held> {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let fault = Fault::new(Rule::Utf8, at, at + 8, "this is not UTF-8");
                let read = if is_plain_comment(line) { Ingestion::Whole } else { Ingestion::Refused };
                self.problems.add(number, line, fault.ingestion(read));
                return None;
            }
        };
        let mut scanner = Scanner::new(text, Style::Free, self.quoted_names);
        scanner.blanks();
        let done = match scanner.peek() {
            None => return None,
            Some(b'#') => self.comment(number, scanner),
            Some(_) => {
                let done = self.sample(number, &mut scanner, on_sample);
                match done {
                    Err(fault) if scanner.quote_is_open => return Some(Held::new(number, line, fault)),
                    done => done,
                }
            }
        };
        if let Err(fault) = done {
            self.problems.add(number, line, fault.or_carriage_return(line));
        }
        None
    }

    /// Ends the reading. `last` is the last line and its number, `complete` whether it ended with a line feed.
    pub(in crate::exposition) fn finish(
        &mut self,
        number: u64,
        last: &[u8],
        complete: bool,
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) {
        self.let_go_of_all(on_sample);
        self.leave();
        if !complete {
            let message = "the last line must end with a line feed";
            self.problems.add(number, last, Fault::new(Rule::FinalNewline, last.len(), last.len(), message));
        }
        if self.samples == 0 && !self.problems.has_errors() {
            self.problems.add(
                number.max(1),
                b"",
                Fault::new(Rule::NoSamples, 0, 0, "there is not one sample"),
            );
        }
    }

    fn comment(&mut self, number: u64, mut scanner: Scanner<'_>) -> Result<(), Fault> {
        let start = scanner.at;
        scanner.at += 1;
        let spaced = scanner.blanks() > 0;
        let keyword = scanner.word();
        if keyword != "HELP" && keyword != "TYPE" {
            return Ok(());
        }
        if spaced {
            return self.metadata(number, keyword, scanner);
        }
        let message = "Prometheus takes this for a comment: a blank must follow the number sign";
        let fault = Fault::new(Rule::UnreadMetadata, start, scanner.at, message);
        self.problems.add(number, scanner.text.as_bytes(), fault);
        match self.metadata(number, keyword, scanner) {
            Err(fault) if fault.rule.weight() == Weight::Valid => Ok(()),
            done => done.map_err(|fault| fault.ingestion(Ingestion::Whole)),
        }
    }

    /// A HELP or TYPE line; the scanner stands behind the keyword.
    fn metadata(&mut self, number: u64, keyword: &str, mut scanner: Scanner<'_>) -> Result<(), Fault> {
        let blank = scanner.blanks();
        let from = scanner.at;
        let name = self.metadata_name(number, &mut scanner).ok_or_else(|| {
            let read = if blank == 0 { Ingestion::Whole } else { Ingestion::Refused };
            scanner.fault(Rule::Metadata, format!("a metric name must follow {keyword}")).ingestion(read)
        })?;
        if !scanner.is_at_end() && !matches!(scanner.peek(), Some(b' ' | b'\t')) {
            // Prometheus skips the byte behind the name, whatever it is.
            let read = match scanner.text.get(scanner.at + 1..) {
                Some(_) if keyword == "HELP" => Ingestion::Whole,
                Some(word) if kind_of(word).is_some() => Ingestion::Whole,
                _ => Ingestion::Refused,
            };
            let fault = scanner.fault(Rule::MetricName, "a blank must follow the metric name");
            return Err(fault.ingestion(read));
        }
        let name_range = (from, scanner.at);
        if keyword == "HELP" {
            self.help(number, &name, name_range, scanner)
        } else {
            self.kind(number, &name, name_range, scanner)
        }
    }

    /// The name on a HELP or TYPE line, which may be quoted.
    fn metadata_name(&mut self, number: u64, scanner: &mut Scanner<'_>) -> Option<String> {
        if scanner.peek() != Some(b'"') {
            return Some(scanner.metric_name().to_owned()).filter(|name| !name.is_empty());
        }
        let range = scanner.quoted_name()?;
        if let Some(fault) = scanner.quoted_name_fault(range) {
            self.problems.add(number, scanner.text.as_bytes(), fault);
        }
        // Its escapes stay, as they do in the names of samples.
        Some(scanner.text[range.0..range.1].to_owned()).filter(|name| !name.is_empty())
    }

    fn help(
        &mut self,
        number: u64,
        name: &str,
        at: (usize, usize),
        mut scanner: Scanner<'_>,
    ) -> Result<(), Fault> {
        self.enter(number, name, scanner.text, at);
        scanner.blanks();
        let family = self.current.get_or_insert_default();
        let before = family.help.replace(number);
        if let Some(fault) = out_of_place("HELP", before, family.samples, family.reopened, at) {
            self.problems.add(number, scanner.text.as_bytes(), fault);
        }
        let text = scanner.text.as_bytes();
        let mut from = scanner.at;
        while let Some(found) = memchr::memchr(b'\\', &text[from..]) {
            let backslash = from + found;
            if !matches!(text.get(backslash + 1), Some(b'\\' | b'n')) {
                let end = scanner.text[backslash..].chars().take(2).map(char::len_utf8).sum::<usize>();
                let message = "only \\\\ and \\n are escapes in a HELP text";
                return Err(Fault::new(Rule::Escape, backslash, backslash + end, message));
            }
            from = backslash + 2;
        }
        Ok(())
    }

    fn kind(
        &mut self,
        number: u64,
        name: &str,
        at: (usize, usize),
        mut scanner: Scanner<'_>,
    ) -> Result<(), Fault> {
        let blanks = scanner.blanks();
        let from = scanner.at;
        let word = scanner.word();
        if word.is_empty() {
            return Err(Fault::new(Rule::Metadata, from, from, "a type must follow the metric name"));
        }
        let kind = kind_of(word).ok_or_else(|| {
            let message = "the type must be counter, gauge, histogram, summary or untyped";
            Fault::new(Rule::UnknownType, from, scanner.at, message)
        })?;
        let to = scanner.at;
        let trailing = scanner.blanks();
        if !scanner.is_at_end() {
            return Err(Fault::new(
                Rule::Metadata,
                scanner.at,
                scanner.text.len(),
                "nothing may follow the type",
            ));
        }
        self.enter(number, name, scanner.text, at);
        let family = self.current.get_or_insert_default();
        let before = family.kind_line.replace(number);
        if let Some(fault) = out_of_place("TYPE", before, family.samples, family.reopened, at) {
            self.problems.add(number, scanner.text.as_bytes(), fault);
        } else {
            family.kind = kind;
            self.no_clash_of_samples(number, scanner.text, at);
        }
        if blanks != 1 || trailing > 0 {
            let message = "Prometheus takes the additional blanks for a part of the type";
            return Err(Fault::new(Rule::TypeSpacing, from, to, message));
        }
        Ok(())
    }

    fn sample(
        &mut self,
        number: u64,
        scanner: &mut Scanner<'_>,
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) -> Result<(), Fault> {
        let (mut sample, name_at) = read_sample(scanner, &mut self.labels, number)?;
        for fault in scanner.minor.drain(..) {
            self.problems.add(number, scanner.text.as_bytes(), fault);
        }
        let spans = self.labels.take();
        sample.labels = &spans;
        self.place(&mut sample, name_at);
        reserved::look(&sample, &mut self.problems);
        self.samples += 1;
        on_sample(&sample);
        self.labels.give_back(spans);
        Ok(())
    }

    /// Finds the family of a sample and checks it there.
    fn place(&mut self, sample: &mut Sample<'_>, name_at: (usize, usize)) {
        let current = self.current.as_ref();
        let known_role = current.and_then(|family| role(&family.name, family.kind, sample.name));
        let role = known_role.unwrap_or_else(|| self.enter_for_sample(sample, name_at));
        let family = self.current.get_or_insert_default();
        sample.kind = family.kind;
        family.take(role, sample, &mut self.past, &mut self.problems);
    }

    /// Begins the family of a sample that does not belong to the current one.
    fn enter_for_sample(&mut self, sample: &Sample<'_>, name_at: (usize, usize)) -> Role {
        let owner = possible_families(sample.name).find_map(|base| {
            let kind = self.known.get(base)?.kind;
            role(base, kind, sample.name).map(|role| (base, role))
        });
        let (name, role) = owner.unwrap_or((sample.name, Role::Plain));
        self.enter(sample.line, name, sample.text, name_at);
        role
    }

    /// Makes the family of this name the current one.
    fn enter(&mut self, number: u64, name: &str, line: &str, at: (usize, usize)) {
        if self.current.as_ref().is_some_and(|family| family.name == name) {
            return;
        }
        self.leave();
        let mut family = std::mem::take(&mut self.spare);
        family.name.push_str(name);
        family.line = number;
        if let Some(known) = self.known.get(name) {
            let message =
                format!("the family {name} began in line {}; its lines must stand together", known.line);
            self.problems.add(
                number,
                line.as_bytes(),
                Fault::new(Rule::InterleavedFamily, at.0, at.1, message),
            );
            (family.kind, family.reopened, family.elsewhere) = (known.kind, true, Some(known.line));
        } else {
            self.families += 1;
        }
        let reopened = family.reopened;
        self.current = Some(family);
        if !reopened {
            self.no_clash_of_name(number, line, at);
        }
    }

    /// The current family may not bear the name of another's sample.
    fn no_clash_of_name(&mut self, number: u64, line: &str, at: (usize, usize)) {
        let Some(family) = &self.current else { return };
        let owner = possible_families(&family.name).find_map(|base| {
            let known = self.known.get(base)?;
            role(base, known.kind, &family.name).map(|_| known.line)
        });
        if let Some(other) = owner {
            let name = family.name.clone();
            self.clash(number, line, at, &name, other);
        }
    }

    /// No sample of the current family, whose type is known now, may bear another family's name.
    fn no_clash_of_samples(&mut self, number: u64, line: &str, at: (usize, usize)) {
        let Some(family) = &self.current else { return };
        let samples = SUFFIXES.into_iter().map(|suffix| format!("{}{suffix}", family.name));
        let ours = samples.filter(|name| role(&family.name, family.kind, name).is_some());
        let taken = ours.filter_map(|name| self.known.get(&name).map(|known| (name, known.line))).next();
        if let Some((name, other)) = taken {
            self.clash(number, line, at, &name, other);
        }
    }

    fn clash(&mut self, number: u64, line: &str, at: (usize, usize), name: &str, other: u64) {
        if let Some(family) = &mut self.current {
            family.elsewhere = Some(other);
        }
        let message = format!("{name} is a sample name of the family in line {other} too");
        self.problems.add(number, line.as_bytes(), Fault::new(Rule::ClashingName, at.0, at.1, message));
    }

    /// Judges the current family as a whole, and remembers it.
    fn leave(&mut self) {
        let Some(mut family) = self.current.take() else { return };
        if !family.reopened {
            family.check_groups(&mut self.problems);
            family.lint(&mut self.problems);
        }
        let known = Known { line: family.line, kind: family.kind };
        self.known.entry(std::mem::take(&mut family.name)).or_insert(known);
        self.spare = family.emptied();
    }
}

fn kind_of(word: &str) -> Option<Kind> {
    match word {
        "counter" => Some(Kind::Counter),
        "gauge" => Some(Kind::Gauge),
        "histogram" => Some(Kind::Histogram),
        "summary" => Some(Kind::Summary),
        "untyped" => Some(Kind::Unknown),
        _ => None,
    }
}

/// Whether Prometheus skips the line: a comment that is neither HELP nor TYPE to it.
fn is_plain_comment(line: &[u8]) -> bool {
    let Some(comment) = line.trim_ascii_start().strip_prefix(b"#") else { return false };
    let words = comment.trim_ascii_start();
    let keyword = words.starts_with(b"HELP") || words.starts_with(b"TYPE");
    let apart = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !(keyword && apart(comment.first()) && apart(words.get(4)))
}

/// What is wrong with the place of a HELP or TYPE line.
fn out_of_place(
    keyword: &str,
    before: Option<u64>,
    samples: u64,
    reopened: bool,
    at: (usize, usize),
) -> Option<Fault> {
    if let Some(line) = before {
        let message = format!("{keyword} of this family stands in line {line} already");
        return Some(Fault::new(Rule::RepeatedMetadata, at.0, at.1, message));
    }
    (samples > 0 && !reopened).then(|| {
        let message = format!("{keyword} must stand before the family's first sample");
        Fault::new(Rule::LateMetadata, at.0, at.1, message)
    })
}
