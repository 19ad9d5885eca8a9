//! One family of the Prometheus text format: its duplicates, its histograms and summaries, its habits.

use super::super::{
    fingerprint::ByFingerprint,
    histogram::{Broken, Group, Role},
    number,
    past::Past,
    problem::{Fault, Ingestion, Problems, Rule},
    sample::{Identity, Kind, Sample},
};

/// The suffixes of the samples of histograms and summaries.
pub(super) const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// The family whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The line at which it begins.
    pub(super) line: u64,
    pub(super) help: Option<u64>,
    pub(super) kind_line: Option<u64>,
    pub(super) samples: u64,
    /// Reopened after another family began: it was reported, and its metadata stands elsewhere.
    pub(super) reopened: bool,
    /// The line in which a family began that has samples of the same names: itself, before it was torn apart, or
    /// another one.
    pub(super) elsewhere: Option<u64>,
    series: ByFingerprint<u64>,
    /// The last timestamp of each series that carries one.
    times: ByFingerprint<f64>,
    groups: ByFingerprint<Group>,
}

/// What `name` is to a family of this name and type; `None` when it belongs to another.
pub(super) fn role(family: &str, kind: Kind, name: &str) -> Option<Role> {
    match (name.strip_prefix(family)?, kind) {
        ("", _) => Some(Role::Plain),
        ("_bucket", Kind::Histogram) => Some(Role::Bucket),
        ("_sum", Kind::Histogram | Kind::Summary) => Some(Role::Sum),
        ("_count", Kind::Histogram | Kind::Summary) => Some(Role::Count),
        _ => None,
    }
}

/// The names that a sample name may derive from.
pub(super) fn possible_families(name: &str) -> impl Iterator<Item = &str> {
    SUFFIXES.into_iter().filter_map(move |suffix| name.strip_suffix(suffix))
}

impl Family {
    /// Checks a sample that belongs to it.
    pub(super) fn take(&mut self, role: Role, sample: &Sample<'_>, past: &mut Past, problems: &mut Problems) {
        self.samples += 1;
        reserved_labels(sample, problems);
        let distinguishing = if self.kind == Kind::Summary { "quantile" } else { "le" };
        let identity = sample.identity(distinguishing);
        // Prometheus stores what is newer by its own timestamp than the sample before.
        let later = sample
            .timestamp
            .is_some_and(|now| self.times.insert(identity.series, now).is_some_and(|before| now > before));
        if let Some(first) = self.series.insert(identity.series, sample.line) {
            let message = format!("this series stands in line {first} already");
            let ingestion = if later { Ingestion::Whole } else { Ingestion::SampleDropped };
            problems.add_to_sample_as(sample, Rule::DuplicateSeries, message, ingestion);
        } else if let Some(line) = self.elsewhere.filter(|_| past.holds(identity.series)) {
            let message = format!("this series stands already in the family that began in line {line}");
            let ingestion =
                if sample.timestamp.is_some() { Ingestion::Whole } else { Ingestion::SampleDropped };
            problems.add_to_sample_as(sample, Rule::DuplicateSeries, message, ingestion);
        } else {
            past.note(identity.series);
        }
        match self.kind {
            Kind::Histogram | Kind::Summary => {
                if let Err((rule, message)) = self.take_grouped(role, sample, identity) {
                    problems.add_to_sample(sample, rule, message);
                }
            }
            Kind::Counter if !number::counts(sample.value) => {
                problems.add_to_sample(sample, Rule::CounterValue, "a counter is a number not below zero");
            }
            _ => {}
        }
    }

