//! Judges what was seen at an endpoint, in the order of the way there: reached, shaken hands, named, trusted,
//! and what else its chain says.

use std::sync::Arc;

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, Judged, Part, Sighting, handshake,
    lifetime::{self, Role, Standing},
    name,
    shape::{self, Place},
    staple, strength,
    trust::{self, Verdict},
    usage::{self, Side},
    validity_cap,
};
use crate::{
    certificate::Certificate,
    checks::{
        TLS_CERTIFICATE, TLS_LIFETIME, TLS_NAME, TLS_REACHABLE, TLS_STAPLE, TLS_TRUST, TLS_USAGE,
        TLS_VALIDITY_CAP,
    },
    targets::Endpoint,
    wire::{Capture, Observation, ReachTrouble},
    wording::printable,
};

/// Judges what was seen at an endpoint.
#[must_use]
pub fn judge(endpoint: &Endpoint, observation: &Observation, basis: &Basis) -> Judged {
    let subject = endpoint.to_string();
    match observation {
        Observation::Unreached(trouble) => {
            Judged { findings: vec![unreached(&subject, trouble)], ..Judged::default() }
        }
        Observation::Reached(capture) => reached(endpoint, &subject, capture, basis),
    }
}

fn unreached(subject: &str, trouble: &ReachTrouble) -> Finding {
    let failed =
        |observed: String| TLS_REACHABLE.failed(subject).expected("a TCP connection").observed(observed);
    match trouble {
        ReachTrouble::Unresolved(why) => {
            failed(format!("the name does not resolve: {}", printable(why, 120)))
                .remedy("Check the spelling of the name, and the DNS.")
        }
        ReachTrouble::Refused => failed("connection refused".to_owned())
            .remedy("Nothing listens on this port: start the service, or correct the port."),
        ReachTrouble::TimedOut(limit) => failed(format!("no answer within {} s", limit.as_secs_f64()))
            .remedy("A firewall may drop the packets, or the host is down; --connect-timeout waits longer."),
        ReachTrouble::Failed(why) => failed(printable(why, 120)),
        ReachTrouble::Ours(why) => TLS_REACHABLE
            .inconclusive(subject)
            .expected("a TCP connection")
            .observed(format!("this machine could not try: {}", printable(why, 120)))
            .remedy(
                "Check this machine's routes and its limit of open files; --concurrency lowers the need.",
            ),
    }
}

fn reached(endpoint: &Endpoint, subject: &str, capture: &Capture, basis: &Basis) -> Judged {
    let mut judged = Judged::default();
    let connected = TLS_REACHABLE.passed(subject).expected("a TCP connection");
    judged.findings.push(connected.observed(format!("{} answered", capture.address)));
    let (mut chain, mut leaf_is_whole): (Vec<Arc<Certificate>>, _) = (Vec::new(), false);
    for (index, der) in capture.chain.iter().enumerate() {
        let read = if index == 0 { Certificate::read_only(der).map(Arc::new) } else { basis.issuer(der) };
        match read {
            Ok(certificate) => {
                leaf_is_whole |= index == 0;
                judged.quiet.push(&TLS_CERTIFICATE);
                chain.push(certificate);
            }
            Err(error) => judged.findings.push(
                TLS_CERTIFICATE
                    .failed(format!("{subject}, element {}", index + 1))
                    .expected("an X.509 certificate")
                    .observed(error.to_string()),
            ),
        }
    }
    let leaf = chain.first().filter(|_| leaf_is_whole);
    judged.findings.extend(handshake::judge(endpoint, subject, capture, leaf.map(AsRef::as_ref)));
    match leaf {
        Some(leaf) => {
            judged.findings.push(covers_name(endpoint, subject, leaf, basis));
            let verdict = basis.trust.verdict(&chain, basis.now);
            judged.findings.push(trust::finding(subject, &chain, &verdict, basis));
            presented(subject, &chain, &verdict, basis, &mut judged);
            judged.findings.extend(stapled(subject, capture, &chain, basis));
            judged.owed.extend((!capture.stapled.is_empty()).then_some(&TLS_STAPLE));
            // One that is sent twice is seen once.
            let once = chain.iter().zip(&verdict.places).filter(|(_, place)| **place != Place::Duplicate);
            for (certificate, place) in once {
                let (finding, sighting) =
                    seen(subject, part(&chain, certificate, *place), certificate, basis);
                judged.findings.extend(finding);
                judged.sightings.push(sighting);
            }
        }
        // Without a chain the handshake has failed, and says why.
        None if capture.chain.is_empty() => {}
        None => {
            judged.findings.extend([&TLS_NAME, &TLS_TRUST].map(|check| {
                let why = "the server's own certificate cannot be read";
                check.not_checked(Requirement::Required, subject, why)
            }));
            let issuers = chain.iter().map(|issuer| seen(subject, Part::Issuer, issuer, basis).1);
            judged.sightings.extend(issuers);
        }
    }
    judged
}

