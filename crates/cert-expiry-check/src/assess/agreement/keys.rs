//! Whether private keys belong to the certificates beside them. It knows keys by the digests of their public keys only.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use evidence_report::record::{Finding, Requirement};

use super::{file_of, source_of};
use crate::{
    assess::{KeySighting, lifetime::Role},
    certificate::Certificate,
    checks::KEY_MATCH,
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

/// Compares every private key with the certificates that lie beside it: in the same file or object, or in the
/// same folder under the usual names. Of keys without a partner nothing is said.
#[must_use]
pub fn matching(keys: &[KeySighting], certificates: &[Beside<'_>]) -> Vec<Finding> {
    let files = Files::of(certificates);
    let mut owners: HashMap<[u8; 32], &Beside<'_>> = HashMap::new();
    for beside in certificates {
        let owner = owners.entry(beside.certificate.public_key_digest).or_insert(beside);
        if beside.place < owner.place {
            *owner = beside;
        }
    }
    let known: HashSet<_> =
        keys.iter().filter_map(|key| Some((key.source.as_str(), key.public_key.clone().ok()?))).collect();
    keys.iter().filter_map(|key| judge(key, &files, &owners, &known)).collect()
}

/// Whether a certificate lies beside any of the keys.
#[must_use]
pub fn have_partners(keys: &[KeySighting], certificates: &[Beside<'_>]) -> bool {
    let files = Files::of(certificates);
    keys.iter().any(|key| !files.beside(key).0.is_empty())
}

/// The certificates of one file, or of one value of a Secret, in their order; at least one.
type Partner<'c> = Vec<&'c Beside<'c>>;

/// Where certificates lie.
struct Files<'c> {
    by_path: HashMap<&'c str, Partner<'c>>,
    /// Which values a Secret has.
    values: HashMap<&'c str, Vec<&'c str>>,
}

/// Why a key is held against a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bond {
    /// They lie in the same file or object, which may hold several pairs.
    Place,
    /// They are called as pairs are.
    Name,
}

impl<'c> Files<'c> {
    fn of(certificates: &'c [Beside<'c>]) -> Self {
        let mut files = Self { by_path: HashMap::new(), values: HashMap::new() };
        for beside in certificates {
            let (file, source) = (file_of(beside.place), source_of(beside.place));
            let partner = files.by_path.entry(file).or_default();
            if partner.is_empty() && file != source {
                files.values.entry(source).or_default().push(file);
            }
            partner.push(beside);
        }
        files.by_path.values_mut().for_each(|partner| partner.sort_by_key(|beside| number_of(beside.place)));
        files
    }

    /// What a key is held against, and why.
    fn beside(&self, key: &KeySighting) -> (Vec<&Partner<'c>>, Bond) {
        let all =
            |paths: &[String]| paths.iter().filter_map(|path| self.by_path.get(path.as_str())).collect();
        let own = self.by_path.get(key.source.as_str()).or_else(|| self.by_path.get(file_of(&key.place)));
        if let Some(own) = own {
            return (vec![own], Bond::Place);
        }
        let Some(values) = self.values.get(key.source.as_str()) else {
            return (all(&usual_partners(&key.source)), Bond::Name);
        };
        let name = value_of(&key.place);
        let usual: Vec<_> =
            usual_names(name).into_iter().map(|name| format!("{}, {name}", key.source)).collect();
        let named: Vec<_> = all(&usual);
        if !named.is_empty() {
            return (named, Bond::Name);
        }
        // Whom to trust is nobody's certificate.
        let others = values.iter().filter(|value| value_of(value) != "ca.crt");
        (others.filter_map(|value| self.by_path.get(value)).collect(), Bond::Place)
    }
}

/// The value of a Secret: `tls.key` of `secret shop/tls, tls.key`.
fn value_of(place: &str) -> &str {
    let file = file_of(place);
    file.rsplit_once(", ").map_or(file, |(_, value)| value)
}

/// Whether a key fits the certificates of a file.
enum Fit<'c> {
    Fits,
    /// It belongs to one that stands behind the first.
    Behind {
        first: &'c Beside<'c>,
        own: &'c Beside<'c>,
    },
    /// It belongs to none of them, and this one lacks its key.
    Wrong(&'c Beside<'c>),
    /// The file is for another key.
    OfAnother,
}

