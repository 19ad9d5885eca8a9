//! Whom a group trusts, and what each of these stores says about a chain. All that are named have to trust
//! it: where the clients are browsers and a Java service with a store of its own, both must be content.

use std::{convert::Infallible, sync::Arc};

use evidence_report::record::{Finding, Outcome, Requirement};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Basis,
    chain::{self, Broken, Fault, Path, Roots},
    lifetime::{self, Standing},
    memo::Memo,
    shape::{self, Place},
    strength::{self, Grade},
};
use crate::{
    certificate::Certificate,
    checks::TLS_TRUST,
    wording::{distance, moment},
};

/// Stores of trusted roots.
#[derive(Debug)]
pub struct Trust {
    stores: Vec<Arc<Roots>>,
    /// Mozilla's: what ends there is publicly trusted, and bound by public rules.
    public: Arc<Roots>,
    verdicts: Memo<Verdict>,
}

/// What was found out about a chain.
#[derive(Debug)]
pub struct Verdict {
    /// What each store says, in their order.
    pub paths: Vec<Result<Path, Broken>>,
    /// What each presented certificate is to these paths.
    pub places: Vec<Place>,
    /// Whether a path ends at a publicly trusted root.
    pub is_public: bool,
}

impl Trust {
    /// Several stores that all have to trust, and those that browsers ship.
    #[must_use]
    pub fn new(stores: Vec<Arc<Roots>>, public: Arc<Roots>) -> Self {
        Self { stores, public, verdicts: Memo::default() }
    }

    /// Where the stores come from, for example `the system's 142 roots and the roots in ca.pem`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.stores.iter().map(|store| store.origin()).collect::<Vec<_>>().join(" and ")
    }

    /// The stores.
    #[must_use]
    pub fn stores(&self) -> &[Arc<Roots>] {
        &self.stores
    }

    /// What the stores say about a chain, the server's own certificate first. Each distinct chain is verified
    /// once; `now` is the same for all of a run.
    #[must_use]
    pub fn verdict(&self, chain: &[Arc<Certificate>], now: Timestamp) -> Arc<Verdict> {
        let mut digest = Sha256::new();
        chain.iter().for_each(|certificate| digest.update(certificate.fingerprint));
        let verify = || Ok::<_, Infallible>(self.verify(chain, now));
        match self.verdicts.recall(digest.finalize().into(), verify) {
            Ok(verdict) => verdict,
            Err(never) => match never {},
        }
    }

    fn verify(&self, chain: &[Arc<Certificate>], now: Timestamp) -> Verdict {
        let paths: Vec<_> = self.stores.iter().map(|store| chain::judge(chain, store, now)).collect();
        let found: Vec<_> = paths.iter().flatten().collect();
        let places = shape::places(chain, &found);
        let is_public = if found.is_empty() {
            chain::judge(chain, &self.public, now).is_ok()
        } else {
            found.iter().any(|path| self.public.contain(path.root()))
        };
        Verdict { places, is_public, paths }
    }
}

impl From<Roots> for Trust {
    /// One store, and nothing that is publicly trusted.
    fn from(roots: Roots) -> Self {
        Self::new(vec![Arc::new(roots)], Arc::new(Roots::new("none", [])))
    }
}

impl Verdict {
    /// The paths that were found.
    #[must_use]
    pub fn found(&self) -> Vec<&Path> {
        self.paths.iter().flatten().collect()
    }

    /// Whether the server's own certificate is trusted itself, everywhere.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.paths.iter().all(|path| matches!(path, Ok(Path::Direct(_))))
    }
}

/// What one store says, in words.
struct Said {
    outcome: Outcome,
    observed: String,
    remedy: Option<String>,
    hurts_at: Option<Timestamp>,
}

/// Judges what the stores say.
#[must_use]
pub fn finding(subject: &str, chain: &[Arc<Certificate>], verdict: &Verdict, basis: &Basis) -> Finding {
    let stores = basis.trust.stores();
    if stores.is_empty() || stores.iter().any(|store| store.is_empty()) {
        return TLS_TRUST
            .inconclusive(subject)
            .expected("a path to a trusted root")
            .observed("this machine has no trusted roots")
            .remedy("Install the package ca-certificates, or name the roots with --roots FILE.");
    }
    let faults: Vec<_> = verdict.paths.iter().flat_map(|path| path.as_ref().err()).collect();
    if let Some(outlived) = faults.first()
        && faults.iter().all(|broken| broken.fault == Fault::Outlived)
    {
        let why = format!("{}: see tls.lifetime", outlived.reason);
        return TLS_TRUST.not_checked(Requirement::Optional, subject, why);
    }
    if faults.iter().any(|broken| broken.fault == Fault::Signature)
        && let Some(why) = weak_link(chain, verdict)
    {
        return TLS_TRUST.not_checked(Requirement::Optional, subject, why);
    }
    let found = verdict.paths.iter().flatten().next();
    let said: Vec<_> = (stores.iter().zip(&verdict.paths))
        .map(|(store, path)| match (path, found) {
            (Err(_), Some(Path::To(root, _))) if !store.contain(root) => lacking(root),
            _ => one_store(path, basis),
        })
        .collect();
    let Some(worst) = said.iter().max_by_key(|said| said.outcome.severity()) else {
        return TLS_TRUST.not_checked(Requirement::Required, subject, "no store was asked");
    };
    let finding = match worst.outcome {
        Outcome::Passed => TLS_TRUST.passed(subject),
        Outcome::Warned => TLS_TRUST.warned(subject),
        _ => TLS_TRUST.failed(subject),
    };
    let (expected, observed) = match (stores, &said[..]) {
        ([store], [said]) => (format!("a path to one of {}", store.origin()), said.observed.clone()),
        _ => (format!("a path to one of each: {}", basis.trust.origin()), compared(stores, &said)),
    };
    let finding = finding.expected(expected).observed(observed);
    let finding = match worst.remedy.clone() {
        Some(remedy) => finding.remedy(remedy),
        None => finding,
    };
    match said.iter().filter_map(|said| said.hurts_at).min() {
        Some(at) => finding.hurts_at(at),
        None => finding,
    }
}

