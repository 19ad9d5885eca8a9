//! Derives series from an alert's expression: one or more for each selector, with healthy values for which the
//! condition is false, and faulty ones for which it becomes true. Found by trying values in the [`model`]
//! (which are few and telling: 0, 1, 100, and about the numbers that stand in the expression), and proven
//! later by a real Prometheus. Pure, and the same for the same expression.
//!
//! [`model`]: super::model

mod labels;

use std::{cell::Cell, collections::BTreeSet};

use promql_parser::parser::{Expr, LabelModifier, VectorSelector};

use super::{
    fixture::as_scraped,
    model::{Recording, Unknown, Value, World},
    prediction::BASELINE_SCRAPES,
    series::{Behaviour, Labels, Series, Switches},
};
use crate::rules::expression;

/// What series are derived for.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The alert's expression.
    pub(crate) expression: &'a Expr,
    /// The recording rules that it stands on.
    pub(crate) recordings: &'a [Recording],
    /// Names of labels that the alert's templates show.
    pub(crate) shown: BTreeSet<String>,
    /// Seconds between two scrapes.
    pub(crate) scrape: f64,
    /// Seconds between two evaluations.
    pub(crate) evaluation: f64,
    /// Seconds that the condition must hold.
    pub(crate) hold: f64,
    /// Seconds of the Unix epoch at the fault, about.
    pub(crate) epoch: f64,
}

/// So many values are looked at before the search is given up: some tenths of a second.
const BUDGET: u64 = 3_000_000;

/// Series that Prometheus makes itself for each target that it scrapes.
const OF_EVERY_TARGET: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// Finds series.
///
/// # Errors
/// A sentence that says why none were found.
pub(crate) fn derive(question: &Question<'_>) -> Result<Vec<Series>, String> {
    let question = &coarse(question);
    let selectors = selectors(question)?;
    let mut reason = "no values were found for which it becomes true".to_owned();
    for enrichment in [Enrichment::Shown, Enrichment::None, Enrichment::Joined] {
        let slots = slots(question, &selectors, enrichment)?;
        let search = Search { question, slots: &slots, budget: Cell::new(BUDGET) };
        match search.run() {
            Ok(Some(series)) => return Ok(series),
            Ok(None) => {}
            Err(Unknown::Unsupported(what)) => return Err(format!("{what} is not known to the derivation")),
            Err(Unknown::Wrong(why)) => reason = why,
        }
    }
    Err(reason)
}

/// So many scrapes of the longest range are enough to find values; the prediction takes them all.
const SCRAPES_OF_A_RANGE: f64 = 60.0;

/// The same question with scrapes as rare as its ranges and its hold allow.
fn coarse<'a>(question: &Question<'a>) -> Question<'a> {
    let longest = Values::of(question).range.max(question.hold);
    let step = (longest / SCRAPES_OF_A_RANGE).max(question.scrape);
    Question {
        shown: question.shown.clone(),
        scrape: step,
        evaluation: step.max(question.evaluation),
        ..*question
    }
}

/// The selectors of raw series: those of the alert and of its recording rules, without the recorded names.
fn selectors(question: &Question<'_>) -> Result<Vec<VectorSelector>, String> {
    let recorded = |selector: &VectorSelector| {
        expression::metric_name(selector)
            .is_some_and(|name| question.recordings.iter().any(|recording| recording.name == name))
    };
    let mut found: Vec<VectorSelector> = Vec::new();
    let expressions =
        std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression));
    for selector in expressions.flat_map(expression::selectors) {
        if !recorded(&selector) && !found.contains(&selector) {
            found.push(selector);
        }
    }
    if found.is_empty() {
        return Err("the expression uses no series, so that it is true for ever, as a dead man's switch is"
            .to_owned());
    }
    Ok(found)
}

/// Which labels a series gets beyond those that its selector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enrichment {
    /// Those by which the expression groups, and those that the templates show.
    Shown,
    /// None.
    None,
    /// Those of all other selectors: for vectors that must match on all labels.
    Joined,
}

