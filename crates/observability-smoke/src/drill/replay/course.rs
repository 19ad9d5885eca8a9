//! The course of one alert through its replay: blocks of its series, recording rules level by level, the expression at
//! every evaluation, and what Prometheus' states make of it. It observes and judges nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use evidence_report::run::Run;
use jiff::Timestamp;

use super::{
    super::{
        diagnosis,
        observation::{Cause, Halt, Observation, Stage},
        plan::Until,
        prometheus::{Api, Ranged},
        series::{Labels, display},
        stack::StackError,
    },
    agreement::{self, Moments, Opinion},
    blocks::{Blocks, Programs, recorded},
    plan::Replayable,
    samples::{millis, write_all},
    span::{QUIET, Span},
    states::{Episode, Grid, episodes},
};
use crate::rules::{
    expression,
    manifest::{Kind, Rule},
};

/// So many evaluations are asked for at once; Prometheus answers at most 11,000.
const AT_ONCE: i64 = 10_000;

/// What a replay showed.
#[derive(Debug)]
pub(super) struct Replayed {
    /// Its times.
    pub(super) span: Span,
    /// How many samples are in its blocks.
    pub(super) samples: u64,
    /// The stages up to the firing, and the end of the alert, in seconds after the fault.
    pub(super) seen: Observation,
    /// The elements with which the alert fired first.
    pub(super) elements: Vec<(Labels, f64)>,
    /// What promtool says of it.
    pub(super) opinion: Opinion,
}

/// One alert on its way.
struct Course<'a> {
    run: &'a Run,
    programs: &'a Programs,
    blocks: &'a Blocks<'a>,
    one: &'a Replayable,
    span: Span,
    /// The first sample, in milliseconds since 1970.
    start: i64,
}

/// Replays an alert whose fault is at this moment.
pub(super) async fn replay(
    run: &Run,
    programs: &Programs,
    (number, one, span): (usize, &Replayable, Span),
    fault: Timestamp,
) -> Result<Replayed, StackError> {
    let blocks = Blocks::new(run, programs, number, span.lookback)?;
    let start = fault.as_millisecond() - millis(span.fault);
    let course = Course { run, programs, blocks: &blocks, one, span, start };
    let replayed = course.run().await;
    blocks.remove();
    replayed
}

