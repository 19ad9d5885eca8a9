//! Renewed files, archives, nodes and guesses, at the boundaries of their grace.

use super::*;
use crate::{
    assess::{lifetime, threshold::Thresholds},
    certificate::{Usage, Validity},
};
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
    let places: Vec<_> = (0..files.len()).map(|index| format!("{index}.pem")).collect();
    let files: Vec<_> = files.iter().zip(&places).map(|(file, place)| (*file, place.as_str())).collect();
    findings(served, &files, &[]).iter().map(|finding| finding.outcome).collect()
}

/// What is found where these are served, and those lie in files and Secrets.
fn findings(
    served: &[&Certificate],
    files: &[(&Certificate, &str)],
    secrets: &[(&Certificate, &str)],
) -> Vec<Finding> {
    let now = Timestamp::from_second(NOW).unwrap();
    let served: Vec<_> = (served.iter().enumerate())
        .map(|(index, server)| Served {
            certificate: server,
            standing: lifetime::judge(server.validity, now, &Thresholds::default().leaf).standing,
            endpoints: vec![format!("node{index}:443")],
        })
        .collect();
    let stored = |places: &[(&Certificate, &str)], is_file: bool| {
        (places.iter())
            .map(|(certificate, place)| (Certificate::clone(certificate), (*place).to_owned(), is_file))
            .collect::<Vec<_>>()
    };
    let all = [stored(files, true), stored(secrets, false)].concat();
    let stored: Vec<_> = (all.iter())
        .map(|(certificate, place, is_file)| {
            let (files, secrets) =
                if *is_file { (vec![place.clone()], vec![]) } else { (vec![], vec![place.clone()]) };
            Stored { certificate, files, secrets }
        })
        .collect();
    judge(&served, &stored, now)
}

#[test]
fn nodes_with_certificates_and_files_of_their_own_are_no_renewals_of_each_other() {
    let names = ["shop.example"];
    let (old, new) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
    assert_eq!(outcomes(&[&old, &new], &[&old, &new]), [Outcome::Passed, Outcome::Passed]);
    // One file for both nodes, and one of them was not reloaded.
    assert_eq!(outcomes(&[&old, &new], &[&new]), [Outcome::Warned, Outcome::Passed]);
}

/// Two services of one host may have a file each, for the same names: whether the newer file is there to
/// replace what is served cannot be told from names and dates.
#[test]
fn a_newer_file_beside_the_one_that_is_served_is_held_against_it_only_when_it_ends() {
    let names = ["db.internal"];
    let newer = certificate(2, &names, 5 * DAY);
    for (age, expected) in [
        (60 * DAY, Outcome::Passed),
        (75 * DAY, Outcome::Warned),
        (85 * DAY, Outcome::Failed),
        (91 * DAY, Outcome::Failed),
    ] {
        let served = certificate(1, &names, age);
        assert_eq!(outcome(&served, &[&served, &newer]), Some(expected), "{age}");
    }
}

/// A mesh renews its certificates of a day for the same names all the time: they are not there to replace the public
/// one of the ingress, and stand in the way of no real renewal.
#[test]
fn what_ends_sooner_than_what_is_served_is_hardly_its_renewal() {
    let names = ["shop.example"];
    let mut of_mesh = certificate(2, &names, 0);
    of_mesh.validity = Validity::from_unix(NOW - 20_000, NOW + 66_400);
    let renewed = certificate(3, &names, 5 * DAY);
    for (age, alone, with_a_renewal) in [
        (60 * DAY, Outcome::Passed, Outcome::Warned),
        (75 * DAY, Outcome::Warned, Outcome::Failed),
        (85 * DAY, Outcome::Failed, Outcome::Failed),
    ] {
        let served = certificate(1, &names, age);
        assert_eq!(outcome(&served, &[&of_mesh]), Some(alone), "{age}");
        assert_eq!(outcome(&served, &[&of_mesh, &renewed]), Some(with_a_renewal), "{age}");
    }
}

#[test]
fn what_lies_in_an_archive_is_no_reason_to_serve_it() {
    let names = ["shop.example"];
    let (old, new) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
    for (old_place, new_place) in [
        ("/etc/letsencrypt/archive/shop/cert1.pem #1", "/etc/letsencrypt/archive/shop/cert2.pem"),
        ("le/archive/shop/fullchain9.pem #1", "le/archive/shop/fullchain10.pem #1"),
        ("tls/shop.pem.bak", "tls/shop.pem"),
        ("tls/shop.crt~", "tls/shop.crt"),
        ("tls/shop-old.pem", "tls/shop.pem"),
        ("tls/backup/shop.pem", "tls/shop.pem"),
    ] {
        for served in [vec![&old], vec![&old, &new]] {
            let found = findings(&served, &[(&old, old_place), (&new, new_place)], &[]);
            assert_eq!(found[0].outcome, Outcome::Warned, "{old_place}: {found:?}");
            let words = format!("{} was renewed 5 d ago", file_of(new_place));
            assert!(found[0].observed.starts_with(&words), "{found:?}");
            assert!(found.iter().skip(1).all(|other| other.outcome == Outcome::Passed));
        }
        // What is served is the newest, though the old one lies there too.
        let found = findings(&[&new], &[(&old, old_place), (&new, new_place)], &[]);
        assert_eq!((found[0].outcome, found[0].observed.as_str()), (Outcome::Passed, "serves it"));
    }
}

