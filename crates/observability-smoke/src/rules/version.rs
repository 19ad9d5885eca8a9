//! Which expressions not every Prometheus takes although ours parses them, and which none can make a rule of. Pure.

use std::sync::LazyLock;

use promql_parser::{
    label::MatchOp,
    parser::{Expr, VectorSelector, value::ValueType},
};
use regex::Regex;

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

/// Why an expression that our parser reads may be refused all the same, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It needs a feature that is off by default: only the server knows.
    Experimental(String),
    /// Prometheus 3 reads it, and an older one does not.
    Newer(String),
    /// Our parser takes more than Prometheus does.
    OursAlone(String),
}

impl Doubt {
    /// Why.
    pub(crate) fn why(&self) -> &str {
        let (Self::Experimental(why) | Self::Newer(why) | Self::OursAlone(why)) = self;
        why
    }
}

/// Why some Prometheus refuses the expression, which reads `text`; `None` where every one takes it.
pub(crate) fn doubt(expression: &Expr, text: &str) -> Option<Doubt> {
    let experimental = || experimental(expression).map(Doubt::Experimental);
    let newer = || newer(expression, text).map(Doubt::Newer);
    ours_alone(expression).map(Doubt::OursAlone).or_else(experimental).or_else(newer)
}

fn experimental(expression: &Expr) -> Option<String> {
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

static REPEATED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{(\d+)(?:,(\d*))?\}").ok());

/// So often a Go regular expression repeats a part at most.
const MOST_REPEATED: u64 = 1000;

fn ours_alone(expression: &Expr) -> Option<String> {
    let mut found = None;
    walk(expression, &mut |part| match part {
        Expr::Call(call) if ["start", "end"].contains(&call.func.name) => {
            found = Some(format!("{}() stands behind an `@` only", call.func.name));
        }
        _ => {}
    });
    found.or_else(|| selectors(expression).iter().find_map(no_matcher))
}

fn no_matcher(selector: &VectorSelector) -> Option<String> {
    if !selector.matchers.or_matchers.is_empty() {
        return Some("Prometheus knows no `or` between matchers".to_owned());
    }
    let patterns = selector.matchers.matchers.iter().filter_map(|matcher| match &matcher.op {
        MatchOp::Re(_) | MatchOp::NotRe(_) => Some(matcher.value.as_str()),
        MatchOp::Equal | MatchOp::NotEqual => None,
    });
    let repeated =
        patterns.flat_map(|pattern| REPEATED.iter().flat_map(|regex| regex.captures_iter(pattern)));
    let counts = repeated.flat_map(|found| [found.get(1), found.get(2)]).flatten();
    let most = counts.filter_map(|count| count.as_str().parse::<u64>().ok()).max();
    most.filter(|most| *most > MOST_REPEATED).map(|most| {
        format!("a regular expression repeats {most} times, and Go's do so {MOST_REPEATED} times at most")
    })
}

static TEXTS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*"#).ok());
static WITHOUT_UNIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\boffset\s*[-+]?\s*[\d.]+(?:\s|[),]|$)|\[\s*[\d.]+\s*[\]:]|:\s*[\d.]+\s*\]").ok()
});
static SPANS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\[[^\]]*\]|\boffset\s*[-+]?\s*\w+").ok());
static AS_NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w.:])((?:\d+(?:ms|[smhdwy]))+)(?:\W|$)").ok());

fn newer(expression: &Expr, text: &str) -> Option<String> {
    if let Some(name) = newer_name(expression) {
        return Some(format!("the name '{name}'"));
    }
    let bare = TEXTS.as_ref()?.replace_all(text, " ");
    if let Some(found) = WITHOUT_UNIT.as_ref()?.find(&bare) {
        return Some(format!(
            "the time without a unit in `{}`",
            found.as_str().trim_end_matches([')', ',']).trim()
        ));
    }
    let without_spans = SPANS.as_ref()?.replace_all(&bare, " ");
    let number = AS_NUMBER.as_ref()?.captures(&without_spans)?.get(1)?;
    Some(format!("the duration {} as a number", number.as_str()))
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
        let (experimental, newer, ours) = (
            |why: &str| Some(Doubt::Experimental(why.to_owned())),
            |why: &str| Some(Doubt::Newer(why.to_owned())),
            |why: &str| Some(Doubt::OursAlone(why.to_owned())),
        );
        for (text, says) in [
            ("sum(rate(a[5m])) > 1", None),
            ("limitk(2, a) == 0", experimental("limitk is experimental")),
            ("sum(sort_by_label(a, \"b\"))", experimental("sort_by_label is experimental")),
            ("info(a) > 1", experimental("info is experimental")),
            ("x{a=\"b\" or c=\"d\"}", ours("Prometheus knows no `or` between matchers")),
            ("x > start()", ours("start() stands behind an `@` only")),
            ("x @ start() > 1 and x @ end()", None),
            (
                "x{a=~\"a{1001}\"}",
                ours("a regular expression repeats 1001 times, and Go's do so 1000 times at most"),
            ),
            ("x{a=~\"a{2,1000}\", b=\"{1001}\"}", None),
            ("x > 5m", newer("the duration 5m as a number")),
            ("time() - x > 1h30m", newer("the duration 1h30m as a number")),
            ("x offset 5", newer("the time without a unit in `offset 5`")),
            ("sum(x offset -5) > 1", newer("the time without a unit in `offset -5`")),
            ("rate(x[300]) > 1", newer("the time without a unit in `[300]`")),
            ("{\"a.b\"} > 1", newer("the name 'a.b'")),
            ("rate(x:y_5m[5m:1m] offset 5m) > 0x5d # 5m", None),
            ("x{a=\"> 5m\"} > 1e5 and x5m == 5", None),
        ] {
            let doubt = doubt(&parse(text).unwrap(), text);
            let short = |why: String| why.split(": ").next().unwrap().to_owned();
            let said = doubt.map(|doubt| match doubt {
                Doubt::Experimental(why) => Doubt::Experimental(short(why)),
                other => other,
            });
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
