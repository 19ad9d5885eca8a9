//! Stores as their own programs write them: PKCS#12 by openssl and keytool, JKS and JCEKS by keytool, PKCS#7 by
//! openssl; and revocation lists.

use std::{os::unix::fs::PermissionsExt, process::Command};

use cert_expiry_check::stores::{self, Content, Contents, KeyTrouble, Passwords};
use testbed::tls_farm::{Authority, Identity, Lifetime};

use crate::support::{Bench, text};

const PASSWORD: &str = "correct horse";

/// A folder with `chain.pem`, `key.pem` and `root.pem`.
struct Shop {
    bench: Bench,
    identity: Identity,
}

impl Shop {
    fn new() -> Self {
        let (bench, authority) = (Bench::new(), Authority::new().unwrap());
        let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
        bench.write("chain.pem", identity.pem());
        bench.write("leaf.pem", identity.leaf_only().pem());
        bench.write("intermediate.pem", identity.with_chain(identity.chain[1..].to_vec()).pem());
        bench.write("key.pem", identity.key_pem());
        bench.write("root.pem", authority.root_pem());
        let passwords = bench.write("passwords", format!("something else\n{PASSWORD}\n"));
        std::fs::set_permissions(passwords, PermissionsExt::from_mode(0o600)).unwrap();
        Self { bench, identity }
    }

    /// Runs a program in the folder.
    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        let output = command.args(arguments).current_dir(self.bench.path("")).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{program} {arguments:?}: {said:?}");
    }

    /// `openssl pkcs12 -export` of chain and key, with these options.
    #[track_caller]
    fn export(&self, name: &str, options: &[&str]) {
        let mut arguments = vec!["pkcs12", "-export", "-in", "chain.pem", "-inkey", "key.pem", "-out", name];
        arguments.extend(options);
        self.run("openssl", &arguments);
    }

    fn read(&self, name: &str, passwords: &str) -> Contents {
        let bytes = std::fs::read(self.bench.path(name)).unwrap();
        match stores::read(&bytes, &Passwords::from_lines(passwords)) {
            Content::Holds(contents) => contents,
            Content::Nothing(what) => panic!("{name}: {what}"),
        }
    }

    /// The store holds the whole chain, and the key of its first certificate.
    #[track_caller]
    fn assert_open(&self, name: &str, passwords: &str) -> Contents {
        let contents = self.read(name, passwords);
        assert_eq!(contents.closed, None, "{name}");
        let ders: Vec<_> =
            contents.certificates.iter().map(|entry| &entry.certificate.as_ref().unwrap().der).collect();
        assert_eq!(ders, self.identity.chain.iter().collect::<Vec<_>>(), "{name}");
        let leaf = contents.certificates[0].certificate.as_ref().unwrap();
        let keys: Vec<_> = contents.keys.iter().map(|key| key.public_key.clone()).collect();
        assert_eq!(keys, [Ok(leaf.public_key_digest)], "{name}");
        contents
    }
}

#[test]
fn what_openssl_encrypts_is_read_with_its_password_and_closed_without() {
    let shop = Shop::new();
    let protected = format!("pass:{PASSWORD}");
    let table: [(&str, &[&str]); 7] = [
        ("modern.p12", &[]),
        ("legacy.p12", &["-legacy"]),
        ("des.p12", &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "SHA1"]),
        ("two-key-des.p12", &["-legacy", "-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"]),
        ("rc2.p12", &["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-40"]),
        ("aes128.p12", &["-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC", "-macalg", "SHA512"]),
        ("no-code.p12", &["-nomac", "-certpbe", "AES-256-CBC"]),
    ];
    for (name, options) in table {
        let options = [options, &["-name", "shop", "-passout", &protected]].concat();
        shop.export(name, &options);
        let contents = shop.assert_open(name, PASSWORD);
        assert_eq!(contents.certificates[0].alias.as_deref(), Some("shop"), "{name}");
        let closed = shop.read(name, "wrong\nwrong as well");
        assert!(closed.certificates.is_empty(), "{name}");
        let what = closed.closed.unwrap().what;
        assert!(what.ends_with("none of the 2 passwords that were given fits"), "{name}: {what}");
        let closed = shop.read(name, "");
        assert!(closed.closed.unwrap().what.ends_with("it needs a password"), "{name}");
    }
}

