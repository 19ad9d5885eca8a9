//! What a drill proves, and what it does not reach, in so many words. Pure.

use evidence_report::record::{Finding, Requirement};

use super::super::{
    alert_plan::{AlertPlan, Level},
    checks,
};

/// The same with the user's own routes.
pub(crate) const LEVEL_WITH_ROUTES: &str = "fixture series scraped by a real Prometheus, routed, grouped and muted by your own \
    Alertmanager configuration in a real Alertmanager of ours, notified to our own webhook instead of your receivers; your \
    exporter, your scrape configuration and the integrations of your receivers are not part of it";

/// What of the level of proof is said in every evidence.
pub(crate) const LEVEL: &str = "fixture series scraped by a real Prometheus, notified by a real Alertmanager to our own webhook; \
    your exporter, your scrape configuration, your routes and your receivers are not part of it";

/// The same in a real Prometheus.
pub(crate) const LEVEL_IN_A_REAL_ONE: &str = "fixture series scraped by your own Prometheus, your rule as it has loaded it, \
    sent to your own Alertmanager with the label of a drill; your exporter and its scrape job, and the route that the \
    alert takes without the label, are not part of it";

/// The same where a command makes the fault.
pub(crate) const LEVEL_OF_A_FAULT: &str = "a real fault, seen by your own exporter, scraped by a real Prometheus of ours, \
    notified by a real Alertmanager to our own webhook; your scrape configuration, your routes and your receivers are \
    not part of it";

/// What the drill of these alerts does not reach.
#[must_use]
pub(crate) fn level(plans: &[AlertPlan]) -> Vec<Finding> {
    let of = |level| plans.iter().filter(|plan| plan.level == level).count();
    let said = |level, subject, words: &str| {
        let alerts = match (of(level), plans.len()) {
            (0, _) => return None,
            (some, all) if some == all => String::new(),
            (some, all) => format!(" ({some} of {all} alerts)"),
        };
        let reason = format!("level of proof{alerts}: {words}");
        Some(checks::LEVEL.not_checked(Requirement::Optional, subject, reason))
    };
    let fixture = if plans.iter().any(|plan| plan.routing.is_some()) {
        said(Level::Fixture, "your exporter and receivers", LEVEL_WITH_ROUTES)
    } else {
        said(Level::Fixture, "your exporter, routes and receivers", LEVEL)
    };
    let fault = said(Level::Fault, "your routes and receivers", LEVEL_OF_A_FAULT);
    fixture.into_iter().chain(fault).collect()
}
