//! `renew-due`: the exit code is the answer, and what cannot be told never looks like "no".

use std::time::Duration;

use rcgen::{BasicConstraints, IsCa};
use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::{
    pki::{Somebody, pem},
    support::Bench,
};

const HOUR: u64 = 3600;

/// Exit code, standard output, standard error.
fn ask(bench: &Bench, arguments: &[&str]) -> (i32, String, String) {
    let output = bench.run(&[&["renew-due"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A file with a certificate of 90 days, of which so many are left, below an intermediate.
fn file(bench: &Bench, name: &str, left: u64) -> String {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, left)).unwrap();
    bench.write(name, identity.pem())
}

#[test]
fn two_thirds_of_the_lifetime_decide_unless_told_otherwise() {
    let bench = Bench::new();
    let day = Lifetime::left(Duration::from_secs(24 * HOUR), Duration::from_secs(8 * HOUR + 300));
    let authority = Authority::new().unwrap();
    let short = bench.write("day.pem", authority.issue(&["a.example"], day).unwrap().pem());
    let (old, young) = (file(&bench, "old.pem", 29), file(&bench, "young.pem", 32));
    for (arguments, code) in [
        // 61 of 90 days are 67.7 %, 58 are 64.4 %.
        (&[old.as_str()][..], 0),
        (&[&young], 1),
        (&[&young, "--used", "60%"], 0),
        (&[&old, "--used", "70%"], 1),
        (&[&young, "--remaining", "33d"], 0),
        (&[&young, "--remaining", "31d"], 1),
        (&[&short, "--remaining", "8h"], 1),
        (&[&short, "--remaining", "9h"], 0),
        (&[&short], 0),
        (&[&young, &old], 0),
        (&[&young, &young], 1),
    ] {
        let (exit, stdout, stderr) = ask(&bench, arguments);
        assert_eq!(exit, code, "{arguments:?}: {stdout}{stderr}");
        let begins = if code == 0 { "due: " } else { "not due: " };
        assert!(stdout.starts_with(begins) && stdout.lines().count() == 1, "{arguments:?}: {stdout}");
        assert_eq!(stderr, "");
    }
    bench.assert_nothing_left();
    assert!(!bench.evidence().exists(), "a question is no evidence");
}

#[test]
fn the_line_says_which_when_and_why() {
    let bench = Bench::new();
    let (old, young) = (file(&bench, "old.pem", 29), file(&bench, "young.pem", 32));
    let (_, due, _) = ask(&bench, &[&old, &young]);
    assert!(due.contains("old.pem") && due.contains("'shop.example' has used 67 % of its 90 d"), "{due}");
    assert!(due.contains("; expires ") && due.contains(", in 29 d"), "{due}");
    let (_, not_due, _) = ask(&bench, &[&young]);
    assert!(not_due.contains("has used 64 % of its 90 d") && not_due.contains("; due from "), "{not_due}");
    assert!(not_due.contains(", in 1 d 10 h"), "{not_due}");
    let (code, quiet, _) = ask(&bench, &[&young, "--quiet"]);
    assert_eq!((code, quiet.as_str()), (1, ""));
    let (_, verbose, _) = ask(&bench, &[&young, &old, "--verbose"]);
    assert_eq!(verbose.lines().count(), 3, "one line a certificate, and the answer: {verbose}");
}

#[test]
fn an_expired_certificate_is_due_and_a_future_one_is_not() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let issue = |lifetime| authority.issue(&["shop.example"], lifetime).unwrap().pem();
    let expired = bench.write("expired.pem", issue(Lifetime::expired(90, 3)));
    let future = bench.write("future.pem", issue(Lifetime::begins_in(90, 3)));
    let (code, said, _) = ask(&bench, &[&expired]);
    assert_eq!(code, 0);
    assert!(said.contains("has used up its 90 d; expired ") && said.contains(", 3 d ago"), "{said}");
    let (code, said, _) = ask(&bench, &[&future]);
    assert_eq!(code, 1);
    assert!(said.contains("begins only on "), "{said}");
    let (code, _, _) = ask(&bench, &[&future, "--as-of", "2099-01-01"]);
    assert_eq!(code, 0);
}

#[test]
fn an_issuer_behind_the_certificate_does_not_make_it_due() {
    let bench = Bench::new();
    let root = Lifetime::days_left(3650, 3000);
    let authority = Authority::with_lifetimes(root, Lifetime::days_left(1825, 100)).unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let whole = bench.write("whole.pem", identity.pem());
    assert_eq!(ask(&bench, &[&whole]).0, 1);
    let issuer = identity.with_chain(vec![authority.intermediate().clone()]);
    let alone = bench.write("issuer.pem", issuer.pem());
    assert_eq!(ask(&bench, &[&alone]).0, 0, "a file of its own is what is renewed");
    assert_eq!(ask(&bench, &[&whole, &alone]).0, 0, "and so it is beside a file with leaves");
}

#[test]
fn what_came_with_a_leaf_or_was_followed_in_its_archive_does_not_make_it_due() {
    let bench = Bench::new();
    let root = Lifetime::days_left(3650, 3000);
    let authority = Authority::with_lifetimes(root, Lifetime::days_left(1825, 100)).unwrap();
    let issuer = authority.issue(&["x"], Lifetime::days_left(90, 60)).unwrap();
    let issuer = issuer.with_chain(vec![authority.intermediate().clone()]).pem();
    std::fs::create_dir_all(bench.path("le/live/shop")).unwrap();
    for (number, left) in [(1, 5), (9, 20), (10, 60)] {
        let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, left)).unwrap();
        let member = |kind: &str| format!("le/archive/shop/{kind}{number}.pem");
        bench.write(&member("cert"), identity.leaf_only().pem());
        bench.write(&member("fullchain"), identity.pem());
        bench.write(&member("chain"), &issuer);
    }
    for kind in ["cert", "fullchain", "chain"] {
        let (target, link) = (format!("../../archive/shop/{kind}10.pem"), format!("le/live/shop/{kind}.pem"));
        std::os::unix::fs::symlink(target, bench.path(&link)).unwrap();
    }
    let path = |name: &str| crate::support::text(&bench.path(name));
    for folder in ["le", "le/live", "le/archive"] {
        let (code, said, _) = ask(&bench, &[&path(folder)]);
        assert_eq!(code, 1, "{folder}: {said}");
    }
    assert_eq!(ask(&bench, &[&path("le/archive/shop/cert9.pem")]).0, 0, "alone it is no history");
    assert_eq!(
        ask(&bench, &[&path("le/live/shop"), &path("le/live/shop/chain.pem")]).0,
        0,
        "asked for by name"
    );
}

