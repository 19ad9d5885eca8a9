//! OpenMetrics 1.0: the rules of its lines, families, metrics and exemplars. Where the text of the
//! specification leaves room, the official parser cases decide.

use std::{borrow::Cow, collections::HashMap};

use super::{
    fingerprint::{self, ByFingerprint},
    histogram::{Broken, Group, Role},
    number,
    problem::{Fault, Ingestion, Problems, Rule},
    sample::{Kind, Sample},
    scan::{LabelSpan, Scanner, Style},
};

/// The names and values of an exemplar's labels have at most so many characters together.
const EXEMPLAR_CHARACTERS: usize = 128;

/// The family whose lines are being read.
#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: Kind,
    /// The line at which it begins.
    line: u64,
    help: Option<u64>,
    kind_line: Option<u64>,
    unit: Option<u64>,
    unit_text: String,
    samples: u64,
    /// It was reported that it does not stand together.
    reopened: bool,
    /// The metrics that were left, by their fingerprint, with their line.
    left: ByFingerprint<u64>,
    metric: Option<Metric>,
    /// The series of the present metric at its present timestamp, with their lines.
    series: ByFingerprint<u64>,
}

/// The metric whose samples are being read: one family, one set of labels.
#[derive(Debug)]
struct Metric {
    key: u64,
    timestamp: Option<f64>,
    group: Option<Group>,
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(super) struct OpenMetrics {
    pub(super) problems: Problems,
    pub(super) families: u64,
    pub(super) samples: u64,
    /// Every name that a sample of a known family may bear, with the family's line.
    names: HashMap<String, u64>,
    current: Option<Family>,
    spans: Vec<LabelSpan>,
    exemplar_spans: Vec<LabelSpan>,
    ended: bool,
}

/// The suffixes of a type's sample names, beside the family's own name.
const fn suffixes(kind: Kind) -> &'static [(&'static str, Role)] {
    match kind {
        Kind::Counter => &[("_total", Role::Total), ("_created", Role::Created)],
        Kind::Histogram => &[
            ("_bucket", Role::Bucket),
            ("_count", Role::Count),
            ("_sum", Role::Sum),
            ("_created", Role::Created),
        ],
        Kind::GaugeHistogram => &[("_bucket", Role::Bucket), ("_gcount", Role::Count), ("_gsum", Role::Sum)],
        Kind::Summary => {
            &[("", Role::Plain), ("_count", Role::Count), ("_sum", Role::Sum), ("_created", Role::Created)]
        }
        Kind::Info => &[("_info", Role::Info)],
        Kind::Unknown | Kind::Gauge | Kind::StateSet => &[("", Role::Plain)],
    }
}

fn role(family: &Family, name: &str) -> Option<Role> {
    let suffix = name.strip_prefix(family.name.as_str())?;
    suffixes(family.kind).iter().find(|(known, _)| *known == suffix).map(|(_, role)| *role)
}

/// The label that tells the samples of one metric apart; for a state set it bears the family's name.
fn distinguishing_label(family: &Family) -> &str {
    match family.kind {
        Kind::Histogram | Kind::GaugeHistogram => "le",
        Kind::Summary => "quantile",
        Kind::StateSet => &family.name,
        _ => "",
    }
}

