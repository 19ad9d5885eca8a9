//! What took how long: measured, predicted, and against the objective. Pure.

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement};

use super::{
    super::{
        alert_plan::{AlertPlan, Level},
        checks,
        observation::Observation,
        seconds,
        spread::Spread,
    },
    unreached,
};

/// The trial that decides: the one in which the alert stopped, or else the slowest.
#[must_use]
pub(crate) fn decisive(rounds: &[Observation]) -> Option<&Observation> {
    let slowest = |one: &&Observation, other: &&Observation| {
        let time = |seen: &Observation| seen.time_to_notify().unwrap_or_default();
        time(one).total_cmp(&time(other))
    };
    rounds.iter().find(|seen| seen.halted.is_some()).or_else(|| rounds.iter().max_by(slowest))
}

/// The times to notify of all trials.
#[must_use]
pub(crate) fn times(rounds: &[Observation]) -> Option<Spread> {
    Spread::of(rounds.iter().filter_map(Observation::time_to_notify))
}

/// The time to notify, against the objective.
pub(super) fn time_to_notify(plan: &AlertPlan, rounds: &[Observation]) -> Finding {
    let name = &plan.name;
    let times = times(rounds);
    if let (Some(by), Some(took)) = (plan.time_scale, times) {
        let reason = format!(
            "{took} was measured on a copy {by} times as fast: it is not the time of the rule as written",
        );
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    }
    let Some(objective) = plan.objective else {
        let reason = match times {
            Some(took) => format!("measured {took}; no objective was given (--objective DURATION)"),
            None => "no objective was given (--objective DURATION)".to_owned(),
        };
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    };
    let expected = format!("at most {}", seconds(objective.as_secs_f64()));
    let replayed =
        if plan.level == Level::Replay { ": replayed to the firing, measured from there" } else { "" };
    match times {
        None => unreached(&checks::TIME_TO_NOTIFY, name, "no notification was received").expected(expected),
        Some(took) if took.greatest <= objective.as_secs_f64() => {
            checks::TIME_TO_NOTIFY.passed(name).expected(expected).observed(format!("{took}{replayed}"))
        }
        Some(took) => {
            checks::TIME_TO_NOTIFY.failed(name).expected(expected).observed(format!("{took}{replayed}"))
        }
    }
}

/// With an accelerated copy the prediction for the rule as written is all that stands against the objective.
pub(super) fn predicted_delay(plan: &AlertPlan) -> Finding {
    let name = &plan.name;
    let prediction = &plan.prediction_as_written;
    let predicted = prediction.until_notified();
    let sum = format!("{} = {}", seconds(predicted.as_secs_f64()), prediction.sum());
    let Some(objective) = plan.objective else {
        let reason = format!("{sum}; no objective was given (--objective DURATION)");
        return checks::PREDICTED_DELAY.not_checked(Requirement::Optional, name, reason);
    };
    let finding = match (predicted <= objective, plan.time_scale) {
        (true, _) => checks::PREDICTED_DELAY.passed(name),
        (false, None) => checks::PREDICTED_DELAY.warned(name),
        (false, Some(_)) => checks::PREDICTED_DELAY.failed(name),
    };
    finding.expected(format!("at most {}", seconds(objective.as_secs_f64()))).observed(sum)
}

/// What was measured, and what was predicted.
#[must_use]
pub(crate) fn measurements(plan: &AlertPlan, rounds: &[Observation]) -> Vec<Measurement> {
    let labelled = |metric: &str, value: f64| {
        let measurement = Measurement::seconds(metric, value).label("alert", &plan.name);
        match plan.time_scale {
            Some(by) => measurement.label("time_scale", by.to_string()),
            None if plan.level == Level::Replay => measurement.label("replayed", "true"),
            None => measurement,
        }
    };
    let mut measured = Vec::new();
    if let Some(took) = times(rounds) {
        let measurement = labelled("time_to_notify_seconds", took.greatest);
        measured.push(match plan.objective.filter(|_| plan.time_scale.is_none()) {
            Some(objective) => {
                measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)))
            }
            None => measurement,
        });
        if took.count > 1 {
            measured.push(labelled("time_to_notify_median_seconds", took.median));
            measured.push(labelled("time_to_notify_min_seconds", took.least));
        }
    }
    let resolved = rounds.iter().filter_map(|seen| Some(seen.resolved? - seen.cleared?));
    if let Some(took) = Spread::of(resolved) {
        measured.push(labelled("time_to_resolve_seconds", took.greatest));
    }
    let predicted = plan.prediction.until_notified().as_secs_f64();
    measured.push(labelled("predicted_time_to_notify_seconds", predicted));
    measured
}
