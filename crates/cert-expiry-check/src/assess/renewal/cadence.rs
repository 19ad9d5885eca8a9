//! By which age the certificates of a kind are replaced: as their predecessors were, as their neighbours are, or as
//! machines usually do it.

use crate::{certificate::Certificate, wording::span};

/// How the cadence is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// So many predecessors were seen, and the oldest was replaced at this age.
    Replaced(usize, u64),
    /// So many others of its kind were seen, and the oldest of them has this age.
    Peers(usize, u64),
    /// What automated issuance usually does with this lifetime: this many seconds before the end.
    Custom(u64),
}

/// A cadence, and from which age on a certificate is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cadence {
    pub(super) source: Source,
    pub(super) late_from_age: u64,
}

pub(super) const DAY: u64 = 86_400;

/// Nobody renews by hand what lasts no longer than this.
pub(super) const AUTOMATED: u64 = 100 * DAY;

/// Up to this lifetime, renewal is customary at half of it.
const SHORT: u64 = 10 * DAY;

/// So many predecessors must have been seen replaced before that is called a cadence.
const ENOUGH_REPLACED: usize = 3;

/// So many others must have been seen, where only their age tells.
const ENOUGH_PEERS: usize = 8;

/// Facts outweigh customs. Never before half of the lifetime.
pub(super) fn cadence(lifetime: u64, replaced_at: &[u64], ages: Vec<u64>) -> Option<Cadence> {
    let late = |source, from: u64| Cadence { source, late_from_age: from.max(lifetime / 2 + 1) };
    if let Some((count, oldest)) = regular(replaced_at, lifetime) {
        return Some(late(Source::Replaced(count, oldest), oldest + lifetime / 10));
    }
    if lifetime > AUTOMATED {
        return None;
    }
    let customary = customary(lifetime);
    let by_peers = beyond_peers(ages, lifetime)
        .map(|(count, oldest, late_from)| late(Source::Peers(count, oldest), late_from));
    Some(by_peers.filter(|peers| peers.late_from_age < customary.late_from_age).unwrap_or(customary))
}

/// How many were replaced, and the oldest age, where it looks like a machine's work: several, and all within
/// a tenth of the lifetime.
fn regular(replaced_at: &[u64], lifetime: u64) -> Option<(usize, u64)> {
    let (first, last) = (replaced_at.iter().min()?, replaced_at.iter().max()?);
    (replaced_at.len() >= ENOUGH_REPLACED && last - first <= lifetime / 10)
        .then_some((replaced_at.len(), *last))
}

/// ACME clients and cert-manager replace at one third left; a twentieth is allowed for their daily timers.
/// Of what lasts days, the customs differ more: SPIRE and Istio replace at half, step and Linkerd near one
/// third left; a fifth is allowed.
fn customary(lifetime: u64) -> Cadence {
    let (left, grace) =
        if lifetime <= SHORT { (lifetime / 2, lifetime / 5) } else { (lifetime / 3, lifetime / 20) };
    Cadence { source: Source::Custom(left), late_from_age: lifetime - left + grace }
}

/// Where others of a kind are of every age up to some age, and then nothing for long, whatever is older was
/// left out: how many they are, the age of the oldest, and from which age on one is late. They must be
/// many, and must have lived long enough to show that they are being replaced rather than new.
fn beyond_peers(mut ages: Vec<u64>, lifetime: u64) -> Option<(usize, u64, u64)> {
    ages.sort_unstable();
    let (mut youngest_gap, mut before) = (0, 0);
    for (count, &age) in ages.iter().enumerate() {
        let gap = age - before;
        let wanted = (3 * youngest_gap).max(lifetime / 10);
        if count >= ENOUGH_PEERS && before >= lifetime / 3 && gap > wanted {
            return Some((count, before, before + wanted + 1));
        }
        youngest_gap = youngest_gap.max(gap);
        before = age;
    }
    None
}

impl Source {
    pub(super) fn expected(self) -> String {
        match self {
            Self::Replaced(_, oldest) => {
                format!(
                    "replaced at the age of about {}, as its predecessors and neighbours were",
                    span(oldest)
                )
            }
            Self::Peers(_, oldest) => {
                format!("replaced like the others, none of which is older than {}", span(oldest))
            }
            Self::Custom(left) => {
                format!("replaced when {} are left, as automated renewal does", span(left))
            }
        }
    }

    pub(super) fn why(self, certificate: &Certificate, lifetime: u64) -> String {
        let issuer = &certificate.issuer;
        match self {
            Self::Replaced(count, oldest) => format!(
                "and of {count} certificates of '{issuer}' with this lifetime that this run saw replaced, each was replaced by the age of {}",
                span(oldest)
            ),
            Self::Peers(count, oldest) => format!(
                "and the {count} others of '{issuer}' with this lifetime have every age up to {}, and none is older",
                span(oldest)
            ),
            Self::Custom(_) => format!("of a lifetime of {}", span(lifetime)),
        }
    }
}
