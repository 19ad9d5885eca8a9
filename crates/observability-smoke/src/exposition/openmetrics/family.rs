//! One family of OpenMetrics, and the metric in it that is being read: grouping, timestamps, and what each
//! type demands of its samples.

use std::borrow::Cow;

use super::super::{
    fingerprint::ByFingerprint,
    histogram::{Broken, Group, Role},
    number,
    past::Past,
    problem::{Fault, Ingestion, Problems, Rule},
    sample::{Kind, Sample},
};

/// The family whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The line at which it begins.
    pub(super) line: u64,
    pub(super) help: Option<u64>,
    pub(super) kind_line: Option<u64>,
    pub(super) unit: Option<u64>,
    pub(super) unit_text: String,
    pub(super) samples: u64,
    /// It was reported that it does not stand together.
    pub(super) reopened: bool,
    /// The line in which samples of the same names began: in another family, or in this one before it was torn apart.
    pub(super) elsewhere: Option<u64>,
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

/// The suffixes of a type's sample names, beside the family's own name.
pub(super) const fn suffixes(kind: Kind) -> &'static [(&'static str, Role)] {
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

impl Family {
    /// A family that begins at this line.
    pub(super) fn new(name: &str, line: u64) -> Self {
        Self { name: name.to_owned(), line, ..Self::default() }
    }

    /// What a sample of this name is to the family; `None` when it belongs to another.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        let suffix = name.strip_prefix(self.name.as_str())?;
        suffixes(self.kind).iter().find(|(known, _)| *known == suffix).map(|(_, role)| *role)
    }

    /// The label that tells the samples of one metric apart; for a state set it bears the family's name. No
    /// label has an empty name.
    fn distinguishing_label(&self) -> &str {
        match self.kind {
            Kind::Histogram | Kind::GaugeHistogram => "le",
            Kind::Summary => "quantile",
            Kind::StateSet => &self.name,
            _ => "",
        }
    }

    /// Checks a sample that belongs to it.
    pub(super) fn take(&mut self, role: Role, sample: &Sample<'_>, past: &mut Past, problems: &mut Problems) {
        let identity = sample.identity(self.distinguishing_label());
        let checked = self.enter_metric(identity.metric, sample).and_then(|complete| {
            if let Some(metric) = complete {
                self.check(&metric, problems);
            }
            self.no_duplicate(identity.series, sample)?;
            let distinguishing = identity.distinguishing.map(|label| label.value(sample.text));
            self.check_typed(role, sample, distinguishing.as_deref())
        });
        let rule = checked.as_ref().err().map(|(rule, _)| *rule);
        if rule == Some(Rule::Grouping) {
            self.elsewhere.get_or_insert(self.line);
        }
        let untimed = sample.timestamp.is_none();
        let stood = self.elsewhere.filter(|_| untimed && past.holds(identity.series));
        if untimed && rule != Some(Rule::DuplicateSeries) && stood.is_none() {
            past.note(identity.series);
        }
        match (checked, stood) {
            (Err((rule, message)), stood) => {
                let is_lost = stood.is_some() || self.is_lost(rule, identity.series);
                let ingestion = if is_lost { Ingestion::SampleDropped } else { rule.ingestion() };
                problems.add_to_sample_as(sample, rule, message, ingestion);
            }
            (Ok(()), Some(line)) => {
                let message = format!("this series stands already in the family that began in line {line}");
                problems.add_to_sample(sample, Rule::DuplicateSeries, message);
            }
            (Ok(()), None) => {}
        }
    }

    /// Whether Prometheus drops the sample over this fault: it stored a sample of the series already, and this one is
    /// not newer.
    fn is_lost(&self, rule: Rule, series: u64) -> bool {
        rule == Rule::TimestampOrder && self.series.contains_key(&series)
    }

    /// Judges the last metric, and the family as a whole.
    pub(super) fn end(&mut self, problems: &mut Problems) {
        if let Some(metric) = self.metric.take() {
            self.check(&metric, problems);
        }
        if self.samples == 0 || self.reopened {
            return;
        }
        let name = self.name.as_bytes();
        let mut lint =
            |rule, message| problems.add(self.line, name, Fault::new(rule, 0, name.len(), message));
        if self.help.is_none() {
            lint(Rule::NoHelp, "the family has no HELP");
        }
        if self.kind_line.is_none() {
            lint(Rule::NoType, "the family has no TYPE");
        }
    }

    /// Judges a metric that is complete at its timestamp.
    fn check(&self, metric: &Metric, problems: &mut Problems) {
        let Some(group) = &metric.group else { return };
        let broken = match self.kind {
            Kind::Histogram => group.check_openmetrics_histogram(),
            Kind::GaugeHistogram => group.check_gauge_histogram(),
            _ => None,
        };
        if let Some((rule, message)) = broken {
            let text = group.text.as_bytes();
            problems.add(group.line, text, Fault::new(rule, 0, text.len(), message));
        }
    }

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

    fn no_duplicate(&mut self, series: u64, sample: &Sample<'_>) -> Result<(), Broken> {
        let Some(first) = self.series.insert(series, sample.line) else { return Ok(()) };
        let timed = sample.timestamp.is_some();
        let rule = if timed { Rule::RepeatedTimestamp } else { Rule::DuplicateSeries };
        Err((rule, format!("this series stands in line {first} already").into()))
    }

    /// What the family's type demands of a sample.
    fn check_typed(
        &mut self,
        role: Role,
        sample: &Sample<'_>,
        distinguishing: Option<&str>,
    ) -> Result<(), Broken> {
        let value = sample.value;
        match self.kind {
            _ if role == Role::Created && !value.is_finite() => {
                typed("a creation time is a finite number of seconds")
            }
            Kind::Counter if role == Role::Total && !number::counts(value) => {
                typed("a counter is a number not below zero")
            }
            Kind::Info if value != 1.0 => typed("the value of an info is 1"),
            Kind::StateSet if distinguishing.is_none() => {
                let message = format!("a sample of a stateset needs the label {}", self.name);
                Err((Rule::TypedValue, message.into()))
            }
            Kind::StateSet if value != 0.0 && value != 1.0 => typed("the value of a state is 0 or 1"),
            Kind::Summary => check_summary(role, value, distinguishing),
            Kind::Histogram | Kind::GaugeHistogram => self.check_histogram(role, sample, distinguishing),
            _ => Ok(()),
        }
    }

    fn check_histogram(&mut self, role: Role, sample: &Sample<'_>, le: Option<&str>) -> Result<(), Broken> {
        let value = sample.value;
        let Some(metric) = &mut self.metric else { return Ok(()) };
        let group = metric.group.get_or_insert_with(|| Group::new(sample.line, sample.series()));
        match (role, le) {
            (Role::Bucket, None) => Err((Rule::Bucket, "a bucket needs the label le".into())),
            (Role::Bucket, Some(le)) => {
                let bound = bound_of(le)?;
                if value.fract() != 0.0 {
                    return Err((Rule::Bucket, "the count of a bucket is a whole number".into()));
                }
                group.bucket(bound, value)
            }
            (Role::Count, _) => {
                group.count(value);
                whole_count(value)
            }
            (Role::Sum, _) => {
                group.sum(value);
                let may_be_below_zero = self.kind == Kind::GaugeHistogram;
                if value.is_nan() || (value < 0.0 && !may_be_below_zero) {
                    return typed("a sum is a number, and not below zero");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn check_summary(role: Role, value: f64, quantile: Option<&str>) -> Result<(), Broken> {
    match (role, quantile) {
        (Role::Count, _) => whole_count(value),
        (Role::Sum, _) if !number::counts(value) => typed("a sum is a number not below zero"),
        (Role::Plain, None) => Err((
            Rule::Quantile,
            "a summary's sample needs the label quantile, or the suffix _sum, _count or _created".into(),
        )),
        (Role::Plain, Some(quantile)) => {
            if !number::parse(quantile).is_ok_and(|quantile| (0.0..=1.0).contains(&quantile)) {
                return Err((Rule::Quantile, "the label quantile must be a number from 0 to 1".into()));
            }
            if value < 0.0 { typed("the value of a quantile is not below zero") } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

fn whole_count(value: f64) -> Result<(), Broken> {
    if number::counts(value) && value.fract() == 0.0 {
        Ok(())
    } else {
        typed("a count is a whole number not below zero")
    }
}

fn typed(message: &'static str) -> Result<(), Broken> {
    Err((Rule::TypedValue, Cow::Borrowed(message)))
}

/// The upper bound that `le` names. Infinity is written `+Inf`.
fn bound_of(le: &str) -> Result<f64, Broken> {
    let wrong = || (Rule::Bucket, Cow::Borrowed("le must be a number, infinity written as +Inf"));
    match number::parse(le) {
        Ok(bound) if bound.is_finite() || matches!(le, "+Inf" | "-Inf") => Ok(bound),
        _ => Err(wrong()),
    }
}