/// As a mounted Secret: the root that issued the intermediate lies beside, and a kubeconfig holds its cluster's.
#[test]
fn an_issuer_that_came_with_a_leaf_over_others_does_not_make_it_due() {
    let bench = Bench::new();
    let old = || Lifetime::days_left(3650, 800);
    let root = Somebody::issuer("Deep Root").lasting(old());
    let (middle, stranger) = (Somebody::issuer("Middle"), Somebody::issuer("Client CA").lasting(old()));
    let leaf = Somebody::server();
    bench.write("tls/tls.crt", pem(&[&leaf.by(&middle), &middle.by(&root)]));
    bench.write("tls/ca.crt", pem(&[&root.by_itself()]));
    let (code, said, _) = ask(&bench, &["tls"]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(ask(&bench, &["tls", "tls/ca.crt"]).0, 0, "asked for by name");
    bench.write("tls/client-ca.crt", pem(&[&stranger.by_itself()]));
    let (code, said, _) = ask(&bench, &["tls"]);
    assert!(code == 0 && said.contains("'Client CA'"), "kept for its own sake: {said}");

    let encode = |text: String| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let cluster = encode(pem(&[&stranger.by_itself()]));
    let kubeconfig = |user: &str| {
        let cluster =
            format!("clusters: [{{name: prod, cluster: {{certificate-authority-data: {cluster}}}}}]");
        bench
            .write("config", format!("kind: Config\n{cluster}\nusers: [{{name: admin, user: {{{user}}}}}]\n"))
    };
    let client = encode(pem(&[&leaf.by(&middle)]));
    let key = encode(leaf.presenting(&[]).key_pem());
    let user = format!("client-certificate-data: {client}, client-key-data: {key}");
    let (code, said, told) = ask(&bench, &[&kubeconfig(&user)]);
    assert_eq!(code, 1, "{said}{told}");
    assert_eq!(ask(&bench, &[&kubeconfig("token: none")]).0, 0, "it has no other certificate");
}

/// As `openssl req -x509` makes them: in company it is a server's all the same.
#[test]
fn a_server_that_is_its_own_ca_is_due_beside_another_leaf() {
    let bench = Bench::new();
    let own = Somebody::server().lasting(Lifetime::days_left(365, 10));
    let own = own.with(|server| server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)).by_itself();
    let other = Somebody::server().by(&Somebody::issuer("Our CA"));
    let both = bench.write("both.pem", pem(&[&other, &own]));
    let (code, said, _) = ask(&bench, &[&both]);
    assert!(code == 0 && said.contains("both.pem #2"), "{said}");
}

#[test]
fn what_was_put_aside_and_followed_does_not_make_it_due() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let issue = |lifetime| authority.issue(&["shop.example"], lifetime).unwrap().pem();
    bench.write("tls/shop.pem", issue(Lifetime::days_left(90, 60)));
    for former in ["tls/old/shop.pem", "tls/shop.pem.bak"] {
        bench.write(former, issue(Lifetime::expired(90, 5)));
    }
    let (code, said, _) = ask(&bench, &["tls"]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(ask(&bench, &["tls/old"]).0, 0, "alone it is no history");
    bench
        .write("tls/other.pem.bak", authority.issue(&["b.example"], Lifetime::expired(90, 5)).unwrap().pem());
    let (code, said, _) = ask(&bench, &["tls"]);
    assert!(code == 0 && said.contains("other.pem.bak"), "nothing has followed it: {said}");
}

