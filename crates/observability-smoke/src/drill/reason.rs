//! Why a condition is false although a fault was scraped: the first part of the expression that comes to nothing, asked of
//! the Prometheus that evaluates it, and the fewest words that tell it. Knows nothing of stages and patience.

use futures_util::future::BoxFuture;
use promql_parser::parser::{BinaryExpr, Call, Expr, LabelModifier, VectorSelector, value::ValueType};

use super::{
    alert_plan::AlertPlan,
    diagnosis::{one_line, short},
    prometheus::{Api, ApiError, Valued},
    series::{Series, display},
};
use crate::rules::expression;

/// So many series are named in a reason.
const NAMED: usize = 4;

/// Recorded series may stand on recorded ones; so deep is looked.
const DEEPEST: usize = 4;

/// Says why `condition`, the alert's expression or a part of it, returns nothing.
pub(super) async fn why_false(api: &Api, plan: &AlertPlan, condition: &Expr) -> String {
    let asked = Asked { api, plan, depth: 0 };
    asked.why(condition).await.unwrap_or_else(|error| error.to_string())
}

type Reason<'a> = BoxFuture<'a, Result<String, ApiError>>;

#[derive(Clone, Copy)]
struct Asked<'a> {
    api: &'a Api,
    plan: &'a AlertPlan,
    /// How many recorded series lie between the alert and what is looked at.
    depth: usize,
}