/// The signature or key because of which no path is looked for; it has a finding of its own. A root's own
/// signature is not looked at.
fn weak_link(chain: &[Arc<Certificate>], verdict: &Verdict) -> Option<String> {
    let needed = chain.iter().zip(&verdict.places).filter(|(_, place)| **place == Place::Needed);
    let needed: Vec<_> = needed.map(|(one, _)| one).collect();
    let signature = needed.iter().find(|one| strength::signature(one).grade == Grade::Weak);
    let key = needed.iter().skip(1).find(|one| strength::key(one).grade == Grade::Weak);
    let words = |what, check, one: &Certificate| {
        format!("no path is looked for over the {what} '{}': see {check}", one.name)
    };
    signature
        .map(|one| words("signature on", "tls.signature", one))
        .or_else(|| key.map(|one| words("key of the issuer", "tls.key", one)))
}

/// A store that lacks the root to which another store leads.
fn lacking(root: &Certificate) -> Said {
    Said {
        outcome: Outcome::Failed,
        observed: format!("the root '{}' is not among them", root.name),
        remedy: Some(format!(
            "Have whoever uses these stores trust '{}', or have the certificate issued by a CA that all of them trust.",
            root.name
        )),
        hurts_at: None,
    }
}

fn one_store(path: &Result<Path, Broken>, basis: &Basis) -> Said {
    match path {
        Err(broken) => Said {
            outcome: Outcome::Failed,
            observed: broken.reason.clone(),
            remedy: Some(broken.remedy.clone()),
            hurts_at: None,
        },
        Ok(Path::Direct(_)) => Said {
            outcome: Outcome::Passed,
            observed: "the certificate itself is one of them".to_owned(),
            remedy: None,
            hurts_at: None,
        },
        Ok(Path::To(root, over)) => root_standing(root, over.len(), basis),
    }
}

/// A path to a root is worth what is left of the root: webpki takes an expired one for good.
fn root_standing(root: &Certificate, length: usize, basis: &Basis) -> Said {
    let judgement = lifetime::judge(root.validity, basis.now, &basis.thresholds.issuer);
    let over = match length {
        0 => "directly".to_owned(),
        1 => "over 1 intermediate".to_owned(),
        many => format!("over {many} intermediates"),
    };
    let ends =
        format!("{}, {}", moment(root.validity.not_after), distance(basis.now, root.validity.not_after));
    let leads = format!("leads {over} to the root '{}'", root.name);
    let (outcome, observed) = match judgement.standing {
        Standing::Good => (Outcome::Passed, leads),
        Standing::Warning => (Outcome::Warned, format!("{leads}, which expires {ends}")),
        Standing::Critical => (Outcome::Failed, format!("{leads}, which expires {ends}")),
        Standing::Expired | Standing::NeverValid => {
            (Outcome::Failed, format!("{leads}, which expired {ends}"))
        }
        Standing::NotYetValid => {
            let begins = moment(root.validity.not_before);
            (Outcome::Failed, format!("{leads}, which is not valid before {begins}"))
        }
    };
    let remedy = format!(
        "Replace the root '{}' wherever it is trusted, and have the chain issued under the new one.",
        root.name
    );
    Said { outcome, observed, remedy: Some(remedy), hurts_at: Some(root.validity.not_after) }
}

/// `trusted by A and B; not by C: …`.
fn compared(stores: &[Arc<Roots>], said: &[Said]) -> String {
    let (mut trusting, mut how, mut others) = (Vec::new(), "", Vec::new());
    let mut not_by: Vec<(Vec<&str>, &str)> = Vec::new();
    for (store, said) in stores.iter().zip(said) {
        match said.outcome {
            Outcome::Passed => {
                trusting.push(store.origin());
                how = &said.observed;
            }
            Outcome::Warned => others.push(format!("by {}, but it {}", store.origin(), said.observed)),
            _ => match not_by.iter_mut().find(|(_, why)| *why == said.observed) {
                Some((stores, _)) => stores.push(store.origin()),
                None => not_by.push((vec![store.origin()], &said.observed)),
            },
        }
    }
    others.extend(not_by.iter().map(|(stores, why)| format!("not by {}: {why}", stores.join(" and "))));
    if trusting.is_empty() {
        return others.join("; ");
    }
    let trusting = format!("trusted by {}", trusting.join(" and "));
    match others.is_empty() {
        true => format!("{trusting}: {how}"),
        false => format!("{trusting}, {}", others.join("; ")),
    }
}
