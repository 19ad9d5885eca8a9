//! Some three hundred chains, each judged by us and by `openssl verify`: where the verdicts differ, they do so on
//! purpose, and the reason stands in a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cert_expiry_check::{
    assess::{
        chain::{self, Roots},
        usage::{self, Side},
    },
    certificate::Certificate,
};
use evidence_report::record::Outcome;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use testbed::tls_farm::Lifetime;

use crate::{
    pki::{Somebody, long, pem},
    support::{Bench, text},
};

/// What may be wrong with a chain, and where we and OpenSSL differ about it, on purpose: whether we take it,
/// and why.
const DIFFERENCES: [(&str, bool, &str); 2] = [
    (
        "the leaf is for anything",
        true,
        "anyExtendedKeyUsage: Go and browsers take it, OpenSSL and rustls do not; tls.usage warns",
    ),
    (
        "the leaf is a CA",
        false,
        "rustls, Go's users and CAs' auditors refuse a CA's certificate as a server's; OpenSSL takes it",
    ),
];

/// Everybody from the root (first) down to the server (last).
struct Tower {
    people: Vec<Somebody>,
    kind: &'static SignatureAlgorithm,
}

/// A chain to judge.
struct Case {
    what: &'static str,
    shape: String,
    chain: Vec<CertificateDer<'static>>,
    roots: Vec<CertificateDer<'static>>,
}

impl Tower {
    fn new(depth: usize, kind: &'static SignatureAlgorithm) -> Self {
        let mut people = vec![Somebody::issuer("Root").keyed(kind)];
        people.extend((1..=depth).map(|level| Somebody::issuer(&format!("Issuer {level}")).keyed(kind)));
        people.push(Somebody::server().keyed(kind));
        Self { people, kind }
    }

    fn change(&mut self, index: usize, change: impl FnOnce(Somebody) -> Somebody) {
        let somebody = self.people.remove(index);
        self.people.insert(index, change(somebody));
    }

    fn leaf(&self) -> usize {
        self.people.len() - 1
    }

    /// The chain as it should be served, and the root.
    fn certify(&self) -> (Vec<CertificateDer<'static>>, CertificateDer<'static>) {
        let pairs = self.people.windows(2).rev();
        (pairs.map(|pair| pair[1].by(&pair[0])).collect(), self.people[0].by_itself())
    }
}

type Change = fn(&mut Tower);
type Serve = fn(&Tower, &mut Vec<CertificateDer<'static>>, &mut Vec<CertificateDer<'static>>);

