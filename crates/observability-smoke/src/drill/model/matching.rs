//! Binary operators and the matching of vectors, as "Operators" of Prometheus' documentation has them.

use promql_parser::parser::{
    BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality, VectorMatchFillValues,
};

use super::{Element, Unknown, Value, World};
use crate::drill::series::Labels;

pub(super) fn binary(world: &World<'_>, binary: &BinaryExpr, at: f64) -> Result<Value, Unknown> {
    let operator = binary.op.to_string();
    let left = world.evaluate(&binary.lhs, at)?;
    let right = world.evaluate(&binary.rhs, at)?;
    let returns_bool = binary.modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
    let calculate = |left: f64, right: f64| calculate(&operator, left, right);
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(match calculate(left, right)? {
            Outcome::Number(value) => value,
            Outcome::Holds(holds) => f64::from(u8::from(holds)),
        })),
        (Value::Vector(elements), Value::Scalar(right)) => {
            with_number(elements, returns_bool, |value| calculate(value, right)).map(Value::Vector)
        }
        (Value::Scalar(left), Value::Vector(elements)) => {
            with_number(elements, returns_bool, |value| calculate(left, value)).map(Value::Vector)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let matching = Matching::new(binary.modifier.as_ref())?;
            match operator.as_str() {
                "and" | "or" | "unless" => Ok(Value::Vector(matching.sets(&operator, left, right))),
                _ => matching.pairs(left, right, returns_bool, &calculate).map(Value::Vector),
            }
        }
    }
}

/// What an operator makes of two numbers.
enum Outcome {
    Number(f64),
    Holds(bool),
}

#[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
fn calculate(operator: &str, left: f64, right: f64) -> Result<Outcome, Unknown> {
    Ok(match operator {
        "+" => Outcome::Number(left + right),
        "-" => Outcome::Number(left - right),
        "*" => Outcome::Number(left * right),
        "/" => Outcome::Number(left / right),
        "%" => Outcome::Number(left % right),
        "^" => Outcome::Number(left.powf(right)),
        "atan2" => Outcome::Number(left.atan2(right)),
        "==" => Outcome::Holds(left == right),
        "!=" => Outcome::Holds(left != right),
        ">" => Outcome::Holds(left > right),
        "<" => Outcome::Holds(left < right),
        ">=" => Outcome::Holds(left >= right),
        "<=" => Outcome::Holds(left <= right),
        other => return Err(Unknown::Unsupported(format!("the operator {other}"))),
    })
}

fn with_number(
    elements: Vec<Element>,
    returns_bool: bool,
    calculate: impl Fn(f64) -> Result<Outcome, Unknown>,
) -> Result<Vec<Element>, Unknown> {
    let mut kept = Vec::new();
    for (mut labels, value) in elements {
        match calculate(value)? {
            Outcome::Number(number) => {
                labels.remove("__name__");
                kept.push((labels, number));
            }
            Outcome::Holds(holds) if returns_bool => {
                labels.remove("__name__");
                kept.push((labels, f64::from(u8::from(holds))));
            }
            Outcome::Holds(true) => kept.push((labels, value)),
            Outcome::Holds(false) => {}
        }
    }
    Ok(kept)
}

/// Which side may have several elements of one signature.
enum Many {
    Neither,
    Left(Vec<String>),
    Right(Vec<String>),
}

struct Matching {
    /// The labels that are compared (`on`), or left out (`ignoring`).
    labels: Vec<String>,
    on: bool,
    many: Many,
}

