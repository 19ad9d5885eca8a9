//! What a recovery of another size would take: from this tool's own history, with its range, and never judged
//! as if it had been measured.

mod arithmetic;
mod history;

use std::time::Duration;

use evidence_report::record::{Finding, Measurement, Requirement};

use self::arithmetic::Forecast;
pub(crate) use self::{
    arithmetic::{Growth, Sample, forecast},
    history::{beside, kept, last_dump},
};
use crate::{
    checks::RECOVERY_FORECAST,
    size::shown,
    wording::{counted, seconds},
};

/// How a database was recovered: only like is scaled from like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From a dump.
    Logical,
    /// From the files of a cluster.
    Physical,
}

impl Way {
    /// The stage that grows with the size; everything else of a recovery does not, about.
    pub(crate) fn scaling_stage(self) -> &'static str {
        match self {
            Self::Logical => "restore",
            Self::Physical => "fetched",
        }
    }

    /// How that stage grows.
    pub(crate) fn growth(self) -> Growth {
        match self {
            Self::Logical => Growth::Sorted,
            Self::Physical => Growth::Copied,
        }
    }

    /// How it is kept for later forecasts.
    fn name(self) -> &'static str {
        match self {
            Self::Logical => "dump",
            Self::Physical => "files",
        }
    }
}

/// What is said about a forecast: above the objective it warns; below it proves nothing.
pub(crate) fn judge(
    bytes: u64,
    made: Option<&Forecast>,
    earlier: usize,
    way: Way,
    objective: Option<Duration>,
) -> (Finding, Vec<Measurement>) {
    let subject = format!("a database of {}", shown(bytes));
    let Some(made) = made else {
        let reason = "no recovery was measured that it could be scaled from";
        return (RECOVERY_FORECAST.not_checked(Requirement::Optional, subject, reason), Vec::new());
    };
    let words = words(made, earlier, way);
    let measured = |bound: &str, time: Duration| {
        Measurement::seconds("recovery_time_forecast_seconds", time.as_secs_f64())
            .label("bound", bound)
            .label("figure", "forecast")
            .label("bytes", bytes.to_string())
    };
    let measurements = vec![measured("shortest", made.shortest), measured("longest", made.longest)];
    let finding = match objective {
        Some(limit) if made.longest > limit => RECOVERY_FORECAST
            .warned(subject)
            .expected(format!("at most {}, also at its longest", seconds(limit)))
            .observed(words),
        _ => {
            let reason = format!("a forecast proves nothing: rehearse with that size. {words}");
            RECOVERY_FORECAST.not_checked(Requirement::Optional, subject, reason)
        }
    };
    (finding, measurements)
}

fn words(made: &Forecast, earlier: usize, way: Way) -> String {
    let (worst, best) = made.throughput;
    let throughput = match shown(worst) == shown(best) {
        true => shown(best),
        false => format!("{} to {}", shown(worst), shown(best)),
    };
    let range = match (shown_alike(made), way) {
        (true, _) => format!("{}, without a range", seconds(made.shortest)),
        (false, Way::Logical) => {
            format!(
                "{} to {} (at the longest, indexes take n log n)",
                seconds(made.shortest),
                seconds(made.longest)
            )
        }
        (false, Way::Physical) => format!("{} to {}", seconds(made.shortest), seconds(made.longest)),
    };
    let from = match earlier {
        0 => "this run alone (no earlier evidence of this database stands beside this one)".to_owned(),
        _ => format!("{}, this one included", counted(made.samples as u64, "rehearsal")),
    };
    format!(
        "forecast, not measured: {range}, from {from}: restored at {throughput} a second, {:.1} times the largest size \
         that was measured; other hardware and a larger number of tables are not in it",
        made.factor
    )
}

fn shown_alike(made: &Forecast) -> bool {
    seconds(made.shortest) == seconds(made.longest)
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_forecast_warns_above_the_objective_and_never_passes() {
        let second = Duration::from_secs(1);
        let samples = [Sample { bytes: 1000, recovery: second * 15, scaling: second * 10 }];
        let made = forecast(10_000, &samples, Growth::Copied);
        let judged = |limit| judge(10_000, made.as_ref(), 0, Way::Physical, limit).0;
        assert_eq!(judged(Some(second * 104)).outcome, Outcome::Warned);
        for limit in [Some(second * 105), None] {
            assert_eq!(judged(limit).outcome, Outcome::NotChecked(Requirement::Optional));
            assert!(judged(limit).observed.contains("this run alone"), "{}", judged(limit).observed);
        }
        assert!(judge(1, None, 0, Way::Logical, None).1.is_empty());
    }
}
