//! What a finished drill proves, and what it does not. Pure.

use std::time::Duration;

use super::{
    checks::{CLOCK, CONTRACT, FOLLOW_UPS, LEAD, LOG, OUTCOME, RECOVERY, REVISIONS},
    entry::{Finish, Kind, Moment, Start, Success, What},
    story::{Story, clock},
};
use crate::record::{Decimal, Finding, Measurement, Objective, Requirement, Stage, Timeline};

/// Every finding about a drill.
pub(super) fn assess(story: &Story<'_>) -> Vec<Finding> {
    let Some(start) = story.history.start() else {
        return vec![LOG.inconclusive("drill").expected("a log with a beginning").observed("it has none")];
    };
    let finish = story.history.finish().map(|(_, finish)| finish);
    let mut findings = vec![
        outcome(start, finish),
        log(story, start),
        clocks(story, start),
        lead(story, start),
        recovery(story, start),
        follow_ups(start, finish),
    ];
    if start.kind == Kind::Rollback {
        findings.push(revisions(start));
        findings.push(contract(start, finish));
    }
    findings
}

fn outcome(start: &Start, finish: Option<&Finish>) -> Finding {
    let title = start.title.as_str();
    let said = finish
        .and_then(|finish| finish.summary.as_deref())
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    let finding = match finish.map(|finish| finish.outcome) {
        Some(Success::Achieved) => OUTCOME.passed(title),
        Some(Success::Partly) => OUTCOME.warned(title),
        Some(Success::Missed) => OUTCOME.failed(title),
        None => OUTCOME.inconclusive(title),
    };
    let word = finish.map_or("it was not finished", |finish| finish.outcome.word());
    finding
        .expected(start.objective.as_deref().unwrap_or("its objective reached"))
        .observed(format!("{word}{said}"))
}

/// A drill that nobody wrote anything about between its ends shows nothing.
fn log(story: &Story<'_>, start: &Start) -> Finding {
    let notes = story.history.entries.iter().filter(|entry| matches!(entry.what, What::Note { .. })).count();
    let expected = "a whole log with at least one note";
    let damage = &story.history.damage;
    let broken = damage.iter().find(|damage| damage.contains("does not follow"));
    if let Some(worst) = broken.or(damage.first()) {
        let more = damage.len() - 1;
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let finding = if broken.is_some() {
            LOG.failed(&start.title)
        } else {
            let remedy =
                "Nothing is to be mended: a line was being written when its machine or disk gave up.";
            LOG.warned(&start.title).remedy(remedy)
        };
        return finding.expected(expected).observed(format!("{worst}{more}"));
    }
    let finding = if notes == 0 { LOG.inconclusive(&start.title) } else { LOG.passed(&start.title) };
    finding.expected(expected).observed(format!("{notes} notes in {}", clock(story.length())))
}

fn clocks(story: &Story<'_>, start: &Start) -> Finding {
    let finding = match story.steps.first() {
        None => CLOCK.passed(&start.title).observed("none was set"),
        Some(_) => CLOCK.warned(&start.title).observed(story.steps.join("; ")),
    };
    finding.expected("clocks that nobody sets")
}

fn lead(story: &Story<'_>, start: &Start) -> Finding {
    let roles = story.roles();
    let told: Vec<_> = roles.iter().map(|role| format!("{} {}", role.role, role.name)).collect();
    let finding = match roles.iter().any(|role| role.role == "lead") {
        true => LEAD.passed(&start.title).observed(told.join(", ")),
        false if told.is_empty() => LEAD.warned(&start.title).observed("nobody has a role"),
        false => LEAD.warned(&start.title).observed(told.join(", ")),
    };
    finding.expected("somebody leads")
}

fn recovery(story: &Story<'_>, start: &Start) -> Finding {
    let recovered = story.moment(Moment::Recovered);
    let Some(within) = start.within_seconds.map(Duration::from_secs) else {
        let reason = "no time was agreed on (--within)";
        return RECOVERY.not_checked(Requirement::Optional, &start.title, reason);
    };
    let expected = format!("within {}", clock(within));
    let finding = match recovered {
        None => {
            let reason = "nobody noted the recovery (drill note --moment recovered …)";
            return RECOVERY.not_checked(Requirement::Required, &start.title, reason).expected(expected);
        }
        Some(after) => {
            let finding =
                if after <= within { RECOVERY.passed(&start.title) } else { RECOVERY.failed(&start.title) };
            let later = story.noted_later(Moment::Recovered);
            let later =
                if later.is_zero() { String::new() } else { format!(", noted {} later", clock(later)) };
            finding.observed(format!("after {}{later}", clock(after)))
        }
    };
    finding.expected(expected)
}

