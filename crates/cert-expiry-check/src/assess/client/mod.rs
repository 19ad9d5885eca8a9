//! Judges what has to do with client certificates: whether a server turns anonymous clients away, whether it
//! accepts ours, and how ours stands.

mod acceptance;
mod identity;
mod rule;

pub use acceptance::acceptance;
pub use identity::identity;
pub use rule::rule;

use crate::wire::{Afterwards, Capture, Observation};

/// What servers call it.
const HOW_TO_REQUIRE: &str = "nginx: ssl_verify_client on; HAProxy: verify required; Envoy: \
    require_client_certificate: true; Go: RequireAndVerifyClientCert";

/// What a status says of a client certificate that was presented, or was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It is wrong or missing: 495 and 496 are nginx's own numbers for that, and 400 is what it sends for them.
    Refusal,
    /// Nobody can tell: 403 may mean the path, and 401 asks for another login.
    Doubtful,
    /// It leads elsewhere: to another page, or to a login.
    Redirect,
    /// The server's own trouble, which shows only that the request came so far.
    Trouble,
    /// The request was dealt with.
    Answer,
}

impl Status {
    const fn of(status: u16) -> Self {
        match status {
            400 | 495 | 496 => Self::Refusal,
            401 | 403 => Self::Doubtful,
            300..400 => Self::Redirect,
            500.. => Self::Trouble,
            _ => Self::Answer,
        }
    }
}

/// The capture of a handshake that came to its end.
fn done(seen: &Observation) -> Option<&Capture> {
    match seen {
        Observation::Reached(capture) => Some(capture).filter(|capture| capture.is_done()),
        Observation::Unreached(_) => None,
    }
}

