//! Rules that allow everything, or nearly so, however that is written. Pure.

use super::{
    block::{Block, Range},
    policy::{Direction, Peer, PeerKind, Policy, PortRule, Rule},
    ports::{Ports, Protocol},
    selector::{Operator, Selector},
};
use crate::{
    command::artefact_rules::checks::NETWORK_OPEN,
    record::{Finding, Outcome},
};

/// The label that every namespace has.
const NAME: &str = "kubernetes.io/metadata.name";

/// Rules that allow everything.
pub(super) fn open(policies: &[Policy], place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for policy in policies {
        for direction in Direction::BOTH {
            for rule in policy.rules(direction).unwrap_or_default() {
                findings.extend(openness(rule).map(|(outcome, what)| {
                    let subject = format!("{}, {}", policy.title(), direction.word());
                    let finding = match outcome {
                        Outcome::Warned => NETWORK_OPEN.warned(subject),
                        _ => NETWORK_OPEN.failed(subject),
                    };
                    let finding = finding.expected("peers and ports of one flow").observed(what);
                    finding.at(&policy.path, Some(rule.line))
                }));
            }
        }
    }
    if findings.is_empty() && !policies.is_empty() {
        let passed = NETWORK_OPEN.passed(place).expected("no rule that allows everything");
        findings.push(passed.observed("every rule names peers or ports"));
    }
    findings
}

/// What a rule opens beyond one flow: failed where that is everything, warned where it is nearly that.
fn openness(rule: &Rule) -> Option<(Outcome, String)> {
    if !has_all_ports(rule) {
        return None;
    }
    let failed = |what: &str| Some((Outcome::Failed, what.to_owned()));
    let Some(peers) = &rule.peers else {
        return failed(
            "the rule names no peer and no port: it allows everything, and undoes the default deny",
        );
    };
    if peers.iter().any(is_every_pod) {
        return failed("it allows every pod of every namespace, on all ports");
    }
    let ranges: Vec<&Range> = peers.iter().filter_map(addresses).collect();
    if ["0.0.0.0/0", "::/0"].iter().filter_map(|all| Block::parse(all).ok()).any(|all| cover(&ranges, all)) {
        return failed("it allows every address, on all ports");
    }
    let nearly = peers.iter().find_map(nearly_everybody);
    nearly.map(|who| (Outcome::Warned, format!("it allows {who}, on all ports")))
}

fn has_all_ports(rule: &Rule) -> bool {
    let Some(rules) = &rule.ports else { return true };
    let numbers = rules.iter().filter_map(|port| match port {
        PortRule::Numbers(ports) => Some(ports),
        PortRule::Named { .. } => None,
    });
    let all = numbers.fold(Ports::default(), |sum, ports| sum.union(ports));
    Ports::all_of(Protocol::Tcp).without(&all).is_empty()
}

fn addresses(peer: &Peer) -> Option<&Range> {
    match &peer.kind {
        PeerKind::Addresses(range) => Some(range),
        PeerKind::Pods { .. } => None,
    }
}

fn is_every_pod(peer: &Peer) -> bool {
    let PeerKind::Pods { namespaces: Some(namespaces), pods } = &peer.kind else { return false };
    pods.is_everything() && is_every_namespace(namespaces)
}

/// Every namespace has a name, and may be asked for that.
fn is_every_namespace(selector: &Selector) -> bool {
    selector.0.iter().all(|one| one.key == NAME && one.operator == Operator::Exists)
}

/// Whether these ranges together leave nothing of a block out: halves of everything are everything.
fn cover(ranges: &[&Range], block: Block) -> bool {
    if ranges.iter().any(|range| range.covers(block)) {
        return true;
    }
    if !ranges.iter().any(|range| range.touches(block)) {
        return false;
    }
    block.halves().is_some_and(|halves| halves.into_iter().all(|half| cover(ranges, half)))
}

/// Who is left out by name only: whoever comes tomorrow is let in.
fn nearly_everybody(peer: &Peer) -> Option<String> {
    match &peer.kind {
        PeerKind::Addresses(range) if range.block.is_everything() => {
            let except: Vec<_> = range.except.iter().map(ToString::to_string).collect();
            Some(format!("every address but {}", except.join(", ")))
        }
        PeerKind::Pods { namespaces: Some(namespaces), pods }
            if pods.is_everything() && namespaces.0.iter().all(|one| excludes(&one.operator)) =>
        {
            let keys: Vec<_> = namespaces.0.iter().map(|one| one.key.as_str()).collect();
            Some(format!("every pod of every namespace that {} does not keep out", keys.join(", ")))
        }
        _ => None,
    }
}

const fn excludes(operator: &Operator) -> bool {
    matches!(operator, Operator::NotIn(_) | Operator::DoesNotExist)
}

#[cfg(test)]
mod tests {
    use crate::command::artefact_rules::{
        material::Observed,
        network::NetworkRule,
        trial::{rule, told},
    };

    /// What the rule says of one ingress rule, in the flow style of YAML.
    fn said(ingress: &str) -> Vec<String> {
        let policy = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: x, namespace: p}}\nspec:\n  podSelector: {{matchLabels: {{app: a}}}}\n  policyTypes: [Ingress]\n  ingress: [{{from: [{{podSelector: {{}}}}]}}, {ingress}]\n"
        );
        let rule: NetworkRule = rule("manifests: [m.yaml]\n");
        let findings = rule.assess(&Observed::of_texts(&[("m.yaml", &policy)]));
        told(&findings).into_iter().filter(|line| line.contains("network.allow_all")).collect()
    }

    #[test]
    fn everything_is_found_however_it_is_written() {
        for ingress in [
            "{}",
            "null",
            "{from: []}",
            "{ports: [{port: 1, endPort: 65535}]}",
            "{ports: [{port: 1, endPort: 40000}, {port: 30000, endPort: 65535}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}",
            "{from: [{ipBlock: {cidr: '::/0'}}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}, {ipBlock: {cidr: 10.0.0.0/8}}]}",
            "{from: [{namespaceSelector: {}}]}",
            "{from: [{namespaceSelector: {}, podSelector: {}}]}",
            "{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}}]}",
        ] {
            let said = said(ingress);
            assert!(said.len() == 1 && said[0].starts_with("failed"), "{ingress}: {said:?}");
        }
    }

    #[test]
    fn nearly_everything_warns_and_one_flow_passes() {
        for ingress in [
            "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [192.0.2.1/32]}}]}",
            "{from: [{namespaceSelector: {matchExpressions: [{key: nope, operator: DoesNotExist}]}}]}",
            "{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [x]}]}}]}",
        ] {
            let said = said(ingress);
            assert!(said.len() == 1 && said[0].starts_with("warned"), "{ingress}: {said:?}");
        }
        for ingress in [
            "{from: [{podSelector: {}}]}",
            "{ports: [{port: 1, endPort: 65534}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}",
            "{from: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/2}}]}",
            "{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}}]}",
        ] {
            assert_eq!(said(ingress), [""; 0], "{ingress}");
        }
    }
}
