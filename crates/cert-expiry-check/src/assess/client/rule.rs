//! Whether an endpoint does about client certificates what its group wants.

use evidence_report::record::{Finding, Requirement};

use super::{HOW_TO_REQUIRE, Status};
use crate::{
    assess::ClientCertificateRule,
    checks::TLS_CLIENT_CERTIFICATE,
    wire::{Afterwards, Capture, ClientCertificate, Closing, Observation},
};

/// Judges whether an endpoint does about client certificates what its group wants; `seen` is what it did with
/// an anonymous client, `presented` what it did with our certificate, where there is one. Nothing is said where nothing
/// is wanted.
#[must_use]
pub fn rule(
    subject: &str,
    seen: &Observation,
    presented: Option<&Observation>,
    wanted: Option<ClientCertificateRule>,
) -> Option<Finding> {
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
        ClientCertificateRule::Required => required(subject, capture, presented),
        ClientCertificateRule::Optional => optional(subject, capture, presented),
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

/// What became of a client without a certificate.
enum Fate {
    TurnedAway(String),
    LetIn(String),
    /// It cannot be told; what to do about that.
    Untold(String, String),
    /// It was let in by the handshake, which says nothing of what comes behind it; what to do about that.
    Unopposed(String, String),
}

fn fate(capture: &Capture, presented: Option<&Observation>) -> Fate {
    match &capture.afterwards {
        Afterwards::Refused(refusal) => {
            Fate::TurnedAway(format!("refused us without a certificate, {refusal}"))
        }
        Afterwards::Answered(status) => fate_by(*status, presented),
        Afterwards::Greeted => {
            Fate::LetIn("it asks for a client certificate, and goes on without one".to_owned())
        }
        Afterwards::Closed(closing) => closed(capture, *closing),
        Afterwards::Nothing | Afterwards::Silent(_) => Fate::Unopposed(
            "asks for a client certificate, and ends the handshake without one: whether it refuses anonymous \
             clients afterwards cannot be told from the handshake"
                .to_owned(),
            "Does it speak HTTP? --ask-http sends one HEAD request without a certificate and reads the status (nginx \
             refuses only there, with 400). Otherwise make it refuse in the handshake."
                .to_owned(),
        ),
        Afterwards::NotHttp => Fate::Unopposed(
            "asks for a client certificate, ends the handshake without one, and does not answer a request as HTTP does: \
             whether it refuses anonymous clients afterwards cannot be told"
                .to_owned(),
            format!("Make it refuse in the handshake ({HOW_TO_REQUIRE}); --ask-http is for servers of HTTP."),
        ),
    }
}

fn fate_by(status: u16, presented: Option<&Observation>) -> Fate {
    let with_ours = presented.and_then(super::status);
    match (Status::of(status), with_ours) {
        (Status::Refusal, _) => {
            Fate::TurnedAway(format!("refused our request without a certificate, with HTTP {status}"))
        }
        (Status::Answer | Status::Trouble, _) => Fate::LetIn(format!(
            "it asks for a client certificate, and answers HTTP {status} without one"
        )),
        // Where a certificate may be left out, a login in its place is what is wanted.
        (Status::Redirect, _) => Fate::Unopposed(
            format!(
                "asks for a client certificate, ends the handshake without one, and redirects with HTTP {status}: whether to \
                 a login, for the want of a certificate, cannot be told"
            ),
            format!("Make it refuse in the handshake ({HOW_TO_REQUIRE})."),
        ),
        (Status::Doubtful, Some(better)) if status == 403 && Status::of(better) == Status::Answer => {
            Fate::TurnedAway(format!(
                "refused our request without a certificate, with HTTP 403, and answers HTTP {better} with one"
            ))
        }
        (Status::Doubtful, _) if status == 401 => Fate::Untold(
            "asks for a client certificate, ends the handshake without one, and answers HTTP 401: it asks for a login, and \
             whether a password or token does instead of a certificate cannot be told"
                .to_owned(),
            format!(
                "Where nobody is to get in without a certificate, make it refuse in the handshake ({HOW_TO_REQUIRE}); where \
                 another login does as well, expect nothing of it (client_certificate, in its group)."
            ),
        ),
        (Status::Doubtful, with_ours) => Fate::Untold(
            format!(
                "asks for a client certificate, ends the handshake without one, and answers HTTP 403{}: whether that is for \
                 the want of a certificate, or for everybody, cannot be told",
                with_ours.map_or_else(String::new, |with_ours| format!(" (with ours HTTP {with_ours})"))
            ),
            format!(
                "Present a certificate that it takes (--client-cert, --client-key): a better answer to that one tells. \
                 Otherwise make it refuse in the handshake ({HOW_TO_REQUIRE})."
            ),
        ),
    }
}

fn closed(capture: &Capture, closing: Closing) -> Fate {
    let observed = match closing {
        Closing::AtOnce if capture.is_confirmed => {
            "asks for a client certificate, ends the handshake without one, and closes the connection: whether it refuses \
             anonymous clients cannot be told"
        }
        Closing::AtOnce => {
            "asks for a client certificate, and without one closes the connection without an alert: whether that is a \
             refusal cannot be told, because over TLS 1.3 servers close behind the handshake for other reasons too"
        }
        Closing::AfterRequest => {
            "asks for a client certificate, ends the handshake without one, and closes the connection on an HTTP request: \
             whether it refuses anonymous clients, or does not speak HTTP, cannot be told"
        }
    };
    let remedy = format!(
        "Make it refuse in the handshake ({HOW_TO_REQUIRE}), where it says so by an alert; the server's log tells why it \
         closes."
    );
    Fate::Untold(observed.to_owned(), remedy)
}

fn required(subject: &str, capture: &Capture, presented: Option<&Observation>) -> Finding {
    let fate = match capture.client_certificate {
        ClientCertificate::NotAsked => {
            Fate::LetIn("it does not even ask for a client certificate".to_owned())
        }
        ClientCertificate::Optional | ClientCertificate::Demanded => fate(capture, presented),
    };
    match fate {
        Fate::TurnedAway(observed) => TLS_CLIENT_CERTIFICATE.passed(subject).observed(observed),
        Fate::LetIn(how) => TLS_CLIENT_CERTIFICATE
            .failed(subject)
            .observed(format!("lets anonymous clients in: {how}"))
            .remedy(format!(
                "Make {subject} demand a client certificate ({HOW_TO_REQUIRE}), and look at its log for who got in without \
                 one."
            )),
        Fate::Untold(observed, remedy) | Fate::Unopposed(observed, remedy) => {
            TLS_CLIENT_CERTIFICATE.inconclusive(subject).observed(observed).remedy(remedy)
        }
    }
}

fn optional(subject: &str, capture: &Capture, presented: Option<&Observation>) -> Finding {
    if capture.client_certificate == ClientCertificate::NotAsked {
        return TLS_CLIENT_CERTIFICATE.failed(subject).observed("does not ask for a client certificate");
    }
    match fate(capture, presented) {
        Fate::TurnedAway(observed) => TLS_CLIENT_CERTIFICATE.failed(subject).observed(observed),
        Fate::LetIn(_) | Fate::Unopposed(..) => TLS_CLIENT_CERTIFICATE
            .passed(subject)
            .observed("asks for a client certificate, and did not refuse us without one"),
        Fate::Untold(observed, _) => TLS_CLIENT_CERTIFICATE.inconclusive(subject).observed(observed).remedy(
            "Look at the server's log at this moment for what it made of a client without a certificate.",
        ),
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
