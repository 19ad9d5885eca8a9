//! Charts as inline SVG: how a number went from run to run, and when certificates end. Each has a title that a
//! screen reader reads; the numbers themselves stand in a table beside it. Pure.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::view::{Course, Expiry, day};
use crate::record::{Objective, Verdict};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 84.0;
/// Room for dots at the edges.
const EDGE: f64 = 6.0;

/// The values as a line, the objective as a dashed one. A value that misses it is a triangle, not only another
/// colour.
pub(super) fn course(course: &Course, title: &str) -> Markup {
    let values: Vec<f64> = course.trend.points.iter().map(|point| point.value.to_f64()).collect();
    let limit = course.trend.objective.as_ref().map(|objective| match objective {
        Objective::AtMost(limit) | Objective::AtLeast(limit) => limit.to_f64(),
    });
    let high = values.iter().copied().chain(limit).fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let low = values.iter().copied().chain(limit).fold(0.0_f64, f64::min);
    let steps = values.len().saturating_sub(1).max(1) as f64;
    let place = |index: usize, value: f64| {
        // A single value stands in the middle.
        let share = if values.len() == 1 { 0.5 } else { index as f64 / steps };
        (EDGE + share * (WIDTH - 2.0 * EDGE), height(value, low, high))
    };
    let line: Vec<String> = (values.iter().enumerate())
        .map(|(index, value)| place(index, *value))
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    html! {
        svg class="course" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            @if let Some(limit) = limit {
                @let y = format!("{:.1}", height(limit, low, high));
                line class="limit" x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
            }
            polyline points=(line.join(" ")) {}
            @for (index, value) in values.iter().enumerate() {
                @let (x, y) = place(index, *value);
                @if is_missed(*value, course.trend.objective.as_ref()) {
                    path class="missed" d=(format!("M{x:.1} {:.1}l5 9h-10z", y - 6.0)) {}
                } @else {
                    circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}"))
                        r=(if index + 1 == values.len() { "3.5" } else { "2" }) {}
                }
            }
        }
    }
}

fn height(value: f64, low: f64, high: f64) -> f64 {
    // Halves keep huge numbers finite.
    let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    HEIGHT - EDGE - share.clamp(0.0, 1.0) * (HEIGHT - 2.0 * EDGE)
}

pub(super) fn is_missed(value: f64, objective: Option<&Objective>) -> bool {
    match objective {
        Some(Objective::AtMost(limit)) => value > limit.to_f64(),
        Some(Objective::AtLeast(limit)) => value < limit.to_f64(),
        None => false,
    }
}

/// The marks of the time axis: what is near takes more room than what is far.
const MARKS: [(f64, &str); 7] = [
    (0.0, "now"),
    (1.0, "1 d"),
    (7.0, "7 d"),
    (30.0, "30 d"),
    (90.0, "90 d"),
    (365.0, "1 y"),
    (3650.0, "10 y"),
];

/// How far along the axis so many days from now are: 0 to 1.
fn along(days: f64) -> f64 {
    let last = MARKS.len() - 1;
    let segment = MARKS.windows(2).position(|pair| days < pair[1].0).unwrap_or(last - 1);
    let (from, to) = (MARKS[segment].0, MARKS[segment + 1].0);
    let within = ((days - from) / (to - from)).clamp(0.0, 1.0);
    (segment as f64 + within) / last as f64
}

/// One bar a certificate, on one axis for all.
pub(super) fn bar(expiry: &Expiry, now: Timestamp) -> Markup {
    let left: SignedDuration = now.duration_until(expiry.at);
    let days = left.as_secs_f64() / 86_400.0;
    let width = format!("{:.1}", along(days.max(0.0)) * 300.0 + 2.0);
    let class = match expiry.outcome {
        Verdict::Failed => "bad",
        Verdict::Warned | Verdict::Inconclusive => "soon",
        Verdict::Passed => "good",
    };
    html! {
        svg class=(format!("bar {class}")) viewBox="0 0 304 14" preserveAspectRatio="none" role="img"
            aria-label=(format!("ends {}", day(expiry.at))) {
            @for (index, _) in MARKS.iter().enumerate() {
                @let x = format!("{:.1}", index as f64 / 6.0 * 300.0 + 1.0);
                line class="mark" x1=(x) x2=(x) y1="0" y2="14" {}
            }
            @if days < 0.0 {
                path d="M1 2l9 10M10 2l-9 10" {}
            } @else {
                rect x="1" y="4" width=(width) height="6" rx="2" {}
            }
        }
    }
}

/// The words of the axis.
pub(super) fn axis() -> Markup {
    html! {
        span class="axis" aria-hidden="true" {
            @for (_, word) in MARKS { span { (word) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_rises_from_now_to_ten_years_and_ends_there() {
        assert_eq!(along(0.0), 0.0);
        assert_eq!(along(3650.0), 1.0);
        assert_eq!(along(1e9), 1.0);
        let places: Vec<f64> = [0.5, 1.0, 6.9, 7.0, 29.0, 31.0, 364.0, 400.0].map(along).to_vec();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn whatever_the_numbers_are_the_line_stays_within_the_picture() {
        for (value, low, high) in [(0.0, 0.0, f64::MIN_POSITIVE), (1e308, -1e308, 1e308), (-5.0, -5.0, 3.0)] {
            let y = height(value, low, high);
            assert!((EDGE..=HEIGHT - EDGE).contains(&y), "{value}: {y}");
        }
    }
}