/// The status of the answer to an HTTP request, where there was one.
fn status(seen: &Observation) -> Option<u16> {
    match done(seen)?.afterwards {
        Afterwards::Answered(status) => Some(status),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::ClientCertificateRule::{self, Optional, Required},
        certificate::Certificate,
        wire::{ClientCertificate, Closing, HandshakeTrouble, Refusal},
    };
    use Afterwards::{Answered, Closed, Greeted, NotHttp, Silent};
    use evidence_report::record::Outcome;
    use std::time::Duration;

    /// A handshake of TLS that came to its end, with a server that asks for a client certificate.
    fn seen(afterwards: Afterwards, is_confirmed: bool) -> Observation {
        let client_certificate = match afterwards {
            Afterwards::Refused(_) => ClientCertificate::Demanded,
            _ => ClientCertificate::Optional,
        };
        let broken = Capture::broken("127.0.0.1:443".parse().unwrap(), HandshakeTrouble::Closed);
        Observation::Reached(Capture {
            client_certificate,
            afterwards,
            is_confirmed,
            trouble: None,
            ..broken
        })
    }

    fn alert() -> Afterwards {
        Afterwards::Refused(Refusal::Alert("CertificateRequired".to_owned()))
    }

    const SILENT: Afterwards = Silent(Duration::from_secs(3));
    const AT_ONCE: Afterwards = Closed(Closing::AtOnce);
    const ON_REQUEST: Afterwards = Closed(Closing::AfterRequest);

    fn ruled(anonymous: &Afterwards, presented: Option<u16>, wanted: ClientCertificateRule) -> &'static str {
        let presented = presented.map(|status| seen(Answered(status), true));
        let finding = rule("it", &seen(anonymous.clone(), true), presented.as_ref(), Some(wanted));
        word(finding.unwrap().outcome)
    }

    fn word(outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Inconclusive => "inconclusive",
            Outcome::NotChecked(_) => "not checked",
            _ => "another",
        }
    }

    #[test]
    fn the_fate_of_an_anonymous_client() {
        let (passed, failed, open) = ("passed", "failed", "inconclusive");
        for (anonymous, with_ours, required, optional) in [
            (alert(), None, passed, failed),
            (Answered(400), None, passed, failed),
            (Answered(495), None, passed, failed),
            (Answered(496), Some(200), passed, failed),
            (Answered(403), None, open, open),
            (Answered(403), Some(403), open, open),
            (Answered(403), Some(401), open, open),
            (Answered(403), Some(302), open, open),
            (Answered(403), Some(503), open, open),
            (Answered(403), Some(200), passed, failed),
            (Answered(403), Some(404), passed, failed),
            (Answered(401), None, open, open),
            // A password or token may do as well.
            (Answered(401), Some(200), open, open),
            (Answered(302), None, open, passed),
            (Answered(302), Some(200), open, passed),
            (Answered(200), None, failed, passed),
            (Answered(404), Some(404), failed, passed),
            (Answered(503), None, failed, passed),
            (Greeted, None, failed, passed),
            (SILENT, None, open, passed),
            (NotHttp, None, open, passed),
            (AT_ONCE, None, open, open),
            (ON_REQUEST, Some(200), open, open),
        ] {
            assert_eq!(ruled(&anonymous, with_ours, Required), required, "{anonymous:?} {with_ours:?}");
            assert_eq!(ruled(&anonymous, with_ours, Optional), optional, "{anonymous:?} {with_ours:?}");
            let none = ruled(&anonymous, with_ours, ClientCertificateRule::None);
            assert_eq!(none, failed, "it asks: {anonymous:?}");
        }
    }

    #[test]
    fn the_fate_of_our_certificate() {
        let made = rcgen::generate_simple_self_signed(vec!["monitoring".to_owned()]).unwrap();
        let mut ours = Certificate::read_only(made.cert.der()).unwrap();
        ours.name = "monitoring".to_owned();
        let (passed, failed, open, untold) = ("passed", "failed", "inconclusive", "not checked");
        // What came without a certificate; with ours; whether the end of the server's handshake was seen.
        for (without, with, confirmed, expected, says) in [
            (SILENT, alert(), false, failed, "with the TLS alert"),
            (alert(), SILENT, true, passed, "did not refuse 'monitoring' in the handshake, where"),
            (
                alert(),
                SILENT,
                false,
                passed,
                "did not refuse 'monitoring' within 3.0 s of the handshake, where",
            ),
            (alert(), NotHttp, true, passed, "where it turns clients without one away"),
            (SILENT, SILENT, true, untold, "nor anybody without"),
            (NotHttp, NotHttp, true, untold, "nor anybody without"),
            (SILENT, Greeted, true, passed, "goes on"),
            (alert(), AT_ONCE, true, passed, "took 'monitoring' in the handshake"),
            (alert(), ON_REQUEST, true, passed, "on an HTTP request"),
            (alert(), AT_ONCE, false, open, "whether that is a refusal cannot be told"),
            (AT_ONCE, AT_ONCE, true, open, "as it does without one"),
            (ON_REQUEST, ON_REQUEST, true, open, "as it does without one"),
            (Answered(200), AT_ONCE, false, open, "whether that is a refusal cannot be told"),
            (Answered(400), Answered(200), true, passed, "accepted 'monitoring', and answers HTTP 200"),
            (Answered(403), Answered(404), true, passed, "accepted 'monitoring'"),
            (alert(), Answered(302), true, passed, "accepted 'monitoring'"),
            (Answered(200), Answered(200), true, passed, "as it does without one"),
            (Answered(302), Answered(302), true, untold, "redirects with HTTP 302"),
            (Answered(302), Answered(200), true, passed, "accepted 'monitoring'"),
            (Answered(400), Answered(400), true, failed, "with HTTP 400"),
            (Answered(200), Answered(495), true, failed, "with HTTP 495"),
            (Answered(403), Answered(403), true, open, "HTTP 403 without one"),
            (Answered(401), Answered(401), true, open, "kube-apiserver"),
            (Answered(403), Answered(401), true, failed, "answers HTTP 403 without one"),
            (Answered(401), Answered(403), true, open, "HTTP 401 without one"),
            (Answered(200), Answered(403), true, failed, "answers HTTP 200 without one"),
            (Answered(404), Answered(401), true, failed, "answers HTTP 404 without one"),
            (Answered(400), Answered(403), true, open, "HTTP 400 without one"),
            (Answered(302), Answered(403), true, open, "HTTP 302 without one"),
            (alert(), Answered(403), true, open, "the handshake turns clients without one away"),
            (alert(), Answered(401), true, open, "the handshake turns clients without one away"),
            (alert(), Answered(503), true, passed, "got through the handshake"),
            (Answered(400), Answered(502), true, passed, "got through the handshake"),
            (Answered(503), Answered(503), true, untold, "as clients without one do"),
            (Answered(200), Answered(500), true, untold, "as clients without one do"),
        ] {
            let finding =
                acceptance("it", &seen(without.clone(), true), &seen(with.clone(), confirmed), &ours);
            let found = (word(finding.outcome), finding.observed);
            assert!(found.0 == expected && found.1.contains(says), "{without:?}, {with:?}: {found:?}");
        }
    }
}
