//! What each rule owes: the checks of which it has something to say, whatever becomes of its observation. Pure.

use jiff::Timestamp;

use super::{
    Rule,
    checks::{
        AUDIT_EXPORT, AUDIT_TRACE, BREAK_GLASS, CONFIG_APPROVAL, CONFIG_DIFFERENCE, CONFIG_SECRET, COST,
        DRILL_EXECUTED, DRILL_PLANNED, ESCALATION, FIELDS, LOAD, NETWORK_BLOCKED, NETWORK_DENY, NETWORK_DNS,
        NETWORK_OPEN, NETWORK_POLICY, NETWORK_SELECTOR, NETWORK_UNDECLARED, READABLE, ROLLBACK, ROSTER,
        ROTATION, RUNBOOK_HEADINGS, RUNBOOK_INDEX, RUNBOOK_REVIEW, SCAN,
    },
    material::Observed,
};
use crate::record::{Check, Finding};

/// What came of rules.
#[derive(Debug, Clone, Default)]
pub(in crate::command) struct Judged {
    /// What is to be said.
    pub(in crate::command) findings: Vec<Finding>,
    /// Of which checks something had to be said.
    pub(in crate::command) owed: Vec<&'static Check>,
}

impl Rule {
    /// Judges, and says what is owed: that everything could be read and that every field says something, which are told
    /// once where nothing is wrong with them; and then, what the rule is about.
    pub(super) fn judged(&self, observed: &Observed, as_of: Timestamp) -> Judged {
        let mut findings = self.assess(observed, as_of);
        let is_told = |check: &Check| findings.iter().any(|finding| finding.check.id == check.id);
        let material = self.material();
        let right: Vec<_> = material.iter().copied().filter(|check| !is_told(check)).collect();
        let mut owed = material.clone();
        // What cannot be read, or says nothing, is told in place of what it would have said.
        if right.len() == material.len() {
            owed.extend(self.about());
        }
        let needs = self.needs();
        findings.extend(right.into_iter().map(|check| {
            let (expected, observed) = match check.id == READABLE.id {
                true => ("files that can be read", "read"),
                false => ("every field says something", "every one does"),
            };
            let finding = check.passed(needs.join(", ")).expected(expected).observed(observed);
            finding.at(needs.first().copied().unwrap_or_default(), None)
        }));
        Judged { findings, owed }
    }

    /// What has to hold of the files before anything can be said of what is in them.
    fn material(&self) -> Vec<&'static Check> {
        let has_fields = match self {
            Self::NetworkPolicy(_) | Self::LoadProfile(_) | Self::Scans(_) => false,
            Self::ConfigDiff(rule) => rule.reads_approvals(),
            _ => true,
        };
        [&READABLE].into_iter().chain(has_fields.then_some(&FIELDS)).collect()
    }

    /// What the rule is about.
    fn about(&self) -> Vec<&'static Check> {
        match self {
            Self::Runbooks(rule) => {
                let headings = rule.asks_for_headings().then_some(&RUNBOOK_HEADINGS);
                [&RUNBOOK_INDEX, &RUNBOOK_REVIEW].into_iter().chain(headings).collect()
            }
            Self::Roster(_) => vec![&ROSTER, &ESCALATION],
            Self::Drills(_) => vec![&DRILL_EXECUTED, &DRILL_PLANNED],
            Self::Rotation(_) => vec![&ROTATION],
            Self::BreakGlass(_) => vec![&BREAK_GLASS],
            Self::NetworkPolicy(rule) => {
                let alone =
                    [&NETWORK_POLICY, &NETWORK_DENY, &NETWORK_OPEN, &NETWORK_DNS, &NETWORK_UNDECLARED];
                let declared = [&NETWORK_SELECTOR, &NETWORK_BLOCKED];
                let declared = declared.into_iter().filter(|_| rule.has_flows());
                alone.into_iter().chain(declared).collect()
            }
            Self::ConfigDiff(rule) => {
                let approval = rule.names_risks().then_some(&CONFIG_APPROVAL);
                [&CONFIG_DIFFERENCE, &CONFIG_SECRET].into_iter().chain(approval).collect()
            }
            Self::LoadProfile(_) => vec![&LOAD],
            Self::Scans(_) => vec![&SCAN],
            Self::AuditExport(_) => vec![&AUDIT_EXPORT],
            Self::CorrelationTrace(_) => vec![&AUDIT_TRACE],
            Self::Cost(_) => vec![&COST],
            Self::Rollback(_) => vec![&ROLLBACK],
        }
    }
}
