//! The Prometheus text format 0.0.4, with the quoted names of 1.0.0: the rules of its lines and families.

use std::{borrow::Cow, collections::HashMap};

use super::{
    fingerprint::{self, ByFingerprint},
    histogram::{Group, Role},
    number,
    problem::{Fault, Ingestion, Problems, Rule, Weight},
    sample::{Kind, Sample},
    scan::{LabelSpan, Scanner, Style},
};

/// The family whose lines are being read.
#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: Kind,
    /// The line at which it begins.
    line: u64,
    help: Option<u64>,
    kind_line: Option<u64>,
    samples: u64,
    /// Reopened after another family began: it was reported, and its metadata stands elsewhere.
    reopened: bool,
    series: ByFingerprint<u64>,
    groups: ByFingerprint<Group>,
}

/// What is remembered of a family that was left.
#[derive(Debug)]
struct Known {
    line: u64,
    kind: Kind,
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(super) struct Prometheus {
    pub(super) problems: Problems,
    pub(super) families: u64,
    pub(super) samples: u64,
    known: HashMap<String, Known>,
    current: Option<Family>,
    /// The tables of the last family, to be filled again.
    spare: Family,
    spans: Vec<LabelSpan>,
}

/// The label that tells the samples of one histogram or summary apart.
const fn distinguishing_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Summary => "quantile",
        _ => "le",
    }
}

/// What `name` is to a family of this name and type; `None` when it belongs to another.
fn role(family: &str, kind: Kind, name: &str) -> Option<Role> {
    match (name.strip_prefix(family)?, kind) {
        ("", _) => Some(Role::Plain),
        ("_bucket", Kind::Histogram) => Some(Role::Bucket),
        ("_sum", Kind::Histogram | Kind::Summary) => Some(Role::Sum),
        ("_count", Kind::Histogram | Kind::Summary) => Some(Role::Count),
        _ => None,
    }
}

/// The names that a sample name may derive from.
fn possible_families(name: &str) -> impl Iterator<Item = &str> {
    ["_bucket", "_sum", "_count"].into_iter().filter_map(move |suffix| name.strip_suffix(suffix))
}

