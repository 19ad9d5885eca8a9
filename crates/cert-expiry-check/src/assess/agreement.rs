//! Whether what is seen in several places agrees: the file was renewed, and nobody reloaded the server; one
//! of the nodes behind a name was forgotten.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{
    Basis,
    lifetime::{self, Standing},
};
use crate::{
    certificate::Certificate,
    checks::{TLS_AGREEMENT, TLS_NODES},
    wording::{distance, moment, printable, span},
};

/// A certificate, and where it was seen; nowhere is possible.
#[derive(Debug)]
pub struct Placed<'c> {
    /// The certificate.
    pub certificate: &'c Certificate,
    /// The endpoints that serve it, or the files that hold it; sorted.
    pub places: Vec<String>,
}

/// A reload may follow its renewal with the nightly jobs.
const LONGEST_GRACE: u64 = 86_400;

/// Compares every endpoint with the files that were issued for its names; where there are none, nothing is
/// said.
#[must_use]
pub fn judge(served: &[Placed<'_>], stored: &[Placed<'_>], basis: &Basis) -> Vec<Finding> {
    let stored: Vec<_> = stored
        .iter()
        .filter(|file| !file.places.is_empty() && !file.certificate.is_issuer)
        .map(|file| (file, names(file.certificate)))
        .collect();
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (_, names)) in stored.iter().enumerate() {
        for name in names {
            by_name.entry(name).or_default().push(index);
        }
    }
    let in_use: HashSet<_> =
        served.iter().filter(|server| !server.places.is_empty()).map(fingerprint).collect();
    let on_disk: HashSet<_> = stored.iter().map(|(file, _)| fingerprint(file)).collect();
    let mut findings = Vec::new();
    for server in served.iter().filter(|server| !server.places.is_empty()) {
        let wanted = names(server.certificate);
        let Some(first) = wanted.first() else { continue };
        // Several nodes may have certificates of their own for the same names, each with its file: what one
        // of them serves is no renewal of what another one does.
        let has_its_own_file = on_disk.contains(&fingerprint(server));
        let replaces = |file: &Placed<'_>| {
            let itself = fingerprint(file) == fingerprint(server);
            itself || !(has_its_own_file && in_use.contains(&fingerprint(file)))
        };
        let newest = by_name
            .get(first.as_str())
            .into_iter()
            .flatten()
            .map(|&index| &stored[index])
            .filter(|(file, names)| {
                file.certificate.key_algorithm == server.certificate.key_algorithm
                    && names.is_superset(&wanted)
                    && replaces(file)
            })
            .map(|(file, _)| *file)
            .max_by_key(|file| (issued(file.certificate), fingerprint(file)));
        if let Some(newest) = newest {
            let compared =
                server.places.iter().map(|place| compare(place, server.certificate, newest, basis));
            findings.extend(compared);
        }
    }
    findings
}

fn fingerprint(placed: &Placed<'_>) -> [u8; 32] {
    placed.certificate.fingerprint
}

/// Everything that a certificate was issued for, literally: a wildcard on disk is no renewal of a
/// certificate for one of the names that it covers.
pub(super) fn names(certificate: &Certificate) -> BTreeSet<String> {
    let names = certificate.dns_names.iter().map(|name| name.to_ascii_lowercase());
    names.chain(certificate.ip_addresses.iter().map(ToString::to_string)).collect()
}

fn issued(certificate: &Certificate) -> Timestamp {
    certificate.validity.not_before
}

