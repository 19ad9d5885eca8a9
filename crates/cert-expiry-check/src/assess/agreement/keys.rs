//! Whether private keys belong to the certificates beside them. It knows keys by the digests of their public keys only.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use evidence_report::record::{Finding, Requirement};

use super::{file_of, source_of};
use crate::{
    assess::KeySighting,
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
        ([], Some(partner))
            if let Some((first, behind)) =
                behind_issuer(partner, *digest).filter(|(first, _)| lacks_its_key(first)) =>
        {
            Some(in_wrong_order(subject, first, behind))
        }
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

/// The first certificate of a chain file and the one that a key belongs to, where that stands behind an issuer. The
/// order counts in files alone, not in stores, whose entries have names.
fn behind_issuer<'c>(
    partner: &[&'c Beside<'c>],
    digest: [u8; 32],
) -> Option<(&'c Beside<'c>, &'c Beside<'c>)> {
    const STORES: [&str; 5] = ["p12", "pfx", "jks", "jceks", "keystore"];
    let in_order = |beside: &&Beside<'_>| number_of(beside.place);
    let own = partner.iter().copied().filter(|beside| beside.certificate.public_key_digest == digest);
    let own = own.min_by_key(in_order)?;
    let file = file_of(own.place);
    let first =
        partner.iter().copied().filter(|beside| file_of(beside.place) == file).min_by_key(in_order)?;
    let is_store =
        own.place.contains(", alias ") || STORES.iter().any(|ending| file.ends_with(&format!(".{ending}")));
    // The pair of a CA signs, and is served by nobody.
    let is_behind = first.certificate.is_issuer && !own.certificate.is_issuer;
    (is_behind && !is_store).then_some((first, own))
}

fn in_wrong_order(subject: String, first: &Beside<'_>, own: &Beside<'_>) -> Finding {
    let file = printable(file_of(own.place), 120);
    let (issuer, name) = (&first.certificate.name, &own.certificate.name);
    KEY_MATCH
        .failed(subject)
        .expected(belongs_to(own))
        .observed(format!(
            "it belongs to '{name}', which stands behind the issuer '{issuer}' in {file}: servers take the first \
             certificate for their own, find that the key does not fit, and refuse to start"
        ))
        .remedy(format!("Write {file} anew: '{name}' first, then each issuer; do not restart what reads it before."))
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
    fn a_certificate_behind_its_issuer_is_not_what_servers_take_for_theirs() {
        let mut root = certificate(1, &["root"]);
        root.is_issuer = true;
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
        let mut middle = certificate(2, &["middle"]);
        middle.is_issuer = true;
        let beside = [
            Beside { certificate: &root, place: "fullchain.pem #1" },
            Beside { certificate: &middle, place: "fullchain.pem #2" },
        ];
        assert_eq!(matching(&outside, &beside)[0].outcome, Outcome::Passed);
        // A CA's own pair in front of another.
        let pairs = [key(2, "both.pem"), key(1, "both.pem")];
        assert_eq!(outcome(&pairs, "both.pem #1", "both.pem #2").0, Outcome::Passed);
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
