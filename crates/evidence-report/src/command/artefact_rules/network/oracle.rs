//! The rules of Kubernetes once more, one connection at a time and as plainly as they can be said: what the
//! interval arithmetic of `reach` is held against.

use super::{
    declared::{Declared, End, Workload},
    policy::{PeerKind, Policy, PortRule, Rule},
    ports::Protocol,
};

/// Whether one connection surely passes between two workloads.
pub(super) fn passes(
    policies: &[Policy],
    declared: &Declared,
    from: usize,
    to: usize,
    (protocol, port): (Protocol, u16),
) -> bool {
    let (from, to) = (&declared.workloads[from], &declared.workloads[to]);
    let connection = Connection { to, protocol, port };
    let out: Vec<_> = policies.iter().filter(|p| selects(p, from) && p.egress.is_some()).collect();
    let into: Vec<_> = policies.iter().filter(|p| selects(p, to) && p.ingress.is_some()).collect();
    let leaves = out.is_empty()
        || out.iter().any(|p| p.egress.iter().flatten().any(|rule| connection.fits(rule, p, to)));
    let enters = into.is_empty()
        || into.iter().any(|p| p.ingress.iter().flatten().any(|rule| connection.fits(rule, p, from)));
    leaves && enters
}

fn selects(policy: &Policy, workload: &Workload) -> bool {
    policy.namespace == workload.namespace && policy.selector.matches(&workload.labels)
}

struct Connection<'d> {
    to: &'d Workload,
    protocol: Protocol,
    port: u16,
}

impl Connection<'_> {
    fn fits(&self, rule: &Rule, policy: &Policy, other: &Workload) -> bool {
        let peer = rule.peers.as_ref().is_none_or(|peers| {
            peers.iter().any(|peer| match &peer.kind {
                PeerKind::Addresses(_) => false,
                PeerKind::Pods { namespaces: None, pods } => {
                    other.namespace == policy.namespace && pods.matches(&other.labels)
                }
                PeerKind::Pods { namespaces: Some(namespaces), pods } => {
                    namespaces.matches(&other.namespace_labels) && pods.matches(&other.labels)
                }
            })
        });
        let port = rule.ports.as_ref().is_none_or(|ports| {
            ports.iter().any(|port| match port {
                PortRule::Numbers(ports) => ports.contains(self.protocol, self.port),
                PortRule::Named { protocol, name, .. } => self.to.ports.iter().any(|(other, of, number)| {
                    other == name && of == protocol && *protocol == self.protocol && *number == self.port
                }),
            })
        });
        peer && port
    }
}

/// Every connection that could make a difference in a small world.
pub(super) fn connections(declared: &Declared) -> Vec<(usize, usize, Protocol, u16)> {
    let count = declared.workloads.len();
    let mut all = Vec::new();
    for from in 0..count {
        for to in 0..count {
            for protocol in Protocol::ALL {
                all.extend((1..=12).chain([u16::MAX]).map(|port| (from, to, protocol, port)));
            }
        }
    }
    all
}

/// The end of a workload.
pub(super) const fn end(at: usize) -> End {
    End::Workload(at)
}