fn follow_ups(start: &Start, finish: Option<&Finish>) -> Finding {
    let expected = "each with an owner and a day";
    let title = start.title.as_str();
    let all = finish.map(|finish| finish.follow_ups.as_slice()).unwrap_or_default();
    let loose: Vec<_> = all.iter().filter(|one| one.owner.is_none() || one.due.is_none()).collect();
    let achieved = finish.is_some_and(|finish| finish.outcome == Success::Achieved);
    let finding = match (all.len(), loose.as_slice()) {
        (0, _) if achieved => FOLLOW_UPS.passed(title).observed("none was needed"),
        (0, _) => FOLLOW_UPS.warned(title).observed("none, though the objective was not reached"),
        (_, [one, ..]) => FOLLOW_UPS.warned(title).observed(format!("without owner or day: {}", one.what)),
        (number, []) => FOLLOW_UPS.passed(title).observed(format!("{number}")),
    };
    finding.expected(expected)
}

fn revisions(start: &Start) -> Finding {
    let expected = "two revisions that differ";
    match (&start.from_revision, &start.to_revision) {
        (Some(from), Some(to)) if from == to => {
            REVISIONS.failed(&start.title).expected(expected).observed(format!("from {from} to the same"))
        }
        (Some(from), Some(to)) => {
            REVISIONS.passed(&start.title).expected(expected).observed(format!("from {from} to {to}"))
        }
        _ => {
            let reason = "not both were named at the start (--from-revision, --to-revision)";
            REVISIONS.not_checked(Requirement::Required, &start.title, reason).expected(expected)
        }
    }
}

fn contract(start: &Start, finish: Option<&Finish>) -> Finding {
    let expected = "the same digest before and after";
    match (&start.contract, finish.and_then(|finish| finish.contract.as_ref())) {
        (Some(before), Some(after)) if before.sha256 == after.sha256 => {
            let observed = format!("{}: sha256 {} both times", after.path, short(&after.sha256));
            CONTRACT.passed(&start.title).expected(expected).observed(observed)
        }
        (Some(before), Some(after)) => {
            let (was, is) = (short(&before.sha256), short(&after.sha256));
            let observed = format!("{}: sha256 {was} before, {is} after", after.path);
            CONTRACT.failed(&start.title).expected(expected).observed(observed)
        }
        _ => {
            let reason =
                "no contract was named at the start (--contract), or it could not be read at the end";
            CONTRACT.not_checked(Requirement::Required, &start.title, reason).expected(expected)
        }
    }
}

/// The beginning of a digest: what tells two apart at a glance. The log has the whole.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// What the log measures.
pub(super) fn measurements(story: &Story<'_>) -> Vec<Measurement> {
    let Some(start) = story.history.start() else { return Vec::new() };
    let one = |name: &str, duration: Duration| {
        Measurement::seconds(format!("drill_{name}_seconds"), duration.as_secs_f64())
            .label("kind", start.kind.word())
    };
    let mut measurements: Vec<_> =
        [Moment::Detected, Moment::Acknowledged, Moment::Mitigated, Moment::Recovered]
            .iter()
            .filter_map(|moment| Some((moment, story.moment(*moment)?)))
            .map(|(moment, after)| {
                let measurement = one(moment.word(), after);
                match start.within_seconds.filter(|_| *moment == Moment::Recovered) {
                    Some(within) => measurement.objective(Objective::AtMost(Decimal::from(within))),
                    None => measurement,
                }
            })
            .collect();
    measurements.push(one("duration", story.length()));
    measurements
}

/// The timeline that people read: every entry an instant.
pub(super) fn timeline(story: &Story<'_>) -> Timeline {
    let stages = story.in_order().into_iter().map(|(entry, at)| {
        let (name, text) = told(&entry.what);
        let note = format!("{} {}: {text}", entry.happened().strftime("%H:%M:%S"), entry.by);
        Stage { name, start: at, end: at, note }
    });
    Timeline { zero: "the start of the drill".into(), stages: stages.collect() }
}

/// What an entry is, and what it says.
pub(super) fn told(what: &What) -> (String, String) {
    match what {
        What::Start(start) => ("start".into(), start.title.clone()),
        What::Note { text, moment, ago_seconds } => {
            let name = moment.map_or_else(|| "note".into(), |moment| moment.word().to_uppercase());
            let later = ago_seconds.map(|ago| format!(" (noted {} later)", clock(Duration::from_secs(ago))));
            (name, format!("{text}{}", later.unwrap_or_default()))
        }
        What::Role(role) => ("role".into(), format!("{} is {}", role.role, role.name)),
        What::Finish(finish) => {
            let more = finish.summary.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
            ("finish".into(), format!("{}{more}", finish.outcome.word()))
        }
    }
}