#[test]
fn what_openssl_leaves_without_a_password_is_read_without_one() {
    let shop = Shop::new();
    let none = &["-certpbe", "NONE", "-keypbe", "NONE"][..];
    let table: [(&str, &[&str]); 4] = [
        ("empty.p12", &["-passout", "pass:"]),
        ("empty-legacy.p12", &["-legacy", "-passout", "pass:"]),
        ("plain.p12", &[none, &["-nomac", "-passout", "pass:"]].concat()),
        ("plain-code.p12", &[none, &["-passout", "pass:anything"]].concat()),
    ];
    for (name, options) in table {
        shop.export(name, options);
        shop.assert_open(name, "");
    }
    shop.export("key-only-closed.p12", &["-certpbe", "NONE", "-passout", "pass:secret"]);
    let contents = shop.read("key-only-closed.p12", "");
    assert_eq!((contents.certificates.len(), contents.closed), (2, None), "the certificates are open");
    assert_eq!(contents.keys[0].public_key, Err(KeyTrouble::Encrypted));
}

#[test]
fn a_cipher_that_is_not_known_is_said_to_be() {
    let shop = Shop::new();
    let options = ["-legacy", "-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC4-128"];
    shop.export("rc4.p12", &[&options[..], &["-passout", "pass:x"]].concat());
    let what = shop.read("rc4.p12", "x").closed.unwrap().what;
    assert!(what.contains("not known here (1.2.840.113549.1.12.1.1)"), "{what}");
}

