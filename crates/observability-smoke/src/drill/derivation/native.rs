//! Quantiles that only native histograms have: without the label `le` there are no buckets to take one of. What a
//! target exposes as text holds no native histogram, so that no series can be derived. Pure.

use promql_parser::parser::{Expr, LabelModifier};

use super::Question;
use crate::rules::expression;

/// Why no series can be derived, where the expression asks for a native histogram.
pub(super) fn objection(question: &Question<'_>) -> Option<String> {
    let recorded = question.recordings.iter().map(|recording| &recording.expression);
    std::iter::once(question.expression).chain(recorded).find_map(asks_for_one).map(|inner| {
        format!(
            "histogram_quantile({inner}) has no label le, so that it asks for a native histogram, which no text exposes: \
             cause the fault itself (--run-hooks)"
        )
    })
}

/// The first vector without `le` of which a quantile is taken.
fn asks_for_one(whole: &Expr) -> Option<String> {
    let mut found = None;
    expression::walk(whole, &mut |part| {
        if let Expr::Call(call) = part
            && call.func.name == "histogram_quantile"
            && let Some(vector) = call.args.args.get(1)
            && found.is_none()
            && loses_le(vector)
        {
            found = Some(format!("…, {vector}"));
        }
    });
    found
}

fn loses_le(vector: &Expr) -> bool {
    match vector {
        Expr::Paren(paren) => loses_le(&paren.expr),
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            None => true,
            Some(LabelModifier::Include(by)) => !by.labels.iter().any(|label| label == "le"),
            Some(LabelModifier::Exclude(without)) => without.labels.iter().any(|label| label == "le"),
        },
        _ => false,
    }
}
