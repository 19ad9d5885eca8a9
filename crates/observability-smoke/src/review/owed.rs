//! What a review owes by what was asked for and by the rules that were read: the checks without which it is no pass,
//! whatever became of their observation. Pure.

use evidence_report::record::Check;

use super::{RuleFile, alerts, burn_rate, checks, config::RulesPolicy, runbook, written};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The rules.
    pub(crate) files: &'a [RuleFile],
    /// The policy of the configuration, with the flags in it.
    pub(crate) policy: &'a RulesPolicy,
    /// What every alert must have.
    pub(crate) written: &'a written::Policy,
    /// Whether a Prometheus is asked.
    pub(crate) prometheus: bool,
    /// Whether an Alertmanager is asked.
    pub(crate) alertmanager: bool,
}

impl Asked<'_> {
    /// The checks that are owed.
    pub(crate) fn owed(&self) -> impl Iterator<Item = &'static Check> {
        let Self { files, policy, written, prometheus, alertmanager } = self;
        let (file, any) = (policy.alertmanager_config.is_some(), alerts(files).next().is_some());
        let (servers, routed) = (*prometheus || *alertmanager, file || *alertmanager);
        let burning = burn_rate::burning(files).next().is_some();
        let pages = alerts(files).any(|alert| runbook::address(&alert).is_some());
        let of_text = [
            (true, &checks::READABLE),
            (true, &checks::EXPRESSION),
            (true, &checks::DUPLICATE),
            (!written.labels.is_empty(), &checks::LABELS),
            (!written.annotations.is_empty(), &checks::ANNOTATIONS),
            (!written.severities.is_empty(), &checks::SEVERITY),
            (true, &checks::TIMING),
            (true, &checks::TEMPLATE),
            (burning, &checks::BURN_RATE),
            (burning, &checks::BURN_TRAFFIC),
            (!policy.families.is_empty(), &checks::COVERAGE),
            (pages, &checks::RUNBOOK),
            (!policy.unit_tests.is_empty(), &checks::UNIT_TESTS),
            (!policy.unit_tests.is_empty() && any, &checks::TESTED),
        ];
        let of_world = [
            (file, &checks::ROUTES_READABLE),
            (!policy.routes.is_empty(), &checks::ROUTES_EXPECTED),
            (routed, &checks::ROUTES_UNREACHED),
            (servers, &checks::SERVERS),
            (*prometheus && any, &checks::SERIES),
            (*prometheus && any, &checks::LOADED),
            (*prometheus && any, &checks::SENT),
            (routed && any, &checks::ROUTE),
            (routed && any, &checks::MUTED),
            ((*prometheus || routed) && any, &checks::ALERT),
        ];
        of_text.into_iter().chain(of_world).filter(|(asked, _)| *asked).map(|(_, check)| check)
    }
}
