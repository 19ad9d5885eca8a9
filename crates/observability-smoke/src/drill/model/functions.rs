//! Functions of PromQL, as Prometheus 2 computes them.

use promql_parser::parser::{Call, Expr};

use super::{Element, Unknown, Value, World, matchers};
use crate::{drill::series::Labels, rules::expression};

pub(super) fn map(elements: Vec<Element>, apply: impl Fn(f64) -> f64) -> Vec<Element> {
    let one = |(mut labels, value): Element| {
        labels.remove("__name__");
        (labels, apply(value))
    };
    elements.into_iter().map(one).collect()
}

pub(super) fn call(world: &World<'_>, call: &Call, at: f64) -> Result<Value, Unknown> {
    let arguments = Arguments { world, call, at };
    let name = call.func.name;
    if let Some(found) = over_time(name, &arguments)? {
        return Ok(Value::Vector(found));
    }
    let plain: Option<fn(f64) -> f64> = match name {
        "abs" => Some(f64::abs),
        "ceil" => Some(f64::ceil),
        "floor" => Some(f64::floor),
        "sqrt" => Some(f64::sqrt),
        "exp" => Some(f64::exp),
        "ln" => Some(f64::ln),
        "log2" => Some(f64::log2),
        "log10" => Some(f64::log10),
        "sgn" => Some(|value| if value == 0.0 { 0.0 } else { value.signum() }),
        "sort" | "sort_desc" => Some(|value| value),
        _ => None,
    };
    if let Some(apply) = plain {
        return Ok(Value::Vector(map(arguments.vector(0)?, apply)));
    }
    let vector = match name {
        "time" => return Ok(Value::Scalar(world.epoch + at)),
        "pi" => return Ok(Value::Scalar(std::f64::consts::PI)),
        "scalar" => {
            let elements = arguments.vector(0)?;
            return Ok(Value::Scalar(if elements.len() == 1 { elements[0].1 } else { f64::NAN }));
        }
        "vector" => vec![(Labels::new(), arguments.scalar(0)?)],
        "round" => {
            let nearest = if call.args.args.len() > 1 { arguments.scalar(1)? } else { 1.0 };
            map(arguments.vector(0)?, |value| (value / nearest + 0.5).floor() * nearest)
        }
        "clamp" => {
            let (least, most) = (arguments.scalar(1)?, arguments.scalar(2)?);
            map(arguments.vector(0)?, |value| value.max(least).min(most))
        }
        "clamp_min" => {
            let least = arguments.scalar(1)?;
            map(arguments.vector(0)?, |value| value.max(least))
        }
        "clamp_max" => {
            let most = arguments.scalar(1)?;
            map(arguments.vector(0)?, |value| value.min(most))
        }
        "absent" if arguments.vector(0)?.is_empty() => vec![(absent_labels(&call.args.args[0]), 1.0)],
        "absent_over_time" if world.range(&call.args.args[0], at)?.0.is_empty() => {
            vec![(absent_labels(&call.args.args[0]), 1.0)]
        }
        "absent" | "absent_over_time" => Vec::new(),
        "histogram_quantile" => histogram_quantile(arguments.scalar(0)?, arguments.vector(1)?),
        "label_replace" => label_replace(&arguments)?,
        other => return Err(Unknown::Unsupported(format!("the function {other}"))),
    };
    Ok(Value::Vector(vector))
}

struct Arguments<'a> {
    world: &'a World<'a>,
    call: &'a Call,
    at: f64,
}

impl Arguments<'_> {
    fn expression(&self, index: usize) -> Result<&Expr, Unknown> {
        let missing = || Unknown::Wrong(format!("{} lacks an argument", self.call.func.name));
        self.call.args.args.get(index).map(|argument| &**argument).ok_or_else(missing)
    }

    fn vector(&self, index: usize) -> Result<Vec<Element>, Unknown> {
        self.world.evaluate(self.expression(index)?, self.at)?.vector()
    }

    fn scalar(&self, index: usize) -> Result<f64, Unknown> {
        self.world.evaluate(self.expression(index)?, self.at)?.scalar()
    }

    fn text(&self, index: usize) -> Result<&str, Unknown> {
        match self.expression(index)? {
            Expr::StringLiteral(text) => Ok(&text.val),
            _ => Err(Unknown::Wrong(format!("{} needs a text", self.call.func.name))),
        }
    }
}