impl Prometheus {
    /// Reads one line, without its line feed.
    pub(super) fn line(&mut self, number: u64, line: &[u8], on_sample: &mut dyn FnMut(&Sample<'_>)) {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let fault = Fault::new(Rule::Utf8, at, at + 8, "this is not UTF-8");
                self.problems.add(number, line, fault);
                return;
            }
        };
        let mut scanner = Scanner::new(text, Style::Free);
        scanner.blanks();
        let done = match scanner.peek() {
            None => return,
            Some(b'#') => self.comment(number, scanner),
            Some(_) => self.sample(number, scanner, on_sample),
        };
        if let Err(fault) = done {
            let fault = if line.ends_with(b"\r") && fault.to == line.len() {
                let message = "the line ends with a carriage return; lines end with a line feed alone";
                Fault::new(Rule::CarriageReturn, line.len() - 1, line.len(), message)
                    .ingestion(fault.ingestion)
            } else {
                fault
            };
            self.problems.add(number, line, fault);
        }
    }

    /// Ends the reading. `last` is the last line and its number, `complete` whether it ended with a line feed.
    pub(super) fn finish(&mut self, number: u64, last: &[u8], complete: bool) {
        self.leave();
        if !complete {
            let message = "the last line must end with a line feed";
            self.problems.add(number, last, Fault::new(Rule::FinalNewline, last.len(), last.len(), message));
        }
        if self.samples == 0 {
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
            return Err(scanner.fault(Rule::MetricName, "a blank must follow the metric name"));
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
        let message = "a quoted name is read by Prometheus 3 and later only";
        let fault = Fault::new(Rule::QuotedName, range.0, range.1, message);
        self.problems.add(number, scanner.text.as_bytes(), fault);
        Some(super::scan::unescape(&scanner.text[range.0..range.1])).filter(|name| !name.is_empty())
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
        let kind = match word {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            "untyped" => Kind::Unknown,
            "" => return Err(Fault::new(Rule::Metadata, from, from, "a type must follow the metric name")),
            _ => {
                let message = "the type must be counter, gauge, histogram, summary or untyped";
                return Err(Fault::new(Rule::UnknownType, from, scanner.at, message));
            }
        };
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
        mut scanner: Scanner<'_>,
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) -> Result<(), Fault> {
        let mut spans = std::mem::take(&mut self.spans);
        let read = read_sample(&mut scanner, &mut spans, number);
        let done = read.map(|(mut sample, name_at)| {
            for fault in scanner.minor.drain(..) {
                self.problems.add(number, scanner.text.as_bytes(), fault);
            }
            sample.labels = &spans;
            self.place(&mut sample, name_at);
            self.samples += 1;
            on_sample(&sample);
        });
        self.spans = spans;
        done
    }

    /// Finds the family of a sample and checks it there.
    fn place(&mut self, sample: &mut Sample<'_>, name_at: (usize, usize)) {
        let current = self.current.as_ref();
        let known_role = current.and_then(|family| role(&family.name, family.kind, sample.name));
        let role = known_role.unwrap_or_else(|| self.enter_for_sample(sample, name_at));
        let family = self.current.get_or_insert_default();
        sample.kind = family.kind;
        family.samples += 1;
        let line = sample.text.as_bytes();
        let problems = &mut self.problems;
        let whole =
            |rule, message: Cow<'static, str>| Fault::new(rule, sample.series.0, sample.series.1, message);

        let special = distinguishing_label(family.kind);
        let grouped = matches!(family.kind, Kind::Histogram | Kind::Summary);
        let (mut fingerprint, mut special_part, mut special_label) =
            (fingerprint::of_name(sample.name), 0, None);
        for label in sample.labels {
            let name = label.name(sample.text);
            let part = fingerprint::of_label(name, &label.value(sample.text));
            fingerprint = fingerprint.wrapping_add(part);
            if grouped && name == special {
                (special_part, special_label) = (part, Some(label));
            }
            if name.starts_with("__") {
                let (from, to) = label.name_range();
                let message = "labels that start with two underscores are Prometheus' own";
                problems.add(sample.line, line, Fault::new(Rule::ReservedLabel, from, to, message));
            }
        }
        if let Some(first) = family.series.insert(fingerprint, sample.line) {
            let message = format!("this series stands in line {first} already");
            problems.add(sample.line, line, whole(Rule::DuplicateSeries, message.into()));
        }
        if !grouped {
            if family.kind == Kind::Counter && !number::counts(sample.value) {
                problems.add(
                    sample.line,
                    line,
                    whole(Rule::CounterValue, "a counter is a number not below zero".into()),
                );
            }
            return;
        }
        let group_key =
            fingerprint.wrapping_sub(special_part).wrapping_sub(fingerprint::of_name(sample.name));
        let group =
            family.groups.entry(group_key).or_insert_with(|| Group::new(sample.line, sample.series()));
        let bound = special_label.map(|label| {
            let parsed = number::parse(&label.value(sample.text)).unwrap_or(f64::NAN);
            (parsed, label.value_range())
        });
        let broken = match (role, family.kind, bound) {
            (Role::Bucket, _, Some((bound, _))) if !bound.is_nan() => group.bucket(bound, sample.value),
            (Role::Bucket, _, Some((_, (from, to)))) => {
                problems.add(sample.line, line, Fault::new(Rule::Bucket, from, to, "le must be a number"));
                Ok(())
            }
            (Role::Bucket, _, None) => Err((Rule::Bucket, "a bucket needs the label le".into())),
            (Role::Plain, Kind::Summary, Some((quantile, _))) if (0.0..=1.0).contains(&quantile) => {
                group.quantile(quantile)
            }
            (Role::Plain, Kind::Summary, Some((_, (from, to)))) => {
                let message = "quantile must be a number from 0 to 1";
                problems.add(sample.line, line, Fault::new(Rule::Quantile, from, to, message));
                Ok(())
            }
            (Role::Plain, Kind::Summary, None) => Err((
                Rule::Quantile,
                "a summary's sample needs the label quantile, or the suffix _sum or _count".into(),
            )),
            (Role::Sum, ..) => {
                group.sum(sample.value);
                Ok(())
            }
            (Role::Count, ..) => {
                group.count(sample.value);
                Ok(())
            }
            _ => Err((Rule::SampleName, "a histogram's samples end with _bucket, _sum or _count".into())),
        };
        if let Err((rule, message)) = broken {
            problems.add(sample.line, line, whole(rule, message));
        }
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
            (family.kind, family.reopened) = (known.kind, true);
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
        let samples =
            ["_bucket", "_sum", "_count"].into_iter().map(|suffix| format!("{}{suffix}", family.name));
        let ours = samples.filter(|name| role(&family.name, family.kind, name).is_some());
        let taken = ours.filter_map(|name| self.known.get(&name).map(|known| (name, known.line))).next();
        if let Some((name, other)) = taken {
            self.clash(number, line, at, &name, other);
        }
    }

    fn clash(&mut self, number: u64, line: &str, at: (usize, usize), name: &str, other: u64) {
        let message = format!("{name} is a sample name of the family in line {other} too");
        self.problems.add(number, line.as_bytes(), Fault::new(Rule::ClashingName, at.0, at.1, message));
    }

    /// Judges the current family as a whole, and remembers it.
    fn leave(&mut self) {
        let Some(mut family) = self.current.take() else { return };
        let mut incomplete: Vec<_> = if family.reopened {
            Vec::new()
        } else {
            let check = |group: &Group| match family.kind {
                Kind::Histogram => group.check_prometheus_histogram(),
                Kind::Summary => group.check_prometheus_summary(),
                _ => None,
            };
            family
                .groups
                .values()
                .filter_map(|group| check(group).map(|broken| (group.clone(), broken)))
                .collect()
        };
        incomplete.sort_by_key(|(group, _)| group.line);
        for (group, (rule, message)) in incomplete {
            let text = group.text.as_bytes();
            self.problems.add(group.line, text, Fault::new(rule, 0, text.len(), message));
        }
        self.lint(&family);
        let known = Known { line: family.line, kind: family.kind };
        let entry = self.known.entry(std::mem::take(&mut family.name));
        entry.or_insert(known);
        family.series.clear();
        family.groups.clear();
        // One large family must not make the clearing of all later ones slow.
        if family.series.capacity() > 4096 {
            family.series.shrink_to(1024);
        }
        self.spare =
            Family { name: String::new(), series: family.series, groups: family.groups, ..Family::default() };
    }

    fn lint(&mut self, family: &Family) {
        let name = family.name.as_bytes();
        let mut lint = |rule, message: &'static str| {
            self.problems.add(family.line, name, Fault::new(rule, 0, name.len(), message));
        };
        if family.reopened || family.samples == 0 {
            return;
        }
        if family.help.is_none() {
            lint(Rule::NoHelp, "the family has no HELP");
        }
        if family.kind_line.is_none() {
            lint(Rule::NoType, "the family has no TYPE");
        }
        let total = family.name.ends_with("_total");
        match family.kind {
            Kind::Counter if !total => lint(Rule::CounterName, "a counter's name ends with _total"),
            Kind::Gauge | Kind::Histogram | Kind::Summary if total => {
                lint(Rule::TotalName, "only a counter's name ends with _total");
            }
            _ => {}
        }
    }
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

