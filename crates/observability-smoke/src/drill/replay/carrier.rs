//! The carrier: a rule that brings what a replay returned to a receiver. It has the name, labels and annotations of the
//! alert, and returns the elements, with their labels and values, with which the alert fired in the replay; so that
//! Prometheus itself fills in the templates, and the alert takes its way through Alertmanager. Pure.

use std::time::Duration;

use super::super::{
    alert_plan::AlertPlan,
    fixture::{Given, Source},
    prediction::{Intervals, Prediction},
    series::{Behaviour, Labels, Series},
};
use crate::rules::{
    expression::shallow,
    manifest::{Group, Rule},
};

/// The series that switches a carrier on.
const SWITCH: &str = "ops_smoke_replayed";

/// Between two scrapes and two evaluations of the embedded stack.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// So many elements are carried; an alert of more has the same routes.
const MOST: usize = 20;

/// The alert's carrier for these elements.
#[must_use]
pub(super) fn carrier(plan: &AlertPlan, elements: &[(Labels, f64)]) -> AlertPlan {
    let switch =
        Labels::from([("__name__".to_owned(), SWITCH.to_owned()), ("alert".to_owned(), plan.name.clone())]);
    let returned: Vec<_> =
        elements.iter().take(MOST).map(|(labels, value)| element(labels, *value)).collect();
    let expression =
        format!("({}) and on () ({SWITCH}{{alert={}}} == 1)", returned.join(" or "), quoted(&plan.name));
    let rule = Rule {
        expression: expression.clone(),
        hold: Duration::ZERO,
        keep_firing: Duration::ZERO,
        ..plan.alert.rule.clone()
    };
    let mut alert = plan.alert.clone();
    alert.interval = None;
    alert.loaded = vec![Group {
        name: "replayed".to_owned(),
        interval: None,
        limit: 0,
        newer: std::collections::BTreeMap::new(),
        rules: vec![rule.clone()],
    }];
    alert.rule = rule;
    let prediction = Prediction {
        intervals: Intervals {
            scrape: INTERVAL,
            evaluation: INTERVAL,
            recording: Duration::ZERO,
            offset: Duration::ZERO,
        },
        grouping: plan.prediction.grouping,
        condition: Some(Duration::ZERO),
        hold: Duration::ZERO,
        recovery: Some(Duration::ZERO),
        range: Duration::ZERO,
        keep_firing: Duration::ZERO,
        settling: Duration::ZERO,
    };
    let series =
        vec![Series { labels: switch, healthy: Behaviour::Constant(0.0), faulty: Behaviour::Constant(1.0) }];
    AlertPlan {
        expression: shallow(&expression),
        alert,
        fixture: Ok(Given { source: Source::Derived, series }),
        scrape_interval: INTERVAL,
        prediction,
        prediction_as_written: prediction,
        ..plan.clone()
    }
}

/// An expression that returns one element with these labels and this value.
fn element(labels: &Labels, value: f64) -> String {
    let value = if value.is_infinite() {
        format!("{}Inf", if value > 0.0 { "+" } else { "-" })
    } else {
        value.to_string()
    };
    labels.iter().filter(|(name, _)| *name != "__name__").fold(
        format!("vector({value})"),
        |inner, (name, value)| {
            // A replacement reads `$1` as a group of its pattern.
            format!(
                "label_replace({inner}, {}, {}, \"\", \"\")",
                quoted(name),
                quoted(&value.replace('$', "$$"))
            )
        },
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Whether a template of the alert asks Prometheus for series: those of the replay are not those of the moment.
#[must_use]
pub(super) fn asks(rule: &Rule) -> bool {
    let templates = rule.labels.values().chain(rule.annotations.values());
    templates.into_iter().any(|text| {
        text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).any(|inside| {
            inside
                .split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
                .any(|word| word == "query")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_returned_with_exactly_its_labels() {
        let labels =
            Labels::from([("__name__".into(), "dropped".into()), ("path".into(), "C:\\a \"$1\"".into())]);
        let text = element(&labels, -0.25);
        assert_eq!(text, r#"label_replace(vector(-0.25), "path", "C:\\a \"$$1\"", "", "")"#);
        assert!(promql_parser::parser::parse(&text).is_ok());
        assert_eq!(element(&Labels::new(), f64::INFINITY), "vector(+Inf)");
    }

    #[test]
    fn a_template_that_asks_for_series_is_known() {
        let rule = |text: &str| {
            let groups = format!(
                "groups: [{{name: a, rules: [{{alert: A, expr: x, annotations: {{a: '{text}'}}}}]}}]"
            );
            crate::rules::manifest::read(&groups).unwrap().remove(0).rules.remove(0)
        };
        assert!(asks(&rule("{{ range query \"up\" }}a{{ end }}")));
        assert!(asks(&rule("{{ \"up\" | query | first }}")));
        assert!(!asks(&rule("query {{ $value }} of {{ $labels.query_name }}")));
    }
}
