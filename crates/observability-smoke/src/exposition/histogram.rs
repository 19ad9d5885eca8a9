//! What has to fit together within one histogram or summary: the samples of one family that differ only in
//! `le` or `quantile`. Both formats are checked by it; where they differ, the caller says so.

use std::borrow::Cow;

use super::{number, problem::Rule};

/// What a sample is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The sample bears the family's name.
    Plain,
    /// `_bucket`
    Bucket,
    /// `_sum`, or `_gsum`
    Sum,
    /// `_count`, or `_gcount`
    Count,
    /// `_total`
    Total,
    /// `_created`
    Created,
    /// `_info`
    Info,
}

/// What was seen of one histogram or summary so far.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The line of its first sample.
    pub(super) line: u64,
    /// That sample's name and labels, at most 120 characters.
    pub(super) text: String,
    bound: Option<f64>,
    cumulative: f64,
    infinite: Option<f64>,
    count: Option<f64>,
    sum: Option<f64>,
    below_zero: bool,
    quantile: Option<f64>,
}

/// A broken rule, and what to say about it.
pub(super) type Broken = (Rule, Cow<'static, str>);

/// So many characters of a series are kept, to be shown.
const KEPT: usize = 120;

impl Group {
    pub(super) fn new(line: u64, text: &str) -> Self {
        Self {
            line,
            text: if text.len() <= KEPT { text.to_owned() } else { text.chars().take(KEPT).collect() },
            bound: None,
            cumulative: 0.0,
            infinite: None,
            count: None,
            sum: None,
            below_zero: false,
            quantile: None,
        }
    }

    /// A bucket up to `bound`. Cumulative counts never go down as the bounds go up.
    pub(super) fn bucket(&mut self, bound: f64, count: f64) -> Result<(), Broken> {
        let before = self.bound.replace(bound);
        let below = std::mem::replace(&mut self.cumulative, count);
        self.below_zero |= bound < 0.0;
        if bound == f64::INFINITY {
            self.infinite = Some(count);
        }
        if before == Some(bound) {
            let bound = number::show(bound);
            return Err((
                Rule::RepeatedBound,
                format!("the bucket of {bound} stands twice: Prometheus 3 writes le in one way, and drops the second")
                    .into(),
            ));
        }
        if before.is_some_and(|before| before > bound) {
            let before = before.unwrap_or_default();
            return Err((
                Rule::Bucket,
                format!(
                    "the buckets must stand in the order of le, and {} comes after {}",
                    number::show(bound),
                    number::show(before)
                )
                .into(),
            ));
        }
        if !number::counts(count) {
            return Err((Rule::Bucket, "the count of a bucket is a number not below zero".into()));
        }
        if before.is_some() && count < below {
            let message = format!(
                "the counts of buckets are cumulative, and {count} is less than the {below} of the bucket before"
            );
            return Err((Rule::Bucket, message.into()));
        }
        Ok(())
    }

    /// A quantile of a summary.
    pub(super) fn quantile(&mut self, quantile: f64) -> Result<(), Broken> {
        match self.quantile.replace(quantile) {
            Some(before) if before == quantile => Err((
                Rule::RepeatedBound,
                format!(
                    "the quantile {quantile} stands twice: Prometheus 3 writes it in one way, and drops the second"
                )
                .into(),
            )),
            Some(before) if before > quantile => Err((
                Rule::Quantile,
                format!("the quantiles must stand in order, and {quantile} comes after {before}").into(),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn sum(&mut self, sum: f64) {
        self.sum = Some(sum);
    }

    pub(super) fn count(&mut self, count: f64) {
        self.count = Some(count);
    }

    /// What is missing or contradicts itself in a histogram of Prometheus text, now that all was seen.
    pub(super) fn check_prometheus_histogram(&self) -> Option<Broken> {
        let Some(infinite) = self.infinite else {
            return Some((Rule::Histogram, "the histogram has no bucket le=\"+Inf\"".into()));
        };
        match self.count {
            None => Some((Rule::Histogram, "the histogram has no _count".into())),
            Some(count) if !same(count, infinite) => Some(disagree(count, infinite)),
            Some(_) if self.sum.is_none() => Some((Rule::NoSum, "the histogram has no _sum".into())),
            Some(_) => None,
        }
    }

    /// The same for a summary.
    pub(super) fn check_prometheus_summary(&self) -> Option<Broken> {
        match (self.count, self.sum) {
            (None, _) => Some((Rule::NoSum, "the summary has no _count".into())),
            (_, None) => Some((Rule::NoSum, "the summary has no _sum".into())),
            _ => None,
        }
    }

    /// The same for a histogram of OpenMetrics, whose sum and count come together or not at all, and whose
    /// sum may not stand beside buckets below zero: it could go down.
    pub(super) fn check_openmetrics_histogram(&self) -> Option<Broken> {
        let Some(infinite) = self.infinite else {
            return Some((Rule::Histogram, "the histogram has no bucket le=\"+Inf\"".into()));
        };
        if let Some(count) = self.count.filter(|&count| !same(count, infinite)) {
            return Some(disagree(count, infinite));
        }
        match (self.sum, self.count) {
            (Some(_), None) => Some((Rule::Histogram, "the histogram has a _sum and no _count".into())),
            (Some(_), _) if self.below_zero => {
                Some((Rule::Histogram, "a histogram with buckets below zero has no _sum".into()))
            }
            (None, Some(_)) if !self.below_zero => {
                Some((Rule::Histogram, "the histogram has a _count and no _sum".into()))
            }
            _ => None,
        }
    }

    /// The same for a gauge histogram, whose sum may be below zero if buckets are.
    pub(super) fn check_gauge_histogram(&self) -> Option<Broken> {
        let Some(infinite) = self.infinite else {
            return Some((Rule::Histogram, "the gauge histogram has no bucket le=\"+Inf\"".into()));
        };
        if let Some(count) = self.count.filter(|&count| !same(count, infinite)) {
            return Some(disagree(count, infinite));
        }
        match (self.sum, self.count) {
            (Some(_), None) => {
                Some((Rule::Histogram, "the gauge histogram has a _gsum and no _gcount".into()))
            }
            (None, Some(_)) => {
                Some((Rule::Histogram, "the gauge histogram has a _gcount and no _gsum".into()))
            }
            (Some(sum), _) if sum < 0.0 && !self.below_zero => {
                Some((Rule::Histogram, "the _gsum is below zero, and no bucket is".into()))
            }
            _ => None,
        }
    }
}

#[expect(clippy::float_cmp, reason = "both are written by the same exporter, from the same counter")]
fn same(count: f64, infinite: f64) -> bool {
    count == infinite
}

fn disagree(count: f64, infinite: f64) -> Broken {
    (Rule::Histogram, format!("the _count is {count}, and the bucket le=\"+Inf\" says {infinite}").into())
}