impl Course<'_> {
    async fn run(&self) -> Result<Replayed, StackError> {
        let name = &self.one.plan.name;
        self.run.progress().phase(format!("{name}: making blocks of its series"));
        let series = self.one.stored();
        let samples = self.blocks.add(|into| write_all(into, &series, &self.span, self.start)).await?;
        let mut seen = Observation { fault: Some(0.0), replayed: true, ..Observation::default() };
        let mut elements = Vec::new();
        let stages = self.recorded_then_asked(&mut seen, &mut elements).await;
        if let Err(stopped) = stages {
            seen.halted = Some(stopped?);
        }
        let opinion = self.opinion(&seen).await;
        Ok(Replayed { span: self.span, samples, seen, elements, opinion })
    }

    /// The stages of the alert, on a Prometheus that has what the recording rules made.
    async fn recorded_then_asked(
        &self,
        seen: &mut Observation,
        elements: &mut Vec<(Labels, f64)>,
    ) -> Result<(), Result<Halt, StackError>> {
        let (mut server, mut api) = self.blocks.serve().await.map_err(Err)?;
        for level in levels(self.one.plan.alert.recordings().collect()) {
            self.run.progress().phase(format!("{}: recording what it stands on", self.one.plan.name));
            let made = self.record(&api, &level).await;
            // Prometheus finds new blocks when it starts.
            self.blocks.end(server).await;
            let made = made?;
            self.blocks
                .add(|into| made.iter().map(|(name, values)| recorded(into, name, values)).sum())
                .await
                .map_err(Err)?;
            (server, api) = self.blocks.serve().await.map_err(Err)?;
        }
        let stages = self.stages(&api, seen, elements).await;
        self.blocks.end(server).await;
        stages
    }

    /// What rules record, each at the evaluations of its group.
    async fn record(
        &self,
        api: &Api,
        rules: &[Rule],
    ) -> Result<Vec<(String, Vec<(i64, f64)>)>, Result<Halt, StackError>> {
        let mut made = Vec::new();
        for rule in rules {
            let group = self.one.plan.alert.loaded.iter().find(|group| group.rules.contains(rule));
            let interval = group.and_then(|group| group.interval).unwrap_or(self.evaluation());
            let found = self.asked(api, &rule.expression, (Duration::ZERO, self.span.end), interval).await;
            let found = found.map_err(|stopped| {
                stopped.map(|why| alert(Stage::Loaded, format!("{} cannot be evaluated: {why}", rule.name)))
            })?;
            for one in found {
                let mut labels = one.labels;
                labels.extend(rule.labels.clone());
                labels.insert("__name__".to_owned(), rule.name.clone());
                labels.retain(|_, value| !value.is_empty());
                made.push((display(&labels), one.values));
            }
        }
        Ok(made)
    }

    /// Groups without an interval of their own.
    fn evaluation(&self) -> Duration {
        self.span.evaluation
    }

    async fn stages(
        &self,
        api: &Api,
        seen: &mut Observation,
        elements: &mut Vec<(Labels, f64)>,
    ) -> Result<(), Result<Halt, StackError>> {
        let (plan, span) = (&self.one.plan, &self.span);
        let rule = &plan.alert.rule;
        self.run.progress().phase(format!("{}: asking Prometheus at every evaluation", plan.name));
        let before = span.fault - span.evaluation * QUIET;
        let quiet = self.asked(api, &rule.expression, (before, span.fault), span.evaluation).await;
        let quiet = quiet.map_err(|stopped| {
            stopped.map(|why| alert(Stage::Loaded, format!("{} cannot be evaluated: {why}", rule.name)))
        })?;
        if let Some(at) = quiet.iter().flat_map(|one| &one.values).map(|(at, _)| *at).min() {
            let value = diagnosis::value(&api.of_moment(moment(at)), plan).await;
            return Err(Ok(alert(Stage::Quiet, format!("active before the fault: {value}"))));
        }
        seen.healthy_scrapes =
            Some(u64::try_from(span.fault.as_millis() / span.step.as_millis()).unwrap_or(u64::MAX));
        seen.scraped = Some(span.step.as_secs_f64());
        let found = self.asked(api, &rule.expression, (span.fault, span.end), span.evaluation).await;
        let found = found.map_err(|stopped| {
            stopped.map(|why| {
                alert(Stage::Pending, format!("the evaluation of the rule ends in an error: {why}"))
            })
        })?;
        if let Some(twins) = twins(&found) {
            return Err(Ok(alert(Stage::Pending, twins)));
        }
        let limit =
            plan.alert.loaded.iter().find(|group| group.rules.contains(rule)).map_or(0, |group| group.limit);
        if limit > 0 && most_at_once(&found) > limit {
            let why = format!(
                "it returns more than the {limit} alerts that `limit` of its group allows: Prometheus then has none"
            );
            return Err(Ok(alert(Stage::Pending, why)));
        }
        let grid =
            Grid { first: self.at(span.fault), last: self.at(span.end), interval: millis(span.evaluation) };
        let (hold, keep) = (millis(rule.hold), millis(rule.keep_firing));
        let all: Vec<(&Ranged, Vec<Episode>)> = found
            .iter()
            .map(|one| {
                let times: Vec<i64> = one.values.iter().map(|(at, _)| *at).collect();
                (one, episodes(&times, grid, hold, keep))
            })
            .collect();
        self.pending_and_firing(api, seen, elements, &all).await?;
        if plan.until == Until::Received {
            return Ok(());
        }
        self.ended(api, seen, &all, grid).await.map_err(Ok)
    }

    async fn pending_and_firing(
        &self,
        api: &Api,
        seen: &mut Observation,
        elements: &mut Vec<(Labels, f64)>,
        all: &[(&Ranged, Vec<Episode>)],
    ) -> Result<(), Result<Halt, StackError>> {
        let (plan, span) = (&self.one.plan, &self.span);
        let until_cleared = self.at(span.cleared);
        let early =
            || all.iter().flat_map(|(_, episodes)| episodes).filter(|one| one.active <= until_cleared);
        let last = api.of_moment(moment(until_cleared));
        let patience = span.cleared - span.fault;
        let Some(first) = early().map(|one| one.active).min() else {
            return Err(Ok(alert(Stage::Pending, diagnosis::silent(&last, plan, patience).await)));
        };
        let fired =
            early().filter(|one| one.fired.is_some_and(|at| at <= until_cleared)).min_by_key(|one| one.fired);
        let Some(Episode { active, fired: Some(fired), .. }) = fired.copied() else {
            seen.pending = Some(self.after_fault(first));
            return Err(Ok(alert(Stage::Firing, diagnosis::pending_only(&last, plan, patience).await)));
        };
        (seen.pending, seen.firing) = (Some(self.after_fault(active)), Some(self.after_fault(fired)));
        for (one, episodes) in all {
            let fires = episodes
                .iter()
                .any(|one| one.fired.is_some_and(|at| at <= fired) && one.ended.is_none_or(|at| at > fired));
            if let Some((_, value)) = one.values.iter().find(|(at, _)| *at == fired && fires) {
                elements.push((one.labels.clone(), *value));
            }
        }
        seen.instances = elements.len();
        Ok(())
    }

    /// The first evaluation after clearing at which nothing fires any more.
    async fn ended(
        &self,
        api: &Api,
        seen: &mut Observation,
        all: &[(&Ranged, Vec<Episode>)],
        grid: Grid,
    ) -> Result<(), Halt> {
        let span = &self.span;
        seen.cleared = Some((span.cleared - span.fault).as_secs_f64());
        let firing = |at: i64| {
            let fires = |one: &Episode| {
                one.fired.is_some_and(|fired| fired <= at) && one.ended.is_none_or(|ended| ended > at)
            };
            all.iter().flat_map(|(_, episodes)| episodes).any(fires)
        };
        let cleared = self.at(span.cleared);
        let ended = grid.evaluations().filter(|at| *at > cleared).find(|at| !firing(*at));
        seen.resolved = ended.map(|at| self.after_fault(at));
        if ended.is_some() {
            return Ok(());
        }
        let value = diagnosis::value(&api.of_moment(moment(self.at(span.end))), &self.one.plan).await;
        let waited = super::plan::in_days(span.end - span.cleared);
        let still = format!("still firing {waited} after clearing: {value}");
        let predicted = self.one.plan.prediction.recovery.is_some() && self.one.span.as_ref() == Ok(span);
        Err(if predicted { alert(Stage::Resolved, still) } else { unpredicted(&still) })
    }

    async fn opinion(&self, seen: &Observation) -> Opinion {
        let of_the_replay = |halt: &Halt| matches!(halt.cause, Cause::Alert | Cause::Unpredicted);
        let loaded = seen.halted.as_ref().is_none_or(|halt| halt.stage > Stage::Quiet && of_the_replay(halt));
        if !loaded || seen.halted.as_ref().is_some_and(|halt| halt.reason.contains("ends in an error")) {
            return Opinion::NotAsked("the replay stopped before there was anything to compare".to_owned());
        }
        self.run.progress().phase(format!("{}: asking promtool for a second opinion", self.one.plan.name));
        let from_start =
            |after_fault: f64| self.span.fault + Duration::try_from_secs_f64(after_fault).unwrap_or_default();
        let moments = Moments { firing: seen.firing.map(from_start), ended: seen.resolved.map(from_start) };
        agreement::ask(self.run, self.programs, self.blocks, (self.one, &self.span), moments).await
    }

    /// What an expression returns from one time of the span to another.
    async fn asked(
        &self,
        api: &Api,
        expression: &str,
        (from, to): (Duration, Duration),
        interval: Duration,
    ) -> Result<Vec<Ranged>, Result<String, StackError>> {
        let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
        let (step, last) = (millis(interval), self.at(to));
        let mut first = self.at(from);
        while first <= last {
            let until = last.min(first + step * (AT_ONCE - 1));
            let asked = self.run.stop().guard(api.query_range(expression, (first, until), interval)).await;
            let found = asked.map_err(|_| Err(StackError::Stopped))?.map_err(|error| Ok(error.message()))?;
            for one in found {
                all.entry(one.labels).or_default().extend(one.values);
            }
            first = until + step;
        }
        Ok(all.into_iter().map(|(labels, values)| Ranged { labels, values }).collect())
    }

    fn at(&self, time: Duration) -> i64 {
        self.start + millis(time)
    }

    /// Seconds after the fault.
    fn after_fault(&self, at: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let millis = (at - self.at(self.span.fault)) as f64;
        millis / 1000.0
    }
}

