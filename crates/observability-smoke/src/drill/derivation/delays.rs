//! When the condition becomes true after the fault, and false again after it: the worst phase of the scrapes.

use super::{Question, world};
use crate::{
    drill::{model::World, series::Series},
    rules::expression,
};

/// How long after the first scrape of the fault the condition becomes true, and how long after the first
/// scrape of the healthy series it becomes false again; in seconds, `None` where the model cannot tell.
pub(crate) fn delays(question: &Question<'_>, series: &[Series]) -> (Option<f64>, Option<f64>) {
    let faulty = world(question, series, None);
    let Some(condition) = first_scrape(question.scrape, |at| is(question, &faulty, at, true)) else {
        return (None, None);
    };
    let recovery = recovery(question, series, condition + question.hold + question.evaluation);
    (Some(at_worst(question, condition)), recovery)
}

/// How long after the first scrape of the healthy series the condition becomes false again, when the fault lasts so
/// long; in seconds, `None` where the model cannot tell.
pub(crate) fn recovery(question: &Question<'_>, series: &[Series], fault: f64) -> Option<f64> {
    // On a scrape, so that the next one shows the healthy series.
    let cleared = (fault / question.scrape).ceil() * question.scrape;
    let healthy = world(question, series, Some(cleared));
    let recovery = first_scrape(question.scrape, |at| is(question, &healthy, cleared + at, false))?;
    Some(at_worst(question, recovery))
}

fn is(question: &Question<'_>, world: &World<'_>, at: f64, truth: bool) -> bool {
    world.is_true(question.expression, at).is_ok_and(|now| now == truth)
}

/// A range sees the fault (or its end) between two scrapes only in part: whole at the next scrape.
fn at_worst(question: &Question<'_>, at: f64) -> f64 {
    let expressions =
        std::iter::once(question.expression).chain(question.recordings.iter().map(|r| &r.expression));
    let ranged = expressions.filter_map(expression::longest_range).next().is_some();
    at - question.scrape + if ranged { question.scrape } else { 0.0 }
}

/// So far ahead is looked, in seconds: a day and an hour.
const HORIZON: f64 = 90_000.0;

/// The first scrape after zero at which something holds that goes on to hold.
fn first_scrape(scrape: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut before, mut index) = (0.0, 1.0);
    while !holds(index * scrape) {
        if index * scrape > HORIZON {
            return None;
        }
        before = index;
        // One by one at first; then in growing steps, and back by halves.
        index = if index < 20.0 { index + 1.0 } else { (index * 1.3_f64).floor() };
    }
    while index - before > 1.0 {
        let middle = ((index + before) / 2.0).floor();
        if holds(middle * scrape) { index = middle } else { before = middle }
    }
    Some(index * scrape)
}
