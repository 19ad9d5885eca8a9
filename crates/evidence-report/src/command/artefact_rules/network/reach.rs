//! What the policies together allow, by the rules of Kubernetes:
//! a pod that no policy selects in a direction is open in it; one that is selected may do what any of the
//! policies allows (they are added up, none takes away); a flow needs egress of its one end and ingress of the
//! other. Traffic between a pod and its own node is not seen here.

use super::{
    declared::{Declared, End, Workload},
    policy::{Direction, Peer, PeerKind, Policy, PortRule, Rule},
    ports::Ports,
};

/// What may pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// With every network plugin.
    pub(super) sure: Ports,
    /// With some network plugin, or for some of the addresses: at least what is sure.
    pub(super) possible: Ports,
}

impl Reach {
    fn everything() -> Self {
        Self { sure: Ports::all(), possible: Ports::all() }
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            sure: self.sure.intersection(&other.sure),
            possible: self.possible.intersection(&other.possible),
        }
    }
}

/// How a peer fits an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    /// In part, or with some network plugins.
    Perhaps,
    Yes,
}

/// The policies over the declared ends.
pub(super) struct World<'w> {
    policies: &'w [Policy],
    declared: &'w Declared,
    /// For each workload, and for ingress and egress, the policies that select it.
    selecting: Vec<[Vec<&'w Policy>; 2]>,
}

impl<'w> World<'w> {
    pub(super) fn new(policies: &'w [Policy], declared: &'w Declared) -> Self {
        let of = |workload: &Workload, direction| {
            let selecting = policies.iter().filter(|policy| {
                policy.rules(direction).is_some()
                    && policy.namespace == workload.namespace
                    && policy.selector.matches(&workload.labels)
            });
            selecting.collect()
        };
        let workloads = declared.workloads.iter();
        let selecting = workloads.map(|workload| Direction::BOTH.map(|direction| of(workload, direction)));
        Self { policies, declared, selecting: selecting.collect() }
    }

    pub(super) const fn policies(&self) -> &'w [Policy] {
        self.policies
    }

    pub(super) const fn declared(&self) -> &'w Declared {
        self.declared
    }

    /// What may pass from one end to the other.
    pub(super) fn between(&self, from: End, to: End) -> Reach {
        self.side(Direction::Egress, from, to).and(&self.side(Direction::Ingress, to, from))
    }

    /// What one end lets pass to or from the other; an end outside of the cluster lets everything pass.
    pub(super) fn side(&self, direction: Direction, of: End, other: End) -> Reach {
        let End::Workload(at) = of else { return Reach::everything() };
        let selecting = &self.selecting[at][direction as usize];
        if selecting.is_empty() {
            return Reach::everything();
        }
        let reached = self.reached(direction, at, other);
        let mut reach = Reach::default();
        for policy in selecting {
            for rule in policy.rules(direction).unwrap_or_default() {
                let fit = rule.fit(policy, self.declared, other);
                if fit == Fit::No {
                    continue;
                }
                let ports = rule.reached(reached);
                if fit == Fit::Yes {
                    reach.sure = reach.sure.union(&ports);
                }
                reach.possible = reach.possible.union(&ports);
            }
        }
        reach
    }

    /// The workload whose ports are meant: the one that is reached.
    fn reached(&self, direction: Direction, at: usize, other: End) -> Option<&'w Workload> {
        match (direction, other) {
            (Direction::Ingress, _) => Some(&self.declared.workloads[at]),
            (Direction::Egress, End::Workload(at)) => Some(&self.declared.workloads[at]),
            (Direction::Egress, _) => None,
        }
    }

    /// A rule that lets some of these ports pass between the two ends, for people to look at.
    pub(super) fn allowing(
        &self,
        direction: Direction,
        (of, other): (End, End),
        ports: &Ports,
    ) -> Option<(&'w Policy, u32)> {
        let End::Workload(at) = of else { return None };
        let reached = self.reached(direction, at, other);
        self.selecting[at][direction as usize].iter().find_map(|policy| {
            let rule = policy.rules(direction)?.iter().find(|rule| {
                rule.fit(policy, self.declared, other) > Fit::No
                    && !rule.reached(reached).intersection(ports).is_empty()
            })?;
            Some((*policy, rule.line))
        })
    }
}

impl Rule {
    fn fit(&self, policy: &Policy, declared: &Declared, other: End) -> Fit {
        match &self.peers {
            None => Fit::Yes,
            Some(peers) => {
                peers.iter().map(|peer| peer.fit(policy, declared, other)).max().unwrap_or(Fit::No)
            }
        }
    }

    /// The ports that the rule allows on the pod that is reached; names mean nothing outside of the cluster.
    fn reached(&self, reached: Option<&Workload>) -> Ports {
        let Some(rules) = &self.ports else { return Ports::all() };
        rules.iter().fold(Ports::default(), |sum, rule| match (rule, reached) {
            (PortRule::Numbers(ports), _) => sum.union(ports),
            (PortRule::Named { protocol, name, .. }, Some(workload)) => {
                sum.union(&workload.named(*protocol, name))
            }
            (PortRule::Named { .. }, None) => sum,
        })
    }
}

impl Peer {
    /// Whether the peer's selectors match a workload.
    pub(super) fn selects(&self, policy: &Policy, workload: &Workload) -> bool {
        match &self.kind {
            PeerKind::Pods { namespaces, pods } => {
                let in_namespace = match namespaces {
                    Some(selector) => selector.matches(&workload.namespace_labels),
                    None => workload.namespace == policy.namespace,
                };
                in_namespace && pods.matches(&workload.labels)
            }
            PeerKind::Addresses(_) => false,
        }
    }

    fn fit(&self, policy: &Policy, declared: &Declared, other: End) -> Fit {
        match (&self.kind, other) {
            (PeerKind::Pods { .. }, End::Workload(at)) => {
                if self.selects(policy, &declared.workloads[at]) {
                    Fit::Yes
                } else {
                    Fit::No
                }
            }
            (PeerKind::Pods { .. }, _) => Fit::No,
            // Whether an ipBlock matches the addresses of pods is left to the network plugin.
            (PeerKind::Addresses(range), End::Workload(_)) => {
                let touched = declared.pod_networks.iter().any(|network| range.touches(*network));
                if touched { Fit::Perhaps } else { Fit::No }
            }
            (PeerKind::Addresses(range), End::Outside(at)) => {
                let blocks = &declared.outside[at].blocks;
                if blocks.iter().all(|block| range.covers(*block)) {
                    Fit::Yes
                } else if blocks.iter().any(|block| range.touches(*block)) {
                    Fit::Perhaps
                } else {
                    Fit::No
                }
            }
            // A block that is narrower is judged by itself.
            (PeerKind::Addresses(range), End::Anywhere) => {
                if range.block.is_everything() {
                    Fit::Yes
                } else {
                    Fit::No
                }
            }
        }
    }
}
