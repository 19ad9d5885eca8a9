//! Judges what was seen at an endpoint: reached, shaken hands, lifetime of every element, name, trust.

use std::sync::Arc;

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, Judged, Part, Sighting, chain,
    chain::Path,
    greeting,
    lifetime::{self, Role, Standing},
    name,
};
use crate::{
    certificate::Certificate,
    checks::{TLS_CERTIFICATE, TLS_HANDSHAKE, TLS_LIFETIME, TLS_NAME, TLS_REACHABLE, TLS_TRUST},
    targets::Endpoint,
    wire::{Capture, ClientCertificate, HandshakeTrouble, Observation, ReachTrouble},
    wording::{distance, moment, printable},
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
    let mut chain = Vec::new();
    for (index, der) in capture.chain.iter().enumerate() {
        match Certificate::read_only(der) {
            Ok(certificate) => chain.push((index, Arc::new(certificate))),
            Err(error) => judged.findings.push(
                TLS_CERTIFICATE
                    .failed(format!("{subject}, element {}", index + 1))
                    .expected("an X.509 certificate")
                    .observed(error.to_string()),
            ),
        }
    }
    let leaf = chain.first().filter(|(index, _)| *index == 0).map(|(_, certificate)| certificate.as_ref());
    judged.findings.push(handshake(subject, capture, leaf));
    for (index, certificate) in &chain {
        let (finding, sighting) = seen(subject, *index, certificate, basis);
        judged.findings.extend(finding);
        judged.sightings.push(sighting);
    }
    match leaf {
        Some(leaf) => {
            judged.findings.push(covers_name(endpoint, subject, leaf));
            let chain: Vec<_> = chain.iter().map(|(_, certificate)| Arc::clone(certificate)).collect();
            judged.findings.push(trust(subject, &chain, basis));
        }
        // Without a chain the handshake has failed, and says why.
        None if capture.chain.is_empty() => {}
        None => judged.findings.extend([&TLS_NAME, &TLS_TRUST].map(|check| {
            check.not_checked(Requirement::Required, subject, "the server's own certificate cannot be read")
        })),
    }
    judged
}

/// Judges the lifetime of the server's own certificate; an issuer is judged once for all its endpoints, at
/// the end of the run.
fn seen(
    subject: &str,
    index: usize,
    certificate: &Arc<Certificate>,
    basis: &Basis,
) -> (Option<Finding>, Sighting) {
    // A self-made certificate often says CA:TRUE; what a server presents first stands for the server.
    let (part, role) = if index == 0 { (Part::Server, Role::Leaf) } else { (Part::Issuer, Role::Issuer) };
    let (finding, judgement) =
        lifetime::finding(&TLS_LIFETIME, subject.to_owned(), certificate, role, basis.now, &basis.thresholds);
    let sighting = Sighting {
        place: subject.to_owned(),
        part,
        certificate: Arc::clone(certificate),
        standing: judgement.standing,
    };
    ((part == Part::Server).then_some(finding), sighting)
}

fn handshake(subject: &str, capture: &Capture, leaf: Option<&Certificate>) -> Finding {
    let expected = "TLS 1.2 or 1.3, and proof of the key";
    let Some(trouble) = &capture.trouble else {
        let version = capture.protocol.map_or_else(|| "TLS".to_owned(), |version| version.to_string());
        let count = capture.chain.len();
        let presented = format!("{version}, {count} certificate{}", if count == 1 { "" } else { "s" });
        let client = match capture.client_certificate {
            ClientCertificate::NotAsked => "",
            ClientCertificate::Optional => "; asks for a client certificate, and lets in without one",
            ClientCertificate::Demanded => "; demands a client certificate",
        };
        return TLS_HANDSHAKE.passed(subject).expected(expected).observed(format!("{presented}{client}"));
    };
    let (observed, remedy) = trouble_in_words(trouble, leaf);
    let finding = TLS_HANDSHAKE.failed(subject).expected(expected).observed(observed);
    if remedy.is_empty() { finding } else { finding.remedy(remedy) }
}

