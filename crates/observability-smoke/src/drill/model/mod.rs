//! A small model of PromQL over the series of a fixture: it predicts when a condition becomes true, and finds
//! series that make it so. Pure.
//!
//! It is no judge: whether an alert fires is told by a real Prometheus. What it does not know it says
//! ([`Unknown`]), and then nothing is predicted. Time zero is the fault; before it the series are healthy.

mod aggregation;
mod functions;
mod matching;

use std::{cell::Cell, time::Duration};

use promql_parser::{
    label::Matcher,
    parser::{AtModifier, Expr, Offset, VectorSelector},
};

use super::series::{Labels, Series, Switches};
use crate::rules::expression;

/// What keeps the model from a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unknown {
    /// The model does not know this part of PromQL.
    #[error("{0} is not known to the prediction")]
    Unsupported(String),
    /// Prometheus would end in an error too.
    #[error("{0}")]
    Wrong(String),
}

/// One element of an instant vector.
pub(crate) type Element = (Labels, f64);
/// One series of a range vector: its samples as time and value.
pub(crate) type Ranged = (Labels, Vec<(f64, f64)>);

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A number.
    Scalar(f64),
    /// An instant vector.
    Vector(Vec<Element>),
}

impl Value {
    fn vector(self) -> Result<Vec<Element>, Unknown> {
        match self {
            Self::Vector(elements) => Ok(elements),
            Self::Scalar(_) => Err(Unknown::Wrong("a number stands where a vector must".to_owned())),
        }
    }

    fn scalar(self) -> Result<f64, Unknown> {
        match self {
            Self::Scalar(value) => Ok(value),
            Self::Vector(_) => Err(Unknown::Wrong("a vector stands where a number must".to_owned())),
        }
    }
}

/// A recording rule.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    /// The series that it makes.
    pub(crate) name: String,
    /// The labels that it adds.
    pub(crate) labels: Labels,
    /// Its expression.
    pub(crate) expression: Expr,
}

/// The world that is modelled: the series as they are scraped, and the clock.
#[derive(Debug, Clone)]
pub(crate) struct World<'a> {
    /// The series, with the labels that a scrape adds.
    pub(crate) series: Vec<(Labels, &'a Series)>,
    /// What happened to them, in seconds; zero is the fault.
    pub(crate) switches: Switches,
    /// The recording rules.
    pub(crate) recordings: &'a [Recording],
    /// Seconds between two scrapes. The first is at `switches.started`.
    pub(crate) scrape: f64,
    /// Seconds between two evaluations.
    pub(crate) evaluation: f64,
    /// Seconds of the Unix epoch at zero.
    pub(crate) epoch: f64,
    /// How many values were looked at so far: what the evaluation costs.
    pub(crate) looked_at: Cell<u64>,
}

/// Prometheus looks back so far for the last sample of a series, in seconds.
const LOOKBACK: f64 = 300.0;

/// A value of an instant vector costs so many of a range: its labels are copied.
const INSTANT: u64 = 10;

/// Rounding of times.
const EPSILON: f64 = 1e-6;

