//! Whether private keys belong to the certificates beside them, and whether one key stands behind what has
//! nothing to do with each other. It knows keys by the digests of their public keys only.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

use evidence_report::record::{Finding, Requirement};

use super::{listed, names, source_of};
use crate::{
    assess::KeySighting,
    certificate::Certificate,
    checks::{KEY_MATCH, KEY_SHARED},
    stores::key::KeyTrouble,
    wording::{day, printable},
};

/// A certificate in a file or in a Kubernetes object.
#[derive(Debug)]
pub struct Beside<'c> {
    /// The certificate.
    pub certificate: &'c Certificate,
    /// Where it lies.
    pub place: &'c str,
}

/// The certificates of each file or object, in their order.
type Sources<'c> = HashMap<&'c str, Vec<&'c Beside<'c>>>;

/// Compares every private key with the certificates that lie beside it: in the same file or object, or in the
/// same folder under the usual names. Of keys without a partner nothing is said.
#[must_use]
pub fn matching(keys: &[KeySighting], certificates: &[Beside<'_>]) -> Vec<Finding> {
    let mut sources: Sources<'_> = HashMap::new();
    let mut owners: HashMap<[u8; 32], &Beside<'_>> = HashMap::new();
    for beside in certificates {
        sources.entry(source_of(beside.place)).or_default().push(beside);
        let owner = owners.entry(beside.certificate.public_key_digest).or_insert(beside);
        if beside.place < owner.place {
            *owner = beside;
        }
    }
    let known: HashSet<_> =
        keys.iter().filter_map(|key| Some((key.source.as_str(), key.public_key.clone().ok()?))).collect();
    keys.iter().filter_map(|key| judge(key, &sources, &owners, &known)).collect()
}

/// Whether a certificate lies beside any of the keys.
#[must_use]
pub fn have_partners(keys: &[KeySighting], certificates: &[Beside<'_>]) -> bool {
    let sources: HashSet<_> = certificates.iter().map(|beside| source_of(beside.place)).collect();
    keys.iter().any(|key| {
        let is_source = |path: &String| sources.contains(path.as_str());
        is_source(&key.source) || usual_partners(&key.source).iter().any(is_source)
    })
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

fn judge(
    key: &KeySighting,
    sources: &Sources<'_>,
    owners: &HashMap<[u8; 32], &Beside<'_>>,
    known: &HashSet<(&str, [u8; 32])>,
) -> Option<Finding> {
    let own = sources.get(key.source.as_str());
    let partners: Vec<_> = match own {
        Some(own) => vec![own],
        None => usual_partners(&key.source).iter().filter_map(|path| sources.get(path.as_str())).collect(),
    };
    let first = leaf(partners.first()?)?;
    let subject = printable(&key.place, 200);
    let digest = match &key.public_key {
        Ok(digest) => digest,
        Err(KeyTrouble::Damaged(why)) => {
            let finding = KEY_MATCH.failed(subject).expected(belongs_to(first));
            return Some(finding.observed(format!("the private key is damaged: {}", printable(why, 120))));
        }
        Err(trouble) => {
            return Some(KEY_MATCH.not_checked(Requirement::Optional, subject, trouble.to_string()));
        }
    };
    let fits = |partner: &&&Vec<&Beside<'_>>| {
        partner.iter().any(|beside| beside.certificate.public_key_digest == *digest)
    };
    // A file may hold several pairs: a certificate that another key in it belongs to is not this one's.
    let lacks_its_key = |beside: &&Beside<'_>| {
        own.is_none() || !known.contains(&(key.source.as_str(), beside.certificate.public_key_digest))
    };
    let wrong: Vec<_> = (partners.iter())
        .filter(|partner| !fits(partner))
        .filter_map(|partner| leaf(partner).filter(lacks_its_key))
        .collect();
    match (wrong.as_slice(), partners.iter().find(fits)) {
        ([], Some(_)) => Some(
            KEY_MATCH.passed(subject).expected(belongs_to(first)).observed("fits the certificate beside it"),
        ),
        ([], None) => None,
        ([wrong, ..], _) => Some(mismatch(subject, wrong, owners.get(digest).copied())),
    }
}

/// What the key of a file stands for: the first certificate that is no issuer's; a CA's own file holds none.
fn leaf<'c>(partner: &[&'c Beside<'c>]) -> Option<&'c Beside<'c>> {
    let in_order = |beside: &&Beside<'_>| number_of(beside.place);
    let leaves = partner.iter().copied().filter(|beside| !beside.certificate.is_issuer);
    leaves.min_by_key(in_order).or_else(|| partner.iter().copied().min_by_key(in_order))
}

