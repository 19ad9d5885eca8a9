//! Why an alert does not reach its next stage: asked of the servers that it stopped in.

use std::time::Duration;

use promql_parser::parser::Expr;

use super::{
    alert_plan::AlertPlan,
    prometheus::{Api, LoadedRule},
    reason::why_false,
    series::{Labels, display},
    watch::Snapshot,
};
use crate::rules::{expression, refusal::is_classic};

/// So many series are named in a reason.
const NAMED: usize = 4;

/// Scraped, but the condition is not true.
pub(super) async fn silent(api: &Api, plan: &AlertPlan, patience: Duration) -> String {
    let waited =
        format!("the condition stayed false for {} s after the fault was scraped", patience.as_secs());
    if let Some(broken) = broken_rule(api, plan).await {
        return broken;
    }
    let why = match &plan.expression {
        Some(expression) => why_false(api, plan, expression).await,
        None => value(api, plan).await,
    };
    format!("{waited}: {why}")
}

/// Pending, but never firing.
pub(super) async fn pending_only(api: &Api, plan: &AlertPlan, patience: Duration) -> String {
    if let Some(broken) = broken_rule(api, plan).await {
        return broken;
    }
    let held = super::seconds(plan.alert.rule.hold.as_secs_f64());
    format!(
        "pending, but not firing within {} s: the condition did not hold for `for` {held} without a gap: {}",
        patience.as_secs(),
        value(api, plan).await
    )
}

/// What of an alert's labels an Alertmanager may refuse, as the end of a sentence.
pub(super) fn unaccepted(labels: &Labels) -> Option<String> {
    let name = labels.keys().find(|name| !is_classic(name, false))?;
    Some(format!(": it carries the label {name}, and an Alertmanager before 0.27 refuses such a name"))
}

/// In Alertmanager, but not received.
pub(super) fn undelivered(seen: &Snapshot, name: &str, patience: Duration) -> String {
    format!("no notification within {} s: {}", patience.as_secs(), held_back(seen, name))
}

/// What Alertmanager says of why it does not notify an alert.
pub(super) fn held_back(seen: &Snapshot, name: &str) -> String {
    let Some(held) = &seen.held else { return "Alertmanager does not answer".to_owned() };
    let mut said = Vec::new();
    for one in seen.held(name) {
        said.extend(one.status.silenced_by.iter().map(|silence| format!("it is silenced by {silence}")));
        said.extend(one.status.inhibited_by.iter().map(|fingerprint| {
            let by = held.iter().find(|other| other.fingerprint == *fingerprint);
            let by = by.map_or_else(|| fingerprint.clone(), |other| display_alert(&other.labels));
            format!("it is muted by an inhibit rule while {by} fires")
        }));
    }
    said.sort();
    said.dedup();
    if !said.is_empty() {
        return said.join("; ");
    }
    match seen.held(name).next() {
        None => "Alertmanager does not have the alert any more".to_owned(),
        Some(one) => {
            let receivers: Vec<_> = one.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
            format!(
                "Alertmanager has the alert for the receiver {}, but did not deliver it",
                receivers.join(", ")
            )
        }
    }
}

fn display_alert(labels: &Labels) -> String {
    let mut labels = labels.clone();
    if let Some(name) = labels.remove("alertname") {
        labels.insert("__name__".to_owned(), name);
    }
    display(&labels)
}

/// Cleared, but no resolved notification.
pub(super) async fn unresolved(api: &Api, plan: &AlertPlan, patience: Duration) -> String {
    let name = &plan.alert.rule.name;
    let still = match api.active().await {
        Err(error) => error.to_string(),
        Ok(active) => {
            match active.iter().find(|one| one.labels.get("alertname").is_some_and(|one| one == name)) {
                None => "Prometheus has ended the alert".to_owned(),
                Some(one) => format!("still {}: {}", one.state, value(api, plan).await),
            }
        }
    };
    format!("no resolved notification within {} s of clearing: {still}", patience.as_secs())
}

/// What the expression, and the side of it that is compared, come to now.
pub(super) async fn value(api: &Api, plan: &AlertPlan) -> String {
    let text = plan.alert.rule.expression.trim();
    let compared = plan.expression.as_ref().and_then(compared);
    let asked = compared.as_ref().map_or(text, |(side, _)| side.as_str());
    let found = match api.query(asked).await {
        Err(error) => return error.to_string(),
        Ok(found) => found,
    };
    let values: Vec<_> = found
        .iter()
        .take(NAMED)
        .map(|one| {
            let rounded = one.value.parse().map_or_else(|_| one.value.clone(), short);
            if one.labels.is_empty() { rounded } else { format!("{rounded} ({})", display(&one.labels)) }
        })
        .collect();
    let wanted =
        compared.as_ref().map(|(_, wanted)| format!(", and the rule asks for {wanted}")).unwrap_or_default();
    match values.as_slice() {
        [] => format!("`{}` returns nothing{wanted}", one_line(asked)),
        values => format!("`{}` is {}{wanted}", one_line(asked), values.join(", ")),
    }
}

pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    if value.is_finite() {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        value.to_string()
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The side of a comparison that is no plain number, and what it is compared with.
fn compared(expression: &Expr) -> Option<(String, String)> {
    match expression {
        Expr::Paren(paren) => compared(&paren.expr),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            let side = match (expression::constant(&binary.lhs), expression::constant(&binary.rhs)) {
                (_, Some(right)) => (binary.lhs.to_string(), format!("{} {right}", binary.op)),
                (Some(left), None) => (binary.rhs.to_string(), format!("{left} {} it", binary.op)),
                (None, None) => (binary.lhs.to_string(), format!("{} {}", binary.op, binary.rhs)),
            };
            let (side, wanted) = side;
            let of_any_value = binary.modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
            let always = if of_any_value { " by `bool`, which returns 0 instead of nothing" } else { "" };
            Some((side, format!("{wanted}{always}")))
        }
        _ => None,
    }
}

async fn broken_rule(api: &Api, plan: &AlertPlan) -> Option<String> {
    let rules = api.rules().await.ok()?;
    let broken = broken(plan, &rules)?;
    let which = if broken.name == plan.alert.rule.name { "the rule" } else { &broken.name };
    Some(format!("the evaluation of {which} ends in an error: {}", broken.last_error))
}

/// The rule of this alert, or one that it stands on, whose evaluation ends in an error. Other alerts may run in
/// the same Prometheus.
pub(super) fn broken<'r>(plan: &AlertPlan, rules: &'r [LoadedRule]) -> Option<&'r LoadedRule> {
    let own =
        |name: &str| plan.alert.loaded.iter().flat_map(|group| &group.rules).any(|rule| rule.name == name);
    rules.iter().find(|rule| rule.health == "err" && own(&rule.name))
}
