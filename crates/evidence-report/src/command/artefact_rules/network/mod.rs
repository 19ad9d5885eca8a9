//! Rule `network-policy`: default deny, no allow-all, DNS, selectors that match, and the declared flows held
//! against what the policies together allow. It reads manifests, never a cluster.

mod block;
mod declared;
mod flows;
mod manifest;
mod openness;
mod policy;
mod ports;
mod reach;
mod selector;
mod selectors;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use self::{
    declared::{Declared, End},
    manifest::{Manifest, Weight},
    openness::open,
    policy::{Direction, Policy, PortRule, Rule},
    ports::{Ports, Protocol},
    reach::World,
};
use super::{
    checks::{NETWORK_DENY, NETWORK_DNS, NETWORK_POLICY},
    material::{Observed, unreadable},
    some::some,
};
use crate::record::{Finding, Requirement};

/// Network policies deny by default, and allow the declared flows and no others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct NetworkRule {
    /// Manifests with NetworkPolicies: paths or globs from the root.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    manifests: Vec<String>,
    /// The file that declares workloads and flows; without it only the policies themselves are judged.
    #[serde(default)]
    flows: Option<String>,
    /// Namespaces that must deny by default; those that have a policy always must.
    #[serde(default)]
    namespaces: Vec<String>,
}

impl NetworkRule {
    /// Whether flows are declared.
    pub(super) fn has_flows(&self) -> bool {
        self.flows.is_some()
    }

    pub(super) fn needs(&self) -> Vec<&str> {
        self.manifests.iter().chain(&self.flows).map(String::as_str).collect()
    }

    pub(super) fn assess(&self, observed: &Observed) -> Vec<Finding> {
        let (policies, mut findings, whole) = self.policies(observed);
        let governed = self.governed(&policies);
        let Some(place) = self.manifests.first() else { return findings };
        findings.extend(default_deny(&policies, &governed, place));
        findings.extend(open(&policies, place));
        let Some(path) = &self.flows else {
            findings.extend(governed.iter().map(|namespace| dns_of_namespace(&policies, namespace, place)));
            findings.push(flows::without(
                Requirement::Optional,
                place,
                "the policy names no declaration of flows",
            ));
            return findings;
        };
        let declared = observed.document(path).and_then(|document| {
            Declared::read(&document).map_err(|trouble| unreadable(path, "a declaration of flows", &trouble))
        });
        match declared {
            Err(finding) => {
                findings.push(*finding);
                findings.push(flows::without(Requirement::Required, path, "the declaration cannot be read"));
            }
            Ok(_) if !whole => {
                let why = "not every policy can be read, so what they allow together is not known";
                findings.push(flows::without(Requirement::Required, path, why));
            }
            Ok(declared) => {
                let world = World::new(&policies, &declared);
                findings.extend(dns(&world, &governed, path));
                findings.extend(selectors::assess(&policies, &declared, place));
                findings.extend(flows::assess(&world, &governed, path));
            }
        }
        findings
    }

    /// The policies, what is to be said about their form, and whether all of them are known.
    fn policies(&self, observed: &Observed) -> (Vec<Policy>, Vec<Finding>, bool) {
        let (mut policies, mut findings, mut whole) = (Vec::new(), Vec::new(), true);
        for pattern in &self.manifests {
            let paths = observed.paths(pattern);
            if paths.is_empty() {
                whole = false;
                findings.push(nothing(pattern, "no file fits"));
            }
            for path in paths {
                let documents = match observed.documents(path) {
                    Ok(documents) => documents,
                    Err(finding) => {
                        whole = false;
                        findings.push(*finding);
                        continue;
                    }
                };
                let manifest = Manifest::read(path, &documents);
                whole &= manifest.remarks.iter().all(|remark| remark.weight == Weight::Idle);
                findings.extend(manifest.remarks.iter().map(|remark| {
                    let finding = match remark.weight {
                        Weight::Wrong => NETWORK_POLICY.failed(&remark.subject),
                        Weight::Idle => NETWORK_POLICY.warned(&remark.subject),
                        Weight::Unknown => NETWORK_POLICY.inconclusive(&remark.subject).remedy(
                            "Show these policies by other means; this rule reads networking.k8s.io/v1 alone.",
                        ),
                    };
                    finding
                        .expected("a NetworkPolicy that does what it looks like")
                        .observed(&remark.message)
                        .at(path, Some(remark.line))
                }));
                policies.extend(manifest.policies);
            }
        }
        let mut names = BTreeSet::new();
        for policy in &policies {
            if !names.insert((policy.namespace.clone(), policy.name.clone())) {
                let finding = NETWORK_POLICY
                    .failed(policy.title())
                    .expected("each name once in a namespace")
                    .observed("it stands twice: a cluster keeps the last one that is applied");
                findings.push(finding.at(&policy.path, Some(policy.line)));
                whole = false;
            }
        }
        if policies.is_empty() && whole {
            findings.push(nothing(&self.manifests.join(", "), "no NetworkPolicy in it"));
        } else if whole {
            let observed = format!("{} policies", policies.len());
            let subject = self.manifests.join(", ");
            findings.push(
                NETWORK_POLICY.passed(subject).expected("policies that a cluster takes").observed(observed),
            );
        }
        (policies, findings, whole)
    }