fn compare(endpoint: &str, served: &Certificate, newest: &Placed<'_>, basis: &Basis) -> Finding {
    let file = printable(newest.places.first().map_or("", String::as_str), 120);
    let expected = format!("the certificate in {file}");
    if served.fingerprint == newest.certificate.fingerprint {
        return TLS_AGREEMENT.passed(endpoint).expected(expected).observed("serves it");
    }
    if issued(served) >= issued(newest.certificate) {
        let observed = "serves one that was issued no earlier than the one on disk";
        return TLS_AGREEMENT.passed(endpoint).expected(expected).observed(observed);
    }
    let renewed = issued(newest.certificate);
    let observed = format!(
        "the file was renewed {} ({}), and the old certificate is still served, which expires {}, {}",
        distance(basis.now, renewed),
        moment(renewed),
        moment(served.validity.not_after),
        distance(basis.now, served.validity.not_after),
    );
    let standing = lifetime::judge(served.validity, basis.now, &basis.thresholds.leaf).standing;
    let finding = match (waits_for_its_reload(newest.certificate, basis.now), standing) {
        (Some(grace), Standing::Good) => {
            let observed = format!("{observed}; a reload within {} is in time", span(grace));
            return TLS_AGREEMENT.passed(endpoint).expected(expected).observed(observed);
        }
        (_, Standing::Good) | (Some(_), Standing::Warning) => TLS_AGREEMENT.warned(endpoint),
        _ => TLS_AGREEMENT.failed(endpoint),
    };
    finding
        .expected(expected)
        .observed(observed)
        .remedy(format!("Reload what serves {endpoint}, and see why the renewal of {file} did not."))
        .hurts_at(served.validity.not_after)
}

/// Compares what the addresses of one name serve; with fewer than two there is nothing to compare.
#[must_use]
pub fn nodes(name: &str, served: &[(IpAddr, &Certificate)]) -> Option<Finding> {
    let mut distinct: Vec<(&Certificate, Vec<String>)> = Vec::new();
    for (address, certificate) in served {
        match distinct.iter_mut().find(|(known, _)| known.fingerprint == certificate.fingerprint) {
            Some((_, addresses)) => addresses.push(address.to_string()),
            None => distinct.push((certificate, vec![address.to_string()])),
        }
    }
    let expected = "the same certificate at every address";
    match (served.len(), distinct.len()) {
        (0 | 1, _) => None,
        (count, 1) => Some(
            TLS_NODES.passed(name).expected(expected).observed(format!("the same at all {count} addresses")),
        ),
        _ => {
            distinct.sort_by_key(|(certificate, _)| certificate.validity.not_after);
            let each = distinct.iter().map(|(certificate, addresses)| {
                format!("{} until {}", addresses.join(", "), moment(certificate.validity.not_after))
            });
            let observed = format!("they differ: {}", each.collect::<Vec<_>>().join("; "));
            let soonest = distinct.first().map(|(certificate, _)| certificate.validity.not_after)?;
            Some(TLS_NODES.warned(name).expected(expected).observed(observed).hurts_at(soonest))
        }
    }
}

