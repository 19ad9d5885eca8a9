//! What there is to choose from: the series that the selectors ask for, and for each the behaviours that are
//! worth trying. Pure; which of them make a fault is found by the search.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{Expr, LabelModifier, VectorSelector};

use super::{Question, demanded, labels};
use crate::{
    drill::series::{Behaviour, Labels},
    exposition::OF_EVERY_TARGET,
    rules::expression,
};

/// Which labels a series gets beyond those that its selector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enrichment {
    /// Those by which the expression groups, those that the templates show, and those that recorded series are asked for.
    Shown,
    /// None.
    None,
    /// Those of all other selectors: for vectors that must match on all labels.
    Joined,
}

/// A series whose values are to be found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) labels: Labels,
    /// Behaviours worth trying, the mildest first.
    pub(super) options: Vec<Behaviour>,
}

pub(super) fn slots(
    question: &Question<'_>,
    selectors: &[VectorSelector],
    enrichment: Enrichment,
    histograms: Histograms,
) -> Result<Vec<Slot>, String> {
    let usage = Usage::of(question);
    let values = Values::of(question);
    let mut own = Vec::new();
    for selector in selectors {
        let labels = labels::accepted(selector)
            .ok_or_else(|| format!("no labels were found that {selector} accepts"))?;
        own.push((selector, labels));
    }
    let demanded = demanded(question);
    let extra: Labels = match enrichment {
        Enrichment::None => Labels::new(),
        Enrichment::Shown => usage
            .grouped
            .iter()
            .chain(&question.shown)
            .map(|name| (name.clone(), "drill".to_owned()))
            .chain(demanded.clone())
            .collect(),
        Enrichment::Joined => own.iter().flat_map(|(_, labels)| labels.clone()).collect(),
    };
    let mut slots: Vec<Slot> = Vec::new();
    for (selector, labels) in own {
        let matchers = expression::matchers(selector).unwrap_or_default();
        let mut labels = labels;
        for (name, value) in &extra {
            let of_the_target = enrichment != Enrichment::Joined
                && !demanded.contains_key(name)
                && ["job", "instance"].contains(&name.as_str());
            let free = !["__name__", "le"].contains(&name.as_str())
                && !of_the_target
                && !labels.contains_key(name)
                && matchers.iter().all(|matcher| matcher.name != *name || matcher.is_match(value));
            if free {
                labels.insert(name.clone(), value.clone());
            }
        }
        let metric = labels.get("__name__").cloned().unwrap_or_default();
        if OF_EVERY_TARGET.contains(&metric.as_str()) {
            labels.entry("instance".to_owned()).or_insert_with(|| "drill:9100".to_owned());
        }
        let options = values.options(&usage, &metric);
        let whole = usage.is_whole_histogram(&metric, &labels);
        for (number, labels) in usage.buckets(&metric, labels, &values).into_iter().enumerate() {
            if !slots.iter().any(|slot| slot.labels == labels) {
                let of_histogram = whole || usage.counts_a_histogram(&metric);
                let options = match histograms {
                    Histograms::Coherent if of_histogram => cumulative(whole && number == 0),
                    _ => options.clone(),
                };
                slots.push(Slot { labels, options });
            }
        }
    }
    Ok(slots)
}

/// So many observations a second, all of them below the first bound of a histogram or all above it: what is counted
/// in a bucket is counted in the wider ones too.
const OBSERVATIONS: f64 = 100.0;

/// Behaviours of a histogram's series: it observes as much as ever, and the first bucket holds all of it or nothing.
fn cumulative(first: bool) -> Vec<Behaviour> {
    let all = Behaviour::Growing(OBSERVATIONS);
    if first { vec![all, Behaviour::Growing(0.0)] } else { vec![all] }
}

/// How the series of a histogram may behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Histograms {
    /// As those of one that observes.
    Coherent,
    /// Each as it likes, where nothing else makes the condition true.
    Loose,
}

/// How the expression uses the metrics.
#[derive(Debug, Default)]
struct Usage {
    /// Metrics whose growth is asked for.
    growing: BTreeSet<String>,
    /// Metrics whose growth may be negative.
    falling: BTreeSet<String>,
    /// Metrics whose value is asked for.
    standing: BTreeSet<String>,
    /// Labels by which it groups and joins.
    grouped: BTreeSet<String>,
    /// Metrics that are read as histograms.
    histograms: BTreeSet<String>,
    /// What a quantile of each of them is compared with.
    thresholds: BTreeMap<String, f64>,
    /// It asks for the time.
    time: bool,
    /// It asks whether something is there.
    presence: bool,
}

