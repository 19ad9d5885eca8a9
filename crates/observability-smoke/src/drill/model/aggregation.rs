//! Aggregations: `sum by (…) (…)` and its like.

use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::{Element, Unknown, Value, World, functions::quantile};
use crate::drill::series::Labels;

pub(super) fn aggregate(world: &World<'_>, aggregate: &AggregateExpr, at: f64) -> Result<Value, Unknown> {
    let elements = world.evaluate(&aggregate.expr, at)?.vector()?;
    let operator = aggregate.op.to_string();
    if operator == "count_values" {
        return Err(Unknown::Unsupported("the aggregation count_values".to_owned()));
    }
    let parameter = match &aggregate.param {
        Some(parameter) => Some(world.evaluate(parameter, at)?.scalar()?),
        None => None,
    };
    let mut groups: Vec<(Labels, Vec<Element>)> = Vec::new();
    for (labels, value) in elements {
        let group = group_labels(aggregate.modifier.as_ref(), &labels);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push((labels, value)),
            None => groups.push((group, vec![(labels, value)])),
        }
    }
    let mut found = Vec::new();
    for (group, members) in groups {
        found.extend(reduce(&operator, parameter, group, members)?);
    }
    Ok(Value::Vector(found))
}

fn group_labels(modifier: Option<&LabelModifier>, labels: &Labels) -> Labels {
    let keep = |name: &String| match modifier {
        None => false,
        Some(LabelModifier::Include(by)) => by.labels.contains(name),
        Some(LabelModifier::Exclude(without)) => name != "__name__" && !without.labels.contains(name),
    };
    labels.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of series")]
fn reduce(
    operator: &str,
    parameter: Option<f64>,
    group: Labels,
    mut members: Vec<Element>,
) -> Result<Vec<Element>, Unknown> {
    let count = members.len() as f64;
    let values = || members.iter().map(|(_, value)| *value);
    let sum: f64 = values().sum();
    let variance = || values().map(|value| (value - sum / count).powi(2)).sum::<f64>() / count;
    let one = match operator {
        "sum" => sum,
        "avg" => sum / count,
        "min" => values().fold(f64::NAN, f64::min),
        "max" => values().fold(f64::NAN, f64::max),
        "count" => count,
        "group" => 1.0,
        "stdvar" => variance(),
        "stddev" => variance().sqrt(),
        "quantile" => quantile(parameter.unwrap_or(0.5), values().collect()),
        "topk" | "bottomk" => {
            members.sort_by(|a, b| b.1.total_cmp(&a.1));
            if operator == "bottomk" {
                members.reverse();
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of series")]
            members.truncate(parameter.unwrap_or(1.0).max(0.0) as usize);
            return Ok(members);
        }
        other => return Err(Unknown::Unsupported(format!("the aggregation {other}"))),
    };
    Ok(vec![(group, one)])
}