/// What is wrong with somebody, with as many issuers as it takes.
const CHANGES: [(&str, usize, Change); 35] = [
    ("nothing", 0, |_| {}),
    ("the leaf has expired", 0, |tower| {
        tower.change(tower.leaf(), |leaf| leaf.lasting(Lifetime::expired(90, 1)))
    }),
    ("the leaf is not valid yet", 0, |tower| {
        tower.change(tower.leaf(), |leaf| leaf.lasting(Lifetime::begins_in(90, 1)));
    }),
    ("an issuer has expired", 1, |tower| {
        tower.change(1, |issuer| issuer.lasting(Lifetime::expired(3650, 1)))
    }),
    ("an issuer is not valid yet", 1, |tower| {
        tower.change(1, |issuer| issuer.lasting(Lifetime::begins_in(3650, 1)));
    }),
    ("the root has expired", 0, |tower| tower.change(0, |root| root.lasting(Lifetime::expired(3650, 1)))),
    ("the root is not valid yet", 0, |tower| {
        tower.change(0, |root| root.lasting(Lifetime::begins_in(3650, 1)))
    }),
    ("the root is no CA", 0, |tower| root(tower, |root| root.is_ca = IsCa::ExplicitNoCa)),
    ("the root does not say whether it is a CA, but what its key may do", 0, |tower| {
        root(tower, |root| root.is_ca = IsCa::NoCa);
    }),
    ("the root says nothing of itself", 0, |tower| {
        root(tower, |root| (root.is_ca, root.key_usages) = (IsCa::NoCa, vec![]));
    }),
    ("the root's key may not sign certificates", 0, |tower| {
        key_use(tower, 0, vec![KeyUsagePurpose::DigitalSignature]);
    }),
    ("the root does not say what its key may do", 0, |tower| key_use(tower, 0, vec![])),
    ("the root may have no issuer below it", 0, |tower| {
        root(tower, |root| root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    }),
    ("the root may have one issuer below it", 0, |tower| {
        root(tower, |root| root.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)));
    }),
    ("the root is for clients", 0, |tower| {
        root(tower, |root| root.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    }),
    ("the root is for servers", 0, |tower| {
        root(tower, |root| root.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    }),
    ("the root has a critical extension that nobody knows", 0, |tower| {
        root(tower, |root| root.custom_extensions.push(critical()));
    }),
    ("the leaf is for clients", 0, |tower| purposes(tower, vec![ExtendedKeyUsagePurpose::ClientAuth])),
    ("the leaf is for code", 0, |tower| purposes(tower, vec![ExtendedKeyUsagePurpose::CodeSigning])),
    ("the leaf is for anything", 0, |tower| purposes(tower, vec![ExtendedKeyUsagePurpose::Any])),
    ("the leaf is for clients and servers", 0, |tower| {
        purposes(tower, vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth]);
    }),
    ("the leaf does not say what it is for", 0, |tower| purposes(tower, vec![])),
    ("the leaf's key may not take part in a handshake", 0, |tower| {
        key_use(tower, tower.leaf(), vec![KeyUsagePurpose::CrlSign]);
    }),
    ("the leaf does not say what its key may do", 0, |tower| key_use(tower, tower.leaf(), vec![])),
    ("the leaf is a CA", 0, |tower| {
        tower.change(tower.leaf(), |leaf| {
            leaf.with(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
        });
    }),
    ("an issuer's key may not sign certificates", 1, |tower| {
        key_use(tower, 1, vec![KeyUsagePurpose::DigitalSignature]);
    }),
    ("an issuer does not say what its key may do", 1, |tower| key_use(tower, 1, vec![])),
    ("an issuer is no CA", 1, |tower| {
        tower.change(1, |issuer| issuer.with(|issuer| issuer.is_ca = IsCa::ExplicitNoCa))
    }),
    ("an issuer is for clients", 1, |tower| {
        tower.change(1, |issuer| {
            issuer.with(|issuer| issuer.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
        });
    }),
    ("an issuer is for servers", 1, |tower| {
        tower.change(1, |issuer| {
            issuer.with(|issuer| issuer.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
        });
    }),
    ("an issuer may have no issuer below it", 1, |tower| {
        tower.change(1, |issuer| {
            issuer.with(|issuer| issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))
        });
    }),
    ("an issuer may have one issuer below it", 1, |tower| {
        tower.change(1, |issuer| {
            issuer.with(|issuer| issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)))
        });
    }),
    ("the names are among those that an issuer may issue for", 1, |tower| {
        constrain(tower, &["localhost", "example"], &[]);
    }),
    ("the names are not among those that an issuer may issue for", 1, |tower| {
        constrain(tower, &["example"], &[])
    }),
    ("the names are among those that an issuer may not issue for", 1, |tower| {
        constrain(tower, &[], &["localhost"])
    }),
];