impl Usage {
    fn of(question: &Question<'_>) -> Self {
        let mut usage = Self::default();
        for part in
            std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression))
        {
            usage.read(part);
        }
        usage
    }

    fn read(&mut self, whole: &Expr) {
        let mut growing = BTreeSet::new();
        expression::walk(whole, &mut |part| match part {
            Expr::Call(call) => {
                let metrics =
                    || call.args.args.iter().flat_map(|argument| expression::metric_names(argument));
                match call.func.name {
                    "rate" | "increase" | "irate" | "changes" | "resets" => growing.extend(metrics()),
                    "delta" | "idelta" | "deriv" | "predict_linear" => {
                        growing.extend(metrics());
                        self.falling.extend(metrics());
                    }
                    "histogram_quantile" => self.histograms.extend(metrics()),
                    "time" => self.time = true,
                    "absent" | "absent_over_time" => self.presence = true,
                    _ => {}
                }
            }
            Expr::Aggregate(aggregate) => {
                if let Some(LabelModifier::Include(by)) = &aggregate.modifier {
                    self.grouped.extend(by.labels.iter().cloned());
                }
            }
            Expr::Binary(binary) => {
                for (side, other) in [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)] {
                    let threshold = expression::constant(other).filter(|value| *value > 0.0);
                    if let Some(threshold) = threshold.filter(|_| binary.op.is_comparison_operator()) {
                        let metrics = quantiled(side).into_iter();
                        self.thresholds.extend(metrics.map(|metric| (metric, threshold)));
                    }
                }
                self.presence |= binary.op.is_set_operator();
                if let Some(LabelModifier::Include(on)) =
                    binary.modifier.as_ref().and_then(|m| m.matching.as_ref())
                {
                    self.grouped.extend(on.labels.iter().cloned());
                }
            }
            _ => {}
        });
        // What is counted stands, whatever grows beside it.
        self.standing.extend(expression::metric_names(whole).difference(&growing).cloned());
        self.growing.extend(growing);
    }

    /// Whether a selector asks for all buckets of a histogram.
    fn is_whole_histogram(&self, metric: &str, labels: &Labels) -> bool {
        self.histograms.contains(metric) && !labels.contains_key("le")
    }

    /// Whether a metric counts the observations of a histogram whose buckets are asked for.
    fn counts_a_histogram(&self, metric: &str) -> bool {
        metric.strip_suffix("_count").is_some_and(|base| self.histograms.contains(&format!("{base}_bucket")))
    }

    /// A histogram's series: one for each bound, about the numbers of the expression.
    fn buckets(&self, metric: &str, labels: Labels, values: &Values) -> Vec<Labels> {
        if !self.is_whole_histogram(metric, &labels) {
            return vec![labels];
        }
        let threshold = self.thresholds.get(metric).copied().unwrap_or_else(|| {
            let largest =
                values.constants.iter().copied().filter(|value| *value > 0.0).fold(f64::NAN, f64::max);
            if largest.is_nan() { 1.0 } else { largest }
        });
        let bounds = [(threshold / 2.0).to_string(), (threshold * 4.0).to_string(), "+Inf".to_owned()];
        let with = |bound: String| {
            let mut labels = labels.clone();
            labels.insert("le".to_owned(), bound);
            labels
        };
        bounds.into_iter().map(with).collect()
    }
}

/// The metrics of which an expression takes quantiles.
fn quantiled(whole: &Expr) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    expression::walk(whole, &mut |part| {
        if let Expr::Call(call) = part
            && call.func.name == "histogram_quantile"
        {
            found.extend(call.args.args.iter().flat_map(|argument| expression::metric_names(argument)));
        }
    });
    found
}

/// The numbers worth trying.
#[derive(Debug)]
pub(super) struct Values {
    constants: Vec<f64>,
    epoch: f64,
    /// The longest range in seconds; growth that must be seen in a window which is mostly empty.
    pub(super) range: f64,
}

impl Values {
    pub(super) fn of(question: &Question<'_>) -> Self {
        let mut constants = expression::constants(question.expression);
        for recording in question.recordings {
            constants.extend(expression::constants(&recording.expression));
        }
        let plain = constants.clone();
        for (index, one) in plain.iter().enumerate().take(5) {
            for other in plain[index + 1..].iter().take(5).filter(|other| **other != 0.0 && *one != 0.0) {
                constants.extend([one * other, one / other, other / one]);
            }
        }
        constants.retain(|value| value.is_finite() && value.abs() > 1e-9);
        let expressions =
            std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression));
        let range =
            expressions.filter_map(expression::longest_range).max().map_or(0.0, |range| range.as_secs_f64());
        Self { constants, epoch: question.epoch, range }
    }

    fn options(&self, usage: &Usage, metric: &str) -> Vec<Behaviour> {
        let mut options: Vec<Behaviour> = Vec::new();
        let mut add = |behaviour: Behaviour| {
            if !options.contains(&behaviour) {
                options.push(behaviour);
            }
        };
        let growing = usage.growing.contains(metric);
        let falling = usage.falling.contains(metric);
        let growth = if falling { Behaviour::Sloping } else { Behaviour::Growing };
        if growing {
            [1.0, 0.0, 100.0].into_iter().for_each(|value| add(growth(value)));
        }
        if usage.standing.contains(metric) || !growing || falling {
            if usage.time {
                add(Behaviour::Constant(self.epoch.floor()));
                for constant in self.constants.iter().filter(|constant| **constant > 0.0) {
                    for by in [constant * -2.0, constant * 2.0, constant / -2.0, constant / 2.0] {
                        add(Behaviour::Constant((self.epoch + by).floor()));
                    }
                }
            }
            [1.0, 0.0, 100.0].into_iter().for_each(|value| add(Behaviour::Constant(value)));
            for constant in &self.constants {
                [constant * 2.0, constant / 2.0, constant + 1.0, constant - 1.0, constant * 10.0, *constant]
                    .into_iter()
                    .for_each(|value| add(Behaviour::Constant(rounded(value))));
            }
        }
        if growing {
            for constant in &self.constants {
                [2.0, 0.5, 100.0, 10_000.0].into_iter().for_each(|by| add(growth(rounded(constant * by))));
                add(growth(rounded(constant * self.range)));
            }
            add(growth(10_000.0));
            if falling {
                [-1.0, -100.0].into_iter().for_each(|value| add(growth(value)));
                self.constants.iter().for_each(|constant| add(growth(rounded(constant * -2.0))));
            }
        }
        add(Behaviour::Absent);
        options
    }
}

/// A value as people would write it: six significant digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a decimal exponent")]
    let scale = 10_f64.powi(5 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}