impl OpenMetrics {
    /// Reads one line, without its line feed.
    pub(super) fn line(&mut self, number: u64, line: &[u8], on_sample: &mut dyn FnMut(&Sample<'_>)) {
        let done = match std::str::from_utf8(line) {
            _ if self.ended => Err(Fault::new(Rule::AfterEof, 0, line.len(), "nothing may follow # EOF")),
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
            self.problems.add(number, line, fault);
        }
    }

    /// Ends the reading at this line.
    pub(super) fn finish(&mut self, number: u64) {
        self.leave();
        if !self.ended {
            let message = "the last line must be # EOF: without it the text may have been cut off";
            self.problems.add(number + 1, b"", Fault::new(Rule::MissingEof, 0, 0, message));
        }
        if self.samples == 0 {
            self.problems.add(
                number.max(1),
                b"",
                Fault::new(Rule::NoSamples, 0, 0, "there is not one sample"),
            );
        }
    }

    fn metadata(&mut self, number: u64, text: &str) -> Result<(), Fault> {
        let mut parts = text.splitn(4, ' ');
        let (_, keyword) = (parts.next(), parts.next().unwrap_or_default());
        if !text.starts_with("# ") || !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
            let message = "a comment is one of # HELP, # TYPE, # UNIT and # EOF";
            return Err(Fault::new(Rule::Comment, 0, text.len(), message));
        }
        let from = "# HELP ".len().min(text.len());
        let name = parts.next().unwrap_or_default();
        let mut scanner = Scanner::new(text, Style::Strict);
        scanner.at = from;
        if name.is_empty() || scanner.metric_name() != name {
            let message = format!("# {keyword} needs a metric name");
            return Err(Fault::new(Rule::Metadata, from, text.len(), message));
        }
        let at = (from, from + name.len());
        let Some(rest) = parts.next() else {
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
        if !unit.is_empty() {
            let fault = |message| Err(Fault::new(Rule::Unit, rest_at.0, rest_at.1, message));
            let ends_with_unit = family.name.strip_suffix(unit).is_some_and(|name| name.ends_with('_'));
            if !ends_with_unit {
                return fault("the unit must be the end of the metric name, behind an underscore");
            }
            if matches!(family.kind, Kind::Info | Kind::StateSet) {
                return fault("an info or a stateset has no unit");
            }
        }
        if kind.is_some() { self.claim_names(number, at) } else { Ok(()) }
    }

    /// Makes the family of this name the current one.
    fn enter(&mut self, number: u64, name: &str, line: &str, at: (usize, usize)) {
        if self.current.as_ref().is_some_and(|family| family.name == name) {
            return;
        }
        self.leave();
        let mut family = Family { name: name.to_owned(), line: number, ..Family::default() };
        if let Some(first) = self.names.get(name) {
            let message = format!(
                "the name {name} belongs to the family that began in line {first}; its lines must stand together, and no two families may share a name"
            );
            self.problems.add(
                number,
                line.as_bytes(),
                Fault::new(Rule::InterleavedFamily, at.0, at.1, message),
            );
            family.reopened = true;
        } else {
            self.families += 1;
        }
        self.current = Some(family);
    }

    /// No other family may have a sample of the same name as the current one.
    fn claim_names(&self, _number: u64, at: (usize, usize)) -> Result<(), Fault> {
        let Some(family) = self.current.as_ref().filter(|family| !family.reopened) else { return Ok(()) };
        let ours = suffixes(family.kind).iter().map(|(suffix, _)| format!("{}{suffix}", family.name));
        match ours.filter_map(|name| self.names.get(&name).map(|line| (name, line))).next() {
            Some((name, line)) => {
                let message = format!("{name} is a name of the family in line {line} too");
                Err(Fault::new(Rule::ClashingName, at.0, at.1, message))
            }
            None => Ok(()),
        }
    }

    /// Judges what was read of the current family, and remembers its names.
    fn leave(&mut self) {
        let Some(mut family) = self.current.take() else { return };
        if let Some(metric) = family.metric.take() {
            self.check(family.kind, &metric);
        }
        if family.samples > 0 && !family.reopened {
            let name = family.name.as_bytes();
            let mut lint = |rule, message| {
                self.problems.add(family.line, name, Fault::new(rule, 0, name.len(), message))
            };
            if family.help.is_none() {
                lint(Rule::NoHelp, "the family has no HELP");
            }
            if family.kind_line.is_none() {
                lint(Rule::NoType, "the family has no TYPE");
            }
        }
        for (suffix, _) in suffixes(family.kind) {
            self.names.entry(format!("{}{suffix}", family.name)).or_insert(family.line);
        }
        self.names.entry(family.name).or_insert(family.line);
    }

    /// Judges a metric that is complete at its timestamp.
    fn check(&mut self, kind: Kind, metric: &Metric) {
        let Some(group) = &metric.group else { return };
        let broken = match kind {
            Kind::Histogram => group.check_openmetrics_histogram(),
            Kind::GaugeHistogram => group.check_gauge_histogram(),
            _ => None,
        };
        if let Some((rule, message)) = broken {
            let text = group.text.as_bytes();
            self.problems.add(group.line, text, Fault::new(rule, 0, text.len(), message));
        }
    }

    fn sample(
        &mut self,
        number: u64,
        text: &str,
        on_sample: &mut dyn FnMut(&Sample<'_>),
    ) -> Result<(), Fault> {
        let mut spans = std::mem::take(&mut self.spans);
        let mut exemplar_spans = std::mem::take(&mut self.exemplar_spans);
        let read = read_sample(text, &mut spans, &mut exemplar_spans, number);
        let done = read.and_then(|(mut sample, exemplar)| {
            sample.labels = &spans;
            let placed = self.place(&mut sample, exemplar.as_ref(), &exemplar_spans);
            self.samples += 1;
            on_sample(&sample);
            placed
        });
        self.spans = spans;
        self.exemplar_spans = exemplar_spans;
        done
    }

    /// Finds the family and the metric of a sample and checks it there.
    fn place(
        &mut self,
        sample: &mut Sample<'_>,
        exemplar: Option<&(usize, usize)>,
        exemplar_spans: &[LabelSpan],
    ) -> Result<(), Fault> {
        let name_at = (sample.series.0, sample.series.0 + sample.name.len());
        let known = self.current.as_ref().and_then(|family| role(family, sample.name));
        let own_name =
            known.is_none() && self.current.as_ref().is_some_and(|family| family.name == sample.name);
        let role = known.unwrap_or_else(|| {
            self.enter(sample.line, sample.name, sample.text, name_at);
            Role::Plain
        });
        let Some(family) = &mut self.current else { return Ok(()) };
        family.samples += 1;
        sample.kind = family.kind;
        let whole =
            |rule, message: Cow<'static, str>| Fault::new(rule, sample.series.0, sample.series.1, message);
        if own_name {
            let ends: Vec<_> = suffixes(family.kind).iter().map(|(suffix, _)| *suffix).collect();
            let message = format!("a sample of type {} ends with {}", family.kind, ends.join(", "));
            return Err(whole(Rule::SampleName, message.into()));
        }
        if let Some(&(from, to)) = exemplar {
            check_exemplar(family.kind, role, sample.text, (from, to), exemplar_spans)?;
        }
        let special = distinguishing_label(family);
        let (mut labels, mut special_part, mut special_label) = (0_u64, 0, None);
        for label in sample.labels {
            let name = label.name(sample.text);
            let part = fingerprint::of_label(name, &label.value(sample.text));
            labels = labels.wrapping_add(part);
            if !special.is_empty() && name == special {
                (special_part, special_label) = (part, Some(label));
            }
        }
        let key = labels.wrapping_sub(special_part);
        let series = fingerprint::of_name(sample.name).wrapping_add(labels);
        let finished = family.enter_metric(key, sample).map_err(|(rule, message)| whole(rule, message))?;
        let kind = family.kind;
        let special = special_label.map(|label| (label.value(sample.text), label.value_range()));
        let noted = family.note(role, sample, special.as_ref(), series);
        let typed = noted.map_err(|(rule, message)| whole(rule, message));
        if let Some(metric) = finished {
            self.check(kind, &metric);
        }
        typed
    }
}

impl Family {
    /// Makes the metric of the sample the current one. Comes back with the one that is complete by that.
    fn enter_metric(&mut self, key: u64, sample: &Sample<'_>) -> Result<Option<Metric>, Broken> {
        let fresh = || Metric { key, timestamp: sample.timestamp, group: None };
        let Some(metric) = self.metric.as_mut().filter(|metric| metric.key == key) else {
            let before = self.metric.replace(fresh());
            self.forget_series();
            if let Some(before) = &before {
                self.left.insert(before.key, sample.line);
            }
            return match self.left.get(&key) {
                Some(line) => Err((
                    Rule::Grouping,
                    format!("the samples of this metric were left in line {line}; they must stand together")
                        .into(),
                )),
                None => Ok(before),
            };
        };
        match (metric.timestamp, sample.timestamp) {
            (None, None) => Ok(None),
            (Some(before), Some(now)) if now == before => Ok(None),
            (Some(before), Some(now)) if now > before => {
                self.forget_series();
                Ok(self.metric.replace(fresh()))
            }
            (Some(before), Some(now)) => Err((
                Rule::TimestampOrder,
                format!("the timestamp {now} comes after {before} on the same metric").into(),
            )),
            _ => Err((Rule::TimestampOrder, "all samples of a metric carry a timestamp, or none".into())),
        }
    }

    /// The table is filled again for each metric: a large one must not make all later ones slow.
    fn forget_series(&mut self) {
        self.series.clear();
        if self.series.capacity() > 1024 {
            self.series.shrink_to(64);
        }
    }

    /// Checks the sample against its type and its metric.
    fn note(
        &mut self,
        role: Role,
        sample: &Sample<'_>,
        special: Option<&(Cow<'_, str>, (usize, usize))>,
        series: u64,
    ) -> Result<(), Broken> {
        let Some(metric) = &mut self.metric else { return Ok(()) };
        if let Some(first) = self.series.insert(series, sample.line) {
            let message = format!("this series stands in line {first} already").into();
            let rule =
                if sample.timestamp.is_some() { Rule::RepeatedTimestamp } else { Rule::DuplicateSeries };
            return Err((rule, message));
        }
        let value = sample.value;
        let typed = |message: &'static str| Err((Rule::TypedValue, Cow::Borrowed(message)));
        let group = match self.kind {
            Kind::Histogram | Kind::GaugeHistogram => {
                Some(metric.group.get_or_insert_with(|| Group::new(sample.line, sample.series())))
            }
            _ => None,
        };
        match (self.kind, role, special) {
            (_, Role::Total, _) if !number::counts(value) => typed("a counter is a number not below zero"),
            (_, Role::Created, _) if !value.is_finite() => {
                typed("a creation time is a finite number of seconds")
            }
            (Kind::Info, ..) if value != 1.0 => typed("the value of an info is 1"),
            (Kind::StateSet, _, None) => Err((
                Rule::TypedValue,
                format!("a sample of a stateset needs the label {}", self.name).into(),
            )),
            (Kind::StateSet, ..) if value != 0.0 && value != 1.0 => typed("the value of a state is 0 or 1"),
            (Kind::Histogram | Kind::GaugeHistogram, Role::Bucket, None) => {
                Err((Rule::Bucket, "a bucket needs the label le".into()))
            }
            (Kind::Histogram | Kind::GaugeHistogram, Role::Bucket, Some((le, _))) => {
                let bound = bound_of(le)?;
                if value.fract() != 0.0 {
                    return Err((Rule::Bucket, "the count of a bucket is a whole number".into()));
                }
                group.map_or(Ok(()), |group| group.bucket(bound, value))
            }
            (Kind::Histogram | Kind::GaugeHistogram, Role::Count, _) => {
                if !number::counts(value) || value.fract() != 0.0 {
                    return typed("a count is a whole number not below zero");
                }
                group.into_iter().for_each(|group| group.count(value));
                Ok(())
            }
            (Kind::Histogram | Kind::GaugeHistogram, Role::Sum, _) => {
                let may_be_below_zero = self.kind == Kind::GaugeHistogram;
                if value.is_nan() || (value < 0.0 && !may_be_below_zero) {
                    return typed("a sum is a number, and not below zero");
                }
                group.into_iter().for_each(|group| group.sum(value));
                Ok(())
            }
            (Kind::Summary, Role::Count, _) if !number::counts(value) || value.fract() != 0.0 => {
                typed("a count is a whole number not below zero")
            }
            (Kind::Summary, Role::Sum, _) if !number::counts(value) => {
                typed("a sum is a number not below zero")
            }
            (Kind::Summary, Role::Plain, None) => Err((
                Rule::Quantile,
                "a summary's sample needs the label quantile, or the suffix _sum, _count or _created".into(),
            )),
            (Kind::Summary, Role::Plain, Some((quantile, _))) => {
                let in_range = number::parse(quantile).is_ok_and(|quantile| (0.0..=1.0).contains(&quantile));
                if !in_range {
                    return Err((Rule::Quantile, "quantile must be a number from 0 to 1".into()));
                }
                if value < 0.0 { typed("the value of a quantile is not below zero") } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// The upper bound that `le` names. Infinity is written `+Inf`.
fn bound_of(le: &str) -> Result<f64, Broken> {
    let wrong = || (Rule::Bucket, Cow::Borrowed("le must be a number, infinity written as +Inf"));
    match number::parse(le) {
        Ok(bound) if bound.is_finite() || matches!(le, "+Inf" | "-Inf") => Ok(bound),
        _ => Err(wrong()),
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
    kind: Kind,
    role: Role,
    text: &str,
    at: (usize, usize),
    spans: &[LabelSpan],
) -> Result<(), Fault> {
    let may_stand = matches!(
        (kind, role),
        (Kind::Counter, Role::Total) | (Kind::Histogram | Kind::GaugeHistogram, Role::Bucket)
    );
    if !may_stand {
        let message = "an exemplar stands on a counter's _total or on a bucket only";
        return Err(Fault::new(Rule::ExemplarPlace, at.0, at.1, message));
    }
    let characters: usize =
        spans.iter().map(|label| label.name(text).chars().count() + label.value(text).chars().count()).sum();
    if characters > EXEMPLAR_CHARACTERS {
        let message = format!(
            "the labels of an exemplar have {characters} characters, and may have {EXEMPLAR_CHARACTERS}"
        );
        return Err(Fault::new(Rule::ExemplarPlace, at.0, at.1, message));
    }
    Ok(())
}

/// Reads a sample's line. The labels are left in `spans`; comes back with the place of the exemplar.
fn read_sample<'a>(
    text: &'a str,
    spans: &mut Vec<LabelSpan>,
    exemplar_spans: &mut Vec<LabelSpan>,
    line: u64,
) -> Result<(Sample<'a>, Option<(usize, usize)>), Fault> {
    let mut scanner = Scanner::new(text, Style::Strict);
    let name = scanner.metric_name();
    if name.is_empty() {
        let message =
            "a line starts with a metric name: letters, digits, underscores and colons, no digit first";
        return Err(scanner.fault(Rule::MetricName, message));
    }
    spans.clear();
    if scanner.take(b'{') {
        scanner.labels(spans)?;
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
            exemplar = Some(read_exemplar(&mut scanner, exemplar_spans)?);
        }
    }
    let sample = Sample { text, series, labels: &[], name, kind: Kind::Unknown, value, timestamp, line };
    Ok((sample, exemplar))
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

/// An exemplar: `# {labels} value`, and perhaps a timestamp.
fn read_exemplar(scanner: &mut Scanner<'_>, spans: &mut Vec<LabelSpan>) -> Result<(usize, usize), Fault> {
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
    scanner.labels(spans).map_err(|fault| fault.ingestion(Ingestion::Refused))?;
    if !scanner.take(b' ') {
        return Err(wrong(scanner, "a blank and a value must follow an exemplar's labels"));
    }
    read_number(scanner, Rule::Exemplar, number::parse)?;
    if !scanner.is_at_end() {
        if !scanner.take(b' ') {
            return Err(wrong(scanner, "one blank must follow an exemplar's value"));
        }
        read_number(scanner, Rule::Exemplar, number::parse_seconds)?;
        if !scanner.is_at_end() {
            return Err(wrong(scanner, "nothing may follow an exemplar's timestamp"));
        }
    }
    Ok((from, scanner.text.len()))
}
