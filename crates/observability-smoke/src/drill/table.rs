//! The table of a drill: an alert a row, with its stages, what was predicted, and how much is proven. Pure.

use super::{
    alert_plan::AlertPlan,
    assess,
    observation::{Observation, Stage},
};

const HEAD: [&str; 11] = [
    "alert",
    "proof",
    "scraped",
    "pending",
    "firing",
    "in AM",
    "received",
    "(predicted)",
    "resolved",
    "trials",
    "receiver",
];

/// The rows, with a heading. Times are seconds after the fault; `resolved` after clearing; of several trials the
/// times to `received` are least, median and greatest, the others those of the slowest.
#[must_use]
pub(crate) fn table(rows: &[(&AlertPlan, &[Observation])]) -> Vec<String> {
    let mut cells = vec![HEAD.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|(plan, rounds)| row(plan, rounds)));
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let numeric = (2..10).contains(&column);
            if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

fn row(plan: &AlertPlan, rounds: &[Observation]) -> Vec<String> {
    let proof = match plan.time_scale {
        Some(by) => format!("{}, copy {by}x", plan.level.word()),
        None => plan.level.word().to_owned(),
    };
    let predicted = format!("{:.1}", plan.prediction.until_notified().as_secs_f64());
    let Some(seen) = assess::decisive(rounds) else {
        let mut row = vec![plan.name.clone(), proof];
        row.extend(std::iter::repeat_n("-".to_owned(), 5));
        row.extend([predicted, "-".to_owned(), "0".to_owned(), "not begun".to_owned()]);
        return row;
    };
    let after = |time: Option<f64>| match (time, seen.fault) {
        (Some(time), Some(fault)) => format!("{:.1}", (time - fault).max(0.0)),
        _ => "-".to_owned(),
    };
    let received = match assess::times(rounds) {
        Some(took) if took.count > 1 => {
            format!("{:.1}/{:.1}/{:.1}", took.least, took.median, took.greatest)
        }
        _ => after(seen.received),
    };
    let resolved = match (seen.resolved, seen.cleared) {
        (Some(resolved), Some(cleared)) => format!("{:.1}", (resolved - cleared).max(0.0)),
        _ => "-".to_owned(),
    };
    let last = match (&seen.halted, &seen.notified) {
        (Some(halt), _) => format!("STOPPED, not {}", halt.stage.word()),
        (None, Some(arrived)) if !arrived.receiver.is_empty() => arrived.receiver.clone(),
        (None, _) if seen.reached(Stage::Received) => "reached".to_owned(),
        (None, _) => "-".to_owned(),
    };
    vec![
        plan.name.clone(),
        proof,
        after(seen.scraped),
        after(seen.pending),
        after(seen.firing),
        after(seen.accepted),
        received,
        predicted,
        resolved,
        rounds.len().to_string(),
        last,
    ]
}
