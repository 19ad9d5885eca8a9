//! Whether one key stands behind what has nothing to do with each other. It knows keys by the digests of their public
//! keys only.

use std::collections::{BTreeSet, HashMap};

use evidence_report::record::Finding;

use super::{listed, stands_for};
use crate::{certificate::Certificate, checks::KEY_SHARED};

/// A certificate, and everywhere that it was seen.
#[derive(Debug)]
pub struct Held<'c> {
    /// The certificate.
    pub certificate: &'c Certificate,
    /// The endpoints that serve it.
    pub endpoints: Vec<String>,
    /// Where else it was seen.
    pub elsewhere: Vec<String>,
}

/// Judges the keys that stand behind more than one certificate or host. A key may outlive its certificate,
/// and the nodes of one service share theirs; a key behind certificates that have no name in common was
/// copied.
#[must_use]
pub fn judge(held: &[Held<'_>]) -> Vec<Finding> {
    let key = |held: &&Held<'_>| held.certificate.public_key_digest;
    let mut by_key: Vec<_> = held.iter().collect();
    by_key.sort_by_key(key);
    by_key.chunk_by(|one, other| key(one) == key(other)).filter_map(judge_sharing).collect()
}

/// Whether a key stands behind several certificates, or hosts.
#[must_use]
pub fn are_shared(held: &[Held<'_>]) -> bool {
    let mut known: HashMap<[u8; 32], ([u8; 32], Vec<&str>)> = HashMap::new();
    held.iter().any(|held| {
        let certificate = held.certificate;
        let (first, hosts) = known
            .entry(certificate.public_key_digest)
            .or_insert_with(|| (certificate.fingerprint, Vec::new()));
        hosts.extend(held.endpoints.iter().map(|place| host_of(place)));
        *first != certificate.fingerprint || hosts.iter().any(|host| *host != hosts[0])
    })
}

/// So many certificates, hosts or places are named; the rest is counted.
const NAMED: usize = 4;

fn judge_sharing(holders: &[&Held<'_>]) -> Option<Finding> {
    let families = families(holders);
    if families.len() > 1 {
        return Some(copied(&families, holders));
    }
    let first = holders.first()?.certificate;
    let hosts: BTreeSet<_> =
        holders.iter().flat_map(|held| &held.endpoints).map(|place| host_of(place).to_owned()).collect();
    let wildcard = first.dns_names.iter().any(|name| name.starts_with("*."));
    let what = if wildcard { "one wildcard certificate and its key serve" } else { "one key serves" };
    let observed = match (hosts.len(), holders.len()) {
        (0 | 1, 0 | 1) => return None,
        (0 | 1, several) => format!("one key stands behind {several} certificates for the same names"),
        (several, _) => format!("{what} {several} hosts: {}", listed(&hosts, NAMED)),
    };
    Some(KEY_SHARED.passed(subject(first)).expected("for one purpose").observed(observed))
}

fn copied(families: &[Vec<&Held<'_>>], holders: &[&Held<'_>]) -> Finding {
    let mut each: Vec<_> = (families.iter())
        .filter_map(|family| family.first())
        .map(|held| {
            let places = held.endpoints.iter().chain(&held.elsewhere);
            format!("'{}' ({})", held.certificate.name, listed(places, 2))
        })
        .collect();
    each.sort();
    let named = each.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let rest = match each.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = holders.iter().map(|held| held.certificate).min_by_key(|certificate| &certificate.name);
    KEY_SHARED
        .warned(first.map_or_else(String::new, subject))
        .expected("for one purpose")
        .observed(format!(
            "one private key stands behind {} certificates that have no name in common: {named}{rest}",
            each.len()
        ))
        .remedy(
            "Make a key of its own for each and have the certificates issued anew: whoever gets hold of this one can \
             stand for all of them. A key that came with an image or a template is known to everybody who has it.",
        )
}

fn subject(certificate: &Certificate) -> String {
    let digest: String =
        certificate.public_key_digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("key {digest} of '{}'", certificate.name)
}

/// Certificates that have a name in common with another one of their family.
fn families<'h, 'c>(holders: &[&'h Held<'c>]) -> Vec<Vec<&'h Held<'c>>> {
    let mut families: Vec<(BTreeSet<String>, Vec<&Held<'_>>)> = Vec::new();
    for held in holders {
        let certificate = held.certificate;
        let mut all = stands_for(certificate);
        all.extend(certificate.common_name.iter().map(|name| name.to_ascii_lowercase()));
        let (related, mut others): (Vec<_>, Vec<_>) =
            families.into_iter().partition(|(names, _)| !names.is_disjoint(&all));
        let mut members = vec![*held];
        for (names, holders) in related {
            all.extend(names);
            members.splice(0..0, holders);
        }
        others.push((all, members));
        families = others;
    }
    families.into_iter().map(|(_, members)| members).collect()
}

/// The host of an endpoint such as `shop.example:443 at 192.0.2.1 as www.example`.
fn host_of(endpoint: &str) -> &str {
    let endpoint = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = endpoint.split([' ', '@']).next().unwrap_or(endpoint);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence_report::record::Outcome;

    fn certificate(key: u8, names: &[&str]) -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        certificate.public_key_digest = [key; 32];
        certificate.name = names.first().copied().unwrap_or("nobody").to_owned();
        certificate.common_name = None;
        certificate.dns_names = names.iter().map(ToString::to_string).collect();
        certificate
    }

    /// What is said of keys that these certificates share: names, endpoints.
    fn sharing(rows: &[(u8, &[&str], &[&str])]) -> Vec<(Outcome, String)> {
        let made: Vec<_> = rows.iter().map(|(key, names, _)| certificate(*key, names)).collect();
        let held: Vec<_> = (made.iter().zip(rows))
            .map(|(certificate, (_, _, endpoints))| Held {
                certificate,
                endpoints: endpoints.iter().map(ToString::to_string).collect(),
                elsewhere: Vec::new(),
            })
            .collect();
        judge(&held).into_iter().map(|finding| (finding.outcome, finding.observed)).collect()
    }

    #[test]
    fn a_key_behind_unrelated_names_was_copied() {
        let found = sharing(&[
            (1, &["a.example"], &["a.example:443"]),
            (1, &["b.example"], &["b.example:443", "b.example:8443"]),
            (2, &["c.example"], &["c.example:443"]),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Outcome::Warned);
        assert_eq!(
            found[0].1,
            "one private key stands behind 2 certificates that have no name in common: \
             'a.example' (a.example:443), 'b.example' (b.example:443, b.example:8443)"
        );
    }

    #[test]
    fn a_key_that_outlives_its_certificate_is_one_family() {
        let rows: [(u8, &[&str], &[&str]); 3] = [
            (1, &["a.example"], &["a.example:443"]),
            (1, &["b.example", "c.example"], &[]),
            (1, &["A.example", "b.example"], &[]),
        ];
        let words = "one key stands behind 3 certificates for the same names";
        assert_eq!(sharing(&rows), [(Outcome::Passed, words.to_owned())]);
    }

    #[test]
    fn a_key_kept_at_the_renewal_of_a_service_or_client_is_one_family() {
        let with = |subject: &[u8], others: &[&str]| {
            let other_names = others.iter().map(ToString::to_string).collect();
            Certificate { subject_der: subject.to_vec(), other_names, ..certificate(1, &[]) }
        };
        let outcome = |one: &Certificate, other: &Certificate| {
            let held = [one, other].map(|certificate| Held {
                certificate,
                endpoints: Vec::new(),
                elsewhere: Vec::new(),
            });
            judge(&held)[0].outcome
        };
        let (service, other_service) = (with(b"", &["spiffe://shop/a"]), with(b"", &["spiffe://shop/b"]));
        let (agent, other_agent) = (with(b"agent", &[]), with(b"other", &[]));
        assert_eq!(outcome(&service, &service), Outcome::Passed);
        assert_eq!(outcome(&service, &other_service), Outcome::Warned);
        assert_eq!(outcome(&agent, &agent), Outcome::Passed);
        assert_eq!(outcome(&agent, &other_agent), Outcome::Warned);
    }

    #[test]
    fn the_hosts_behind_one_certificate_are_counted() {
        let rows: [(u8, &[&str], &[&str]); 2] = [
            (
                1,
                &["*.shop.example"],
                &["a.shop.example:443", "b.shop.example:443 at 192.0.2.1", "smtp://c.shop.example:25"],
            ),
            (
                2,
                &["x.example"],
                &["x.example:443 at 192.0.2.1", "x.example:443 at 192.0.2.2", "x.example:8443"],
            ),
        ];
        let found = sharing(&rows);
        assert_eq!(found.len(), 1, "the nodes of one name are one host: {found:?}");
        let words = "one wildcard certificate and its key serve 3 hosts: a.shop.example, b.shop.example, c.shop.example";
        assert_eq!(found[0], (Outcome::Passed, words.to_owned()));
    }
}