/// How much longer a fresh file may wait for its reload, in seconds.
fn waits_for_its_reload(file: &Certificate, now: Timestamp) -> Option<u64> {
    let lifetime = u64::try_from(file.validity.lifetime()).unwrap_or(0);
    let grace = LONGEST_GRACE.min(lifetime / 10);
    let age = u64::try_from(now.as_second() - issued(file).as_second()).unwrap_or(0);
    grace.checked_sub(age).filter(|left| *left > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assess::chain::Roots, certificate::Validity};
    use evidence_report::record::Outcome;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    /// A certificate for these names that began so long ago and lasts 90 days.
    fn certificate(number: u8, names: &[&str], age: i64) -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        certificate.fingerprint = [number; 32];
        certificate.dns_names = names.iter().map(ToString::to_string).collect();
        certificate.validity = Validity::from_unix(NOW - age, NOW - age + 90 * DAY);
        certificate
    }

    fn outcome(served: &Certificate, files: &[&Certificate]) -> Option<Outcome> {
        let outcomes = outcomes(&[served], files);
        assert!(outcomes.len() <= 1);
        outcomes.into_iter().next()
    }

    fn outcomes(served: &[&Certificate], files: &[&Certificate]) -> Vec<Outcome> {
        let basis = Basis::new(Timestamp::from_second(NOW).unwrap(), Roots::new("none", []));
        let served: Vec<_> = (served.iter().enumerate())
            .map(|(index, server)| Placed { certificate: server, places: vec![format!("node{index}:443")] })
            .collect();
        let stored: Vec<_> = (files.iter().enumerate())
            .map(|(index, file)| Placed { certificate: file, places: vec![format!("{index}.pem")] })
            .collect();
        judge(&served, &stored, &basis).iter().map(|finding| finding.outcome).collect()
    }

    #[test]
    fn nodes_with_certificates_and_files_of_their_own_are_no_renewals_of_each_other() {
        let names = ["shop.example"];
        let (old, new) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
        assert_eq!(outcomes(&[&old, &new], &[&old, &new]), [Outcome::Passed, Outcome::Passed]);
        // One file for both nodes, and one of them was not reloaded.
        assert_eq!(outcomes(&[&old, &new], &[&new]), [Outcome::Warned, Outcome::Passed]);
        // The old one is kept in an archive, and nobody serves the new one.
        assert_eq!(outcomes(&[&old], &[&old, &new]), [Outcome::Warned]);
    }

    #[test]
    fn an_old_certificate_that_is_still_served_hurts_more_as_it_ends() {
        let shop = ["shop.example", "www.shop.example"];
        for (served_age, file_age, expected) in [
            // Renewed an hour ago: the reload may come.
            (60 * DAY, 3600, Outcome::Passed),
            (60 * DAY, DAY - 1, Outcome::Passed),
            (60 * DAY, DAY, Outcome::Warned),
            (69 * DAY, 9 * DAY, Outcome::Warned),
            // Less than 21 days left: nobody should wait any longer.
            (70 * DAY, 3600, Outcome::Warned),
            (70 * DAY, 10 * DAY, Outcome::Failed),
            (84 * DAY, 3600, Outcome::Failed),
            (91 * DAY, 31 * DAY, Outcome::Failed),
            // The server is ahead of the disk.
            (10 * DAY, 60 * DAY, Outcome::Passed),
        ] {
            let (served, file) = (certificate(1, &shop, served_age), certificate(2, &shop, file_age));
            assert_eq!(outcome(&served, &[&file]), Some(expected), "served {served_age}, file {file_age}");
        }
    }

    #[test]
    fn the_newest_file_for_all_the_names_counts() {
        let served = certificate(1, &["shop.example"], 30 * DAY);
        let same = certificate(1, &["shop.example"], 30 * DAY);
        let archived = certificate(2, &["shop.example"], 80 * DAY);
        let renewed = certificate(3, &["SHOP.example", "www.shop.example"], 5 * DAY);
        assert_eq!(outcome(&served, &[&archived, &same]), Some(Outcome::Passed));
        assert_eq!(outcome(&served, &[&archived, &same, &renewed]), Some(Outcome::Warned));
    }

    #[test]
    fn files_for_other_names_or_other_keys_say_nothing() {
        let served = certificate(1, &["shop.example", "www.shop.example"], 30 * DAY);
        let wildcard = certificate(2, &["*.shop.example"], 5 * DAY);
        let fewer = certificate(3, &["shop.example"], 5 * DAY);
        let mut other_key = certificate(4, &["shop.example", "www.shop.example"], 5 * DAY);
        other_key.key_algorithm = "1.2.840.113549.1.1.1".to_owned();
        let mut issuer = certificate(5, &["shop.example", "www.shop.example"], 5 * DAY);
        issuer.is_issuer = true;
        assert_eq!(outcome(&served, &[&wildcard, &fewer, &other_key, &issuer]), None);
        let nameless = certificate(6, &[], 30 * DAY);
        assert_eq!(outcome(&nameless, &[&certificate(7, &[], 5 * DAY)]), None);
    }

    #[test]
    fn a_node_that_serves_another_certificate_is_named() {
        let (new, old) =
            (certificate(1, &["shop.example"], 5 * DAY), certificate(2, &["shop.example"], 60 * DAY));
        let node = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert_eq!(nodes("shop:443", &[(node(1), &new)]), None);
        let same = nodes("shop:443", &[(node(1), &new), (node(2), &new)]).unwrap();
        assert_eq!((same.outcome, same.observed.as_str()), (Outcome::Passed, "the same at all 2 addresses"));
        let differ = nodes("shop:443", &[(node(1), &new), (node(2), &old), (node(3), &new)]).unwrap();
        assert_eq!(differ.outcome, Outcome::Warned);
        assert!(
            differ
                .observed
                .starts_with("they differ: 192.0.2.2 until 2027-02-14 08:00 UTC; 192.0.2.1, 192.0.2.3 until")
        );
        assert_eq!(differ.hurts_at, Some(old.validity.not_after));
    }
}
