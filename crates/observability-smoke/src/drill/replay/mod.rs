//! The replay: an alert whose `for` takes hours, or whose windows take days, un-shortened and within seconds. Nobody waits
//! for Prometheus; it is asked about a past that promtool made.
//!
//! * [`plan`]: what was asked for; [`span`]: how long it is. `samples`, `states`, `carrier`: the series as text, what
//!   becomes of an alert, what brings it to a receiver. Pure.
//! * `blocks`: promtool and Prometheus. `course`: one alert, from its series to its end. `agreement`: what promtool's own
//!   rule engine says of the same series.
//! * `delivery`: what fired, through the embedded stack to our webhook.
//!
//! It knows nothing of fixtures that are scraped, and of real servers.

use evidence_report::{
    record::{Chart, Environment, Finding, Requirement},
    run::{Run, child::find_program},
};
use futures_util::{StreamExt, stream};

use super::{
    assess,
    checks::{LEFT_OUT, LEVEL, STACK},
    observation::{Cause, Halt, Observation, Stage},
    owed,
    stack::{Programs, StackError, find},
    table, timeline,
};
use crate::rules::manifest;

mod agreement;
mod blocks;
mod carrier;
pub(crate) mod checks;
mod course;
mod delivery;
mod plan;
mod samples;
mod span;
mod states;

use agreement::Opinion;
use course::Replayed;
pub(crate) use plan::ReplayPlan;
use plan::{Replayable, in_days};
use span::Span;
pub(crate) use span::reach_of;

/// So many replays run at once: each has a Prometheus that computes.
const AT_ONCE: usize = 3;

/// The subject of what is said of the servers.
const SERVERS: &str = "prometheus and alertmanager";

