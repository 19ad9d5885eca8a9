//! Derives series from an alert's expression: one or more for each selector, with healthy values for which the
//! condition is false, and faulty ones for which it becomes true. Found by trying values in the [`model`]
//! (which are few and telling: 0, 1, 100, and about the numbers that stand in the expression), and proven
//! later by a real Prometheus. Pure, and the same for the same expression.
//!
//! [`model`]: super::model

mod delays;
mod labels;
mod native;
mod search;
mod slots;

use std::{cell::Cell, collections::BTreeSet};

use promql_parser::parser::{Expr, VectorSelector};

use self::{
    search::{BUDGET, Search},
    slots::{Enrichment, Histograms, Values, slots},
};
use super::{
    fixture::as_scraped,
    model::{Recording, Unknown, Value, World},
    prediction::BASELINE_SCRAPES,
    seconds,
    series::{Labels, Series, Switches},
};
use crate::rules::expression;

pub(crate) use delays::{delays, recovery};

/// What series are derived for.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The alert's expression.
    pub(crate) expression: &'a Expr,
    /// The recording rules that it stands on.
    pub(crate) recordings: &'a [Recording],
    /// Names of labels that the alert's templates show.
    pub(crate) shown: BTreeSet<String>,
    /// Seconds between two scrapes.
    pub(crate) scrape: f64,
    /// Seconds between two evaluations.
    pub(crate) evaluation: f64,
    /// Seconds that the condition must hold.
    pub(crate) hold: f64,
    /// Seconds of the Unix epoch at the fault, about.
    pub(crate) epoch: f64,
    /// For how many seconds the series were healthy before the fault; some scrapes at least.
    pub(crate) history: f64,
}

/// Finds series.
///
/// # Errors
/// A sentence that says why none were found.
pub(crate) fn derive(question: &Question<'_>) -> Result<Vec<Series>, String> {
    if let Some(why) = native::objection(question) {
        return Err(why);
    }
    // With `bool` it is there whatever the values are: series for what it compares show that.
    let compares = expression::without_bool(question.expression);
    let question = &Question {
        expression: compares.as_ref().unwrap_or(question.expression),
        shown: question.shown.clone(),
        ..*question
    };
    let mut reason =
        too_short(question).unwrap_or("no values were found for which it becomes true".to_owned());
    let question = &coarse(question);
    let selectors = selectors(question)?;
    let tried = [Enrichment::Shown, Enrichment::None, Enrichment::Joined];
    let coherent = tried.map(|enrichment| (enrichment, Histograms::Coherent));
    let loose = tried.map(|enrichment| (enrichment, Histograms::Loose));
    let mut before: Vec<Vec<slots::Slot>> = Vec::new();
    for (enrichment, histograms) in coherent.into_iter().chain(loose) {
        let slots = slots(question, &selectors, enrichment, histograms)?;
        // Where no histogram is asked for, both are the same.
        if before.contains(&slots) {
            continue;
        }
        before.push(slots.clone());
        let search = Search { question, slots: &slots, budget: Cell::new(BUDGET) };
        match search.run() {
            Ok(Some(series)) => return Ok(series),
            Ok(None) => {}
            Err(Unknown::Unsupported(what)) => return Err(format!("{what} is not known to the derivation")),
            Err(Unknown::Wrong(why)) => reason = why,
        }
    }
    Err(reason)
}

/// So many scrapes of the longest range are enough to find values; the prediction takes them all.
const SCRAPES_OF_A_RANGE: f64 = 60.0;

/// The same question with scrapes as rare as its ranges and its hold allow.
fn coarse<'a>(question: &Question<'a>) -> Question<'a> {
    let longest = Values::of(question).range.max(question.hold);
    let step = (longest / SCRAPES_OF_A_RANGE).max(question.scrape);
    Question {
        shown: question.shown.clone(),
        scrape: step,
        evaluation: step.max(question.evaluation),
        ..*question
    }
}

