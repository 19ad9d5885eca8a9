//! Which expressions not every Prometheus takes although ours parses them, and which none can make a rule of. Pure.

use promql_parser::parser::{Expr, VectorSelector, value::ValueType};

use super::{
    expression::{metric_name, selectors, walk},
    refusal::is_classic,
};

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
                format!(
                    "{name} is experimental: Prometheus takes it with --enable-feature=promql-experimental-functions only"
                )
            });
        }
    });
    found
}

/// A name in the expression that a Prometheus before 3 does not read.
pub(crate) fn newer_name(expression: &Expr) -> Option<String> {
    let of = |selector: &VectorSelector| {
        let metric = metric_name(selector).filter(|name| !is_classic(name, true));
        let mut labels = selector.matchers.matchers.iter().map(|matcher| &matcher.name);
        metric.or_else(|| labels.find(|name| !is_classic(name, false)).cloned())
    };
    selectors(expression).iter().find_map(of)
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
            ("sum(rate(a[5m])) > 1", None),
            ("limitk(2, a) == 0", Some("limitk is experimental")),
            ("sum(sort_by_label(a, \"b\"))", Some("sort_by_label is experimental")),
            ("info(a) > 1", Some("info is experimental")),
        ] {
            let doubt = doubt(&parse(text).unwrap());
            let said = doubt.as_deref().map(|doubt| doubt.split(':').next().unwrap());
            assert_eq!(said, says, "{text}");
        }
    }

    #[test]
    fn names_that_only_prometheus_3_reads_are_found() {
        let of = |text| newer_name(&parse(text).unwrap());
        assert_eq!(of("rate({\"a.b\"}[5m]) > 1"), Some("a.b".to_owned()));
        assert_eq!(of("up{\"x.y\"=\"z\"}"), Some("x.y".to_owned()));
        assert_eq!(of("a:b{c=\"d.e\"} > 1"), None);
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