    fn governed(&self, policies: &[Policy]) -> BTreeSet<String> {
        let named = self.namespaces.iter().cloned();
        named.chain(policies.iter().map(|policy| policy.namespace.clone())).collect()
    }
}

fn nothing(subject: &str, observed: &str) -> Finding {
    NETWORK_POLICY.failed(subject).expected("at least one NetworkPolicy").observed(observed).at(subject, None)
}

/// For each namespace and direction: a policy for all pods that allows nothing.
fn default_deny(policies: &[Policy], governed: &BTreeSet<String>, place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for namespace in governed {
        let own = || policies.iter().filter(|policy| policy.namespace == *namespace);
        for direction in Direction::BOTH {
            let subject = format!("{namespace}, {}", direction.word());
            let denying = own().find(|policy| {
                policy.selector.is_everything() && policy.rules(direction).is_some_and(<[Rule]>::is_empty)
            });
            let finding = match denying {
                Some(policy) => NETWORK_DENY
                    .passed(subject)
                    .observed(format!("{} denies", policy.name))
                    .at(&policy.path, Some(policy.line)),
                None => {
                    let near = own().find(|policy| policy.selector.is_everything());
                    let observed = match near {
                        Some(policy) => {
                            format!(
                                "no policy denies all; {} selects all pods, but allows something or says nothing about it",
                                policy.name
                            )
                        }
                        None => "no policy selects all pods".to_owned(),
                    };
                    let at = near.or_else(|| own().next());
                    let path = at.map_or(place, |policy| policy.path.as_str());
                    NETWORK_DENY.failed(subject).observed(observed).at(path, at.map(|policy| policy.line))
                }
            };
            findings.push(finding.expected("a policy for all pods that allows nothing in this direction"));
        }
    }
    findings
}

fn dns_ports() -> Ports {
    Ports::range(Protocol::Udp, 53, 53).union(&Ports::range(Protocol::Tcp, 53, 53))
}

/// Without declared workloads: a policy for all pods of the namespace lets port 53 out.
fn dns_of_namespace(policies: &[Policy], namespace: &str, place: &str) -> Finding {
    let all =
        policies.iter().filter(|policy| policy.namespace == namespace && policy.selector.is_everything());
    let rules = all.flat_map(|policy| policy.rules(Direction::Egress).unwrap_or_default());
    let allowed = rules.fold(Ports::default(), |sum, rule| match &rule.ports {
        None => Ports::all(),
        Some(ports) => ports.iter().fold(sum, |sum, port| match port {
            PortRule::Numbers(ports) => sum.union(ports),
            PortRule::Named { .. } => sum,
        }),
    });
    dns_finding(namespace, &dns_ports().without(&allowed), place, None)
}

/// Every workload of the governed namespaces may ask the declared DNS; or, where none is declared, anybody on 53.
fn dns(world: &World<'_>, governed: &BTreeSet<String>, path: &str) -> Vec<Finding> {
    let declared = world.declared();
    let Some(dns) = declared.dns else {
        return governed
            .iter()
            .map(|namespace| dns_of_namespace(world.policies(), namespace, path))
            .collect();
    };
    let workloads = declared.workloads.iter().enumerate();
    let mut findings = Vec::new();
    let mut right = 0_usize;
    for (at, workload) in
        workloads.filter(|(at, workload)| *at != dns && governed.contains(&workload.namespace))
    {
        let reach = world.between(End::Workload(at), End::Workload(dns));
        let missing = dns_ports().without(&reach.sure);
        if missing.is_empty() {
            right += 1;
        } else {
            findings.push(dns_finding(&workload.name, &missing, path, Some(workload.line)));
        }
    }
    if findings.is_empty() {
        let name = &declared.workloads[dns].name;
        let finding = match right {
            0 => NETWORK_DNS.not_checked(
                Requirement::Optional,
                name,
                "no workload is declared that could ask it",
            ),
            right => NETWORK_DNS.passed(name).observed(format!("{right} workloads may")),
        };
        findings.push(finding.expected("every workload may ask it on 53/TCP and 53/UDP"));
    }
    findings
}

fn dns_finding(subject: &str, missing: &Ports, path: &str, line: Option<u32>) -> Finding {
    let finding = if missing.is_empty() {
        NETWORK_DNS.passed(subject).observed("both allowed")
    } else {
        NETWORK_DNS.failed(subject).observed(format!("{missing} is not allowed"))
    };
    finding.expected("egress to DNS on 53/TCP and 53/UDP").at(path, line)
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