/// A series whose values are to be found.
#[derive(Debug, Clone)]
struct Slot {
    labels: Labels,
    /// Behaviours worth trying, the mildest first.
    options: Vec<Behaviour>,
}

fn slots(
    question: &Question<'_>,
    selectors: &[VectorSelector],
    enrichment: Enrichment,
) -> Result<Vec<Slot>, String> {
    let usage = Usage::of(question);
    let values = Values::of(question);
    let mut own = Vec::new();
    for selector in selectors {
        let labels = labels::accepted(selector)
            .ok_or_else(|| format!("no labels were found that {selector} accepts"))?;
        own.push((selector, labels));
    }
    let extra: Labels = match enrichment {
        Enrichment::None => Labels::new(),
        Enrichment::Shown => usage
            .grouped
            .iter()
            .chain(&question.shown)
            .map(|name| (name.clone(), "drill".to_owned()))
            .collect(),
        Enrichment::Joined => own.iter().flat_map(|(_, labels)| labels.clone()).collect(),
    };
    let mut slots: Vec<Slot> = Vec::new();
    for (selector, labels) in own {
        let matchers = expression::matchers(selector).unwrap_or_default();
        let mut labels = labels;
        for (name, value) in &extra {
            let of_the_target =
                enrichment != Enrichment::Joined && ["job", "instance"].contains(&name.as_str());
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
            labels.entry("instance".to_owned()).or_insert_with(|| "drill".to_owned());
        }
        let options = values.options(&usage, &metric);
        for labels in usage.buckets(&metric, labels, &values) {
            if !slots.iter().any(|slot| slot.labels == labels) {
                slots.push(Slot { labels, options: options.clone() });
            }
        }
    }
    Ok(slots)
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

    /// A histogram's series: one for each bound, about the numbers of the expression.
    fn buckets(&self, metric: &str, labels: Labels, values: &Values) -> Vec<Labels> {
        if !self.histograms.contains(metric) || labels.contains_key("le") {
            return vec![labels];
        }
        let largest = values.constants.iter().copied().filter(|value| *value > 0.0).fold(f64::NAN, f64::max);
        let threshold = if largest.is_nan() { 1.0 } else { largest };
        let bounds = [(threshold / 2.0).to_string(), (threshold * 4.0).to_string(), "+Inf".to_owned()];
        let with = |bound: String| {
            let mut labels = labels.clone();
            labels.insert("le".to_owned(), bound);
            labels
        };
        bounds.into_iter().map(with).collect()
    }
}

/// The numbers worth trying.
#[derive(Debug)]
struct Values {
    constants: Vec<f64>,
    epoch: f64,
    /// The longest range in seconds; growth that must be seen in a window which is mostly empty.
    range: f64,
}