#[test]
fn an_issuer_in_a_store_with_a_leaf_does_not_make_it_due() {
    let bench = Bench::new();
    let authority =
        Authority::with_lifetimes(Lifetime::days_left(3650, 3000), Lifetime::days_left(1825, 100)).unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let issuer = identity.with_chain(vec![authority.intermediate().clone()]);
    let store = crate::support::text(&bench.path("store.jks"));
    for (alias, pem) in [("shop", identity.leaf_only().pem()), ("ca", issuer.pem())] {
        let certificate = bench.write(&format!("in/{alias}.pem"), pem);
        let added = std::process::Command::new("keytool")
            .args(["-importcert", "-noprompt", "-storetype", "JKS", "-storepass", "changeit"])
            .args(["-keystore", &store, "-alias", alias, "-file", &certificate])
            .output()
            .expect("keytool is installed");
        assert!(added.status.success(), "{added:?}");
    }
    let (code, said, _) = ask(&bench, &[&store]);
    assert_eq!(code, 1, "{said}");
}

#[test]
fn endpoints_answer_whether_or_not_their_root_is_trusted() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let serve = |left| {
        let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, left)).unwrap();
        farm.open(Behaviour::Tls(identity)).unwrap()
    };
    let (old, young) = (serve(20), serve(60));
    assert_eq!(ask(&bench, &[&old.target()]).0, 0);
    assert_eq!(ask(&bench, &[&young.target()]).0, 1);
    assert_eq!((old.application_bytes(), young.application_bytes()), (0, 0));
    let (code, _, said) = ask(&bench, &[&young.target(), "--sni", "other.example"]);
    assert_eq!(code, 255, "the certificate of another name says nothing about this one");
    assert!(said.contains("as other.example"), "{said}");
    let (code, _, said) = ask(&bench, &[&old.target(), "--sni", "other.example"]);
    assert_eq!(code, 255, "however old it is: {said}");
}

#[test]
fn what_cannot_be_told_is_255_and_never_a_skip() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _guard) = farm.dead_port().unwrap();
    let tarpit = farm.open(Behaviour::Tarpit).unwrap().target();
    let young = file(&bench, "young.pem", 60);
    let whole = std::fs::read_to_string(&young).unwrap();
    let cut = bench.write("cut.pem", &whole[..whole.len() / 3]);
    let text = bench.write("notes.txt", "nothing here");
    let folder = bench.path("empty");
    std::fs::create_dir(&folder).unwrap();
    let (dead, folder) = (dead.to_string(), folder.display().to_string());
    let missing = bench.path("missing.pem").display().to_string();
    let nothing = format!("{folder}/*.pem");
    for arguments in [
        &[missing.as_str()][..],
        &[&cut],
        &[&text],
        &[&folder],
        &[&nothing],
        &[&dead],
        &[&tarpit, "--handshake-timeout", "300ms"],
        &[&tarpit, "--timeout", "300ms"],
        &[&young, &missing],
        // Usage and configuration.
        &[],
        &["--no-such-flag"],
        &[&young, "--used", "0%"],
        &[&young, "--used", "66%", "--remaining", "8h"],
        &[&young, "--config", &missing],
        &[&young, "--targets", &missing],
        &[&young, "--evidence", "evidence.md"],
        &[&young, "--format", "json"],
        &[&young, "--dry-run"],
    ] {
        let (code, stdout, stderr) = ask(&bench, arguments);
        assert_eq!(code, 255, "{arguments:?}: {stdout}{stderr}");
        assert!(!stdout.contains("due: "), "{arguments:?}: {stdout}");
        assert!(!stderr.is_empty() || arguments.contains(&"--dry-run"), "{arguments:?} says nothing");
    }
    // A global flag before the command changes nothing about that.
    let output = bench.run(&["--config", &missing, "renew-due", &young]);
    assert_eq!(output.status.code(), Some(255));
    // The other commands keep their own convention.
    assert_eq!(bench.run(&["scan", "--no-such-flag"]).status.code(), Some(3));
}

#[test]
fn what_is_due_is_due_even_where_something_else_cannot_be_seen() {
    let bench = Bench::new();
    let (old, missing) = (file(&bench, "old.pem", 5), bench.path("missing.pem").display().to_string());
    let (code, said, _) = ask(&bench, &[&missing, &old]);
    assert_eq!(code, 0);
    assert!(said.contains("old.pem") && said.contains("1 more that could not be seen"), "{said}");
}

#[test]
fn a_server_that_turns_no_tls_on_and_a_network_where_nobody_answers_cannot_be_told() {
    let bench = Bench::new();
    let young = file(&bench, "young.pem", 80);
    let farm = Farm::start().unwrap();
    let mute = farm.open(Behaviour::Reset).unwrap();
    for target in [format!("smtp://{}", mute.target()), format!("{}/32:{}", "127.0.0.9", mute.address.port())]
    {
        let (code, said, why) = ask(&bench, &[&young, &target]);
        assert_eq!(code, 255, "{target}: {said}");
        assert!(why.contains(&target), "{why}");
    }
}