/// Replays the alerts of the plan; what is seen goes into `run`.
pub(crate) async fn observe(plan: &ReplayPlan, run: &Run) {
    run.is_really(Environment::Local);
    owed::on_our_stack(run);
    run.owes(checks::OF_REPLAY);
    run.finding(level(plan));
    for (name, reason) in &plan.skipped {
        run.finding(LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    for one in &plan.alerts {
        run.findings(assess::before(&one.plan));
    }
    facts(plan, run);
    let programs = Programs::find(plan.prometheus.as_deref(), plan.alertmanager.as_deref());
    let promtool = promtool(plan);
    let (programs, promtool) = match (programs, promtool) {
        (Ok(programs), Ok(promtool)) => (programs, promtool),
        (Err(error), _) | (_, Err(error)) => {
            run.finding(super::not_begun(SERVERS, &error));
            return plan.alerts.iter().for_each(|one| not_replayed(one, run, &error.to_string()));
        }
    };
    let replayed = replays(plan, run, &programs, promtool).await;
    let fired: Vec<(usize, &Replayed)> = replayed
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((place, one.as_ref().ok()?)))
        .filter(|(_, one)| !one.elements.is_empty())
        .collect();
    let mut seen: Vec<Vec<Observation>> =
        replayed.iter().map(|one| one.iter().map(|one| one.seen.clone()).collect()).collect();
    if fired.is_empty() {
        let why = "no alert fired in its replay: there was nothing to deliver";
        run.finding(STACK.not_checked(Requirement::Optional, SERVERS, why));
    } else {
        delivered(plan, run, &programs, &fired, &mut seen).await;
    }
    for ((one, replayed), rounds) in plan.alerts.iter().zip(&replayed).zip(&seen) {
        conclude(one, replayed, rounds, run);
    }
    show(plan, run, &seen);
}

/// promtool comes with Prometheus: beside the program that was named, or on `PATH`.
fn promtool(plan: &ReplayPlan) -> Result<std::path::PathBuf, StackError> {
    let beside = plan.prometheus.as_ref().map(|path| path.with_file_name("promtool"));
    let named = beside.filter(|path| find_program(path).is_some());
    find("promtool", "prometheus", &["promtool"], named.as_deref())
}

/// Why there was no replay.
#[derive(Debug)]
enum NotReplayed {
    /// It could not be made.
    Why(String),
    /// Prometheus would not load the rule, as promtool says.
    Refused(String),
}

/// What came of each alert's replay, in their order.
async fn replays(
    plan: &ReplayPlan,
    run: &Run,
    programs: &Programs,
    promtool: std::path::PathBuf,
) -> Vec<Result<Replayed, NotReplayed>> {
    let programs = blocks::Programs { prometheus: programs.prometheus.clone(), promtool };
    // Collected first: a stream that borrows its closure cannot be held over a wait.
    let work: Vec<_> = (0..plan.alerts.len()).map(|place| one_replay(plan, run, &programs, place)).collect();
    stream::iter(work).buffered(AT_ONCE).collect().await
}

async fn one_replay(
    plan: &ReplayPlan,
    run: &Run,
    programs: &blocks::Programs,
    place: usize,
) -> Result<Replayed, NotReplayed> {
    let one = &plan.alerts[place];
    let mut span = match &one.span {
        Ok(span) => *span,
        Err(why) => {
            let refused = match one.plan.expression {
                None => agreement::refusal(run, programs, one, place).await,
                Some(_) => None,
            };
            return Err(refused.map_or_else(|| NotReplayed::Why(why.clone()), NotReplayed::Refused));
        }
    };
    let why = |error: StackError| NotReplayed::Why(error.to_string());
    let mut replayed = course::replay(run, programs, (place, one, span), plan.fault).await.map_err(why)?;
    // Before an alert is blamed, its windows are given the time to fill: the prediction may be too short.
    if replayed.seen.is_kept_from_firing()
        && let Some(longer) = span.longer().and_then(|longer| plan::bounded(&one.plan, longer).ok())
    {
        span = longer;
        replayed = course::replay(run, programs, (place, one, span), plan.fault).await.map_err(why)?;
    }
    let what = match replayed.seen.firing {
        Some(at) => format!("fires {} after the fault", super::seconds(at)),
        None => "did not fire".to_owned(),
    };
    run.progress().note(format!("{}: replayed over {}: {what}", one.plan.name, in_days(span.end)));
    Ok(replayed)
}

/// Brings what fired to the webhook, and joins what was seen of it with the replays.
async fn delivered(
    plan: &ReplayPlan,
    run: &Run,
    programs: &Programs,
    fired: &[(usize, &Replayed)],
    seen: &mut [Vec<Observation>],
) {
    let delivered = delivery::deliver(plan, run, programs, fired).await;
    let alone = delivered.stacks.len() == 1;
    for (number, (_, outcome)) in delivered.stacks.into_iter().enumerate() {
        let stack = if alone { SERVERS.to_owned() } else { format!("{SERVERS} (stack {})", number + 1) };
        if let Some((_, error)) = outcome.not_begun.first() {
            run.finding(super::not_begun(&stack, error));
        }
        for (place, error) in &outcome.not_begun {
            let reason = format!("what fired in the replay was not delivered: {error}");
            let halted = Halt { stage: Stage::Accepted, cause: Cause::Environment, reason };
            seen[*place].iter_mut().for_each(|one| one.halted = Some(halted.clone()));
        }
        let all: Vec<&Observation> = outcome.seen.iter().flat_map(|(_, rounds)| rounds).collect();
        if !all.is_empty() {
            run.finding(assess::stack(&stack, &all));
        }
        if number == 0 {
            outcome.versions.iter().for_each(|(name, version)| run.fact(*name, version));
        }
        for (place, rounds) in &outcome.seen {
            if let (Some(replayed), Some(delivered)) = (seen[*place].first().cloned(), rounds.first()) {
                seen[*place] = vec![delivery::joined(&replayed, delivered)];
            }
        }
    }
}

fn conclude(one: &Replayable, replayed: &Result<Replayed, NotReplayed>, rounds: &[Observation], run: &Run) {
    let replayed = match replayed {
        Ok(replayed) => replayed,
        Err(NotReplayed::Why(why)) => return not_replayed(one, run, why),
        Err(NotReplayed::Refused(said)) => return refused(one, run, said),
    };
    let span = &replayed.span;
    let name = &one.plan.name;
    run.finding(checks::REPLAYED.passed(name).expected(un_shortened(one, span)).observed(format!(
        "{} of blocks, {} samples, {} evaluations every {}",
        in_days(span.end),
        replayed.samples,
        span.evaluations(),
        super::seconds(span.evaluation.as_secs_f64()),
    )));
    let expected = "fires and ends at the same evaluations in `promtool test rules`";
    run.finding(match &replayed.opinion {
        Opinion::Same => {
            let what =
                if replayed.seen.firing.is_some() { "the same" } else { "it does not fire there either" };
            checks::AGREES.passed(name).expected(expected).observed(what)
        }
        Opinion::Other(said) => checks::AGREES.inconclusive(name).expected(expected).observed(said),
        Opinion::NotAsked(why) => checks::AGREES.not_checked(Requirement::Optional, name, why),
    });
    let asks = carrier::asks(&one.plan.alert.rule);
    for finding in assess::after(&one.plan, rounds) {
        if asks && finding.check.id == super::checks::CONTENT.id {
            let why = "its templates ask Prometheus for series, and those of the replay are not those of the moment";
            run.finding(super::checks::CONTENT.not_checked(Requirement::Optional, name, why));
        } else {
            run.finding(finding);
        }
    }
    for measurement in assess::measurements(&one.plan, rounds) {
        run.measurement(measurement);
    }
}

/// What of the rule is not shortened.
fn un_shortened(one: &Replayable, span: &Span) -> String {
    let rule = &one.plan.alert.rule;
    let mut parts = Vec::new();
    if !rule.hold.is_zero() {
        parts.push(format!("`for` {}", in_days(rule.hold)));
    }
    if !rule.keep_firing.is_zero() {
        parts.push(format!("keep_firing_for {}", in_days(rule.keep_firing)));
    }
    if !span.reach.is_zero() {
        parts.push(format!("{} of looking back", in_days(span.reach)));
    }
    if parts.is_empty() {
        "the rule as written".to_owned()
    } else {
        format!("{} un-shortened", parts.join(", "))
    }
}

/// A rule that Prometheus would not load never fires.
fn refused(one: &Replayable, run: &Run, said: &str) {
    run.finding(super::refused(&one.plan, said));
    run.findings(assess::not_reached(&one.plan, "the rule is refused"));
}

fn not_replayed(one: &Replayable, run: &Run, why: &str) {
    let name = &one.plan.name;
    run.findings(assess::not_reached(&one.plan, "it was not replayed"));
    if one.plan.fixture.is_err() {
        // Why, and what to do, stands with its series.
        let finding = checks::REPLAYED.not_checked(Requirement::Required, name, "there are no series for it");
        return run.finding(finding.remedy(""));
    }
    let finding = checks::REPLAYED.inconclusive(name).expected("a replay over the rule's whole length");
    let finding = finding.observed(why);
    run.finding(if one.span.is_err() {
        finding.remedy("Give the coarser intervals where some are named; otherwise drill it with --embedded.")
    } else {
        finding
    });
}

fn level(plan: &ReplayPlan) -> Finding {
    let longest =
        plan.alerts.iter().filter_map(|one| Some(one.span.as_ref().ok()?.end)).max().unwrap_or_default();
    let routes = if plan.routes.is_some() { "by your own Alertmanager configuration " } else { "" };
    LEVEL.not_checked(
        Requirement::Optional,
        "your exporter, routes and receivers",
        format!(
            "level of proof: replayed: expression, `for` and windows un-shortened over up to {} of blocks made by promtool, \
             asked of a real Prometheus; the notification posted: a rule of ours with the alert's labels, annotations and \
             value brought it {routes}through a real Alertmanager of ours to our own webhook; scrapes, the phase of the \
             intervals, your exporter and your receivers are not part of it",
            in_days(longest)
        ),
    )
}

fn facts(plan: &ReplayPlan, run: &Run) {
    if let Some(routes) = &plan.routes {
        run.fact(
            "Alertmanager configuration",
            format!("{}, {}", routes.path.display(), routes.configuration.digest),
        );
    }
    run.fact("Fault replayed at", plan.fault.to_string());
    if let [one] = plan.alerts.as_slice() {
        let rule = &one.plan.alert.rule;
        run.fact("Alert", format!("{} ({}:{})", rule.name, one.plan.alert.path.display(), rule.line));
        run.fact("Intervals", one.plan.intervals_in_words());
        run.fact("Series", one.plan.source_in_words());
        run.detail("Rule as it was replayed", &manifest::write(&one.plan.alert.loaded));
        run.detail("Series: healthy → faulty", &one.plan.series_in_words());
        return;
    }
    run.fact("Alerts", plan.alerts.len().to_string());
    let series = plan
        .alerts
        .iter()
        .map(|one| format!("{}\n{}", one.plan.name, super::indented(&one.plan.series_in_words())));
    run.detail("Series: healthy → faulty", &series.collect::<Vec<_>>().join("\n"));
}

/// The timeline of one alert, or the table of many.
fn show(plan: &ReplayPlan, run: &Run, seen: &[Vec<Observation>]) {
    if let ([one], [rounds]) = (plan.alerts.as_slice(), seen) {
        let decisive = assess::decisive(rounds);
        let subject = format!("{} (replayed)", one.plan.name);
        if let Some(timeline) =
            decisive.and_then(|seen| timeline::timeline(&subject, seen, &one.plan.prediction))
        {
            run.timeline(timeline);
        }
        return;
    }
    let rows: Vec<_> =
        plan.alerts.iter().zip(seen).map(|(one, rounds)| (&one.plan, rounds.as_slice())).collect();
    run.chart(Chart {
        title: "Replayed alerts, in seconds after the fault".to_owned(),
        lines: table::table(&rows),
    });
}