fn moment(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Still firing, where nobody knows for how long that is right.
fn unpredicted(still: &str) -> Halt {
    let why = "after how long this rule ends on these series could not be predicted: give it others, of which it ends sooner, \
               in the --config file";
    Halt { stage: Stage::Resolved, cause: Cause::Unpredicted, reason: format!("{still}; {why}") }
}

fn alert(stage: Stage, reason: String) -> Halt {
    Halt { stage, cause: Cause::Alert, reason }
}

/// Recording rules in the order in which they can be made: each level needs only those before it.
fn levels(mut left: Vec<&Rule>) -> Vec<Vec<Rule>> {
    let mut levels: Vec<Vec<Rule>> = Vec::new();
    while !left.is_empty() {
        let open: BTreeSet<String> = left.iter().map(|rule| rule.name.clone()).collect();
        let ready = |rule: &&Rule| {
            let names = promql_parser::parser::parse(&rule.expression)
                .map(|parsed| expression::metric_names(&parsed))
                .unwrap_or_default();
            !names.iter().any(|name| open.contains(name) && *name != rule.name)
        };
        let (now, later): (Vec<&Rule>, Vec<&Rule>) = left.iter().copied().partition(ready);
        // Rules in a circle see what the others had recorded before: nothing, here.
        let (now, later) = if now.is_empty() { (later, Vec::new()) } else { (now, later) };
        levels.push(now.into_iter().filter(|rule| rule.kind == Kind::Record).cloned().collect());
        left = later;
    }
    levels
}

/// Two elements that would be one alert: Prometheus refuses the whole evaluation.
fn twins(found: &[Ranged]) -> Option<String> {
    let mut seen: BTreeMap<Labels, &Ranged> = BTreeMap::new();
    for one in found {
        let mut labels = one.labels.clone();
        labels.remove("__name__");
        if let Some(other) = seen.get(&labels) {
            let times: BTreeSet<i64> = other.values.iter().map(|(at, _)| *at).collect();
            if one.values.iter().any(|(at, _)| times.contains(at)) {
                return Some(format!(
                    "the evaluation of the rule ends in an error: {} and {} would be one alert",
                    display(&other.labels),
                    display(&one.labels)
                ));
            }
        }
        seen.insert(labels, one);
    }
    None
}

/// The most elements at one evaluation.
fn most_at_once(found: &[Ranged]) -> u64 {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for (at, _) in found.iter().flat_map(|one| &one.values) {
        *counts.entry(*at).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_recorded_after_those_that_they_stand_on() {
        let text = "groups: [{name: a, rules: [{record: c, expr: a + b}, {record: b, expr: 'sum(a)'}, {record: a, expr: x}, \
                    {record: self, expr: self + 1}]}]";
        let groups = crate::rules::manifest::read(text).unwrap();
        let names: Vec<Vec<String>> = levels(groups[0].rules.iter().collect())
            .into_iter()
            .map(|level| level.into_iter().map(|rule| rule.name).collect())
            .collect();
        assert_eq!(names, [vec!["a", "self"], vec!["b"], vec!["c"]]);
    }

    #[test]
    fn what_would_be_one_alert_is_found() {
        let ranged = |name: &str, at: i64| Ranged {
            labels: Labels::from([("__name__".into(), name.into()), ("job".into(), "a".into())]),
            values: vec![(at, 1.0)],
        };
        assert!(twins(&[ranged("x", 1), ranged("y", 1)]).is_some());
        assert!(twins(&[ranged("x", 1), ranged("y", 2)]).is_none());
        assert_eq!(most_at_once(&[ranged("x", 1), ranged("y", 1)]), 2);
    }
}
