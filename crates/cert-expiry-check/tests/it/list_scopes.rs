//! Lists that speak for some certificates only, as OpenSSL writes them; what comes of them is what `openssl verify`
//! makes of them.

use std::process::Command;

use crate::delta_lists::{Authority, NOW, assert_came};

/// Lists of one CA: for which certificates each speaks.
pub(crate) const SCOPES: &str = "[whole]\n\
    [users]\nissuingDistributionPoint = critical,@users_point\n[users_point]\nonlyuser = TRUE\n\
    [issuers]\nissuingDistributionPoint = critical,@issuers_point\n[issuers_point]\nonlyCA = TRUE\n\
    [attributes]\nissuingDistributionPoint = critical,@attributes_point\n[attributes_point]\nonlyAA = TRUE\n\
    [named]\nissuingDistributionPoint = critical,@named_point\n\
    [named_point]\nfullname = URI:ldap://crl.example/3,URI:http://crl.example/3.crl\n\
    [other]\nissuingDistributionPoint = critical,@other_point\n[other_point]\nfullname = URI:http://crl.example/7.crl\n\
    [reasons]\nissuingDistributionPoint = critical,@reasons_point\n[reasons_point]\nonlysomereasons = keyCompromise\n\
    [indirect]\nissuingDistributionPoint = critical,@indirect_point\n[indirect_point]\nindirectCRL = TRUE\n\
    [damaged]\n2.5.29.28 = critical,DER:30:03:81:02:FF\n";

