//! Whether a renewal has stalled: a certificate is past the age at which its issuer's cadence should have
//! replaced it, while enough of its lifetime is left for nobody else to notice. Only what is renewed by
//! machines has a cadence; a certificate that somebody renews by hand once a year is left alone.

use std::sync::Arc;

use evidence_report::record::Finding;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{agreement::names, lifetime::Standing};
use crate::{
    certificate::Certificate,
    checks::TLS_RENEWAL,
    wording::{distance, moment, span},
};

/// A certificate of a server or client, as far as it bears upon a cadence: a run has tens of thousands at a time.
#[derive(Debug, Clone)]
pub struct Leaf {
    fingerprint: [u8; 32],
    issuer: Arc<[u8]>,
    /// In seconds.
    lifetime: u64,
    /// Since when it is valid, in Unix seconds.
    issued: i64,
    /// A digest of the names that it is for and of its kind of key: what is alike here replaces each other.
    line: [u8; 16],
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
    pub fn of(certificate: &Certificate, is_served: bool, standing: Standing) -> Option<Self> {
        let lifetime =
            u64::try_from(certificate.validity.lifetime()).ok().filter(|lifetime| *lifetime > 0)?;
        let is_issued = !certificate.is_issuer && !certificate.is_self_issued;
        is_issued.then(|| Self {
            fingerprint: certificate.fingerprint,
            issuer: Arc::clone(&certificate.issuer_der),
            lifetime,
            issued: certificate.validity.not_before.as_second(),
            line: line(certificate),
            is_served,
            standing,
        })
    }

    fn age(&self, now: Timestamp) -> u64 {
        u64::try_from(now.as_second() - self.issued).unwrap_or(0)
    }
}

fn line(certificate: &Certificate) -> [u8; 16] {
    let mut digest = Sha256::new();
    for name in names(certificate) {
        digest.update(name);
        digest.update([0]);
    }
    digest.update(&*certificate.key_algorithm);
    let digest: [u8; 32] = digest.finalize().into();
    std::array::from_fn(|index| digest[index])
}

/// How the cadence is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// So many predecessors were seen, and the oldest was replaced at this age.
    Replaced(usize, u64),
    /// So many others of its kind were seen, and the oldest of them has this age.
    Peers(usize, u64),
    /// What automated issuance usually does with this lifetime: this many seconds before the end.
    Custom(u64),
}

/// A cadence, and from which age on a certificate is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cadence {
    source: Source,
    late_from_age: u64,
}

const DAY: u64 = 86_400;

/// Nobody renews by hand what lasts no longer than this.
const AUTOMATED: u64 = 100 * DAY;

/// Up to this lifetime, renewal is customary at half of it.
const SHORT: u64 = 10 * DAY;

/// So many predecessors must have been seen replaced before that is called a cadence.
const ENOUGH_REPLACED: usize = 3;

/// So many others must have been seen, where only their age tells.
const ENOUGH_PEERS: usize = 8;

/// Judges the certificates of a run, and says it one finding after the other; `look_up` tells more about one of
/// them, by its fingerprint. Those whose successor was seen are renewed already. Says whether a cadence was held against
/// any of them.
pub fn judge(
    mut leaves: Vec<Leaf>,
    look_up: impl Fn(&[u8; 32]) -> Option<Holder>,
    now: Timestamp,
    mut say: impl FnMut(Finding),
) -> bool {
    leaves.sort_unstable_by(|a, b| {
        let key = |leaf: &Leaf| (leaf.lifetime, leaf.fingerprint);
        a.issuer.cmp(&b.issuer).then_with(|| key(a).cmp(&key(b)))
    });
    let (mut rest, mut is_held) = (&mut leaves[..], false);
    while let Some(first) = rest.first() {
        let (issuer, longest) = (Arc::clone(&first.issuer), first.lifetime + first.lifetime / 20);
        let alike = rest.partition_point(|leaf| leaf.issuer == issuer && leaf.lifetime <= longest);
        let (kind, others) = rest.split_at_mut(alike);
        if let (good, Some(cadence)) = judge_kind(kind, now) {
            for leaf in good {
                let Some(holder) = look_up(&leaf.fingerprint) else { continue };
                is_held |= !holder.places.is_empty();
                finding(leaf, &holder, cadence, now).into_iter().for_each(&mut say);
            }
        }
        rest = others;
    }
    is_held
}