/// The functions of a range vector. `None` when the function is none of them.
fn over_time(name: &str, arguments: &Arguments<'_>) -> Result<Option<Vec<Element>>, Unknown> {
    let (argument, parameter) = match name {
        "quantile_over_time" => (1, arguments.scalar(0)?),
        "predict_linear" => (0, arguments.scalar(1)?),
        _ => (0, 0.0),
    };
    let known = name.ends_with("_over_time") && name != "absent_over_time";
    let rates =
        ["rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear", "changes", "resets"];
    if !known && !rates.contains(&name) {
        return Ok(None);
    }
    let (ranged, start, end) = arguments.world.range(arguments.expression(argument)?, arguments.at)?;
    let window = Window { start, end, at: arguments.at };
    let mut found = Vec::new();
    for (mut labels, samples) in ranged {
        if name != "last_over_time" {
            labels.remove("__name__");
        }
        found.extend(one_series(name, parameter, &samples, &window)?.map(|value| (labels, value)));
    }
    Ok(Some(found))
}

struct Window {
    start: f64,
    end: f64,
    at: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples")]
fn one_series(
    name: &str,
    parameter: f64,
    samples: &[(f64, f64)],
    window: &Window,
) -> Result<Option<f64>, Unknown> {
    let count = samples.len() as f64;
    let values = || samples.iter().map(|(_, value)| *value);
    let sum: f64 = values().sum();
    let variance = || values().map(|value| (value - sum / count).powi(2)).sum::<f64>() / count;
    let last_two = || samples.len().checked_sub(2).map(|before| (samples[before], samples[before + 1]));
    let pairs = || samples.windows(2);
    Ok(match name {
        "rate" => extrapolated(samples, window, true).map(|increase| increase / (window.end - window.start)),
        "increase" => extrapolated(samples, window, true),
        "delta" => extrapolated(samples, window, false),
        "irate" => last_two().map(|(before, last)| {
            let growth = if last.1 < before.1 { last.1 } else { last.1 - before.1 };
            growth / (last.0 - before.0)
        }),
        "idelta" => last_two().map(|(before, last)| last.1 - before.1),
        "deriv" => regression(samples, samples.first().map_or(0.0, |first| first.0)).map(|(slope, _)| slope),
        "predict_linear" => {
            regression(samples, window.at).map(|(slope, intercept)| intercept + slope * parameter)
        }
        "changes" => Some(pairs().filter(|pair| pair[0].1.total_cmp(&pair[1].1).is_ne()).count() as f64),
        "resets" => Some(pairs().filter(|pair| pair[1].1 < pair[0].1).count() as f64),
        "avg_over_time" => Some(sum / count),
        "sum_over_time" => Some(sum),
        "count_over_time" => Some(count),
        "min_over_time" => Some(values().fold(f64::NAN, f64::min)),
        "max_over_time" => Some(values().fold(f64::NAN, f64::max)),
        "last_over_time" => samples.last().map(|(_, value)| *value),
        "present_over_time" => Some(1.0),
        "stdvar_over_time" => Some(variance()),
        "stddev_over_time" => Some(variance().sqrt()),
        "quantile_over_time" => Some(quantile(parameter, values().collect())),
        other => return Err(Unknown::Unsupported(format!("the function {other}"))),
    })
}

/// `extrapolatedRate` of Prometheus: the increase over the samples, carried on to the borders of the range
/// where they are near.
#[expect(clippy::cast_precision_loss, reason = "counts of samples")]
fn extrapolated(samples: &[(f64, f64)], window: &Window, counter: bool) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let mut increase = last.1 - first.1;
    if counter {
        increase +=
            samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1).sum::<f64>();
    }
    let sampled = last.0 - first.0;
    let between = sampled / (samples.len() - 1) as f64;
    let mut to_start = first.0 - window.start;
    if counter && increase > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / increase));
    }
    let reach = |distance: f64| if distance < between * 1.1 { distance } else { between / 2.0 };
    Some(increase * (sampled + reach(to_start) + reach(window.end - last.0)) / sampled)
}