/// Reads a sample's line. The labels are left in `spans`.
fn read_sample<'a>(
    scanner: &mut Scanner<'a>,
    spans: &mut Vec<LabelSpan>,
    line: u64,
) -> Result<(Sample<'a>, (usize, usize)), Fault> {
    let from = scanner.at;
    let mut name_at = (from, from + scanner.metric_name().len());
    spans.clear();
    scanner.blanks();
    let braced = scanner.peek() == Some(b'{');
    if name_at.0 == name_at.1 && !braced {
        let message =
            "a line starts with a metric name: letters, digits, underscores and colons, no digit first";
        return Err(scanner.fault(Rule::MetricName, message));
    }
    if braced {
        let brace = scanner.at;
        scanner.at += 1;
        let quoted = scanner.labels(spans)?;
        name_at = match (quoted, name_at.0 == name_at.1) {
            (Some(quoted), true) if quoted.0 < quoted.1 => quoted,
            (None, false) => name_at,
            (Some((from, to)), _) => {
                return Err(Fault::new(
                    Rule::LabelSyntax,
                    from,
                    to,
                    "there must be one metric name, and not an empty one",
                ));
            }
            (None, true) => {
                return Err(Fault::new(Rule::MetricName, brace, scanner.at, "there is no metric name"));
            }
        };
    } else if scanner.at == name_at.1 && !scanner.is_at_end() {
        let message = "a blank or an opening brace must follow the metric name";
        return Err(scanner.fault(Rule::MetricName, message));
    }
    if from > 0 && name_at.0 == from {
        let message = "Prometheus takes the blanks before the name for a part of it";
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
    let sample =
        Sample { text: scanner.text, series, labels: &[], name, kind: Kind::Unknown, value, timestamp, line };
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