/// What is wrong with the way in which a sound chain is served or trusted.
const SERVINGS: [(&str, usize, Serve); 16] = [
    ("the root is sent too", 0, |_, chain, roots| chain.extend(roots.clone())),
    ("the first issuer is missing", 1, |_, chain, _| drop(chain.remove(1))),
    ("the last issuer is missing", 2, |_, chain, _| drop(chain.pop())),
    ("only the leaf is sent", 1, |_, chain, _| chain.truncate(1)),
    ("the issuers are turned around", 2, |_, chain, _| chain[1..].reverse()),
    ("everything is turned around", 1, |_, chain, _| chain.reverse()),
    ("everything is sent twice", 0, |_, chain, _| chain.extend(chain.clone())),
    ("strangers stand between", 0, |tower, chain, _| {
        let stranger = Somebody::issuer("Stranger").keyed(tower.kind).by_itself();
        chain.insert(1, stranger.clone());
        chain.push(stranger);
    }),
    ("another root is trusted", 0, |tower, _, roots| {
        *roots = vec![Somebody::issuer("Other Root").keyed(tower.kind).by_itself()];
    }),
    ("another root of the same name is trusted", 0, |tower, _, roots| {
        *roots = vec![Somebody::issuer("Root").keyed(tower.kind).by_itself()];
    }),
    ("two roots of one name are trusted", 0, |tower, _, roots| {
        roots.insert(0, Somebody::issuer("Root").keyed(tower.kind).by_itself());
    }),
    ("an issuer of the same name has another key", 1, |tower, chain, _| {
        let issuer = tower.people.len() - 2;
        let name = format!("Issuer {issuer}");
        chain[1] = Somebody::issuer(&name).keyed(tower.kind).by(&tower.people[issuer - 1]);
    }),
    ("the leaf signed itself", 0, |tower, chain, _| *chain = vec![tower.people[tower.leaf()].by_itself()]),
    ("the root is cross-signed", 0, |tower, chain, roots| {
        let old = Somebody::issuer("Old Root").keyed(tower.kind);
        chain.push(tower.people[0].by(&old));
        *roots = vec![old.by_itself()];
    }),
    ("the root is cross-signed by one that has expired, and trusted itself", 0, |tower, chain, roots| {
        let old = Somebody::issuer("Old Root").lasting(Lifetime::expired(3650, 1)).keyed(tower.kind);
        chain.push(tower.people[0].by(&old));
        roots.push(old.by_itself());
    }),
    ("the cross-sign has expired, and the root is trusted itself", 0, |tower, chain, roots| {
        let old = Somebody::issuer("Old Root").keyed(tower.kind).lasting(long());
        chain.push(tower.people[0].by_lasting(&old, Lifetime::expired(3650, 1)));
        roots.push(old.by_itself());
    }),
];

fn purposes(tower: &mut Tower, purposes: Vec<ExtendedKeyUsagePurpose>) {
    tower.change(tower.leaf(), |leaf| leaf.with(|leaf| leaf.extended_key_usages = purposes));
}

fn key_use(tower: &mut Tower, index: usize, usages: Vec<KeyUsagePurpose>) {
    tower.change(index, |somebody| somebody.with(|somebody| somebody.key_usages = usages));
}

fn root(tower: &mut Tower, change: impl FnOnce(&mut CertificateParams)) {
    tower.change(0, |root| root.with(change));
}

/// A critical extension that nobody knows.
fn critical() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

fn constrain(tower: &mut Tower, permitted: &[&str], excluded: &[&str]) {
    let names =
        |names: &[&str]| names.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned())).collect();
    let constraints =
        NameConstraints { permitted_subtrees: names(permitted), excluded_subtrees: names(excluded) };
    tower.change(1, |issuer| issuer.with(|issuer| issuer.name_constraints = Some(constraints)));
}

fn cases() -> Vec<Case> {
    let kinds = [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256, 0..4),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384, 1..2),
        ("Ed25519", &rcgen::PKCS_ED25519, 1..3),
    ];
    let mut cases = Vec::new();
    for (kind_name, kind, depths) in kinds {
        for depth in depths {
            let shape = format!("{kind_name}, {depth} issuers");
            for (what, at_least, change) in CHANGES.iter().filter(|(_, at_least, _)| *at_least <= depth) {
                assert!(*at_least <= depth);
                let mut tower = Tower::new(depth, kind);
                change(&mut tower);
                let (chain, root) = tower.certify();
                cases.push(Case { what, shape: shape.clone(), chain, roots: vec![root] });
            }
            for (what, _, serve) in SERVINGS.iter().filter(|(_, at_least, _)| *at_least <= depth) {
                let tower = Tower::new(depth, kind);
                let (mut chain, root) = tower.certify();
                let mut roots = vec![root];
                serve(&tower, &mut chain, &mut roots);
                cases.push(Case { what, shape: shape.clone(), chain, roots });
            }
        }
    }
    cases
}