    /// A sample of a histogram or a summary.
    fn take_grouped(
        &mut self,
        role: Role,
        sample: &Sample<'_>,
        identity: Identity<'_>,
    ) -> Result<(), Broken> {
        let fresh = || Group::new(sample.line, sample.series());
        let group = self.groups.entry(identity.metric).or_insert_with(fresh);
        // NaN where it is no number: no bound and no quantile is that.
        let distinguishing = identity.distinguishing.map(|label| label.value(sample.text));
        let distinguishing = distinguishing.map(|text| number::parse(&text).unwrap_or(f64::NAN));
        match (role, self.kind, distinguishing) {
            (Role::Bucket, _, None) => Err((Rule::Bucket, "a bucket needs the label le".into())),
            (Role::Bucket, _, Some(bound)) if bound.is_nan() => {
                Err((Rule::Bucket, "the label le must be a number".into()))
            }
            (Role::Bucket, _, Some(bound)) => group.bucket(bound, sample.value),
            (Role::Plain, Kind::Summary, None) => Err((
                Rule::Quantile,
                "a summary's sample needs the label quantile, or the suffix _sum or _count".into(),
            )),
            (Role::Plain, Kind::Summary, Some(quantile)) if !(0.0..=1.0).contains(&quantile) => {
                Err((Rule::Quantile, "the label quantile must be a number from 0 to 1".into()))
            }
            (Role::Plain, Kind::Summary, Some(quantile)) => group.quantile(quantile),
            (Role::Sum, ..) => {
                group.sum(sample.value);
                Ok(())
            }
            (Role::Count, ..) => {
                group.count(sample.value);
                Ok(())
            }
            _ => Err((Rule::SampleName, "a histogram's samples end with _bucket, _sum or _count".into())),
        }
    }

    /// Judges its histograms and summaries, now that all their samples were seen.
    pub(super) fn check_groups(&self, problems: &mut Problems) {
        let check = |group: &Group| match self.kind {
            Kind::Histogram => group.check_prometheus_histogram(),
            Kind::Summary => group.check_prometheus_summary(),
            _ => None,
        };
        let incomplete = self.groups.values().filter_map(|group| check(group).map(|broken| (group, broken)));
        let mut incomplete: Vec<_> = incomplete.collect();
        incomplete.sort_by_key(|(group, _)| group.line);
        for (group, (rule, message)) in incomplete {
            let text = group.text.as_bytes();
            problems.add(group.line, text, Fault::new(rule, 0, text.len(), message));
        }
    }

    /// The habits of a family that has samples.
    pub(super) fn lint(&self, problems: &mut Problems) {
        let name = self.name.as_bytes();
        let mut lint = |rule, message: &'static str| {
            problems.add(self.line, name, Fault::new(rule, 0, name.len(), message));
        };
        if self.samples == 0 {
            return;
        }
        if self.help.is_none() {
            lint(Rule::NoHelp, "the family has no HELP");
        }
        if self.kind_line.is_none() {
            lint(Rule::NoType, "the family has no TYPE");
        }
        let total = self.name.ends_with("_total");
        match self.kind {
            Kind::Counter if !total => lint(Rule::CounterName, "a counter's name ends with _total"),
            Kind::Gauge | Kind::Histogram | Kind::Summary if total => {
                lint(Rule::TotalName, "only a counter's name ends with _total");
            }
            _ => {}
        }
    }

    /// An empty family with the tables of this one, to be filled again.
    pub(super) fn emptied(mut self) -> Self {
        self.series.clear();
        self.times.clear();
        self.groups.clear();
        // One large family must not make the clearing of all later ones slow.
        if self.series.capacity() > 4096 {
            self.series.shrink_to(1024);
            self.times.shrink_to(64);
            self.groups.shrink_to(64);
        }
        Self { series: self.series, times: self.times, groups: self.groups, ..Self::default() }
    }
}

fn reserved_labels(sample: &Sample<'_>, problems: &mut Problems) {
    for label in sample.labels.iter().filter(|label| label.is_reserved()) {
        let (from, to) = label.name_range();
        let message = "labels that start with two underscores are Prometheus' own";
        let fault = Fault::new(Rule::ReservedLabel, from, to, message);
        problems.add(sample.line, sample.text.as_bytes(), fault);
    }
}