/// Certificates of one issuer and of nearly the same lifetime: those that are in use and good, and their cadence.
fn judge_kind(kind: &mut [Leaf], now: Timestamp) -> (Vec<&Leaf>, Option<Cadence>) {
    let longest = kind.iter().map(|leaf| leaf.lifetime).max().unwrap_or(0);
    let (replaced_at, mut good) = successions(kind);
    good.retain(|leaf| leaf.standing == Standing::Good);
    let ages = good.iter().map(|leaf| leaf.age(now)).collect();
    (good, cadence(longest, replaced_at, ages))
}

/// The ages at which certificates of a kind were replaced by another one for the same names with the same
/// kind of key, and those that were not. Where both are still served they stand side by side, on two nodes.
fn successions(kind: &mut [Leaf]) -> (Vec<u64>, Vec<&Leaf>) {
    kind.sort_unstable_by_key(|leaf| (leaf.line, leaf.issued, leaf.fingerprint));
    let (mut replaced_at, mut current) = (Vec::new(), Vec::new());
    for line in kind.chunk_by(|one, next| one.line == next.line) {
        for (index, leaf) in line.iter().enumerate() {
            match line.get(index + 1) {
                Some(next) if !leaf.is_served => replaced_at.push(between(leaf, next)),
                // Served although a newer one lies on disk: `tls.agreement` says so.
                Some(next) if !next.is_served => {}
                _ => current.push(leaf),
            }
        }
    }
    current.sort_by_key(|leaf| leaf.fingerprint);
    (replaced_at, current)
}

fn between(older: &Leaf, newer: &Leaf) -> u64 {
    u64::try_from(newer.issued - older.issued).unwrap_or(0)
}

