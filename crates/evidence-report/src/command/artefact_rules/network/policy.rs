//! A network policy as a value: whom it selects, and which peers and ports it allows. It knows no manifest.

use super::{
    block::Range,
    ports::{Ports, Protocol},
    selector::Selector,
};

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) selector: Selector,
    /// `None`: it says nothing about this direction.
    pub(super) ingress: Option<Vec<Rule>>,
    pub(super) egress: Option<Vec<Rule>>,
}

/// One of the rules that a policy adds in one direction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) line: u32,
    /// `None`: everybody.
    pub(super) peers: Option<Vec<Peer>>,
    /// `None`: all ports.
    pub(super) ports: Option<Vec<PortRule>>,
}

/// The other end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peer {
    pub(super) line: u32,
    pub(super) kind: PeerKind,
}

/// What kind of other end.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PeerKind {
    /// Pods that match in namespaces that match; `None` as namespaces is the policy's own.
    Pods {
        namespaces: Option<Selector>,
        pods: Selector,
    },
    Addresses(Range),
}

/// What may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PortRule {
    Numbers(Ports),
    /// A port of the pod that is reached.
    Named {
        protocol: Protocol,
        name: String,
        line: u32,
    },
}

/// The two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::Ingress, Self::Egress];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl Policy {
    /// The rules of a direction; `None` where the policy says nothing about it.
    pub(super) fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// `name (namespace)`.
    pub(super) fn title(&self) -> String {
        format!("{} ({})", self.name, self.namespace)
    }
}
