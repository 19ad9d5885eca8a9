//! A comparison for people, what became worse first; and for programs.

use std::fmt::Write;

use super::comparison::{Change, Comparison, Direction, Moved, Side};
use crate::record::{
    Objective,
    v1::{OutcomeRecord, one_line},
};

/// So many of a kind are shown to people.
const SHOWN: usize = 20;

pub(super) fn json(comparison: &Comparison) -> String {
    serde_json::to_string_pretty(comparison).unwrap_or_default() + "\n"
}

pub(super) fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    let (before, after) = (&comparison.before, &comparison.after);
    let verdicts = if before.verdict == after.verdict {
        format!("{} as before", after.verdict)
    } else {
        format!("{}, was {}", after.verdict, before.verdict)
    };
    let counts = format!(
        "{} new, {} changed, {} resolved, {} as before",
        comparison.new.len(),
        comparison.changed.len(),
        comparison.resolved.len(),
        comparison.unchanged
    );
    let lost = match comparison.no_longer_made.len() {
        0 => String::new(),
        1 => "; LESS was told: 1 check is no longer made".to_owned(),
        number => format!("; LESS was told: {number} checks are no longer made"),
    };
    let missed = comparison.measurements.iter().filter(|moved| newly_missed(moved)).count();
    let missed = if missed > 0 { format!("; {missed} newly MISSED") } else { String::new() };
    let _ = writeln!(out, "{verdicts}: {}: {counts}{missed}{lost}.", one_line(&after.title));
    let _ = writeln!(out, "  before  {}\n  after   {}", side(before), side(after));
    for limit in &comparison.limits {
        let _ = writeln!(out, "  note    {limit}");
    }
    changes(&mut out, "New", &comparison.new);
    changes(&mut out, "Changed", &comparison.changed);
    if !comparison.no_longer_made.is_empty() {
        let _ = writeln!(out, "\nNo longer made: {}", comparison.no_longer_made.join(", "));
    }
    if !comparison.newly_made.is_empty() {
        let _ = writeln!(out, "\nNewly made: {}", comparison.newly_made.join(", "));
    }
    changes(&mut out, "Resolved", &comparison.resolved);
    measurements(&mut out, &comparison.measurements);
    out
}

fn side(side: &Side) -> String {
    let commit = side
        .commit
        .as_ref()
        .map_or(String::new(), |commit| format!(", commit {}", commit.chars().take(12).collect::<String>()));
    format!(
        "{} · {} · finished {} · version {}{commit}",
        side.verdict, side.environment, side.finished, side.version
    )
}

fn changes(out: &mut String, title: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}:");
    for change in changes.iter().take(SHOWN) {
        let outcome = |outcome: Option<OutcomeRecord>| outcome.map_or("not there", OutcomeRecord::words);
        let what = format!("{} → {}", outcome(change.was), outcome(change.is));
        let _ = writeln!(out, "  {what}  {} ({}): {}", change.subject, change.check, change.observed);
    }
    if changes.len() > SHOWN {
        let _ = writeln!(out, "  … and {} more (--format json tells all)", changes.len() - SHOWN);
    }
}

fn measurements(out: &mut String, moved: &[Moved]) {
    let mut telling: Vec<_> = moved.iter().filter(|moved| moved.direction != Direction::Same).collect();
    let same = moved.len() - telling.len();
    if moved.is_empty() {
        return;
    }
    let rank = |moved: &&Moved| {
        (!newly_missed(moved), moved.direction != Direction::Worse, moved.objective.is_none())
    };
    telling.sort_by_key(rank);
    let _ = writeln!(out, "\nMeasurements ({same} as before):");
    for moved in telling.iter().take(SHOWN) {
        let _ = writeln!(out, "  {}", measurement(moved));
    }
    if telling.len() > SHOWN {
        let _ = writeln!(out, "  … and {} more (--format json tells all)", telling.len() - SHOWN);
    }
}

fn newly_missed(moved: &Moved) -> bool {
    moved.met == Some(false) && moved.was_met != Some(false)
}

fn measurement(moved: &Moved) -> String {
    let labels: Vec<_> = moved.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let word = match moved.direction {
        Direction::Better => "better",
        Direction::Worse => "WORSE",
        Direction::Same => "same",
        Direction::Higher => "higher",
        Direction::Lower => "lower",
        Direction::New => "new",
        Direction::Gone => "no longer measured",
    };
    let value =
        |value: &Option<crate::record::Decimal>| value.as_ref().map_or("–".to_owned(), ToString::to_string);
    let mut text = format!(
        "{word}: {}{labels} {} → {} {}",
        moved.metric,
        value(&moved.was),
        value(&moved.is),
        moved.unit
    );
    let limit = |objective: &Objective| match objective {
        Objective::AtMost(limit) => format!("at most {limit}"),
        Objective::AtLeast(limit) => format!("at least {limit}"),
    };
    if let Some(objective) = &moved.objective {
        let met = match (moved.was_met, moved.met) {
            (Some(false), Some(true)) => ", met again",
            (_, Some(false)) => ", MISSED",
            (_, Some(true)) => ", met",
            _ => "",
        };
        let _ = write!(text, " ({}{met})", limit(objective));
    }
    if let Some(was) = &moved.objective_was {
        let _ = write!(text, " (the objective was {})", limit(was));
    }
    text
}