impl<'a> Asked<'a> {
    fn why(self, part: &'a Expr) -> Reason<'a> {
        Box::pin(async move {
            match part {
                Expr::Paren(paren) => self.why(&paren.expr).await,
                Expr::Unary(unary) => self.why(&unary.expr).await,
                Expr::Subquery(subquery) => self.why(&subquery.expr).await,
                Expr::VectorSelector(selector) => self.selector(selector).await,
                Expr::MatrixSelector(matrix) => self.selector(&matrix.vs).await,
                Expr::Aggregate(aggregate) => self.made_of(part, &aggregate.expr, "").await,
                Expr::Call(call) => self.call(part, call).await,
                Expr::Binary(binary) => self.binary(part, binary).await,
                other => Ok(format!("`{}` returns nothing", shown(other))),
            }
        })
    }

    /// What a part comes to now; of a range whether there is anything in it.
    async fn found(self, part: &Expr) -> Result<Vec<Valued>, ApiError> {
        let text = match part.value_type() {
            ValueType::Matrix => format!("last_over_time({part})"),
            _ => part.to_string(),
        };
        self.api.query(&text).await
    }

    async fn selector(self, selector: &VectorSelector) -> Result<String, ApiError> {
        let shown = selector.to_string();
        let recording = expression::metric_name(selector)
            .and_then(|name| self.plan.alert.recordings().find(|rule| rule.name == name));
        if let Some(rule) = recording.filter(|_| self.depth < DEEPEST)
            && let Some(recorded) = expression::shallow(&rule.expression)
        {
            return match self.found(&recorded).await?.as_slice() {
                [] => {
                    let deeper = Asked { depth: self.depth + 1, ..self };
                    let why = deeper.why(&recorded).await?;
                    Ok(format!("{} is recorded of what is not there: {why}", rule.name))
                }
                made => {
                    Ok(format!("`{shown}` selects no series; recorded as {} are {}", rule.name, labels(made)))
                }
            };
        }
        let given: Vec<_> = self.plan.series().iter().map(Series::name).take(NAMED).collect();
        if given.is_empty() {
            return Ok(format!("`{shown}` selects no series"));
        }
        Ok(format!("`{shown}` selects no series; the fixture exposes {}", given.join(", ")))
    }

    /// A part that is made of one other: is that there?
    async fn made_of(self, whole: &'a Expr, of: &'a Expr, because: &str) -> Result<String, ApiError> {
        match self.found(of).await?.as_slice() {
            [] => self.why(of).await,
            there => Ok(format!(
                "`{}` returns nothing{because}, although `{}` is {}",
                shown(whole),
                shown(of),
                values(there)
            )),
        }
    }

    async fn call(self, whole: &'a Expr, call: &'a Call) -> Result<String, ApiError> {
        let series = |one: &&Expr| matches!(one.value_type(), ValueType::Vector | ValueType::Matrix);
        let Some(of) = call.args.args.iter().map(AsRef::as_ref).find(series) else {
            return Ok(format!("`{}` returns nothing", shown(whole)));
        };
        match call.func.name {
            "absent" | "absent_over_time" => {
                let there = self.found(of).await?;
                Ok(format!("`{}` is there: {}", shown(of), values(&there)))
            }
            "histogram_quantile" => {
                let there = self.found(of).await?;
                let bare = !there.is_empty() && there.iter().all(|one| !one.labels.contains_key("le"));
                let because = if bare { " (its buckets have lost the label le)" } else { "" };
                self.made_of(whole, of, because).await
            }
            "rate" | "irate" | "increase" | "delta" | "idelta" | "deriv" | "predict_linear" => {
                self.made_of(whole, of, " (it takes two samples in its range)").await
            }
            _ => self.made_of(whole, of, "").await,
        }
    }

    async fn binary(self, whole: &'a Expr, binary: &'a BinaryExpr) -> Result<String, ApiError> {
        let (left, right) = (&*binary.lhs, &*binary.rhs);
        if left.value_type() == ValueType::Scalar {
            return self.compared(binary, right, &format!("{} {} it", shown(left), binary.op)).await;
        }
        if right.value_type() == ValueType::Scalar {
            let wanted = expression::constant(right).map_or_else(|| shown(right), |value| value.to_string());
            return self.compared(binary, left, &format!("{} {wanted}", binary.op)).await;
        }
        let (here, there) = (self.found(left).await?, self.found(right).await?);
        match (binary.op.to_string().as_str(), here.as_slice(), there.as_slice()) {
            ("or", ..) => Ok(format!("{}; and {}", self.why(left).await?, self.why(right).await?)),
            (_, [], _) => self.why(left).await,
            ("unless", here, there) => Ok(format!(
                "`{}` is {}, and `unless` takes it away, for `{}` is {}",
                shown(left),
                values(here),
                shown(right),
                values(there)
            )),
            (_, _, []) => self.why(right).await,
            (_, here, there) if binary.op.is_comparison_operator() && self.they_meet(binary).await? => {
                let (left, right) = (shown(left), shown(right));
                let (here, there) = (values(here), values(there));
                Ok(format!(
                    "`{left}` is {here}, and the rule asks for {} `{right}`, which is {there}",
                    binary.op
                ))
            }
            (_, here, there) => {
                let (left, right, how) = (shown(left), shown(right), matching(binary));
                let whole = shown(whole);
                let (here, there) = (labels(here), labels(there));
                Ok(format!(
                    "`{whole}` returns nothing, for no series of its two sides agree in {how}: `{left}` has {here}, `{right}` has {there}"
                ))
            }
        }
    }

    /// A side that is compared with a number, or changed by one.
    async fn compared(
        self,
        binary: &'a BinaryExpr,
        side: &'a Expr,
        wanted: &str,
    ) -> Result<String, ApiError> {
        match self.found(side).await?.as_slice() {
            [] => {
                let why = self.why(side).await?;
                let asks = !why.contains("selects no series") && binary.op.is_comparison_operator();
                Ok(if asks { format!("{why}; and the rule asks for {wanted}") } else { why })
            }
            there => Ok(format!("`{}` is {}, and the rule asks for {wanted}", shown(side), values(there))),
        }
    }

    /// Whether series of both sides meet at all, whatever their values are.
    async fn they_meet(self, binary: &BinaryExpr) -> Result<bool, ApiError> {
        let mut asked = binary.clone();
        if let Some(modifier) = asked.modifier.as_mut() {
            modifier.return_bool = true;
        } else {
            let bare = promql_parser::parser::parse("a == bool b");
            if let Ok(Expr::Binary(with)) = bare {
                asked.modifier = with.modifier;
            }
        }
        Ok(!self.found(&Expr::Binary(asked)).await?.is_empty())
    }
}

/// In which labels two series must agree.
fn matching(binary: &BinaryExpr) -> String {
    match binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()) {
        Some(LabelModifier::Include(labels)) => labels.labels.join(", "),
        Some(LabelModifier::Exclude(labels)) => format!("all labels but {}", labels.labels.join(", ")),
        None => "all labels".to_owned(),
    }
}

fn shown(part: &Expr) -> String {
    one_line(&part.to_string())
}

fn values(found: &[Valued]) -> String {
    let one = |one: &Valued| {
        let rounded = one.value.parse().map_or_else(|_| one.value.clone(), short);
        if one.labels.is_empty() { rounded } else { format!("{rounded} ({})", display(&one.labels)) }
    };
    listed(found.iter().map(one))
}

fn labels(found: &[Valued]) -> String {
    listed(found.iter().map(|one| match display(&one.labels) {
        none if none.is_empty() => "{}".to_owned(),
        labels => labels,
    }))
}

fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let mut text = all.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