/// Whether OpenSSL takes a server by a list, and what it says.
fn verified(authority: &Authority, server: usize, list: &str) -> (bool, String) {
    let output = Command::new("openssl")
        .args(["verify", "-extended_crl", "-crl_check", "-no-CApath", "-no-CAstore", "-CAfile", "ca.pem"])
        .args(["-CRLfile", list, &authority.servers[server]])
        .current_dir(authority.bench.path(""))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_list_says_nothing_of_those_for_whom_it_was_not_made() {
    let authority = Authority::new();
    for (kind, outcome, words) in [
        ("whole", "passed", "not on the list of 'Delta_Root'"),
        ("users", "passed", "not on the list of 'Delta_Root'"),
        ("named", "passed", "not on the list of 'Delta_Root'"),
        ("indirect", "passed", "not on the list of 'Delta_Root'"),
        ("issuers", "not_checked_optional", "it speaks for CAs only, and this is none"),
        ("attributes", "not_checked_optional", "it speaks for attribute certificates only"),
        (
            "other",
            "not_checked_optional",
            "its distribution point http://crl.example/7.crl, and the certificate names http://crl.example/3.crl",
        ),
        ("reasons", "not_checked_optional", "it names only what was revoked for some of the reasons"),
    ] {
        let list = authority.list("some.crl", kind, "08", &[], NOW);
        assert_came(&authority.judged(&[&list]), [(outcome, words); 3]);
        let (takes, said) = verified(&authority, 0, &list);
        assert_eq!(takes, outcome == "passed", "{kind}: {said}");
    }
    // OpenSSL 3.0 takes what it cannot read for absent.
    let damaged = authority.list("some.crl", "damaged", "08", &[], NOW);
    assert_came(&authority.judged(&[&damaged]), [("not_checked_optional", "cannot be read"); 3]);
}

#[test]
fn a_list_beside_one_that_says_nothing_counts() {
    let authority = Authority::new();
    let other = authority.list("other.crl", "other", "08", &[], NOW);
    let own = authority.list("own.crl", "named", "08", &[(1, "superseded")], NOW);
    let came = authority.judged(&[&other, &own]);
    assert_came(&came, [("passed", "own.crl"), ("failed", "(superseded)"), ("passed", "own.crl")]);
}

#[test]
fn a_revocation_counts_whatever_the_list_was_made_for_but_not_among_attribute_certificates() {
    let authority = Authority::new();
    for (kind, outcome) in [
        ("other", "failed"),
        ("issuers", "failed"),
        ("reasons", "failed"),
        ("attributes", "not_checked_optional"),
    ] {
        let list = authority.list("some.crl", kind, "08", &[(0, "keyCompromise")], NOW);
        let came = authority.judged(&[&list]);
        assert_eq!(came[0].0, outcome, "{kind}: {came:?}");
        assert_eq!(came[1].0, "not_checked_optional", "{kind}: {came:?}");
    }
}

/// An indirect list with all three servers' numbers on it, as lines for `openssl asn1parse -genconf`: the first without
/// a word about its issuer, the second as another CA's, the third after it without a word. `back` says whose a fourth
/// one is, which has the third's number.
fn indirect(issuer: &str, back: Option<&str>) -> String {
    let entry = |name: &str, serial: u16, of: Option<&str>| {
        let begins = format!("[{name}]\nserial = INTEGER:0x{serial}\nat = UTCTIME:261101000000Z\n");
        let Some(of) = of else { return begins };
        format!(
            "{begins}extensions = SEQUENCE:{name}_extensions\n[{name}_extensions]\nissuer = SEQUENCE:{name}_issuer\n\
             [{name}_issuer]\nid = OID:2.5.29.29\ncritical = BOOLEAN:TRUE\nvalue = OCTWRAP,SEQUENCE:{name}_names\n\
             [{name}_names]\ndirectory = EXPLICIT:4,SEQUENCE:{of}\n"
        )
    };
    let fourth = back.map(|_| "fourth = SEQUENCE:fourth\n").unwrap_or_default();
    let entries = [
        entry("first", 1000, None),
        entry("second", 1001, Some("other_ca")),
        entry("third", 1002, None),
        back.map(|of| entry("fourth", 1002, Some(of))).unwrap_or_default(),
    ];
    let name = |section: &str, kind: &str, value: &str| {
        format!(
            "[{section}]\nset = SET:{section}_set\n[{section}_set]\none = SEQUENCE:{section}_one\n\
             [{section}_one]\nid = OID:commonName\nvalue = {kind}:{value}\n"
        )
    };
    format!(
        "asn1 = SEQUENCE:list\n[list]\nversion = INTEGER:1\nalgorithm = SEQUENCE:algorithm\n\
         issuer = SEQUENCE:{issuer}\nmade = UTCTIME:260101000000Z\nends = UTCTIME:490101000000Z\n\
         entries = SEQUENCE:entries\nextensions = EXPLICIT:0,SEQUENCE:extensions\n\
         [algorithm]\nid = OID:ecdsa-with-SHA256\n\
         [entries]\nfirst = SEQUENCE:first\nsecond = SEQUENCE:second\nthird = SEQUENCE:third\n{fourth}{}\
         [extensions]\nscope = SEQUENCE:scope\n[scope]\nid = OID:2.5.29.28\ncritical = BOOLEAN:TRUE\n\
         value = OCTWRAP,SEQUENCE:point\n[point]\nindirect = IMPLICIT:4,BOOLEAN:TRUE\n{}{}{}",
        entries.concat(),
        name("own_ca", "UTF8", "Delta_Root"),
        name("own_ca_printable", "IA5", "DELTA_ROOT"),
        name("other_ca", "UTF8", "Other_CA"),
    )
}

/// Signs the list with the CA's key.
fn signed(authority: &Authority, list: &str) -> String {
    let bench = &authority.bench;
    bench.write("list.cnf", list);
    authority.openssl("asn1parse -noout -genconf list.cnf -out list.der");
    authority.openssl("dgst -sha256 -sign ca.key -out list.sig list.der");
    let hexadecimal = |name: &str| -> String {
        std::fs::read(bench.path(name)).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    // The parts stand as they are; only the signature needs a shape.
    let whole = format!(
        "asn1 = SEQUENCE:whole\n[whole]\nalgorithm = SEQUENCE:algorithm\nsignature = FORMAT:HEX,BITSTRING:{}\n\
         [algorithm]\nid = OID:ecdsa-with-SHA256\n",
        hexadecimal("list.sig")
    );
    bench.write("tail.cnf", whole);
    authority.openssl("asn1parse -noout -genconf tail.cnf -out tail.der");
    let (list, tail) =
        (std::fs::read(bench.path("list.der")).unwrap(), std::fs::read(bench.path("tail.der")).unwrap());
    let parts = [&list[..], &tail[2..]].concat();
    let length = u16::try_from(parts.len()).unwrap().to_be_bytes();
    bench.write("indirect.crl", [&[0x30, 0x82], &length[..], &parts].concat())
}

#[test]
fn entries_about_another_issuers_certificates_are_passed_over() {
    let authority = Authority::new();
    let list = signed(&authority, &indirect("own_ca", None));
    let passed = ("passed", "not on the list of 'Delta_Root'");
    assert_came(&authority.judged(&[&list]), [("failed", "revoked 2026-11-01"), passed, passed]);
    let takes = [0, 1, 2].map(|server| verified(&authority, server, &list).0);
    assert_eq!(takes, [false, true, true]);

    // The issuer itself may write its name in another way.
    for back in ["own_ca", "own_ca_printable"] {
        let list = signed(&authority, &indirect("own_ca", Some(back)));
        assert_came(
            &authority.judged(&[&list]),
            [("failed", "revoked 2026-11-01"), passed, ("failed", "revoked 2026-11-01")],
        );
        assert!(!verified(&authority, 2, &list).0);
    }
}
