//! Whether a renewal has stalled: a certificate is past the age at which its issuer's cadence should have
//! replaced it, while enough of its lifetime is left for nobody else to notice. Only what is renewed by
//! machines has a cadence; a certificate that somebody renews by hand once a year is left alone.

mod cadence;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use evidence_report::record::Finding;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use self::cadence::{Cadence, cadence};
use super::{agreement::stands_for, lifetime::Standing};
use crate::{
    certificate::Certificate,
    checks::TLS_RENEWAL,
    wording::{distance, moment, span},
};

/// A certificate of a server or client, as far as it bears upon a cadence: a run has a hundred thousand at a time, so
/// that names and issuers are told by digests, and everything else about it is looked up.
#[derive(Debug, Clone, Copy)]
pub struct Leaf {
    /// Where it is looked up.
    position: u64,
    /// A digest of the issuer's name.
    issuer: u64,
    /// A digest of whom it stands for and of its kind of key: what is alike here replaces each other.
    line: u64,
    /// Since when it is valid, in Unix seconds.
    issued: i64,
    /// In seconds; what lasts longer than a century lasts as long as any other that does.
    lifetime: u32,
    is_served: bool,
    standing: Standing,
}

/// A certificate, and everywhere that it was seen, servers first.
#[derive(Debug)]
pub struct Holder {
    /// It.
    pub certificate: Arc<Certificate>,
    /// Where.
    pub places: Vec<String>,
}

impl Leaf {
    /// Of a certificate that has an issuer with a cadence: nothing for those that are self-signed or issue others.
    /// `is_served` says whether an endpoint serves it; where its `standing` speaks already, nothing is added.
    #[must_use]
    pub fn of(certificate: &Certificate, position: u64, is_served: bool, standing: Standing) -> Option<Self> {
        let lifetime = certificate.validity.lifetime();
        let is_issued = !certificate.is_issuer && !certificate.is_self_issued;
        (is_issued && lifetime > 0).then(|| Self {
            position,
            issuer: start_of(&Sha256::digest(&*certificate.issuer_der).into()),
            line: line(certificate),
            issued: certificate.validity.not_before.as_second(),
            lifetime: u32::try_from(lifetime).unwrap_or(u32::MAX),
            is_served,
            standing,
        })
    }

    fn lifetime(&self) -> u64 {
        self.lifetime.into()
    }

    fn age(&self, now: Timestamp) -> u64 {
        u64::try_from(now.as_second() - self.issued).unwrap_or(0)
    }
}

fn line(certificate: &Certificate) -> u64 {
    let mut digest = Sha256::new();
    for whom in stands_for(certificate) {
        digest.update(whom);
        digest.update([0]);
    }
    digest.update(&*certificate.key_algorithm);
    start_of(&digest.finalize().into())
}

/// Enough of a digest to tell a million things apart.
fn start_of(digest: &[u8; 32]) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|index| digest[index]))
}

/// Judges the certificates of a run, and says it one finding after the other; `look_up` tells more about the one at
/// a position. Those whose successor was seen are renewed already. Says whether a cadence was held against any of them.
pub fn judge(
    mut leaves: Vec<Leaf>,
    look_up: impl Fn(u64) -> Option<Holder>,
    now: Timestamp,
    mut say: impl FnMut(Finding),
) -> bool {
    leaves.sort_unstable_by_key(|leaf| (leaf.issuer, leaf.lifetime, leaf.position));
    let (mut rest, mut is_held) = (&mut leaves[..], false);
    while let Some(first) = rest.first() {
        let (issuer, longest) = (first.issuer, first.lifetime() + first.lifetime() / 20);
        let alike = rest.partition_point(|leaf| leaf.issuer == issuer && leaf.lifetime() <= longest);
        let (kind, others) = rest.split_at_mut(alike);
        let (current, cadence) = judge_kind(kind, now);
        if let Some(cadence) = cadence {
            for leaf in current.iter().filter(|leaf| leaf.standing == Standing::Good) {
                let Some(holder) = look_up(leaf.position) else { continue };
                is_held |= !holder.places.is_empty();
                finding(leaf, &holder, cadence, now).into_iter().for_each(&mut say);
            }
        }
        rest = others;
    }
    is_held
}

/// Certificates of one issuer and of nearly the same lifetime: those that are in use, and the cadence of the good ones.
fn judge_kind(kind: &mut [Leaf], now: Timestamp) -> (&[Leaf], Option<Cadence>) {
    let longest = kind.iter().map(Leaf::lifetime).max().unwrap_or(0);
    let (replaced_at, current) = successions(kind);
    let good = current.iter().filter(|leaf| leaf.standing == Standing::Good);
    let ages = good.map(|leaf| leaf.age(now)).collect();
    let cadence = cadence(longest, &replaced_at, ages);
    current.sort_unstable_by_key(|leaf| leaf.position);
    (current, cadence)
}

/// The ages at which certificates of a kind were replaced by another one for the same names with the same
/// kind of key, and those that were not. Where both are still served they stand side by side, on two nodes.
fn successions(kind: &mut [Leaf]) -> (Vec<u64>, &mut [Leaf]) {
    kind.sort_unstable_by_key(|leaf| (leaf.line, leaf.issued, leaf.position));
    let mut replaced_at = Vec::new();
    let mut count = 0;
    for index in 0..kind.len() {
        let leaf = kind[index];
        match kind.get(index + 1).filter(|next| next.line == leaf.line) {
            Some(next) if !leaf.is_served => replaced_at.push(between(&leaf, next)),
            // Served although a newer one lies on disk: `tls.agreement` says so.
            Some(next) if !next.is_served => {}
            _ => {
                kind[count] = leaf;
                count += 1;
            }
        }
    }
    (replaced_at, &mut kind[..count])
}

fn between(older: &Leaf, newer: &Leaf) -> u64 {
    u64::try_from(newer.issued - older.issued).unwrap_or(0)
}

/// One finding a certificate: it is one renewal that stalled, wherever its result is missing.
fn finding(leaf: &Leaf, holder: &Holder, cadence: Cadence, now: Timestamp) -> Option<Finding> {
    let (first, others) = holder.places.split_first()?;
    let elsewhere = match others.len() {
        0 => String::new(),
        more => format!("; seen in {more} more place{}", if more == 1 { "" } else { "s" }),
    };
    let certificate = &*holder.certificate;
    let from = certificate.validity.not_before.as_second() + i64::try_from(cadence.late_from_age).ok()?;
    let from = Timestamp::from_second(from).ok()?;
    let (expected, why) = (cadence.source.expected(), cadence.source.why(certificate, leaf.lifetime()));
    let age = leaf.age(now);
    if age < cadence.late_from_age {
        let observed = format!("{} old, {why}{elsewhere}; late from {}", span(age), moment(from));
        return Some(TLS_RENEWAL.passed(first).expected(expected).observed(observed));
    }
    let end = certificate.validity.not_after;
    let observed = format!(
        "renewal stalled: {} old, {why}; late since {} ({}); expires {}, {}{elsewhere}",
        span(age),
        moment(from),
        distance(now, from),
        moment(end),
        distance(now, end)
    );
    let remedy = format!(
        "Look at the log of whatever renews '{}' (a timer, cert-manager, an ACME client) before {}: it has missed its turn.",
        certificate.name,
        moment(end)
    );
    let finding = TLS_RENEWAL.warned(first).expected(expected).observed(observed).remedy(remedy);
    Some(finding.hurts_at(end))
}