/// What was seen, and what to do; an empty remedy leaves the check's own.
fn trouble_in_words(trouble: &HandshakeTrouble, leaf: Option<&Certificate>) -> (String, &'static str) {
    match trouble {
        HandshakeTrouble::Silent(limit) => (
            format!("accepted the connection, then said nothing for {} s", limit.as_secs_f64()),
            "The service hangs, or waits for its client to begin in another protocol (STARTTLS, PROXY).",
        ),
        HandshakeTrouble::Unfinished(limit, bytes) => (
            format!("sent {bytes} bytes and did not end the handshake within {} s", limit.as_secs_f64()),
            "The service is overloaded, or the path to it loses large packets; --handshake-timeout waits longer.",
        ),
        HandshakeTrouble::Closed => (
            "closed the connection without a TLS answer".to_owned(),
            "The port may not speak TLS, or refuses this name: try --sni, and look at the server's log.",
        ),
        HandshakeTrouble::Reset => (
            "reset the connection during the handshake".to_owned(),
            "A firewall or proxy in between may not allow TLS here; look at the server's log.",
        ),
        HandshakeTrouble::NotTls(first) => (
            format!("no TLS: it speaks {}", greeting::language(first)),
            "Name the port that speaks TLS, or turn TLS on there.",
        ),
        HandshakeTrouble::Alert(alert) => (
            format!("the server refused with the TLS alert {alert}"),
            "UnrecognisedName: ask under another name (--sni). HandshakeFailure: no common cipher, or no certificate configured.",
        ),
        HandshakeTrouble::TooOld => (
            "the server speaks neither TLS 1.2 nor TLS 1.3".to_owned(),
            "Turn TLS 1.2 or 1.3 on: clients refuse older versions (RFC 8996).",
        ),
        HandshakeTrouble::NothingInCommon(what) => (
            format!("no common ground: {what}"),
            "Allow an ECDHE suite with AES-GCM or ChaCha20 at the server.",
        ),
        HandshakeTrouble::NoProof(reason) => {
            match leaf.and_then(|leaf| leaf.rsa_bits).filter(|bits| *bits < 2048) {
                Some(bits) => (
                    format!("an RSA key of {bits} bits, which clients refuse"),
                    "Make a new key: P-256, or RSA with 2048 bits or more.",
                ),
                None => (
                    format!("the server does not prove that it holds the certificate's key ({reason})"),
                    "The private key that the server uses does not belong to the certificate: install the pair together.",
                ),
            }
        }
        HandshakeTrouble::Broken(error) => (printable(error, 160), ""),
    }
}

fn covers_name(endpoint: &Endpoint, subject: &str, leaf: &Certificate) -> Finding {
    let host = endpoint.asked_as();
    let expected = format!("good for {host}");
    match name::covering(leaf, host) {
        Some(pattern) => TLS_NAME
            .passed(subject)
            .expected(expected)
            .observed(format!("covered by {}", printable(&pattern, 120))),
        None => {
            let only_common = name::only_common_name_fits(leaf, host);
            let common = if only_common { "; only its common name fits, which clients ignore" } else { "" };
            TLS_NAME
                .failed(subject)
                .expected(expected)
                .observed(format!("good for {}{common}", name::listed(leaf)))
        }
    }
}

fn trust(subject: &str, chain: &[Arc<Certificate>], basis: &Basis) -> Finding {
    let roots = &basis.roots;
    let expected = format!("a path to one of {}", roots.origin());
    if roots.is_empty() {
        return TLS_TRUST
            .inconclusive(subject)
            .expected("a path to a trusted root")
            .observed("this machine has no trusted roots")
            .remedy("Install the package ca-certificates, or name the roots with --roots FILE.");
    }
    match chain::judge(chain, roots, basis.now) {
        Err(broken) => {
            TLS_TRUST.failed(subject).expected(expected).observed(broken.reason).remedy(broken.remedy)
        }
        Ok(Path::Direct(_)) => {
            TLS_TRUST.passed(subject).expected(expected).observed("the certificate itself is one of them")
        }
        Ok(Path::To(root, length)) => root_standing(subject, root, length, basis).expected(expected),
    }
}

/// A path to a root is worth what is left of the root: webpki takes an expired one for good.
fn root_standing(subject: &str, root: &Certificate, length: usize, basis: &Basis) -> Finding {
    let judgement = lifetime::judge(root.validity, basis.now, &basis.thresholds.issuer);
    let over = match length {
        0 => "directly".to_owned(),
        1 => "over 1 intermediate".to_owned(),
        many => format!("over {many} intermediates"),
    };
    let ends =
        format!("{}, {}", moment(root.validity.not_after), distance(basis.now, root.validity.not_after));
    let leads = format!("leads {over} to the root '{}'", root.name);
    match judgement.standing {
        Standing::Good => TLS_TRUST.passed(subject).observed(leads),
        Standing::Warning => TLS_TRUST.warned(subject).observed(format!("{leads}, which expires {ends}")),
        Standing::Critical => TLS_TRUST.failed(subject).observed(format!("{leads}, which expires {ends}")),
        Standing::Expired | Standing::NeverValid => {
            TLS_TRUST.failed(subject).observed(format!("{leads}, which expired {ends}"))
        }
        Standing::NotYetValid => TLS_TRUST
            .failed(subject)
            .observed(format!("{leads}, which is not valid before {}", moment(root.validity.not_before))),
    }
    .hurts_at(root.validity.not_after)
    .remedy(format!(
        "Replace the root '{}' wherever it is trusted, and have the chain issued under the new one.",
        root.name
    ))
}