fn judge(
    key: &KeySighting,
    files: &Files<'_>,
    owners: &HashMap<[u8; 32], &Beside<'_>>,
    known: &HashSet<(&str, [u8; 32])>,
) -> Option<Finding> {
    let (partners, bond) = files.beside(key);
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
    // A file may hold several pairs: a certificate that another key in it belongs to is not this one's.
    let lacks_its_key = |beside: &Beside<'_>| {
        bond == Bond::Name || !known.contains(&(key.source.as_str(), beside.certificate.public_key_digest))
    };
    let fits: Vec<_> = partners.iter().map(|partner| fit(partner, *digest, lacks_its_key)).collect();
    let is_fit = |fit: &Fit<'_>| matches!(fit, Fit::Fits);
    let mut troubles = fits.iter().filter(|fit| !is_fit(fit) && !matches!(fit, Fit::OfAnother));
    // The values of a Secret have no order: one that fits is enough.
    let is_enough = bond == Bond::Place && fits.iter().any(is_fit);
    match troubles.next().filter(|_| !is_enough) {
        Some(Fit::Wrong(wrong) | Fit::Behind { first: wrong, .. })
            if wrong.certificate.writes_its_curve_out() =>
        {
            let why = format!(
                "the certificate in {} writes its curve out instead of naming it: its key cannot be compared",
                printable(file_of(wrong.place), 120)
            );
            Some(KEY_MATCH.not_checked(Requirement::Optional, subject, why))
        }
        Some(Fit::Wrong(wrong)) => Some(mismatch(subject, wrong, owners.get(digest).copied())),
        Some(Fit::Behind { first, own }) => Some(in_wrong_order(subject, first, own)),
        _ if fits.iter().any(is_fit) => Some(
            KEY_MATCH.passed(subject).expected(belongs_to(first)).observed("fits the certificate beside it"),
        ),
        _ => None,
    }
}

/// Servers take the first certificate of a file for their own; in stores the entries have names.
fn fit<'c>(partner: &Partner<'c>, digest: [u8; 32], lacks_its_key: impl Fn(&Beside<'_>) -> bool) -> Fit<'c> {
    let own = partner.iter().copied().find(|beside| beside.certificate.public_key_digest == digest);
    match (partner.first().copied(), own) {
        (Some(first), Some(own)) => {
            // The pair of a CA signs, and is served by nobody.
            let of_authority = partner.iter().all(|beside| is_authority(beside));
            let is_first = first.certificate.public_key_digest == digest;
            if is_first || of_authority || is_store(partner) || !lacks_its_key(first) {
                Fit::Fits
            } else {
                Fit::Behind { first, own }
            }
        }
        _ => leaf(partner).filter(|leaf| lacks_its_key(leaf)).map_or(Fit::OfAnother, Fit::Wrong),
    }
}

fn is_store(partner: &Partner<'_>) -> bool {
    const STORES: [&str; 5] = ["p12", "pfx", "jks", "jceks", "keystore"];
    partner.iter().any(|beside| {
        let file = file_of(beside.place);
        beside.place.contains(", alias ") || STORES.iter().any(|ending| file.ends_with(&format!(".{ending}")))
    })
}

/// What the key of a file stands for: the first certificate that is no issuer's; a CA's own file holds none.
fn leaf<'c>(partner: &Partner<'c>) -> Option<&'c Beside<'c>> {
    let mut leaves = partner.iter().copied().filter(|beside| !is_authority(beside));
    leaves.next().or_else(|| partner.first().copied())
}

fn is_authority(beside: &Beside<'_>) -> bool {
    Role::of_stored(beside.certificate) == Role::Issuer
}

fn in_wrong_order(subject: String, first: &Beside<'_>, own: &Beside<'_>) -> Finding {
    let file = printable(file_of(own.place), 120);
    let (name, before) = (&own.certificate.name, &first.certificate.name);
    let issued = |beside: &Beside<'_>| day(beside.certificate.validity.not_before);
    let (order, remedy) = if is_authority(first) {
        (
            format!("'{name}', which stands behind the issuer '{before}'"),
            format!(
                "Write {file} anew: '{name}' first, then each issuer; do not restart what reads it before."
            ),
        )
    } else {
        (
            format!(
                "'{name}', issued {}, which stands behind '{before}', issued {}",
                issued(own),
                issued(first)
            ),
            format!(
                "Install the key that the first certificate in {file} was issued for; or, where this key is the right \
                 one, write {file} anew with its certificate first. Do not restart or reload what reads it before."
            ),
        )
    };
    let observed = format!(
        "it belongs to {order} in {file}: servers take the first certificate for their own, find that the key does \
         not fit, and refuse to start"
    );
    KEY_MATCH.failed(subject).expected(belongs_to(first)).observed(observed).remedy(remedy)
}

