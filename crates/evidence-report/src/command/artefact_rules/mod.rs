//! What the items of a tracker need mechanically: rules of the policy, each over files of the repository.
//!
//! *observe* reads what the rules name (I/O, bounded, nothing outside of the root); *assess* is pure: what was
//! seen and the moment for which is judged come in, findings come out, each with file, line, reason, remedy. One
//! rule a file. It knows no tracker and no policy file.

mod audit_export;
mod break_glass;
pub(super) mod checks;
mod config_diff;
mod correlation_trace;
mod cost;
mod drills;
mod key_paths;
mod load_profile;
mod material;
mod network;
mod owed;
mod rollback;
mod roster;
mod rotation;
mod runbooks;
mod sarif;
mod scans;
mod some;
mod steps;
mod when_due;

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::{
    drills::Planned,
    material::{Observed, trouble_of},
    owed::Judged,
};
use crate::record::Finding;

/// A rule about an item's artefacts; `rule` says which.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub(super) enum Rule {
    /// The runbook index and its folder agree; every runbook has its headings, an owner and a fresh review.
    Runbooks(runbooks::RunbooksRule),
    /// Every rotation has a primary and another secondary; the escalation order is complete.
    Roster(roster::RosterRule),
    /// The drill calendar has both kinds, executed and planned.
    Drills(drills::DrillsRule),
    /// Every class of secret was rotated within its cadence.
    Rotation(rotation::RotationRule),
    /// Every break-glass access was closed and reviewed.
    BreakGlass(break_glass::BreakGlassRule),
    /// Network policies deny by default and allow the declared flows, and no others.
    NetworkPolicy(network::NetworkRule),
    /// Environments' configurations differ only where they may, and risky differences are approved.
    ConfigDiff(config_diff::ConfigDiffRule),
    /// A load test measured API, websocket and queue against their limits.
    LoadProfile(load_profile::LoadProfileRule),
    /// Scanners' SARIF reports hold no critical or high finding that nobody waived.
    Scans(scans::ScansRule),
    /// The audit log's exports are complete and without gaps.
    AuditExport(audit_export::AuditExportRule),
    /// One correlation id was traced through every system.
    CorrelationTrace(correlation_trace::CorrelationTraceRule),
    /// Cost has dashboards, thresholds and an escalation.
    Cost(cost::CostRule),
    /// A rollback was drilled within its objective, without a change of contracts.
    Rollback(rollback::RollbackRule),
}

/// Looks at everything that these rules name, below `root`.
pub(super) fn observe<'r>(root: &Path, rules: impl IntoIterator<Item = &'r Rule>) -> Observed {
    Observed::read(root, rules.into_iter().flat_map(Rule::needs))
}

/// Everything that is to be said about the files of these rules, for the moment `as_of`, and what is owed.
pub(super) fn assess<'r>(
    rules: impl IntoIterator<Item = &'r Rule>,
    observed: &Observed,
    as_of: Timestamp,
) -> Judged {
    let mut all = Judged::default();
    for Judged { findings, owed } in rules.into_iter().map(|rule| rule.judged(observed, as_of)) {
        all.findings.extend(findings);
        all.owed.extend(owed);
    }
    all
}

/// The calendars of drills that these rules read.
pub(super) fn calendar<'r>(rules: impl IntoIterator<Item = &'r Rule>, observed: &Observed) -> Vec<Planned> {
    let calendars = rules.into_iter().filter_map(|rule| match rule {
        Rule::Drills(rule) => Some(rule.calendar(observed)),
        _ => None,
    });
    calendars.flatten().collect()
}

impl Rule {
    /// The paths and globs that the rule reads, from the root.
    fn needs(&self) -> Vec<&str> {
        match self {
            Self::Runbooks(rule) => rule.needs(),
            Self::Roster(rule) => rule.needs(),
            Self::Drills(rule) => rule.needs(),
            Self::Rotation(rule) => rule.needs(),
            Self::BreakGlass(rule) => rule.needs(),
            Self::NetworkPolicy(rule) => rule.needs(),
            Self::ConfigDiff(rule) => rule.needs(),
            Self::LoadProfile(rule) => rule.needs(),
            Self::Scans(rule) => rule.needs(),
            Self::AuditExport(rule) => rule.needs(),
            Self::CorrelationTrace(rule) => rule.needs(),
            Self::Cost(rule) => rule.needs(),
            Self::Rollback(rule) => rule.needs(),
        }
    }

    fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        match self {
            Self::Runbooks(rule) => rule.assess(observed, as_of),
            Self::Roster(rule) => rule.assess(observed),
            Self::Drills(rule) => rule.assess(observed, as_of),
            Self::Rotation(rule) => rule.assess(observed, as_of),
            Self::BreakGlass(rule) => rule.assess(observed, as_of),
            Self::NetworkPolicy(rule) => rule.assess(observed),
            Self::ConfigDiff(rule) => rule.assess(observed, as_of),
            Self::LoadProfile(rule) => rule.assess(observed),
            Self::Scans(rule) => rule.assess(observed, as_of),
            Self::AuditExport(rule) => rule.assess(observed, as_of),
            Self::CorrelationTrace(rule) => rule.assess(observed, as_of),
            Self::Cost(rule) => rule.assess(observed),
            Self::Rollback(rule) => rule.assess(observed, as_of),
        }
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod trial;