/// The selectors of raw series: those of the alert and of its recording rules, without the recorded names.
fn selectors(question: &Question<'_>) -> Result<Vec<VectorSelector>, String> {
    let mut found: Vec<VectorSelector> = Vec::new();
    for selector in all_selectors(question) {
        if !is_recorded(question, &selector) && !found.contains(&selector) {
            found.push(selector);
        }
    }
    if found.is_empty() {
        return Err(without_series(question.expression).to_owned());
    }
    Ok(found)
}

/// A range in which there are no two samples, of which a rate is made.
fn too_short(question: &Question<'_>) -> Option<String> {
    let mut shortest = None;
    expression::walk(question.expression, &mut |part| {
        if let Expr::Call(call) = part
            && matches!(call.func.name, "rate" | "irate" | "increase" | "delta" | "idelta" | "deriv")
            && let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(AsRef::as_ref)
        {
            let range = matrix.range.as_secs_f64();
            shortest = Some(shortest.map_or(range, |other: f64| other.min(range)));
        }
    });
    let (range, scrape) = (shortest?, question.scrape);
    (range < 2.0 * scrape).then(|| {
        format!(
            "its range of {} seldom holds the two samples of which a rate is made, for scrapes come every {}: \
             --scrape-interval gives another interval",
            seconds(range),
            seconds(scrape)
        )
    })
}

/// Why an expression that uses no series cannot be drilled.
fn without_series(whole: &Expr) -> &'static str {
    let clock = [
        "time",
        "minute",
        "hour",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    ];
    let mut looks_at_the_clock = false;
    expression::walk(whole, &mut |part| {
        looks_at_the_clock |= matches!(part, Expr::Call(call) if clock.contains(&call.func.name));
    });
    if looks_at_the_clock {
        "the expression uses no series, only the clock: no fault makes it true"
    } else {
        "the expression uses no series, so that it is always the same, as a dead man's switch is: no fault makes it true"
    }
}

fn all_selectors<'a>(question: &'a Question<'_>) -> impl Iterator<Item = VectorSelector> + 'a {
    let expressions =
        std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression));
    expressions.flat_map(expression::selectors)
}

fn is_recorded(question: &Question<'_>, selector: &VectorSelector) -> bool {
    expression::metric_name(selector)
        .is_some_and(|name| question.recordings.iter().any(|recording| recording.name == name))
}

/// What the selectors of recorded series ask for, and no recording rule adds itself: the raw series must carry it, or
/// nothing that is recorded of them is ever selected.
fn demanded(question: &Question<'_>) -> Labels {
    let mut demanded = Labels::new();
    for selector in all_selectors(question).filter(|selector| is_recorded(question, selector)) {
        for (name, value) in labels::accepted(&selector).unwrap_or_default() {
            demanded.entry(name).or_insert(value);
        }
    }
    let added =
        |name: &String| question.recordings.iter().any(|recording| recording.labels.contains_key(name));
    demanded.retain(|name, _| name != "__name__" && !added(name));
    demanded
}

/// The labels of what the expression returns while the fault lasts; `None` where the model cannot tell.
pub(crate) fn firing(question: &Question<'_>, series: &[Series]) -> Option<Vec<Labels>> {
    let (condition, _) = delays(question, series);
    let world = world(question, series, None);
    match world.evaluate(question.expression, condition? + question.scrape).ok()? {
        Value::Scalar(_) => Some(vec![Labels::new()]),
        Value::Vector(elements) if elements.is_empty() => None,
        Value::Vector(elements) => Some(elements.into_iter().map(|(labels, _)| labels).collect()),
    }
}

/// The world of a question with these series; the fault comes at zero, right after a scrape.
pub(crate) fn world<'a>(question: &Question<'a>, series: &'a [Series], cleared: Option<f64>) -> World<'a> {
    World {
        series: series.iter().map(|one| (as_scraped(&one.labels), one)).collect(),
        switches: Switches {
            started: -(f64::from(BASELINE_SCRAPES) * question.scrape).max(question.history),
            fault: Some(0.0),
            cleared,
        },
        recordings: question.recordings,
        scrape: question.scrape,
        evaluation: question.evaluation,
        epoch: question.epoch,
        looked_at: Cell::new(0),
    }
}

#[cfg(test)]
mod tests;
