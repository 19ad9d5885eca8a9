//! How each measurement went from run to run, in one environment: numbers, and a line that people read at a
//! glance.

use serde::Serialize;

use super::line::RunLine;
use crate::record::{Decimal, Environment, Objective, v1::Label};

/// One measurement over the runs in which it was made.
///
/// ```
/// use evidence_report::history::{Chain, Point, Trend, trends};
///
/// let newest = |trend: &Trend| trend.points.last().map(|Point { run, value }| (*run, value.to_f64()));
/// let all: Vec<Trend> = trends(Chain::read("").runs());
/// assert!(all.iter().all(|trend| newest(trend).is_some()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// Where it was measured.
    pub environment: Environment,
    /// Metric name.
    pub metric: String,
    /// Labels.
    pub labels: Vec<Label>,
    /// Unit.
    pub unit: String,
    /// The objective that it was held against last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// The values, the oldest first.
    pub points: Vec<Point>,
    /// In how many runs the objective of that run was missed.
    pub missed: usize,
}

/// The value in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The number of the run.
    pub run: u64,
    /// The value.
    pub value: Decimal,
}

/// The trends of all measurements, in the order in which they are first met; runs that were interrupted are
/// left out, for their numbers are of half a run.
#[must_use]
pub fn trends<'r>(runs: impl IntoIterator<Item = &'r RunLine>) -> Vec<Trend> {
    let mut trends: Vec<Trend> = Vec::new();
    for run in runs.into_iter().filter(|run| !run.interrupted) {
        for measurement in &run.measurements {
            let same = |trend: &&mut Trend| {
                trend.environment == run.environment
                    && trend.metric == measurement.metric
                    && trend.labels == measurement.labels
                    && trend.unit == measurement.unit
            };
            let point = Point { run: run.number, value: measurement.value.clone() };
            let missed = usize::from(measurement.met == Some(false));
            match trends.iter_mut().find(same) {
                Some(trend) => {
                    trend.points.push(point);
                    trend.missed += missed;
                    trend.objective.clone_from(&measurement.objective);
                }
                None => trends.push(Trend {
                    environment: run.environment,
                    metric: measurement.metric.clone(),
                    labels: measurement.labels.clone(),
                    unit: measurement.unit.clone(),
                    objective: measurement.objective.clone(),
                    points: vec![point],
                    missed,
                }),
            }
        }
    }
    trends
}

impl Trend {
    /// The values as a line of text: the lowest is `▁`, the highest `█`; where all are equal, `▄`.
    ///
    /// ```
    /// # use evidence_report::history::sparkline;
    /// assert_eq!(sparkline([1.0, 2.0, 3.0, 8.0]), "▁▂▃█");
    /// assert_eq!(sparkline([5.0, 5.0]), "▄▄");
    /// ```
    #[must_use]
    pub fn sparkline(&self) -> String {
        sparkline(self.points.iter().map(|point| point.value.to_f64()))
    }
}

/// Values as a line of text; see [`Trend::sparkline`].
#[must_use]
pub fn sparkline(values: impl IntoIterator<Item = f64>) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<_> = values.into_iter().collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = |value: f64| {
        if high <= low {
            return STEPS[3];
        }
        // Between 0 and 7 by construction; halves keep huge numbers finite.
        let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        let index = (1..STEPS.len()).filter(|index| share * 7.0 + 0.5 >= *index as f64).count();
        STEPS[index]
    };
    values.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_low_and_high_whatever_the_size() {
        assert_eq!(sparkline([0.0, 7.0, 3.5]), "▁█▅");
        assert_eq!(sparkline([-1e308, 1e308, 0.0]), "▁█▅");
        assert_eq!(sparkline([]), "");
        assert_eq!(sparkline([3.0]), "▄");
    }
}
