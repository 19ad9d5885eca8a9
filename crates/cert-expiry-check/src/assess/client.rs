//! Judges what has to do with client certificates: whether a server turns anonymous clients away, whether it
//! accepts ours, and how ours stands.

use std::sync::Arc;

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, ClientCertificateRule, Judged, Part, Sighting,
    lifetime::{self, Role},
};
use crate::{
    certificate::Certificate,
    checks::{CLIENT_IDENTITY, CLIENT_LIFETIME, TLS_CLIENT_ACCEPTED, TLS_CLIENT_CERTIFICATE},
    wire::{Afterwards, Capture, ClientCertificate, Observation},
};

/// Judges whether an endpoint does about client certificates what its group wants; `seen` is what it did with
/// an anonymous client. Nothing is said where nothing is wanted.
#[must_use]
pub fn rule(subject: &str, seen: &Observation, wanted: Option<ClientCertificateRule>) -> Option<Finding> {
    let wanted = wanted?;
    let not_checked = |why| {
        let finding = TLS_CLIENT_CERTIFICATE.not_checked(Requirement::Required, subject, why);
        Some(finding.expected(expected(wanted)))
    };
    let capture = match seen {
        Observation::Unreached(_) => return not_checked("no connection came about"),
        Observation::Reached(capture) if !capture.is_done() => {
            return not_checked("no handshake came about");
        }
        Observation::Reached(capture) => capture,
    };
    let finding = match wanted {
        ClientCertificateRule::Required => required(subject, capture),
        ClientCertificateRule::Optional => optional(subject, capture),
        ClientCertificateRule::None => none(subject, capture),
    };
    Some(finding.expected(expected(wanted)))
}

fn expected(wanted: ClientCertificateRule) -> &'static str {
    match wanted {
        ClientCertificateRule::Required => "a client without a certificate is turned away",
        ClientCertificateRule::Optional => "asks for a client certificate, and lets in without one",
        ClientCertificateRule::None => "does not ask for a client certificate",
    }
}

/// What servers call it.
const HOW_TO_REQUIRE: &str = "nginx: ssl_verify_client on; HAProxy: verify required; Envoy: \
    require_client_certificate: true; Go: RequireAndVerifyClientCert";

fn required(subject: &str, capture: &Capture) -> Finding {
    let lets_in = |observed: String| {
        let finding = TLS_CLIENT_CERTIFICATE.failed(subject).observed(observed);
        finding.remedy(format!(
            "Make {subject} demand a client certificate ({HOW_TO_REQUIRE}), and look at its log for who got in without one."
        ))
    };
    let passed = |observed: String| TLS_CLIENT_CERTIFICATE.passed(subject).observed(observed);
    match (capture.client_certificate, &capture.afterwards) {
        (ClientCertificate::NotAsked, _) => {
            lets_in("lets anonymous clients in: it does not even ask for a client certificate".to_owned())
        }
        (_, Afterwards::Refused(refusal)) => passed(format!("refused us without a certificate, {refusal}")),
        (_, Afterwards::Answered(status)) if is_refusal(*status) => {
            passed(format!("refused our request without a certificate, with HTTP {status}"))
        }
        (_, Afterwards::Answered(status)) => lets_in(format!(
            "lets anonymous clients in: it asks for a client certificate, and answers HTTP {status} without one"
        )),
        (_, Afterwards::Greeted) => {
            lets_in("lets anonymous clients in: it asks for a client certificate, and goes on without one".to_owned())
        }
        (ClientCertificate::Demanded, Afterwards::Nothing) => passed("refused us without a certificate".to_owned()),
        (ClientCertificate::Optional, Afterwards::Nothing) => TLS_CLIENT_CERTIFICATE
            .inconclusive(subject)
            .observed(
                "asks for a client certificate, and ends the handshake without one: whether it refuses anonymous \
                 clients afterwards cannot be told from the handshake",
            )
            .remedy(
                "Does it speak HTTP? --ask-http sends one HEAD request without a certificate and reads the status (nginx \
                 refuses only there, with 400). Otherwise make it refuse in the handshake.",
            ),
    }
}

/// 400 is nginx's for 495 and 496, its own numbers for a certificate that is wrong or missing.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 403 | 495 | 496)
}

fn optional(subject: &str, capture: &Capture) -> Finding {
    match (capture.client_certificate, &capture.afterwards) {
        (ClientCertificate::NotAsked, _) => {
            TLS_CLIENT_CERTIFICATE.failed(subject).observed("does not ask for a client certificate")
        }
        (_, Afterwards::Refused(refusal)) => {
            let observed = format!("refused us without a certificate, {refusal}");
            TLS_CLIENT_CERTIFICATE.failed(subject).observed(observed)
        }
        (_, Afterwards::Answered(status)) if is_refusal(*status) => {
            let observed = format!("refused our request without a certificate, with HTTP {status}");
            TLS_CLIENT_CERTIFICATE.failed(subject).observed(observed)
        }
        _ => TLS_CLIENT_CERTIFICATE
            .passed(subject)
            .observed("asks for a client certificate, and did not refuse us without one"),
    }
}

fn none(subject: &str, capture: &Capture) -> Finding {
    match capture.client_certificate {
        ClientCertificate::NotAsked => TLS_CLIENT_CERTIFICATE.passed(subject).observed("it does not"),
        ClientCertificate::Optional => {
            TLS_CLIENT_CERTIFICATE.failed(subject).observed("asks for a client certificate")
        }
        ClientCertificate::Demanded => {
            TLS_CLIENT_CERTIFICATE.failed(subject).observed("demands a client certificate")
        }
    }
}

