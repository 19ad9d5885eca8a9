//! What is late by custom, by predecessors, by neighbours, and what is left alone.

use std::sync::LazyLock;

use super::{
    cadence::{AUTOMATED, DAY},
    *,
};
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
    let leaves =
        (0..).zip(seen).filter_map(|(position, (one, _))| Leaf::of(one, position, is_served, standing));
    let look_up = |position: u64| {
        let (one, place) = seen.get(usize::try_from(position).ok()?)?;
        Some(Holder { certificate: Arc::new(Certificate::clone(one)), places: vec![place.clone()] })
    };
    let mut findings = Vec::new();
    judge(leaves.collect(), look_up, Timestamp::from_second(NOW).unwrap(), |finding| findings.push(finding));
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
    let replaced = [line(1, &[280 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat();
    let found = in_files(&replaced);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].subject, "line2.example");
    assert!(found[0].observed.contains("of 3 certificates"), "{}", found[0].observed);
    // Before half of the lifetime nobody is alarmed.
    assert!(
        in_files(&[line(1, &[280 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[180 * DAY])].concat())
            .is_empty()
    );
    // People are irregular.
    assert!(
        in_files(&[line(1, &[360 * DAY, 190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat())
            .is_empty()
    );
    // Two replacements are not a cadence.
    assert!(
        in_files(&[line(1, &[190 * DAY, 100 * DAY, 10 * DAY]), line(2, &[250 * DAY])].concat()).is_empty()
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

/// Clients, services of a mesh and people have no host for a name: one is no successor of another.
#[test]
fn who_has_no_host_for_a_name_is_told_by_service_or_subject() {
    type Change = fn(&mut Certificate, &str);
    let by_subject: Change = |one, name| one.subject_der = name.as_bytes().to_vec();
    let by_service: Change = |one, name| one.other_names = vec![format!("spiffe://shop/{name}")];
    for change in [by_subject, by_service] {
        let of = |number: usize, name: &str, age: u64| {
            let mut one = Certificate { dns_names: Vec::new(), ..certificate(number, 90 * DAY, age) };
            change(&mut one, name);
            one
        };
        let said = |certificates: &[Certificate]| {
            let seen: Vec<_> = (0..).map(|n| format!("{n}.pem")).zip(certificates).collect();
            let seen: Vec<_> = seen.into_iter().map(|(place, one)| (one, place)).collect();
            let findings = judged_at(&seen, false, Standing::Good);
            findings.iter().filter(|finding| finding.outcome == Outcome::Warned).count()
        };
        assert_eq!(said(&[of(0, "alice", 68 * DAY), of(1, "bob", 5 * DAY)]), 1);
        assert_eq!(said(&[of(0, "alice", 68 * DAY), of(1, "alice", 5 * DAY)]), 0);
    }
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
        "renewal stalled: 68 d old, of a lifetime of 90 d; late since 2027-01-11 20:00 UTC (3 d 12 h ago); \
         expires 2027-02-06 08:00 UTC, in 22 d"
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