fn number_of(place: &str) -> usize {
    place.rsplit_once('#').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn belongs_to(beside: &Beside<'_>) -> String {
    format!("belongs to the certificate in {}", printable(source_of(beside.place), 120))
}

fn mismatch(subject: String, wrong: &Beside<'_>, owner: Option<&Beside<'_>>) -> Finding {
    let place = printable(source_of(wrong.place), 120);
    let issued = day(wrong.certificate.validity.not_before);
    let belongs = match owner {
        Some(owner) => format!(
            "; it belongs to '{}' in {}, issued {}",
            owner.certificate.name,
            printable(source_of(owner.place), 120),
            day(owner.certificate.validity.not_before),
        ),
        None => String::new(),
    };
    let observed = format!(
        "this private key does not belong to the certificate in {place} ('{}', issued {issued}){belongs}",
        wrong.certificate.name
    );
    let remedy = format!(
        "Install the key that {place} was issued for, or have the certificate issued for this key; until then do not \
         restart or reload what reads the pair: it would refuse to start."
    );
    KEY_MATCH.failed(subject).expected(belongs_to(wrong)).observed(observed).remedy(remedy)
}

/// The paths under which the certificate of a key in a file of its own usually lies.
fn usual_partners(key: &str) -> Vec<String> {
    let path = Path::new(key);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let mut folders = vec![folder.to_owned()];
    // /etc/ssl/private beside /etc/ssl/certs, as Debian and Red Hat have it.
    if folder.file_name().is_some_and(|name| name == "private") {
        folders.extend(folder.parent().into_iter().flat_map(|above| [above.join("certs"), above.to_owned()]));
    }
    let names = usual_names(name);
    (folders.iter())
        .flat_map(|folder| names.iter().map(|name| folder.join(name).display().to_string()))
        .collect()
}

/// The names of the certificate's file beside a key's file of this name.
fn usual_names(key: &str) -> Vec<String> {
    const ENDINGS: [&str; 5] = ["crt", "pem", "cer", "cert", "der"];
    let Some((stem, ending)) = key.rsplit_once('.') else { return Vec::new() };
    if ending == "key" {
        return ENDINGS.iter().map(|ending| format!("{stem}.{ending}")).collect();
    }
    if !ENDINGS.contains(&ending) {
        return Vec::new();
    }
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = stem.strip_prefix("privkey").filter(is_number) {
        return ["cert", "fullchain"].map(|name| format!("{name}{number}.{ending}")).to_vec();
    }
    if stem == "key" {
        return ["cert", "fullchain", "certificate"].map(|name| format!("{name}.{ending}")).to_vec();
    }
    let joined = ["-", "_", "."].iter().find_map(|joint| {
        stem.strip_suffix("key").and_then(|rest| rest.strip_suffix(joint)).map(|name| (name, joint))
    });
    joined.map_or_else(Vec::new, |(name, joint)| {
        let plain = ENDINGS.iter().map(|ending| format!("{name}.{ending}"));
        let same = ["cert", "crt"].map(|word| format!("{name}{joint}{word}.{ending}"));
        plain.chain(same).collect()
    })
}

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
pub fn shared(held: &[Held<'_>]) -> Vec<Finding> {
    let key = |held: &&Held<'_>| held.certificate.public_key_digest;
    let mut by_key: Vec<_> = held.iter().collect();
    by_key.sort_by_key(key);
    by_key.chunk_by(|one, other| key(one) == key(other)).filter_map(judge_sharing).collect()
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
        let mut all = names(certificate);
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

    fn key(number: u8, place: &str) -> KeySighting {
        KeySighting {
            place: place.to_owned(),
            source: source_of(place).to_owned(),
            public_key: Ok([number; 32]),
        }
    }

    /// The outcome for each key: these keys beside certificates with those keys.
    fn outcomes(keys: &[(u8, &str)], certificates: &[(u8, &str)]) -> Vec<Outcome> {
        let keys: Vec<_> = keys.iter().map(|(number, place)| key(*number, place)).collect();
        let made: Vec<_> =
            certificates.iter().map(|(key, place)| (certificate(*key, &["a.example"]), *place)).collect();
        let beside: Vec<_> = made.iter().map(|(certificate, place)| Beside { certificate, place }).collect();
        matching(&keys, &beside).iter().map(|finding| finding.outcome).collect()
    }

    #[test]
    fn keys_find_their_certificates_by_the_usual_names() {
        for (key, certificate) in [
            ("tls/tls.key", "tls/tls.crt"),
            ("tls/tls.key", "tls/tls.crt #1"),
            ("live/shop/privkey.pem", "live/shop/cert.pem"),
            ("live/shop/privkey.pem", "live/shop/fullchain.pem #1"),
            ("archive/shop/privkey12.pem", "archive/shop/fullchain12.pem #1"),
            ("tls/shop.key", "tls/shop.pem"),
            ("tls/shop.key", "tls/shop.cer"),
            ("pki/server-key.pem", "pki/server.pem"),
            ("pki/server-key.pem", "pki/server-cert.pem"),
            ("pki/server_key.pem", "pki/server_cert.pem"),
            ("pki/server.key.pem", "pki/server.cert.pem"),
            ("pki/server.key.pem", "pki/server.crt"),
            ("pki/key.pem", "pki/cert.pem"),
            ("key.pem", "cert.pem"),
            ("/etc/ssl/private/shop.key", "/etc/ssl/certs/shop.pem"),
            ("both.pem", "both.pem"),
            ("store.p12, alias shop", "store.p12, alias shop #1"),
            ("secret shop/shop-tls, tls.key", "secret shop/shop-tls, tls.crt"),
            ("secret shop/shop-tls, tls.key", "secret shop/shop-tls, tls.crt #1"),
        ] {
            assert_eq!(outcomes(&[(1, key)], &[(1, certificate)]), [Outcome::Passed], "{key} {certificate}");
            assert_eq!(outcomes(&[(1, key)], &[(2, certificate)]), [Outcome::Failed], "{key} {certificate}");
        }
    }

    #[test]
    fn keys_without_a_partner_say_nothing() {
        for (key, certificate) in [
            ("tls/a.key", "tls/b.crt"),
            ("a/tls.key", "b/tls.crt"),
            ("archive/shop/privkey1.pem", "archive/shop/cert2.pem"),
            ("secret shop/a, tls.key", "secret shop/b, tls.crt"),
            ("tls/id_rsa", "tls/cert.pem"),
            ("tls/privkey.pem", "tls/chain.pem"),
        ] {
            assert_eq!(outcomes(&[(1, key)], &[(2, certificate)]), [], "{key} {certificate}");
        }
    }

    #[test]
    fn a_file_may_hold_several_pairs() {
        let pairs = [(1, "both.pem #1"), (2, "both.pem #2")];
        assert_eq!(outcomes(&[(1, "both.pem"), (2, "both.pem")], &pairs), [Outcome::Passed; 2]);
        assert_eq!(outcomes(&[(1, "both.pem"), (3, "both.pem")], &pairs), [Outcome::Passed]);
        assert_eq!(outcomes(&[(3, "both.pem")], &pairs), [Outcome::Failed]);
    }

    #[test]
    fn keys_that_were_swapped_between_two_files_are_both_told() {
        for places in [["a.pem", "b.pem"], ["secret shop/a, tls.key", "secret shop/b, tls.key"]] {
            let certificates = [(1, places[0]), (2, places[1])];
            let swapped = [(2, places[0]), (1, places[1])];
            assert_eq!(outcomes(&swapped, &certificates), [Outcome::Failed; 2], "{places:?}");
        }
    }

    #[test]
    fn a_mismatch_names_both_places_and_the_right_certificate() {
        let (new, old) = (certificate(2, &["new.example"]), certificate(1, &["old.example"]));
        let beside = [
            Beside { certificate: &new, place: "tls/shop.crt #1" },
            Beside { certificate: &old, place: "backup/shop.crt" },
        ];
        let found = matching(&[key(1, "tls/shop.key")], &beside);
        let issued = day(new.validity.not_before);
        assert_eq!(found[0].subject, "tls/shop.key");
        assert_eq!(
            found[0].observed,
            format!(
                "this private key does not belong to the certificate in tls/shop.crt ('new.example', issued {issued}); \
                 it belongs to 'old.example' in backup/shop.crt, issued {issued}"
            )
        );
    }

    #[test]
    fn what_is_known_of_a_closed_or_damaged_key_is_said() {
        let own = certificate(1, &["a.example"]);
        let beside = [Beside { certificate: &own, place: "tls/shop.crt" }];
        let with = |trouble| {
            let key = KeySighting { public_key: Err(trouble), ..key(1, "tls/shop.key") };
            matching(&[key], &beside)[0].outcome
        };
        assert_eq!(with(KeyTrouble::Encrypted), Outcome::NotChecked(Requirement::Optional));
        assert_eq!(with(KeyTrouble::Damaged("cut".to_owned())), Outcome::Failed);
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
        shared(&held).into_iter().map(|finding| (finding.outcome, finding.observed)).collect()
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
