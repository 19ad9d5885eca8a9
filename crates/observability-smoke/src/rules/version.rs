//! Which expressions not every Prometheus takes although ours parses them, and which none can make a rule of. Pure.

use promql_parser::parser::{Expr, value::ValueType};

use super::expression::walk;

/// What Prometheus takes with `--enable-feature=promql-experimental-functions` only (3.x).
const EXPERIMENTAL: [&str; 13] = [
    "double_exponential_smoothing",
    "first_over_time",
    "info",
    "limit_ratio",
    "limitk",
    "mad_over_time",
    "sort_by_label",
    "sort_by_label_desc",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "histogram_quantiles",
];

/// Why some Prometheus refuses the expression; `None` where every one takes it.
pub(crate) fn doubt(expression: &Expr) -> Option<String> {
    let mut found = None;
    walk(expression, &mut |part| {
        let name = match part {
            Expr::Call(call) => call.func.name.to_string(),
            Expr::Aggregate(aggregate) => aggregate.op.to_string(),
            _ => return,
        };
        if EXPERIMENTAL.contains(&name.as_str()) {
            found.get_or_insert_with(|| {
                format!("{name} is experimental: Prometheus takes it with --enable-feature=promql-experimental-functions only")
            });
        } else if name == "holt_winters" {
            found.get_or_insert_with(|| {
                "Prometheus 3 has no holt_winters: there it is double_exponential_smoothing, and experimental".to_owned()
            });
        }
    });
    found
}

/// Why no rule can be made of it: every evaluation fails.
pub(crate) fn no_rule(expression: &Expr) -> Option<&'static str> {
    match expression.value_type() {
        ValueType::Matrix => Some(
            "a range of values makes no rule, and every evaluation fails: is a function missing around it?",
        ),
        ValueType::String => Some("a text makes no rule, and every evaluation fails"),
        ValueType::Vector | ValueType::Scalar => None,
    }
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::parse;

    use super::*;

    #[test]
    fn what_not_every_prometheus_takes_is_named() {
        for (text, says) in [
            ("sum(rate(a[5m])) > 1", ""),
            ("limitk(2, a) == 0", "limitk is experimental"),
            ("sum(sort_by_label(a, \"b\"))", "sort_by_label is experimental"),
            ("holt_winters(a[5m], 0.5, 0.5) > 1", "no holt_winters"),
        ] {
            let Ok(expression) = parse(text) else { continue };
            let doubt = doubt(&expression).unwrap_or_default();
            assert!(doubt.contains(says) && (says.is_empty() == doubt.is_empty()), "{text}: {doubt}");
        }
    }

    #[test]
    fn a_range_and_a_text_are_no_rule() {
        for (text, is_rule) in
            [("a", true), ("1", true), ("a[5m]", false), ("a[5m:1m]", false), ("'text'", false)]
        {
            assert_eq!(no_rule(&parse(text).unwrap()).is_none(), is_rule, "{text}");
        }
    }
}