impl Values {
    fn of(question: &Question<'_>) -> Self {
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
        if growing {
            [1.0, 0.0, 100.0].into_iter().for_each(|value| add(Behaviour::Growing(value)));
        }
        let falling = usage.falling.contains(metric);
        if usage.standing.contains(metric) || !growing || falling {
            [1.0, 0.0, 100.0].into_iter().for_each(|value| add(Behaviour::Constant(value)));
            for constant in &self.constants {
                [constant * 2.0, constant / 2.0, constant + 1.0, constant - 1.0, constant * 10.0, *constant]
                    .into_iter()
                    .for_each(|value| add(Behaviour::Constant(rounded(value))));
            }
            if usage.time {
                add(Behaviour::Constant(self.epoch.floor()));
                for constant in self.constants.iter().filter(|constant| **constant > 0.0) {
                    for by in [constant * -2.0, constant * 2.0, constant / -2.0, constant / 2.0] {
                        add(Behaviour::Constant((self.epoch + by).floor()));
                    }
                }
            }
        }
        if growing {
            for constant in &self.constants {
                [2.0, 0.5, 100.0, 10_000.0]
                    .into_iter()
                    .for_each(|by| add(Behaviour::Growing(rounded(constant * by))));
                add(Behaviour::Growing(rounded(constant * self.range)));
            }
            add(Behaviour::Growing(10_000.0));
            if falling {
                [-1.0, -100.0].into_iter().for_each(|value| add(Behaviour::Growing(value)));
                self.constants.iter().for_each(|constant| add(Behaviour::Growing(rounded(constant * -2.0))));
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

struct Search<'a> {
    question: &'a Question<'a>,
    slots: &'a [Slot],
    budget: Cell<u64>,
}

/// An assignment: for each slot the number of its behaviour.
type Assignment = Vec<usize>;

impl Search<'_> {
    fn run(&self) -> Result<Option<Vec<Series>>, Unknown> {
        let healthy = self.healthy()?;
        // First what shows at once, then what a long window shows late.
        let range = Values::of(self.question).range / self.question.scrape;
        let late: Vec<_> = [0.25, 0.5, 0.75, 1.0].map(|part| (range * part).ceil() + 3.0).into();
        for horizon in [&[1.0, 2.0, 3.0, 5.0, 8.0][..], &late] {
            // As few changes as possible, on whichever healthy values.
            for changed in 1..=self.slots.len().min(3) {
                for base in &healthy {
                    if let Some(series) = self.faulty(base, changed, horizon)? {
                        return Ok(Some(series));
                    }
                }
            }
        }
        Ok(None)
    }

    fn series(&self, healthy: &[usize], faulty: &[usize]) -> Vec<Series> {
        let one = |(slot, (healthy, faulty)): (&Slot, (&usize, &usize))| Series {
            labels: slot.labels.clone(),
            healthy: slot.options[*healthy].clone(),
            faulty: slot.options[*faulty].clone(),
        };
        self.slots.iter().zip(healthy.iter().zip(faulty)).map(one).collect()
    }

    /// Whether something is left of the budget.
    fn goes_on(&self) -> bool {
        self.budget.get() > 0
    }

    /// Whether the condition is true at that time.
    fn is_true(&self, series: &[Series], at: f64) -> Result<bool, Unknown> {
        let world = world(self.question, series, None);
        let answer = world.is_true(self.question.expression, at);
        self.budget.set(self.budget.get().saturating_sub(world.looked_at.get() + 1));
        answer
    }

    /// Assignments for which the condition is false, the most telling first: those in which every series is
    /// there and what is compared has a value.
    fn healthy(&self) -> Result<Vec<Assignment>, Unknown> {
        let mut found: Vec<(u8, Assignment)> = Vec::new();
        let mut wrong = None;
        for assignment in self.assignments() {
            if !self.goes_on() {
                break;
            }
            let series = self.series(&assignment, &assignment);
            let quiet = self
                .is_true(&series, 0.0)
                .and_then(|now| Ok(!now && !self.is_true(&series, -self.question.evaluation)?));
            match quiet {
                Ok(true) => {
                    let absent = series.iter().any(|one| one.healthy == Behaviour::Absent);
                    let silent = !has_value(&world(self.question, &series, None), self.question.expression);
                    let marginal = swayed(&series).iter().any(|series| !self.stays_quiet(series));
                    let half = self.is_true_alone(&series) == Ok(true);
                    let rank =
                        u8::from(absent) * 8 + u8::from(silent) * 4 + u8::from(marginal) * 2 + u8::from(half);
                    found.push((rank, assignment));
                }
                Ok(false) => {}
                Err(Unknown::Wrong(why)) => wrong = Some(Unknown::Wrong(why)),
                Err(unsupported) => return Err(unsupported),
            }
            if found.iter().filter(|(rank, _)| *rank == 0).count() >= KEPT {
                break;
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.truncate(KEPT);
        match (found.is_empty(), wrong) {
            (true, Some(wrong)) => Err(wrong),
            _ => Ok(found.into_iter().map(|(_, assignment)| assignment).collect()),
        }
    }

    /// Whether the first of several conditions that are joined by `and` is true already: then the fault would
    /// be made of the others, of a guard against low traffic for example.
    fn is_true_alone(&self, series: &[Series]) -> Result<bool, Unknown> {
        let mut first = self.question.expression;
        loop {
            first = match first {
                Expr::Paren(paren) => &paren.expr,
                Expr::Binary(binary) if binary.op.to_string() == "and" => &binary.lhs,
                _ => break,
            };
        }
        world(self.question, series, None).is_true(first, 0.0)
    }

    /// Whether healthy series leave the condition false, now and when the longest range is full of them.
    fn stays_quiet(&self, series: &[Series]) -> bool {
        let settled = Values::of(self.question).range + 2.0 * self.question.scrape;
        [0.0, settled].iter().all(|at| self.is_true(series, *at) == Ok(false))
    }

    /// All combinations of the first three options (0, 1, 100), then each with one slot at any of its options.
    fn assignments(&self) -> Vec<Assignment> {
        let count = self.slots.len();
        let mut core: Vec<Assignment> = vec![Vec::new()];
        for slot in self.slots {
            let choices = if count <= 6 { slot.options.len().min(3) } else { 1 };
            core = core
                .iter()
                .flat_map(|head| {
                    (0..choices).map(move |option| head.iter().copied().chain([option]).collect())
                })
                .collect();
        }
        let mut all = core.clone();
        for base in core.iter().take(81) {
            for (index, slot) in self.slots.iter().enumerate() {
                for option in 3..slot.options.len() {
                    let mut one = base.clone();
                    one[index] = option;
                    all.push(one);
                }
            }
        }
        let absent: Assignment = self.slots.iter().map(|slot| slot.options.len() - 1).collect();
        all.push(absent);
        all
    }

    /// Changes so many series until the condition becomes true, and holds as long as it must.
    fn faulty(
        &self,
        healthy: &Assignment,
        changed: usize,
        horizon: &[f64],
    ) -> Result<Option<Vec<Series>>, Unknown> {
        for subset in subsets(self.slots.len(), changed) {
            let mut faulty = healthy.clone();
            if let Some(series) = self.change(healthy, &mut faulty, &subset, horizon)? {
                return Ok(Some(series));
            }
            if !self.goes_on() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn change(
        &self,
        healthy: &Assignment,
        faulty: &mut Assignment,
        subset: &[usize],
        horizon: &[f64],
    ) -> Result<Option<Vec<Series>>, Unknown> {
        let Some((slot, rest)) = subset.split_first() else {
            let series = self.series(healthy, faulty);
            return Ok(if self.goes_on() && self.fires(&series, horizon)? { Some(series) } else { None });
        };
        for option in 0..self.slots[*slot].options.len() {
            if option == healthy[*slot] {
                continue;
            }
            faulty[*slot] = option;
            if let Some(series) = self.change(healthy, faulty, rest, horizon)? {
                return Ok(Some(series));
            }
        }
        Ok(None)
    }

    /// Whether the condition becomes true, and holds; also with a growth that is a little off.
    fn fires(&self, series: &[Series], horizon: &[f64]) -> Result<bool, Unknown> {
        if !self.fires_exactly(series, horizon)? {
            return Ok(false);
        }
        for swayed in swayed(series) {
            if !self.fires_exactly(&swayed, horizon)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fires_exactly(&self, series: &[Series], horizon: &[f64]) -> Result<bool, Unknown> {
        let is_true = |at: f64| match self.is_true(series, at) {
            Err(Unknown::Wrong(_)) => Ok(false),
            other => other,
        };
        let holds = |from: f64| -> Result<bool, Unknown> {
            let end = self.question.hold + self.question.evaluation * 2.0;
            Ok(is_true(from)? && is_true(from + end / 2.0)? && is_true(from + end)?)
        };
        for scrapes in horizon {
            if holds(scrapes * self.question.scrape)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The series with the growth of one of them a tenth more or less: scrapes are never exactly on time, so that
/// what is only just true, or only just false, flaps.
fn swayed(series: &[Series]) -> Vec<Vec<Series>> {
    let sway = |behaviour: &Behaviour, by: f64| match behaviour {
        Behaviour::Growing(growth) => Behaviour::Growing(growth * by),
        other => other.clone(),
    };
    let grows = |one: &Series| {
        [&one.healthy, &one.faulty]
            .iter()
            .any(|behaviour| matches!(behaviour, Behaviour::Growing(growth) if *growth != 0.0))
    };
    let mut all = Vec::new();
    for index in (0..series.len()).filter(|index| grows(&series[*index])) {
        for by in [0.9, 1.1] {
            let mut one = series.to_vec();
            one[index].healthy = sway(&series[index].healthy, by);
            one[index].faulty = sway(&series[index].faulty, by);
            all.push(one);
        }
    }
    all
}

/// So many healthy assignments are tried.
const KEPT: usize = 24;

/// The world of a question with these series; the fault comes at zero, right after a scrape.
pub(crate) fn world<'a>(question: &Question<'a>, series: &'a [Series], cleared: Option<f64>) -> World<'a> {
    World {
        series: series.iter().map(|one| (as_scraped(&one.labels), one)).collect(),
        switches: Switches {
            started: -f64::from(BASELINE_SCRAPES) * question.scrape,
            fault: Some(0.0),
            cleared,
        },
        recordings: question.recordings,
        scrape: question.scrape,
        evaluation: question.evaluation,
        epoch: question.epoch,
        looked_at: Cell::new(0),
    }
}

/// How long after the first scrape of the fault the condition becomes true, and how long after the first
/// scrape of the healthy series it becomes false again; in seconds, `None` where the model cannot tell.
pub(crate) fn delays(question: &Question<'_>, series: &[Series]) -> (Option<f64>, Option<f64>) {
    let faulty = world(question, series, None);
    let wanted = |world: &World<'_>, at: f64, truth: bool| {
        world.is_true(question.expression, at).is_ok_and(|now| now == truth)
    };
    let Some(condition) = first_scrape(question.scrape, |at| wanted(&faulty, at, true)) else {
        return (None, None);
    };
    let cleared = condition + question.hold + question.evaluation;
    // On a scrape, so that the next one shows the healthy series.
    let cleared = (cleared / question.scrape).ceil() * question.scrape;
    let healthy = world(question, series, Some(cleared));
    let recovery = first_scrape(question.scrape, |at| wanted(&healthy, cleared + at, false));
    // A range sees the fault (or its end) between two scrapes only in part: whole at the next scrape.
    let expressions =
        std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression));
    let ranged = expressions.filter_map(expression::longest_range).next().is_some();
    let partly = if ranged { question.scrape } else { 0.0 };
    let more = |at: f64| at - question.scrape + partly;
    (Some(more(condition)), recovery.map(more))
}

/// So far ahead is looked, in seconds: a day and an hour.
const HORIZON: f64 = 90_000.0;

/// The first scrape after zero at which something holds that goes on to hold.
fn first_scrape(scrape: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut before, mut index) = (0.0, 1.0);
    while !holds(index * scrape) {
        if index * scrape > HORIZON {
            return None;
        }
        before = index;
        // One by one at first; then in growing steps, and back by halves.
        index = if index < 20.0 { index + 1.0 } else { (index * 1.3_f64).floor() };
    }
    while index - before > 1.0 {
        let middle = ((index + before) / 2.0).floor();
        if holds(middle * scrape) { index = middle } else { before = middle }
    }
    Some(index * scrape)
}

/// Whether the sides of the outermost comparison have values.
fn has_value(world: &World<'_>, expression: &Expr) -> bool {
    match expression {
        Expr::Paren(paren) => has_value(world, &paren.expr),
        Expr::Binary(binary) if binary.op.is_set_operator() => {
            has_value(world, &binary.lhs) && has_value(world, &binary.rhs)
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            [&binary.lhs, &binary.rhs].iter().all(|side| match world.evaluate(side, 0.0) {
                Ok(Value::Scalar(value)) => value.is_finite(),
                Ok(Value::Vector(elements)) => {
                    !elements.is_empty() && elements.iter().all(|(_, value)| value.is_finite())
                }
                Err(_) => false,
            })
        }
        _ => true,
    }
}

fn subsets(count: usize, size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..count {
        for rest in subsets(count - first - 1, size - 1) {
            all.push(std::iter::once(first).chain(rest.into_iter().map(|index| index + first + 1)).collect());
        }
    }
    all
}

#[cfg(test)]
mod tests;
