//! Whether what a policy selects is there, among the declared workloads.

use super::{
    declared::{Declared, Workload},
    policy::{Direction, PeerKind, Policy, PortRule, Rule},
    selector::{Labels, Operator, Selector},
};
use crate::{command::artefact_rules::checks::NETWORK_SELECTOR, record::Finding};

/// A finding for each selector, value and port's name that nothing fits.
pub(super) fn assess(policies: &[Policy], declared: &Declared, place: &str) -> Vec<Finding> {
    let mut findings: Vec<_> = policies.iter().flat_map(|policy| of_policy(policy, declared)).collect();
    if findings.is_empty() && !policies.is_empty() {
        let passed = NETWORK_SELECTOR.passed(place).expected("every selector matches a declared workload");
        findings.push(passed.observed("every one does"));
    }
    findings
}

fn of_policy(policy: &Policy, declared: &Declared) -> Vec<Finding> {
    let own: Vec<_> =
        declared.workloads.iter().filter(|workload| workload.namespace == policy.namespace).collect();
    let mut told = Teller { policy, findings: Vec::new() };
    let selected: Vec<_> =
        own.iter().copied().filter(|workload| policy.selector.matches(&workload.labels)).collect();
    if selected.is_empty() {
        told.tell(
            policy.line,
            "its podSelector matches no declared workload: the policy protects nothing".into(),
        );
    }
    told.values(&policy.selector, &own.iter().map(|workload| &workload.labels).collect::<Vec<_>>());
    for direction in Direction::BOTH {
        for rule in policy.rules(direction).unwrap_or_default() {
            let others = told.peers(rule, declared, direction);
            let reached = match direction {
                Direction::Ingress => selected.clone(),
                Direction::Egress => others,
            };
            told.names(rule, &reached);
        }
    }
    told.findings
}

struct Teller<'p> {
    policy: &'p Policy,
    findings: Vec<Finding>,
}

impl Teller<'_> {
    fn tell(&mut self, line: u32, observed: String) {
        self.findings.push(
            NETWORK_SELECTOR
                .failed(self.policy.title())
                .expected("a declared workload that it fits")
                .observed(observed)
                .at(&self.policy.path, Some(line)),
        );
    }

    /// The values that a selector lists and that nobody has.
    fn values(&mut self, selector: &Selector, candidates: &[&Labels]) {
        for requirement in &selector.0 {
            let Operator::In(values) = &requirement.operator else { continue };
            // With one value the selector as a whole matches nothing, and that is told.
            for value in values.iter().filter(|_| values.len() > 1) {
                if !candidates.iter().any(|labels| labels.get(&requirement.key) == Some(value)) {
                    let message = format!("no declared workload has the label {}={value}", requirement.key);
                    self.tell(requirement.line, message);
                }
            }
        }
    }

    /// Tells the peers that match nothing; the workloads that the others match.
    fn peers<'d>(&mut self, rule: &Rule, declared: &'d Declared, direction: Direction) -> Vec<&'d Workload> {
        let Some(peers) = &rule.peers else { return declared.workloads.iter().collect() };
        let mut all = Vec::new();
        for peer in peers {
            let PeerKind::Pods { namespaces, pods } = &peer.kind else { continue };
            let matched: Vec<_> =
                declared.workloads.iter().filter(|workload| peer.selects(self.policy, workload)).collect();
            if matched.is_empty() {
                let word = direction.word();
                self.tell(
                    peer.line,
                    format!("an {word} peer matches no declared workload: it allows nothing"),
                );
            }
            let labels: Vec<_> = declared.workloads.iter().map(|workload| &workload.labels).collect();
            self.values(pods, &labels);
            if let Some(namespaces) = namespaces {
                let labels: Vec<_> =
                    declared.workloads.iter().map(|workload| &workload.namespace_labels).collect();
                self.values(namespaces, &labels);
            }
            all.extend(matched);
        }
        all
    }

    fn names(&mut self, rule: &Rule, reached: &[&Workload]) {
        for port in rule.ports.iter().flatten() {
            let PortRule::Named { protocol, name, line } = port else { continue };
            if !reached.is_empty()
                && reached.iter().all(|workload| workload.named(*protocol, name).is_empty())
            {
                let message = format!(
                    "the port '{name}' ({}) is a port of no workload that it is about",
                    protocol.word()
                );
                self.tell(*line, message);
            }
        }
    }
}