/// Facts outweigh customs. Never before half of the lifetime.
fn cadence(lifetime: u64, replaced_at: Vec<u64>, ages: Vec<u64>) -> Option<Cadence> {
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
fn regular(replaced_at: Vec<u64>, lifetime: u64) -> Option<(usize, u64)> {
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
    let (expected, why) = (cadence.source.expected(), cadence.source.why(certificate, leaf.lifetime));
    let age = leaf.age(now);
    if age < cadence.late_from_age {
        let observed = format!("{} old, {why}{elsewhere}; late from {}", span(age), moment(from));
        return Some(TLS_RENEWAL.passed(first).expected(expected).observed(observed));
    }
    let observed = format!(
        "renewal stalled: {} old, {why}; late since {} ({}){elsewhere}",
        span(age),
        moment(from),
        distance(now, from)
    );
    let remedy = format!(
        "Look at the log of whatever renews '{}' (a timer, cert-manager, an ACME client) before {}: it has missed its turn.",
        certificate.name,
        moment(certificate.validity.not_after)
    );
    let finding = TLS_RENEWAL.warned(first).expected(expected).observed(observed).remedy(remedy);
    Some(finding.hurts_at(certificate.validity.not_after))
}

impl Source {
    fn expected(self) -> String {
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

    fn why(self, certificate: &Certificate, lifetime: u64) -> String {
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::certificate::Validity;
    use evidence_report::record::Outcome;
    use proptest::prelude::*;

    const NOW: i64 = 1_800_000_000;
    const HOUR: u64 = 3600;

    static TEMPLATE: LazyLock<Certificate> = LazyLock::new(|| {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        Certificate { is_self_issued: false, ..Certificate::read_only(made.cert.der()).unwrap() }
    });

    /// Number, lifetime, age; each for a name of its own.
    fn certificate(number: usize, lifetime: u64, age: u64) -> Certificate {
        let begin = NOW - age as i64;
        let mut certificate = TEMPLATE.clone();
        certificate.fingerprint[..8].copy_from_slice(&(number as u64).to_be_bytes());
        certificate.dns_names = vec![format!("node{number}.example")];
        certificate.validity = Validity::from_unix(begin, begin + lifetime as i64);
        certificate
    }

    /// What is said of these certificates, each in one place; `is_served` says whether by an endpoint.
    fn judged_at(seen: &[(&Certificate, String)], is_served: bool, standing: Standing) -> Vec<Finding> {
        let leaves = seen.iter().filter_map(|(one, _)| Leaf::of(one, is_served, standing)).collect();
        let look_up = |fingerprint: &[u8; 32]| {
            let (one, place) = seen.iter().find(|(one, _)| one.fingerprint == *fingerprint)?;
            Some(Holder { certificate: Arc::new(Certificate::clone(one)), places: vec![place.clone()] })
        };
        let mut findings = Vec::new();
        judge(leaves, look_up, Timestamp::from_second(NOW).unwrap(), |finding| findings.push(finding));
        findings
    }

    fn judged(certificates: &[Certificate]) -> Vec<Finding> {
        let seen: Vec<_> =
            certificates.iter().enumerate().map(|(n, one)| (one, format!("node{n}:443"))).collect();
        judged_at(&seen, true, Standing::Good)
    }

    fn warned(certificates: &[Certificate]) -> Vec<String> {
        let findings = judged(certificates).into_iter();
        let mut names: Vec<_> = findings
            .filter(|finding| finding.outcome == Outcome::Warned)
            .map(|finding| finding.subject)
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_machines_renew_is_late_past_its_customary_moment() {
        for (what, lifetime, last_age_in_time) in [
            // Replaced at half to two thirds: late when less than 30 % is left.
            ("24 hours", 24 * HOUR, 60_479),
            ("6 days", 6 * DAY, 362_879),
            ("10 days", 10 * DAY, 604_799),
            // Replaced when a third is left: a twentieth of grace.
            ("47 days", 47 * DAY, 2_910_239),
            ("90 days", 90 * DAY, 5_572_799),
            ("100 days", 100 * DAY, 6_191_999),
        ] {
            assert!(warned(&[certificate(0, lifetime, last_age_in_time)]).is_empty(), "{what}");
            assert_eq!(warned(&[certificate(0, lifetime, last_age_in_time + 1)]), ["node0:443"], "{what}");
        }
    }

    #[test]
    fn what_people_renew_once_a_year_is_left_alone() {
        for lifetime in [101 * DAY, 200 * DAY, 365 * DAY, 398 * DAY, 825 * DAY] {
            // The others were renewed last month, and this one is not due for weeks.
            let mut all: Vec<_> = (0..40).map(|n| certificate(n, lifetime, n as u64 * DAY)).collect();
            all.push(certificate(40, lifetime, lifetime - 22 * DAY));
            assert!(judged(&all).is_empty(), "{lifetime}");
        }
    }

    #[test]
    fn issuers_self_signed_ones_and_what_its_lifetime_speaks_for_are_left_alone() {
        let old = || certificate(0, 90 * DAY, 68 * DAY);
        assert_eq!(warned(&[old()]).len(), 1);
        assert!(judged(&[Certificate { is_issuer: true, ..old() }]).is_empty());
        assert!(judged(&[Certificate { is_self_issued: true, ..old() }]).is_empty());
        let old = old();
        assert!(judged_at(&[(&old, "node0:443".to_owned())], true, Standing::Warning).is_empty());
    }

    /// A year's certificates that a machine replaces every 90 days: an archive shows it.
    #[test]
    fn predecessors_tell_the_cadence_of_any_lifetime() {
        let year = 365 * DAY;
        let line = |name: usize, ages: &[u64]| {
            ages.iter()
                .enumerate()
                .map(move |(index, age)| {
                    let mut one = certificate(name * 10 + index, year, *age);
                    one.dns_names = vec![format!("line{name}.example")];
                    one
                })
                .collect::<Vec<_>>()
        };
        let in_files = |certificates: &[Certificate]| {
            let seen: Vec<_> = certificates.iter().map(|one| (one, one.dns_names[0].clone())).collect();
            let findings = judged_at(&seen, false, Standing::Good);
            findings.into_iter().filter(|finding| finding.outcome == Outcome::Warned).collect::<Vec<_>>()
        };
        let replaced =
            [line(1, &[280 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat();
        let found = in_files(&replaced);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject, "line2.example");
        assert!(found[0].observed.contains("of 3 certificates"), "{}", found[0].observed);
        // Before half of the lifetime nobody is alarmed.
        assert!(
            in_files(
                &[line(1, &[280 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[180 * DAY])].concat()
            )
            .is_empty()
        );
        // People are irregular.
        assert!(
            in_files(
                &[line(1, &[360 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat()
            )
            .is_empty()
        );
        // Two replacements are not a cadence.
        assert!(
            in_files(&[line(1, &[190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat())
                .is_empty()
        );
    }

    #[test]
    fn many_neighbours_that_are_replaced_in_time_tell_the_cadence() {
        // Replaced every 12 hours of 24, which is before the custom would be late.
        let fleet =
            |count: u64| (0..count).map(move |n| certificate(n as usize, 24 * HOUR, n * 12 * HOUR / count));
        let with = |count: u64, age: u64| {
            let mut all: Vec<_> = fleet(count).collect();
            all.push(certificate(99, 24 * HOUR, age));
            warned(&all)
        };
        assert_eq!(with(40, 15 * HOUR), ["node40:443"]);
        assert!(with(40, 13 * HOUR).is_empty());
        assert!(with(5, 15 * HOUR).is_empty(), "five are too few");
        // A cluster that was set up an hour ago says nothing about an older certificate.
        let mut new: Vec<_> = (0..40).map(|n| certificate(n, 24 * HOUR, HOUR + n as u64)).collect();
        new.push(certificate(99, 24 * HOUR, 15 * HOUR));
        assert!(warned(&new).is_empty());
    }

    #[test]
    fn nodes_side_by_side_are_no_predecessors() {
        let pair = |n: usize, age: u64| {
            let mut one = certificate(n, 365 * DAY, age);
            one.dns_names = vec!["shop.example".to_owned()];
            one
        };
        let all: Vec<_> =
            [300, 250, 200, 150, 100].iter().enumerate().map(|(n, age)| pair(n, age * DAY)).collect();
        assert!(judged(&all).is_empty());
    }

    #[test]
    fn the_rule_stands_in_the_finding() {
        let findings = judged(&[certificate(0, 90 * DAY, 68 * DAY)]);
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        assert_eq!(finding.expected, "replaced when 30 d are left, as automated renewal does");
        assert_eq!(
            finding.observed,
            "renewal stalled: 68 d old, of a lifetime of 90 d; late since 2027-01-11 20:00 UTC (3 d 12 h ago)"
        );
    }

    proptest! {
        #[test]
        fn a_younger_one_is_never_worse(lifetime in 1_u64..AUTOMATED, age in 0_u64..AUTOMATED, younger in 0_u64..AUTOMATED, others in proptest::collection::vec(0_u64..1000, 0..30)) {
            let (age, younger) = (age % lifetime, younger % (age % lifetime + 1));
            let late = |age: u64| {
                let mut all: Vec<_> = others.iter().enumerate().map(|(n, part)| certificate(n, lifetime, lifetime * part / 1000)).collect();
                all.push(certificate(99, lifetime, age));
                warned(&all).contains(&format!("node{}:443", others.len()))
            };
            prop_assert!(late(age) || !late(younger));
        }

        #[test]
        fn a_fresh_one_is_never_late(lifetime in 1_u64..4_000_000_000, used in 0_u64..=50, others in proptest::collection::vec(0_u64..1000, 0..30)) {
            let mut all: Vec<_> = others.iter().enumerate().map(|(n, part)| certificate(n, lifetime, lifetime * part / 1000)).collect();
            all.push(certificate(99, lifetime, lifetime * used / 100));
            let itself = format!("node{}:443", others.len());
            prop_assert!(!warned(&all).contains(&itself));
        }
    }
}
