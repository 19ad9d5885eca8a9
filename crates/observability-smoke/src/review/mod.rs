//! Judges alert rules before they are needed: as they are written, by the policy of the configuration, and
//! joined with what runs: series, route, receiver, silence, runbook.
//!
//! * [`written`], [`labels`], [`template`], [`burn_rate`], [`coverage`]: pure, rules in, findings out.
//! * [`runbook`], [`promtool`], [`dialect`]: read pages, ask promtool and Prometheus' parser, and judge what they say.
//! * [`position`]: where a place of an expression stands in its file. Pure.
//! * [`routes`]: what is expected of an Alertmanager's configuration.
//! * [`join`]: asks Prometheus and Alertmanager, and follows each alert to the person.
//!
//! It changes nothing anywhere: every request is a GET, links are asked only when that is asked for.

pub(crate) mod burn_rate;
pub(crate) mod checks;
pub(crate) mod config;
#[cfg(test)]
mod corpora;
pub(crate) mod coverage;
pub(crate) mod dialect;
pub(crate) mod join;
pub(crate) mod labels;
pub(crate) mod owed;
pub(crate) mod position;
pub(crate) mod promtool;
pub(crate) mod routes;
pub(crate) mod runbook;
pub(crate) mod template;
pub(crate) mod written;

use crate::rules::manifest::{Group, Kind, Rule};

/// A rule file, read.
#[derive(Debug, Clone)]
pub(crate) struct RuleFile {
    /// As the user named it.
    pub(crate) path: String,
    /// What stands in it.
    pub(crate) groups: Vec<Group>,
}

/// A rule, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The file.
    pub(crate) file: &'a RuleFile,
    /// The group.
    pub(crate) group: &'a Group,
    /// The rule.
    pub(crate) rule: &'a Rule,
}

impl Placed<'_> {
    /// What findings call it: the name, with the severity where several may share it.
    pub(crate) fn subject(&self) -> String {
        match self.rule.labels.get("severity") {
            Some(severity) => format!("{} ({severity})", self.rule.name),
            None => self.rule.name.clone(),
        }
    }

    pub(crate) fn is_alert(&self) -> bool {
        self.rule.kind == Kind::Alert
    }
}

/// Every rule, in order.
pub(crate) fn all(files: &[RuleFile]) -> impl Iterator<Item = Placed<'_>> {
    files.iter().flat_map(|file| {
        file.groups
            .iter()
            .flat_map(move |group| group.rules.iter().map(move |rule| Placed { file, group, rule }))
    })
}

/// Every alert, in order.
pub(crate) fn alerts(files: &[RuleFile]) -> impl Iterator<Item = Placed<'_>> {
    all(files).filter(Placed::is_alert)
}

/// Says where the rule stands.
pub(crate) fn placed(
    finding: evidence_report::record::Finding,
    rule: &Placed<'_>,
) -> evidence_report::record::Finding {
    finding.at(rule.file.path.clone(), Some(rule.rule.line))
}