/// Judges whether an endpoint that asks for a client certificate accepts ours; `anonymous` is what it did without
/// one, `seen` what it did with it. That it did not refuse ours in the handshake says something only where it
/// refuses there at all.
#[must_use]
pub fn acceptance(subject: &str, anonymous: &Observation, seen: &Observation, ours: &Certificate) -> Finding {
    let finding = match seen {
        Observation::Unreached(_) => TLS_CLIENT_ACCEPTED.not_checked(
            Requirement::Required,
            subject,
            "no second connection came about, to present the client certificate on",
        ),
        Observation::Reached(capture) => match (capture.is_done(), &capture.afterwards) {
            (false, _) => TLS_CLIENT_ACCEPTED
                .failed(subject)
                .observed(format!("the handshake in which '{}' was presented broke", ours.name))
                .remedy("Look at the server's log at this moment; the anonymous handshake went through."),
            (true, Afterwards::Refused(refusal)) => {
                let observed = format!("refused the client certificate '{}', {refusal}", ours.name);
                TLS_CLIENT_ACCEPTED.failed(subject).observed(observed).remedy(after_refusal(refusal, ours))
            }
            (true, Afterwards::Answered(status)) if is_refusal(*status) => {
                TLS_CLIENT_ACCEPTED.failed(subject).observed(format!(
                    "refused a request with the client certificate '{}', with HTTP {status}",
                    ours.name
                ))
            }
            (true, Afterwards::Answered(status)) => {
                let observed = format!("accepted '{}', and answers HTTP {status}", ours.name);
                TLS_CLIENT_ACCEPTED.passed(subject).observed(observed)
            }
            (true, Afterwards::Greeted) => TLS_CLIENT_ACCEPTED
                .passed(subject)
                .observed(format!("did not refuse '{}', and goes on", ours.name)),
            (true, _) if demands(anonymous) => TLS_CLIENT_ACCEPTED.passed(subject).observed(format!(
                "did not refuse '{}' in the handshake, where it turns clients without one away",
                ours.name
            )),
            (true, _) => TLS_CLIENT_ACCEPTED
                .not_checked(
                    Requirement::Optional,
                    subject,
                    format!(
                        "did not refuse '{}' in the handshake, nor anybody without a certificate: what it thinks of it \
                         shows only behind the handshake",
                        ours.name
                    ),
                )
                .remedy(
                    "Does it speak HTTP? --ask-http sends one HEAD request with the certificate and reads the status \
                     (nginx refuses only there, with 400).",
                ),
        },
    };
    finding.expected("the client certificate is accepted")
}

fn demands(seen: &Observation) -> bool {
    matches!(seen, Observation::Reached(capture) if capture.client_certificate == ClientCertificate::Demanded)
}

fn after_refusal(refusal: &crate::wire::Refusal, ours: &Certificate) -> String {
    let crate::wire::Refusal::Alert(alert) = refusal else {
        return "Look at the server's log at this moment: it closes the connection without an alert."
            .to_owned();
    };
    match alert.as_str() {
        "CertificateExpired" => {
            format!("Renew the client certificate '{}': the server takes it for expired.", ours.name)
        }
        "UnknownCA" => format!(
            "Have '{}' issued by a CA that the server trusts for clients, or add '{}' to those; present intermediates too.",
            ours.name, ours.issuer
        ),
        "DecryptError" => format!(
            "The server knows a CA by the name '{}', with another key: give it the CA's present certificate, or have '{}' \
             issued by the CA that it knows.",
            ours.issuer, ours.name
        ),
        "CertificateRevoked" => {
            format!("'{}' was revoked: have a new one issued, with a new key.", ours.name)
        }
        "UnsupportedCertificate" => format!(
            "Have '{}' issued for clients (extended key usage clientAuth), with a key that the server knows.",
            ours.name
        ),
        "CertificateRequired" => {
            "The certificate was not sent: the server takes none of the signatures that its key can make."
                .to_owned()
        }
        "AccessDenied" => {
            format!("The server knows '{}', and does not allow it: look at its list of names.", ours.name)
        }
        _ => format!(
            "Look at the server's log at this moment; compare whom it trusts with the issuer, '{}'.",
            ours.issuer
        ),
    }
}

/// Judges the client certificate that is presented, once a run. `place` is its file.
#[must_use]
pub fn identity(place: &str, ours: &Arc<Certificate>, is_key_open: bool, key: &str, basis: &Basis) -> Judged {
    let subject = format!("client certificate {place}");
    let (finding, judgement) =
        lifetime::finding(&CLIENT_LIFETIME, subject.clone(), ours, Role::Leaf, basis.now, &basis.thresholds);
    let finding = finding.remedy(format!(
        "Renew '{}', which this monitoring presents to servers, and put it at {place}, before it shuts us out everywhere.",
        ours.name
    ));
    let expected = "meant for clients, with a key that only its owner can read";
    let fit = if ours.usage.is_some_and(|usage| !usage.client) {
        CLIENT_IDENTITY
            .failed(&subject)
            .observed("its extended key usage does not allow it to stand for a client")
            .remedy(format!("Have '{}' issued with the extended key usage clientAuth.", ours.name))
    } else if is_key_open {
        CLIENT_IDENTITY
            .warned(&subject)
            .observed(format!("every user of this machine can read its key, {key}"))
            .remedy(format!("chmod 600 {key}; in Kubernetes mount the Secret with defaultMode: 0400."))
    } else {
        CLIENT_IDENTITY.passed(&subject).observed("as expected: no other use, no open key")
    };
    let sighting = Sighting {
        place: subject,
        part: Part::Client,
        certificate: Arc::clone(ours),
        standing: judgement.standing,
    };
    Judged { findings: vec![finding, fit.expected(expected)], sightings: vec![sighting], ..Judged::default() }
}