/// What the chain says without anybody asking under a name: its shape, its usage, its strength.
fn presented(
    subject: &str,
    chain: &[Arc<Certificate>],
    verdict: &Verdict,
    basis: &Basis,
    judged: &mut Judged,
) {
    let Some(leaf) = chain.first() else { return };
    let issuer_limits = &basis.thresholds.issuer;
    let shape = shape::judge(subject, chain, &verdict.places, &verdict.found(), basis.now, issuer_limits);
    let usage = usage::judge(subject, leaf, Side::Server);
    let key = strength::key_finding(subject, leaf);
    // Of a certificate that is trusted itself, or by nobody, nobody looks at the signature.
    let signature = (!leaf.is_self_issued).then(|| strength::signature_finding(subject, leaf));
    let cap = verdict.is_public.then(|| validity_cap::judge(subject, leaf)).flatten();
    let is_capped = verdict.is_public && validity_cap::cap_at(leaf.validity.not_before).is_some();
    judged.owed.extend(is_capped.then_some(&TLS_VALIDITY_CAP));
    judged.quiet.extend(usage.is_none().then_some(&TLS_USAGE));
    judged.findings.extend([shape, usage, Some(key), signature, cap].into_iter().flatten());
}

/// What was stapled; where the handshake did not come to its end, nothing is known of it.
fn stapled(subject: &str, capture: &Capture, chain: &[Arc<Certificate>], basis: &Basis) -> Option<Finding> {
    let (leaf, presented) = chain.split_first()?;
    if capture.stapled.is_empty() && (!capture.is_done() || !leaf.must_staple) {
        return None;
    }
    let roots = basis.trust.stores().iter().flat_map(|store| store.named_as_issuer_of(leaf));
    let issuers: Vec<_> = presented.iter().chain(roots).map(Arc::clone).collect();
    staple::judge(subject, leaf, &issuers, &capture.stapled, basis.now)
}

/// As what a presented certificate was seen.
fn part(chain: &[Arc<Certificate>], certificate: &Arc<Certificate>, place: Place) -> Part {
    match place {
        _ if chain.first().is_some_and(|leaf| leaf.fingerprint == certificate.fingerprint) => Part::Server,
        Place::Needed => Part::Issuer,
        Place::Root | Place::Spare | Place::Stranger | Place::Duplicate => Part::Spare,
    }
}

/// Judges the lifetime of the server's own certificate. An issuer is judged once for all its endpoints, at the
/// end of the run; one that no path needs hurts only as far as `tls.chain` says.
fn seen(
    subject: &str,
    part: Part,
    certificate: &Arc<Certificate>,
    basis: &Basis,
) -> (Option<Finding>, Sighting) {
    // A self-made certificate often says CA:TRUE; what a server presents first stands for the server.
    let (finding, judgement) = if part == Part::Server {
        let (check, thresholds) = (&TLS_LIFETIME, &basis.thresholds);
        let subject = subject.to_owned();
        let (finding, judgement) =
            lifetime::finding(check, subject, certificate, Role::Leaf, basis.now, thresholds);
        (Some(finding), judgement)
    } else {
        (None, lifetime::judge(certificate.validity, basis.now, basis.thresholds.of(Role::Issuer)))
    };
    let standing = match part {
        Part::Spare => judgement.standing.min(Standing::Warning),
        _ => judgement.standing,
    };
    let place = subject.to_owned();
    let sighting = Sighting { place, part, certificate: Arc::clone(certificate), standing };
    (finding, sighting)
}

fn covers_name(endpoint: &Endpoint, subject: &str, leaf: &Certificate, basis: &Basis) -> Finding {
    let host = endpoint.asked_as();
    let is_nameless = endpoint.in_network && endpoint.sni.is_none();
    if is_nameless && name::covering(leaf, host).is_none() {
        return name::finding_without_host(subject, leaf, &basis.names);
    }
    name::finding(subject, leaf, host, &basis.names)
}