impl World<'_> {
    /// What the expression comes to at time `at`.
    pub(crate) fn evaluate(&self, expression: &Expr, at: f64) -> Result<Value, Unknown> {
        match expression {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::Paren(paren) => self.evaluate(&paren.expr, at),
            Expr::Unary(unary) => Ok(match self.evaluate(&unary.expr, at)? {
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(elements) => Value::Vector(functions::map(elements, |value| -value)),
            }),
            Expr::VectorSelector(selector) => self
                .instant(selector, shifted(selector.offset.as_ref(), selector.at.as_ref(), at)?)
                .map(Value::Vector),
            Expr::Call(call) => functions::call(self, call, at),
            Expr::Aggregate(aggregate) => aggregation::aggregate(self, aggregate, at),
            Expr::Binary(binary) => matching::binary(self, binary, at),
            Expr::StringLiteral(_) => Err(Unknown::Wrong("a text stands where a value must".to_owned())),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err(Unknown::Wrong("a range stands where a value must".to_owned()))
            }
            Expr::Extension(_) => Err(Unknown::Unsupported("an extension".to_owned())),
        }
    }

    /// Whether the alert's condition is true at time `at`: the expression returns something.
    pub(crate) fn is_true(&self, expression: &Expr, at: f64) -> Result<bool, Unknown> {
        Ok(match self.evaluate(expression, at)? {
            // Prometheus makes a vector of one element of it.
            Value::Scalar(_) => true,
            Value::Vector(elements) => !elements.is_empty(),
        })
    }

    fn instant(&self, selector: &VectorSelector, at: f64) -> Result<Vec<Element>, Unknown> {
        let matchers = matchers(selector)?;
        let mut found = Vec::new();
        if let Some(scrape) = self.last_scrape(at) {
            for (labels, series) in self.series.iter().filter(|(labels, _)| fit(&matchers, labels)) {
                self.looked_at.set(self.looked_at.get() + INSTANT);
                if let Some(value) = series.value(&self.switches, scrape) {
                    found.push((labels.clone(), value));
                }
            }
        }
        for recording in self.recordings_of(&matchers) {
            found.extend(self.recorded(recording, &matchers, at)?);
        }
        Ok(found)
    }

    fn recordings_of(&self, matchers: &[Matcher]) -> impl Iterator<Item = &Recording> {
        self.recordings.iter().filter(move |recording| {
            matchers.iter().any(|m| m.name == "__name__")
                && matchers.iter().filter(|m| m.name == "__name__").all(|m| m.is_match(&recording.name))
        })
    }

    fn recorded(
        &self,
        recording: &Recording,
        matchers: &[Matcher],
        at: f64,
    ) -> Result<Vec<Element>, Unknown> {
        let elements = match self.evaluate(&recording.expression, at)? {
            Value::Scalar(value) => vec![(Labels::new(), value)],
            Value::Vector(elements) => elements,
        };
        let named = elements.into_iter().map(|(mut labels, value)| {
            labels.insert("__name__".to_owned(), recording.name.clone());
            labels.extend(recording.labels.clone());
            (labels, value)
        });
        Ok(named.filter(|(labels, _)| fit(matchers, labels)).collect())
    }

    /// The time of the last scrape that is not after `at`.
    fn last_scrape(&self, at: f64) -> Option<f64> {
        let index = ((at - self.switches.started) / self.scrape + EPSILON).floor();
        let scrape = self.switches.started + index * self.scrape;
        (index >= 0.0 && at - scrape <= LOOKBACK).then_some(scrape)
    }

    /// The samples of a range selector or a subquery.
    fn range(&self, expression: &Expr, at: f64) -> Result<(Vec<Ranged>, f64, f64), Unknown> {
        match expression {
            Expr::Paren(paren) => self.range(&paren.expr, at),
            Expr::MatrixSelector(matrix) => {
                let end = shifted(matrix.vs.offset.as_ref(), matrix.vs.at.as_ref(), at)?;
                let start = end - matrix.range.as_secs_f64();
                Ok((self.samples(&matrix.vs, start, end)?, start, end))
            }
            Expr::Subquery(subquery) => {
                let end = shifted(subquery.offset.as_ref(), subquery.at.as_ref(), at)?;
                let start = end - subquery.range.as_secs_f64();
                let step = subquery.step.map_or(self.evaluation, |step: Duration| step.as_secs_f64());
                let samples = self
                    .collect(start, end, step, &mut |time| self.evaluate(&subquery.expr, time)?.vector())?;
                Ok((samples, start, end))
            }
            _ => Err(Unknown::Wrong("a value stands where a range must".to_owned())),
        }
    }

    fn samples(&self, selector: &VectorSelector, start: f64, end: f64) -> Result<Vec<Ranged>, Unknown> {
        let matchers = matchers(selector)?;
        let zero = self.switches.started;
        let mut ranged: Vec<Ranged> = Vec::new();
        for (labels, series) in self.series.iter().filter(|(labels, _)| fit(&matchers, labels)) {
            let mut index = ((start - zero) / self.scrape - EPSILON).ceil().max(0.0);
            let mut samples = Vec::new();
            while zero + index * self.scrape <= end + EPSILON {
                let time = zero + index * self.scrape;
                self.looked_at.set(self.looked_at.get() + 1);
                samples.extend(series.value(&self.switches, time).map(|value| (time, value)));
                index += 1.0;
            }
            if !samples.is_empty() {
                ranged.push((labels.clone(), samples));
            }
        }
        for recording in self.recordings_of(&matchers) {
            ranged.extend(self.collect(start, end, self.evaluation, &mut |time| {
                self.recorded(recording, &matchers, time)
            })?);
        }
        Ok(ranged)
    }

    /// Evaluates step by step, and turns the vectors into series.
    fn collect(
        &self,
        start: f64,
        end: f64,
        step: f64,
        evaluate: &mut dyn FnMut(f64) -> Result<Vec<Element>, Unknown>,
    ) -> Result<Vec<Ranged>, Unknown> {
        let mut ranged: Vec<Ranged> = Vec::new();
        // Before the first scrape there is nothing.
        let first = ((start.max(self.switches.started)) / step).ceil();
        let mut index = first;
        while index * step <= end + EPSILON {
            let time = index * step;
            for (labels, value) in evaluate(time)? {
                match ranged.iter_mut().find(|(known, _)| *known == labels) {
                    Some((_, samples)) => samples.push((time, value)),
                    None => ranged.push((labels, vec![(time, value)])),
                }
            }
            index += 1.0;
        }
        Ok(ranged)
    }
}

fn matchers(selector: &VectorSelector) -> Result<Vec<Matcher>, Unknown> {
    expression::matchers(selector).ok_or_else(|| Unknown::Unsupported("a selector with `or`".to_owned()))
}

/// Whether labels fit all matchers; a label that is not there is empty.
pub(crate) fn fit(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name).map_or("", String::as_str)))
}

fn shifted(offset: Option<&Offset>, at_modifier: Option<&AtModifier>, at: f64) -> Result<f64, Unknown> {
    if at_modifier.is_some() {
        return Err(Unknown::Unsupported("`@`".to_owned()));
    }
    Ok(match offset {
        None => at,
        Some(Offset::Pos(by)) => at - by.as_secs_f64(),
        Some(Offset::Neg(by)) => at + by.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests;