fn number_of(place: &str) -> usize {
    place.rsplit_once('#').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn belongs_to(beside: &Beside<'_>) -> String {
    format!("belongs to the certificate in {}", printable(file_of(beside.place), 120))
}

fn mismatch(subject: String, wrong: &Beside<'_>, owner: Option<&Beside<'_>>) -> Finding {
    let place = printable(file_of(wrong.place), 120);
    let issued = day(wrong.certificate.validity.not_before);
    let belongs = match owner {
        Some(owner) => format!(
            "; it belongs to '{}' in {}, issued {}",
            owner.certificate.name,
            printable(file_of(owner.place), 120),
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

    fn authority(key: u8, name: &str) -> Certificate {
        Certificate { is_issuer: true, dns_names: Vec::new(), ..certificate(key, &[name]) }
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
    fn a_certificate_behind_its_issuer_is_not_what_servers_take_for_theirs() {
        let root = authority(1, "root");
        let own = certificate(2, &["shop.example"]);
        let outcome = |keys: &[KeySighting], root_at: &str, own_at: &str| {
            let beside =
                [Beside { certificate: &root, place: root_at }, Beside { certificate: &own, place: own_at }];
            let found = matching(keys, &beside);
            (found[0].outcome, found[0].observed.clone())
        };
        let (outside, inside) = ([key(2, "privkey.pem")], [key(2, "both.pem")]);
        let (failed, words) = outcome(&outside, "fullchain.pem #1", "fullchain.pem #2");
        assert_eq!(failed, Outcome::Failed);
        assert!(words.starts_with(
            "it belongs to 'shop.example', which stands behind the issuer 'root' in fullchain.pem"
        ));
        assert_eq!(outcome(&inside, "both.pem #1", "both.pem #2").0, Outcome::Failed);
        let secret = [key(2, "secret shop/a, tls.key")];
        let (tls, behind, ca) =
            ("secret shop/a, tls.crt", "secret shop/a, tls.crt #2", "secret shop/a, ca.crt");
        assert_eq!(outcome(&secret, &format!("{tls} #1"), behind).0, Outcome::Failed);
        assert_eq!(outcome(&secret, ca, tls).0, Outcome::Passed, "another value");
        assert_eq!(outcome(&outside, "fullchain.pem #2", "fullchain.pem #1").0, Outcome::Passed);
        let store = [key(2, "store, alias shop")];
        assert_eq!(outcome(&store, "store, alias a", "store, alias shop").0, Outcome::Passed);
        assert_eq!(outcome(&[key(2, "s.pfx")], "s.pfx #1", "s.pfx #2").0, Outcome::Passed);
        // The pair of a CA is served by nobody.
        let middle = authority(2, "middle");
        let beside = [
            Beside { certificate: &root, place: "fullchain.pem #1" },
            Beside { certificate: &middle, place: "fullchain.pem #2" },
        ];
        assert_eq!(matching(&outside, &beside)[0].outcome, Outcome::Passed);
        // A CA's own pair in front of another.
        let pairs = [key(2, "both.pem"), key(1, "both.pem")];
        assert_eq!(outcome(&pairs, "both.pem #1", "both.pem #2").0, Outcome::Passed);
    }

    /// As nginx, Apache and HAProxy do, whatever else stands in the file.
    #[test]
    fn a_key_is_held_against_the_first_certificate_of_its_file() {
        use Outcome::{Failed, Passed};
        let (tls, ca) = ("secret s/a, tls.crt", "secret s/a, ca.crt");
        let (bare, other) = ("secret s/a, bundle", "secret s/a, other");
        // Keys, certificates, what is said.
        type Row<'r> = (&'r [(u8, &'r str)], &'r [(u8, &'r str)], &'r [Outcome]);
        let table: [Row<'_>; 15] = [
            (&[(2, "shop.key")], &[(1, "shop.pem #1"), (2, "shop.pem #2")], &[Failed]),
            (&[(1, "shop.key")], &[(1, "shop.pem #1"), (2, "shop.pem #2")], &[Passed]),
            // The tenth stands behind the second.
            (&[(2, "shop.key")], &[(1, "shop.pem #10"), (2, "shop.pem #2")], &[Passed]),
            (
                &[(2, "privkey.pem")],
                &[(2, "cert.pem"), (1, "fullchain.pem #1"), (2, "fullchain.pem #2")],
                &[Failed],
            ),
            (&[(2, "both.pem")], &[(1, "both.pem #1"), (2, "both.pem #2")], &[Failed]),
            (
                &[(2, "both.pem:9"), (1, "both.pem:1")],
                &[(1, "both.pem #1"), (2, "both.pem #2")],
                &[Passed, Passed],
            ),
            (&[(2, "config, user a")], &[(1, "config, user a"), (2, "config, user a #2")], &[Failed]),
            (&[(2, "secret s/a, tls.key")], &[(1, tls), (2, "secret s/a, tls.crt #2")], &[Failed]),
            (&[(2, "secret s/a, tls.key")], &[(1, tls), (2, ca)], &[Failed]),
            (&[(2, "secret s/a, tls.key")], &[(2, ca)], &[]),
            (
                &[(2, "secret s/a, ca.key"), (1, "secret s/a, tls.key")],
                &[(1, tls), (2, ca)],
                &[Passed, Passed],
            ),
            // Values without the usual names: one that fits is enough, but whom to trust is none.
            (&[(2, "secret s/a, key")], &[(1, bare), (2, other)], &[Passed]),
            (&[(3, "secret s/a, key")], &[(1, bare), (3, ca)], &[Failed]),
            (&[(2, "store, alias b")], &[(1, "store, alias a"), (2, "store, alias b")], &[Passed]),
            (&[(2, "s.p12")], &[(1, "s.p12 #1"), (2, "s.p12 #2")], &[Passed]),
        ];
        for (keys, certificates, expected) in table {
            let keys: Vec<_> = (keys.iter())
                .map(|(number, place)| {
                    let source = place.split_once(':').map_or(*place, |(file, _)| file);
                    KeySighting { source: source_of(source).to_owned(), ..key(*number, place) }
                })
                .collect();
            let made: Vec<_> =
                certificates.iter().map(|(key, place)| (certificate(*key, &["a.example"]), *place)).collect();
            let beside: Vec<_> =
                made.iter().map(|(certificate, place)| Beside { certificate, place }).collect();
            let found = matching(&keys, &beside);
            let outcomes: Vec<_> = found.iter().map(|finding| finding.outcome).collect();
            assert_eq!(outcomes, expected, "{keys:?} {certificates:?}");
            assert_eq!(have_partners(&keys, &beside), !expected.is_empty(), "{certificates:?}");
        }
    }

    #[test]
    fn the_key_of_an_issuer_behind_its_leaf_is_refused_and_its_own_pair_is_not() {
        let (leaf, root) = (certificate(1, &["shop.example"]), authority(2, "root"));
        let mut own_authority = certificate(2, &["old.example"]);
        own_authority.is_issuer = true;
        let (next, keys) = (authority(3, "next root"), [key(2, "shop.key")]);
        for (first, second, expected) in [
            (&leaf, &root, Outcome::Failed),
            (&leaf, &own_authority, Outcome::Failed),
            (&next, &root, Outcome::Passed),
            (&next, &own_authority, Outcome::Failed),
        ] {
            let beside = [
                Beside { certificate: first, place: "shop.pem #1" },
                Beside { certificate: second, place: "shop.pem #2" },
            ];
            let found = matching(&keys, &beside);
            assert_eq!(found[0].outcome, expected, "{found:?}");
        }
    }

    #[test]
    fn a_key_whose_certificate_writes_its_curve_out_cannot_be_compared() {
        let mut own = certificate(1, &["shop.example"]);
        own.curve = None;
        let found = matching(&[key(2, "shop.key")], &[Beside { certificate: &own, place: "shop.crt" }]);
        assert_eq!(found[0].outcome, Outcome::NotChecked(Requirement::Optional), "{found:?}");
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
}