impl Matching {
    fn new(modifier: Option<&BinModifier>) -> Result<Self, Unknown> {
        let Some(modifier) = modifier else {
            return Ok(Self { labels: Vec::new(), on: false, many: Many::Neither });
        };
        if modifier.fill_values != VectorMatchFillValues::default() {
            return Err(Unknown::Unsupported("`fill`".to_owned()));
        }
        let (labels, on) = match &modifier.matching {
            Some(LabelModifier::Include(labels)) => (labels.labels.clone(), true),
            Some(LabelModifier::Exclude(labels)) => (labels.labels.clone(), false),
            None => (Vec::new(), false),
        };
        let many = match &modifier.card {
            VectorMatchCardinality::ManyToOne(include) => Many::Left(include.labels.clone()),
            VectorMatchCardinality::OneToMany(include) => Many::Right(include.labels.clone()),
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Many::Neither,
        };
        Ok(Self { labels, on, many })
    }

    fn signature(&self, labels: &Labels) -> Labels {
        let keep = |name: &String| {
            if self.on {
                self.labels.contains(name)
            } else {
                name != "__name__" && !self.labels.contains(name)
            }
        };
        labels
            .iter()
            .filter(|(name, _)| keep(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn sets(&self, operator: &str, left: Vec<Element>, right: Vec<Element>) -> Vec<Element> {
        let signatures = |elements: &[Element]| -> Vec<Labels> {
            elements.iter().map(|(labels, _)| self.signature(labels)).collect()
        };
        if operator == "or" {
            let known = signatures(&left);
            let more = right.into_iter().filter(|(labels, _)| !known.contains(&self.signature(labels)));
            return left.into_iter().chain(more).collect();
        }
        let known = signatures(&right);
        let both = operator == "and";
        left.into_iter().filter(|(labels, _)| known.contains(&self.signature(labels)) == both).collect()
    }

    fn pairs(
        &self,
        left: Vec<Element>,
        right: Vec<Element>,
        returns_bool: bool,
        calculate: &dyn Fn(f64, f64) -> Result<Outcome, Unknown>,
    ) -> Result<Vec<Element>, Unknown> {
        let (many, one, swapped) = match self.many {
            Many::Right(_) => (right, left, true),
            Many::Neither | Many::Left(_) => (left, right, false),
        };
        let ones: Vec<_> =
            one.iter().map(|(labels, value)| (self.signature(labels), labels, *value)).collect();
        if ones
            .iter()
            .enumerate()
            .any(|(index, (signature, ..))| ones[..index].iter().any(|(other, ..)| other == signature))
        {
            return Err(Unknown::Wrong("several series match on the side that must have one".to_owned()));
        }
        let mut found: Vec<Element> = Vec::new();
        let mut used: Vec<Labels> = Vec::new();
        for (labels, value) in many {
            let signature = self.signature(&labels);
            let Some((_, other, counterpart)) = ones.iter().find(|(known, ..)| *known == signature) else {
                continue;
            };
            if matches!(self.many, Many::Neither) && used.contains(&signature) {
                return Err(Unknown::Wrong("several series match on both sides".to_owned()));
            }
            let (a, b) = if swapped { (*counterpart, value) } else { (value, *counterpart) };
            let (value, keeps_name) = match calculate(a, b)? {
                Outcome::Number(number) => (number, false),
                Outcome::Holds(holds) if returns_bool => (f64::from(u8::from(holds)), false),
                Outcome::Holds(true) => (a, true),
                Outcome::Holds(false) => continue,
            };
            found.push((self.result_labels(labels, other, keeps_name), value));
            used.push(signature);
        }
        Ok(found)
    }

    fn result_labels(&self, mut labels: Labels, other: &Labels, keeps_name: bool) -> Labels {
        if !keeps_name {
            labels.remove("__name__");
        }
        match &self.many {
            Many::Neither if self.on => labels.retain(|name, _| self.labels.contains(name)),
            Many::Neither => labels.retain(|name, _| !self.labels.contains(name)),
            Many::Left(include) | Many::Right(include) => {
                for name in include {
                    match other.get(name) {
                        Some(value) => labels.insert(name.clone(), value.clone()),
                        None => labels.remove(name),
                    };
                }
            }
        }
        labels
    }
}