/// Whether a scan says nothing against trusting this chain as a server's: its path, its root, its usage, its
/// lifetime.
fn we_take(case: &Case) -> Result<(), String> {
    let now = Timestamp::now();
    let read = |der: &CertificateDer<'static>| Arc::new(Certificate::read_only(der).unwrap());
    let roots = Roots::new("the test's roots", case.roots.iter().map(read));
    let chain: Vec<_> = case.chain.iter().map(read).collect();
    let path = chain::judge(&chain, &roots, now).map_err(|broken| broken.reason)?;
    if !path.root().validity.contains(now) {
        return Err("the root is out of its time".to_owned());
    }
    if !chain[0].validity.contains(now) {
        return Err("the certificate is out of its time".to_owned());
    }
    match usage::judge("it", &chain[0], Side::Server) {
        Some(finding) if finding.outcome == Outcome::Failed => Err(finding.observed),
        _ => Ok(()),
    }
}

fn openssl_takes(bench: &Bench, number: usize, case: &Case) -> Result<(), String> {
    let write = |name: &str, certificates: &[CertificateDer<'static>]| {
        let name = format!("{number}-{name}.pem");
        bench.write(&name, pem(&certificates.iter().collect::<Vec<_>>()));
        text(&bench.path(&name))
    };
    let (roots, presented, leaf) =
        (write("roots", &case.roots), write("chain", &case.chain), write("leaf", &case.chain[..1]));
    let arguments = ["-CAfile", &roots, "-untrusted", &presented, &leaf];
    let output = Command::new("openssl")
        .args(["verify", "-no-CApath", "-no-CAstore", "-purpose", "sslserver"])
        .args(arguments)
        .output()
        .expect("openssl is installed");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// OpenSSL's verdicts, two at a time.
fn verdicts_of_openssl(cases: &[Case]) -> Vec<Result<(), String>> {
    let (bench, next) = (Bench::new(), AtomicUsize::new(0));
    let verdicts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((number, case)) = {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    cases.get(number).map(|case| (number, case))
                } {
                    let verdict = openssl_takes(&bench, number, case);
                    verdicts.lock().unwrap().insert(number, verdict);
                }
            });
        }
    });
    verdicts.into_inner().unwrap().into_values().collect()
}

#[test]
fn chains_are_judged_as_openssl_judges_them() {
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let (mut surprises, mut differing, mut taken) = (Vec::new(), BTreeSet::new(), 0);
    for (case, theirs) in cases.iter().zip(verdicts_of_openssl(&cases)) {
        let ours = we_take(case);
        taken += usize::from(ours.is_ok());
        if ours.is_ok() == theirs.is_ok() {
            continue;
        }
        let known = DIFFERENCES.iter().any(|(what, we_do, _)| *what == case.what && *we_do == ours.is_ok());
        if known {
            differing.insert(case.what);
        } else {
            surprises.push(format!("{} ({}): ours {ours:?}, openssl {theirs:?}", case.what, case.shape));
        }
    }
    assert!(surprises.is_empty(), "{} of {}:\n{}", surprises.len(), cases.len(), surprises.join("\n"));
    let stale: Vec<_> = DIFFERENCES.iter().filter(|(what, ..)| !differing.contains(what)).collect();
    assert!(stale.is_empty(), "we agree by now: {stale:?}");
    // Neither side says the same to everything.
    assert!((cases.len() / 4..cases.len() * 3 / 4).contains(&taken), "{taken} of {} taken", cases.len());
}
