//! The timeline of an alert: what was measured, beside what was predicted. Pure.

use std::time::Duration;

use evidence_report::record::{Stage as Shown, Timeline};

use super::{observation::Observation, prediction::Prediction, seconds};

/// The timeline of what was observed; `None` before the fault.
#[must_use]
pub(crate) fn timeline(alert: &str, observation: &Observation, prediction: &Prediction) -> Option<Timeline> {
    let fault = observation.fault?;
    let at_most = |by: Duration| format!("predicted at most {}", seconds(by.as_secs_f64()));
    let mut stages = vec![instant(
        "fault",
        0.0,
        match (observation.hooked, observation.replayed) {
            (true, _) => "its command started",
            (_, true) => "the last healthy sample",
            _ => "series switched to faulty",
        }
        .to_owned(),
    )];
    // Up to the firing, and of the end, the moments are those of the blocks.
    let by =
        |what: &str| if observation.replayed { "replayed over blocks".to_owned() } else { what.to_owned() };
    let mut add = |name, time: Option<f64>, note: String| {
        let Some(time) = time else { return };
        // Prometheus stamps an evaluation with the time it was planned for, some milliseconds before it sees
        // the scrape: a stage is never shown before the one that caused it.
        let before = stages.last().map_or(0.0, |stage: &Shown| stage.start.as_secs_f64());
        stages.push(instant(name, (time - fault).max(before), note));
    };
    add("scraped", observation.scraped, at_most(prediction.intervals.scrape));
    add(
        "pending",
        observation.pending,
        format!("{}; {}", at_most(prediction.until_pending()), by("Prometheus' activeAt")),
    );
    add(
        "firing",
        observation.firing,
        format!("{}; {}", at_most(prediction.until_firing()), by("Prometheus' evaluation")),
    );
    add("in Alertmanager", observation.accepted, "as Alertmanager's API says".to_owned());
    add(
        "received",
        observation.received,
        format!("{}; read whole by our webhook", at_most(prediction.until_notified())),
    );
    if let Some(cleared) = observation.cleared {
        add(
            "cleared",
            observation.cleared,
            if observation.hooked { "its command has ended it" } else { "series switched to healthy" }
                .to_owned(),
        );
        let by = at_most(prediction.until_resolved());
        let measured = observation.resolved.map_or(0.0, |resolved| resolved - cleared);
        add("resolved", observation.resolved, format!("{} after clearing, {by}", seconds(measured)));
    }
    Some(Timeline { zero: format!("the fault of {alert}"), stages })
}

fn instant(name: &str, offset: f64, note: String) -> Shown {
    let at = Duration::try_from_secs_f64(offset).unwrap_or_default();
    Shown { name: name.to_owned(), start: at, end: at, note }
}

#[cfg(test)]
mod tests {
    use super::super::prediction::{Grouping, Intervals};
    use super::*;

    fn prediction() -> Prediction {
        let second = Duration::from_secs(1);
        Prediction {
            intervals: Intervals {
                scrape: second,
                evaluation: second,
                recording: Duration::ZERO,
                offset: Duration::ZERO,
            },
            grouping: Grouping { wait: Duration::ZERO, interval: second },
            condition: Some(Duration::ZERO),
            hold: Duration::ZERO,
            recovery: None,
            range: Duration::ZERO,
            keep_firing: Duration::ZERO,
            settling: Duration::ZERO,
        }
    }

    #[test]
    fn before_the_fault_there_is_no_timeline() {
        assert_eq!(timeline("A", &Observation::default(), &prediction()), None);
    }

    #[test]
    fn what_was_not_reached_is_not_shown_and_no_stage_comes_before_its_cause() {
        let observation = Observation {
            fault: Some(10.0),
            scraped: Some(10.5),
            pending: Some(10.498),
            ..Observation::default()
        };
        let shown = timeline("A", &observation, &prediction()).unwrap();
        let stages: Vec<_> = shown.stages.iter().map(|s| (s.name.as_str(), s.start.as_millis())).collect();
        assert_eq!(stages, [("fault", 0), ("scraped", 500), ("pending", 500)]);
    }
}