/// Least squares: slope a second, and the value at `zero`.
#[expect(clippy::cast_precision_loss, reason = "counts of samples")]
fn regression(samples: &[(f64, f64)], zero: f64) -> Option<(f64, f64)> {
    if samples.len() < 2 {
        return None;
    }
    let count = samples.len() as f64;
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) = (0.0, 0.0, 0.0, 0.0);
    for (time, value) in samples {
        let x = time - zero;
        x_sum += x;
        y_sum += value;
        xy_sum += x * value;
        xx_sum += x * x;
    }
    let slope = (xy_sum - x_sum * y_sum / count) / (xx_sum - x_sum * x_sum / count);
    Some((slope, y_sum / count - slope * x_sum / count))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of samples"
)]
pub(super) fn quantile(quantile: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = quantile * (values.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    values[lower] + (values[upper] - values[lower]) * (rank - rank.floor())
}

fn histogram_quantile(quantile: f64, elements: Vec<Element>) -> Vec<Element> {
    let mut histograms: Vec<(Labels, Vec<(f64, f64)>)> = Vec::new();
    for (mut labels, value) in elements {
        let bound = labels.remove("le").and_then(|bound| bound.parse::<f64>().ok());
        labels.remove("__name__");
        let Some(bound) = bound else { continue };
        match histograms.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, buckets)) => buckets.push((bound, value)),
            None => histograms.push((labels, vec![(bound, value)])),
        }
    }
    histograms.into_iter().map(|(labels, buckets)| (labels, bucket_quantile(quantile, buckets))).collect()
}

/// `bucketQuantile` of Prometheus: linear within the bucket that holds the rank.
fn bucket_quantile(quantile: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let observations = match buckets.last() {
        Some((f64::INFINITY, count)) if buckets.len() >= 2 => *count,
        _ => return f64::NAN,
    };
    for index in 1..buckets.len() {
        buckets[index].1 = buckets[index].1.max(buckets[index - 1].1);
    }
    if observations == 0.0 || quantile.is_nan() {
        return f64::NAN;
    }
    let rank = quantile * observations;
    let index = buckets.iter().position(|(_, count)| *count >= rank).unwrap_or(buckets.len() - 1);
    if index == buckets.len() - 1 {
        return buckets[buckets.len() - 2].0;
    }
    if index == 0 && buckets[0].0 <= 0.0 {
        return buckets[0].0;
    }
    let (start, below) = if index == 0 { (0.0, 0.0) } else { buckets[index - 1] };
    let (end, count) = buckets[index];
    start + (end - start) * ((rank - below) / (count - below))
}

fn label_replace(arguments: &Arguments<'_>) -> Result<Vec<Element>, Unknown> {
    let (target, replacement) = (arguments.text(1)?.to_owned(), arguments.text(2)?);
    let (source, pattern) = (arguments.text(3)?, arguments.text(4)?);
    let pattern =
        regex::Regex::new(&format!("^(?:{pattern})$")).map_err(|error| Unknown::Wrong(error.to_string()))?;
    let one = |(mut labels, value): Element| {
        let given = labels.get(source).cloned().unwrap_or_default();
        if let Some(captures) = pattern.captures(&given) {
            let mut text = String::new();
            captures.expand(replacement, &mut text);
            if text.is_empty() {
                labels.remove(&target)
            } else {
                labels.insert(target.clone(), text)
            };
        }
        (labels, value)
    };
    Ok(arguments.vector(0)?.into_iter().map(one).collect())
}

/// The labels of what is absent: those that the selector names by `=`, each once.
fn absent_labels(argument: &Expr) -> Labels {
    let selectors = expression::selectors(argument);
    let [selector] = selectors.as_slice() else { return Labels::new() };
    let Ok(matchers) = matchers(selector) else { return Labels::new() };
    let equal = |name: &str| matchers.iter().filter(|m| m.name == name).count() == 1;
    matchers
        .iter()
        .filter(|m| m.op == promql_parser::label::MatchOp::Equal && m.name != "__name__" && equal(&m.name))
        .map(|m| (m.name.clone(), m.value.clone()))
        .collect()
}