#[test]
fn a_series_in_an_archive_may_change_names_and_keys() {
    let mut old = certificate(1, &["shop.example", "old.example"], 60 * DAY);
    old.key_algorithm = "1.2.840.113549.1.1.1".into();
    let new = certificate(2, &["shop.example"], 5 * DAY);
    let series = [(&old, "archive/shop/cert1.pem"), (&new, "archive/shop/cert2.pem")];
    assert_eq!(findings(&[&old], &series, &[])[0].outcome, Outcome::Warned);
}

#[test]
fn a_pair_of_keys_is_compared_kind_by_kind() {
    let names = ["shop.example"];
    let mut rsa = certificate(1, &names, 60 * DAY);
    rsa.key_algorithm = "1.2.840.113549.1.1.1".into();
    let curve = certificate(2, &names, 5 * DAY);
    assert_eq!(outcome(&rsa, &[&rsa, &curve]), Some(Outcome::Passed), "a server may hold both");
    // Only the other kind lies there: a guess, until what is served ends.
    assert_eq!(outcome(&rsa, &[&curve]), Some(Outcome::Passed));
    rsa.validity = Validity::from_unix(NOW - 86 * DAY, NOW + 4 * DAY);
    assert_eq!(outcome(&rsa, &[&curve]), Some(Outcome::Failed));
}

#[test]
fn a_secret_speaks_of_pods() {
    let (old, new) =
        (certificate(1, &["shop.example"], 60 * DAY), certificate(2, &["shop.example"], 3 * DAY));
    let found = findings(&[&old], &[], &[(&new, "secret shop/shop-tls, tls.crt")]);
    assert_eq!(found[0].outcome, Outcome::Warned);
    assert!(
        found[0].observed.starts_with(
            "Secret shop/shop-tls, tls.crt was renewed 3 d ago (2027-01-12 08:00 UTC), and the pods still serve the old one, which expires"
        ),
        "{found:?}"
    );
    assert!(found[0].remedy.contains("Restart the pods behind node0:443"), "{found:?}");
}

#[test]
fn what_cannot_serve_instead_is_no_renewal() {
    let names = ["shop.example"];
    let served = certificate(1, &names, 60 * DAY);
    let issued = |change: fn(&mut Certificate)| {
        let mut served = served.clone();
        served.is_self_issued = false;
        let mut other = certificate(2, &names, 5 * DAY);
        other.is_self_issued = false;
        change(&mut other);
        outcome(&served, &[&other])
    };
    assert_eq!(issued(|_| {}), Some(Outcome::Warned));
    assert_eq!(issued(|other| other.is_self_issued = true), None, "a stand-in");
    assert_eq!(
        issued(|other| other.usage = Some(Usage { server: false, client: true, only_anything: false })),
        None
    );
    assert_eq!(issued(|other| other.validity = Validity::from_unix(NOW - 5 * DAY, NOW - 1)), None, "over");
    let next = issued(|other| other.validity = Validity::from_unix(NOW + DAY, NOW + 90 * DAY));
    assert_eq!(next, Some(Outcome::Passed), "it has yet to begin");
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
    assert_eq!(outcome(&served, &[&archived, &renewed]), Some(Outcome::Warned));
}

/// As `openssl req -x509` makes them.
#[test]
fn what_says_that_it_is_a_ca_and_names_hosts_is_a_servers() {
    let names = ["shop.example"];
    let (served, stored) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
    let own_authority = |one: &Certificate| Certificate { is_issuer: true, ..one.clone() };
    for (served, stored) in [
        (own_authority(&served), stored.clone()),
        (served.clone(), own_authority(&stored)),
        (own_authority(&served), own_authority(&stored)),
    ] {
        assert_eq!(outcome(&served, &[&stored]), Some(Outcome::Warned));
    }
}

#[test]
fn files_for_other_names_say_nothing() {
    let served = certificate(1, &["shop.example", "www.shop.example"], 30 * DAY);
    let wildcard = certificate(2, &["*.shop.example"], 5 * DAY);
    let fewer = certificate(3, &["shop.example"], 5 * DAY);
    assert_eq!(outcome(&served, &[&wildcard, &fewer]), None);
    let nameless = certificate(6, &[], 30 * DAY);
    assert_eq!(outcome(&nameless, &[&certificate(7, &[], 5 * DAY)]), None);
}
