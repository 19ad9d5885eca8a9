//! Disk and wire in one run.

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::support::{Bench, text};

#[test]
fn a_renewed_file_with_the_old_certificate_still_served_is_found() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let issue = |left| authority.issue(&["127.0.0.1"], Lifetime::days_left(90, left)).unwrap();
    let (old, new) = (issue(30), issue(85));
    let folder = text(&bench.path("tls"));
    bench.write("tls/shop.pem", new.pem());
    let stale = farm.open(Behaviour::Tls(old)).unwrap();
    let outcome = bench.scan(&[&stale.target(), &folder, "--roots", &roots]);
    assert_eq!((outcome.code, outcome.not_passed()), (1, vec!["tls.agreement".to_owned()]));
    outcome.expect("tls.agreement", &stale.target(), "warned", "the file was renewed 4 d 23 h ago");
    outcome.expect(
        "tls.agreement",
        &stale.target(),
        "warned",
        "the old certificate is still served, which expires",
    );
    assert!(outcome.one("tls.agreement", &stale.target()).expected.contains("tls/shop.pem"));

    let reloaded = farm.open(Behaviour::Tls(new)).unwrap();
    let outcome = bench.scan(&[&reloaded.target(), &folder, "--roots", &roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.agreement", &reloaded.target(), "passed", "serves it");
}