#[test]
fn a_scan_opens_stores_by_the_password_file_and_never_shows_it() {
    let shop = Shop::new();
    let protected = format!("pass:{PASSWORD}");
    shop.export("shop.p12", &["-name", "shop", "-passout", &protected]);
    let store = text(&shop.bench.path("shop.p12"));
    let outcome = shop.bench.scan(&[&store]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", &store, "not_checked", "it needs a password");
    assert!(outcome.one("file.readable", &store).remedy.contains("--store-password-file FILE"));
    let outcome = shop.bench.scan(&[&store, "--store-password-file", "passwords"]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("file.lifetime", &format!("{store}, alias shop"), "passed", "in 60 d");
    outcome.expect("file.lifetime", &format!("{store} #2"), "passed", "expires");
    for text in [&outcome.stdout, &outcome.stderr, &std::fs::read_to_string(shop.bench.evidence()).unwrap()] {
        assert!(!text.contains("horse"), "the password is shown: {text}");
    }
    assert!(!outcome.stdout.contains("can be read by other users"), "{}", outcome.stdout);
    let exposed = shop.bench.path("passwords");
    std::fs::set_permissions(&exposed, PermissionsExt::from_mode(0o644)).unwrap();
    let outcome = shop.bench.scan(&[&store, "--store-password-file", "passwords"]);
    assert_eq!(outcome.code, 0);
    for text in [&outcome.stderr, &outcome.stdout] {
        assert!(text.contains("passwords can be read by other users: chmod 600"), "{text}");
    }
}

#[test]
fn a_password_file_that_cannot_serve_ends_the_run_before_it_begins() {
    let shop = Shop::new();
    shop.bench.write("empty", "\n\n");
    shop.bench.write("noise", b"\xff\xfe\x00");
    for (name, words) in [
        ("missing", "reading the store passwords from missing"),
        ("empty", "holds no password"),
        ("noise", "is no text in UTF-8"),
    ] {
        let output =
            shop.bench.run(&["scan", "leaf.pem", "--store-password-file", name, "--evidence", "none"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
    }
}

#[test]
fn what_keytool_writes_is_read() {
    let shop = Shop::new();
    let protected = format!("pass:{PASSWORD}");
    shop.export("shop.p12", &["-name", "shop", "-passout", &protected]);
    let import = |to: &str, kind: &str| {
        let stores = ["-srckeystore", "shop.p12", "-destkeystore", to, "-deststoretype", kind];
        let passwords = ["-srcstorepass", PASSWORD, "-deststorepass", PASSWORD];
        shop.run("keytool", &[&["-importkeystore", "-noprompt"], &stores[..], &passwords].concat());
    };
    import("shop.jks", "JKS");
    import("shop.jceks", "JCEKS");
    import("keytool.p12", "PKCS12");
    let trust = ["-importcert", "-noprompt", "-alias", "our root", "-file", "root.pem"];
    shop.run("keytool", &[&trust[..], &["-keystore", "shop.jks", "-storepass", PASSWORD]].concat());

    // Certificates of Java's own stores need no password; the key of a JKS entry does.
    for name in ["shop.jks", "shop.jceks"] {
        let contents = shop.read(name, "");
        assert_eq!(contents.closed, None, "{name}");
        let chain: Vec<_> = (contents.certificates.iter())
            .filter(|entry| entry.alias.as_deref() == Some("shop"))
            .map(|entry| entry.certificate.as_ref().unwrap().der.clone())
            .collect();
        assert_eq!(chain, shop.identity.chain, "{name}");
        assert_eq!(contents.keys[0].public_key, Err(KeyTrouble::Encrypted), "{name}");
    }
    let opened = shop.read("shop.jks", &format!("wrong\n{PASSWORD}"));
    let leaf = shop.read("leaf.pem", "").certificates[0].certificate.clone().unwrap();
    assert_eq!(opened.keys[0].public_key, Ok(leaf.public_key_digest));
    shop.assert_open("keytool.p12", PASSWORD);

    let store = text(&shop.bench.path("shop.jks"));
    let outcome = shop.bench.scan(&[&store]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("file.lifetime", &format!("{store}, alias shop #1"), "passed", "in 60 d");
    outcome.expect("file.lifetime", &format!("{store}, alias shop #2"), "passed", "");
    outcome.expect("file.lifetime", &format!("{store}, alias our root"), "passed", "");

    // Every cut of a real store is refused with a reason; a byte that was turned never stops the program.
    let bytes = std::fs::read(&store).unwrap();
    for end in 4..bytes.len() {
        let Content::Holds(contents) = stores::read(&bytes[..end], &Passwords::default()) else {
            panic!("cut at {end}")
        };
        let damage = contents.certificates.last().unwrap().certificate.clone().unwrap_err();
        assert_eq!(damage, "it is a damaged Java key store: it ends in the middle", "cut at {end}");
    }
    for position in 0..bytes.len() {
        let mut turned = bytes.clone();
        turned[position] ^= 0x11;
        let _ = stores::read(&turned, &Passwords::default());
    }
}

#[test]
fn a_secret_key_in_a_java_store_is_no_certificate_and_no_failure_of_the_others() {
    let shop = Shop::new();
    let store = ["-keystore", "secret.jceks", "-storetype", "JCEKS", "-storepass", PASSWORD];
    let trust = ["-importcert", "-noprompt", "-alias", "root", "-file", "root.pem"];
    shop.run("keytool", &[&trust[..], &store].concat());
    let secret = ["-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "128", "-keypass", PASSWORD];
    shop.run("keytool", &[&secret[..], &store].concat());
    let path = text(&shop.bench.path("secret.jceks"));
    let outcome = shop.bench.scan(&[&path]);
    assert_eq!(outcome.code, 3, "what stands behind the secret key was not looked at");
    assert!(outcome.of("file.readable").iter().any(|found| found.observed.contains("the secret key 'aes'")));
}

#[test]
fn pkcs7_is_read_whoever_signed_it() {
    let shop = Shop::new();
    let chain = ["-certfile", "chain.pem"];
    shop.run("openssl", &[&["crl2pkcs7", "-nocrl", "-out", "chain.p7b"], &chain[..]].concat());
    shop.run(
        "openssl",
        &[&["crl2pkcs7", "-nocrl", "-outform", "DER", "-out", "chain.p7c"], &chain[..]].concat(),
    );
    shop.bench.write("message", "hello");
    // The streamed form is BER: elements without a length, strings in pieces.
    let sign = ["cms", "-sign", "-in", "message", "-signer", "leaf.pem", "-inkey", "key.pem", "-stream"];
    let sign =
        [&sign[..], &["-certfile", "intermediate.pem", "-nodetach", "-outform", "DER", "-out", "signed.p7s"]]
            .concat();
    shop.run("openssl", &sign);
    for name in ["chain.p7b", "chain.p7c", "signed.p7s"] {
        let contents = shop.read(name, "");
        let mut ders: Vec<_> = (contents.certificates.iter())
            .map(|entry| entry.certificate.as_ref().unwrap().der.to_vec())
            .collect();
        let mut expected: Vec<_> = shop.identity.chain.iter().map(|der| der.to_vec()).collect();
        ders.sort();
        ders.dedup();
        expected.sort();
        assert_eq!(ders, expected, "{name}");
        let bytes = std::fs::read(shop.bench.path(name)).unwrap();
        for end in 0..bytes.len() {
            let _ = stores::read(&bytes[..end], &Passwords::default());
        }
    }
    let path = text(&shop.bench.path("chain.p7b"));
    let outcome = shop.bench.scan(&[&path]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("file.readable", &path, "passed", "2 certificates");
}

#[test]
fn private_keys_in_every_form_of_openssl_tell_their_public_ones() {
    let shop = Shop::new();
    let algorithms: [(&str, &[&str]); 4] = [
        ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("rsa1024", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]),
        ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("ed25519", &["-algorithm", "ED25519"]),
    ];
    for (name, options) in algorithms {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        shop.run("openssl", &[&["genpkey", "-out", &key], options].concat());
        let request = ["req", "-x509", "-new", "-key", &key, "-subj", "/CN=a", "-out", &certificate];
        shop.run("openssl", &request);
        let expected = shop.read(&certificate, "").certificates[0].certificate.clone().unwrap();
        let mut forms = vec![key.clone()];
        let der = format!("{name}.der");
        shop.run("openssl", &["pkey", "-in", &key, "-outform", "DER", "-out", &der]);
        forms.push(der);
        if name != "ed25519" {
            let old = format!("{name}.old");
            shop.run("openssl", &["pkey", "-in", &key, "-traditional", "-out", &old]);
            forms.push(old);
        }
        for form in forms {
            let keys = shop.read(&form, "").keys;
            assert_eq!(keys.len(), 1, "{form}");
            assert_eq!(keys[0].public_key, Ok(expected.public_key_digest), "{form}");
        }
        let encrypted = format!("{name}.encrypted");
        let encrypt = ["pkey", "-in", &key, "-aes128", "-passout", "pass:x", "-out", &encrypted];
        shop.run("openssl", &encrypt);
        assert_eq!(shop.read(&encrypted, "").keys[0].public_key, Err(KeyTrouble::Encrypted));
    }
    let old = ["ec", "-in", "p256.key", "-aes128", "-passout", "pass:x", "-out", "p256.old-encrypted"];
    shop.run("openssl", &old);
    assert_eq!(shop.read("p256.old-encrypted", "").keys[0].public_key, Err(KeyTrouble::Encrypted));
}

/// RFC 5480 allows a compressed point, and forbids a curve that is written out.
#[test]
fn a_key_fits_its_certificate_in_whatever_form_its_point_is_written() {
    let shop = Shop::new();
    for curve in ["P-256", "P-384", "P-521"] {
        let kind = format!("ec_paramgen_curve:{curve}");
        let genpkey = ["genpkey", "-algorithm", "EC", "-pkeyopt", &kind, "-out"];
        shop.run("openssl", &[&genpkey[..], &["plain.key"]].concat());
        shop.run("openssl", &[&genpkey[..], &["other.key"]].concat());
        for (form, how) in [
            ("compressed", ["-ec_conv_form", "compressed"]),
            ("hybrid", ["-ec_conv_form", "hybrid"]),
            ("explicit", ["-ec_param_enc", "explicit"]),
        ] {
            let (key, certificate) = (format!("{form}.key"), format!("{form}.crt"));
            shop.run("openssl", &[&["pkey", "-in", "plain.key", "-out", &key], &how[..]].concat());
            let request = ["req", "-x509", "-new", "-key", &key, "-subj", "/CN=a", "-out", &certificate];
            shop.run("openssl", &request);
            let read = |name: &str| std::fs::read(shop.bench.path(name)).unwrap();
            for (key, expected) in
                [(key.as_str(), "passed"), ("plain.key", "passed"), ("other.key", "failed")]
            {
                shop.bench.write("tls/tls.crt", read(&certificate));
                shop.bench.write("tls/tls.key", read(key));
                let outcome = shop.bench.scan(&["tls"]);
                let expected = if form == "explicit" { "not_checked_optional" } else { expected };
                let found = outcome.one("key.match", "tls/tls.key");
                assert_eq!(found.outcome, expected, "{curve}, {form}, {key}: {found:#?}");
            }
        }
    }
}

#[test]
fn revocation_lists_are_judged_by_their_own_dates_alone_and_beside_certificates() {
    let shop = Shop::new();
    let authority = Authority::new().unwrap();
    let list = |lifetime| authority.revocation_list(lifetime, &[&shop.identity]).unwrap();
    let fresh = shop.bench.write("fresh.crl", list(Lifetime::days_left(7, 5)));
    let ending = shop.bench.write("ending.crl", list(Lifetime::days_left(360, 20)));
    let ended = shop.bench.write("ended.crl", list(Lifetime::expired(7, 1)));
    let both =
        shop.bench.write("both.pem", shop.identity.leaf_only().pem() + &list(Lifetime::days_left(7, 5)));
    let cut = shop.bench.write("cut.crl", &list(Lifetime::days_left(7, 5))[..200]);
    shop.run("openssl", &["crl", "-in", "ended.crl", "-outform", "DER", "-out", "ended.der"]);
    let der = text(&shop.bench.path("ended.der"));
    let outcome = shop.bench.scan(&[&fresh]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let outcome = shop.bench.scan(&[&fresh, &ending, &ended, &both, &cut, &der]);
    assert_eq!(outcome.code, 2);
    let issuer = "the list of 'Farm Intermediate CA'";
    outcome.expect("crl.freshness", &fresh, "passed", issuer);
    outcome.expect("crl.freshness", &ending, "warned", "in 20 d");
    outcome.expect("crl.freshness", &ended, "failed", "1 d ago");
    outcome.expect("crl.freshness", &der, "failed", "with 1 certificate ended");
    outcome.expect("crl.freshness", &both, "passed", "in 5 d");
    outcome.expect("file.lifetime", &both, "passed", "");
    outcome.expect("file.certificate", &cut, "failed", "it is truncated");
}
