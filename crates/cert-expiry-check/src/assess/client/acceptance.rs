//! Whether an endpoint that asks for a client certificate accepts ours.

use evidence_report::record::{Finding, Requirement};

use super::{Status, done, status};
use crate::{
    certificate::Certificate,
    checks::TLS_CLIENT_ACCEPTED,
    wire::{Afterwards, Capture, ClientCertificate, Closing, Observation, Refusal},
};

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
        Observation::Reached(capture) if !capture.is_done() => TLS_CLIENT_ACCEPTED
            .failed(subject)
            .observed(format!("the handshake in which '{}' was presented broke", ours.name))
            .remedy("Look at the server's log at this moment; the anonymous handshake went through."),
        Observation::Reached(capture) => Presented { subject, anonymous, capture, ours }.judge(),
    };
    finding.expected("the client certificate is accepted")
}

/// A handshake in which our certificate was presented, and that came to its end.
struct Presented<'a> {
    subject: &'a str,
    anonymous: &'a Observation,
    capture: &'a Capture,
    ours: &'a Certificate,
}

impl Presented<'_> {
    fn judge(&self) -> Finding {
        let name = &self.ours.name;
        match &self.capture.afterwards {
            Afterwards::Refused(refusal) => {
                let observed = format!("refused the client certificate '{name}', {refusal}");
                self.failed(observed).remedy(after_refusal(refusal, self.ours))
            }
            Afterwards::Answered(status) => self.answered(*status),
            Afterwards::Greeted => self.passed(format!("did not refuse '{name}', and goes on")),
            Afterwards::Closed(closing) => self.closed(*closing),
            Afterwards::Nothing | Afterwards::Silent(_) | Afterwards::NotHttp if self.anonymous_is_refused() => {
                self.passed(format!("{}, where it turns clients without one away", self.unopposed()))
            }
            Afterwards::Nothing | Afterwards::Silent(_) => self.untold().remedy(
                "Does it speak HTTP? --ask-http sends one HEAD request with the certificate and reads the status \
                 (nginx refuses only there, with 400).",
            ),
            Afterwards::NotHttp => self.untold(),
        }
    }

    fn passed(&self, observed: String) -> Finding {
        TLS_CLIENT_ACCEPTED.passed(self.subject).observed(observed)
    }

    fn failed(&self, observed: String) -> Finding {
        TLS_CLIENT_ACCEPTED.failed(self.subject).observed(observed)
    }

    fn inconclusive(&self, observed: String) -> Finding {
        TLS_CLIENT_ACCEPTED.inconclusive(self.subject).observed(observed)
    }

    fn untold(&self) -> Finding {
        let why = format!(
            "did not refuse '{}' in the handshake, nor anybody without a certificate: what it thinks of it shows only behind \
             the handshake",
            self.ours.name
        );
        TLS_CLIENT_ACCEPTED.not_checked(Requirement::Optional, self.subject, why)
    }

    /// Whether the handshake turns clients without a certificate away.
    fn anonymous_is_refused(&self) -> bool {
        done(self.anonymous).is_some_and(|capture| capture.client_certificate == ClientCertificate::Demanded)
    }

    /// That nothing was said against ours in the handshake; how long was waited for it, where its end was not seen.
    fn unopposed(&self) -> String {
        let name = &self.ours.name;
        match self.capture.afterwards {
            Afterwards::Silent(waited) if !self.capture.is_confirmed => {
                format!("did not refuse '{name}' within {:.1} s of the handshake", waited.as_secs_f64())
            }
            _ => format!("did not refuse '{name}' in the handshake"),
        }
    }

    fn closed(&self, closing: Closing) -> Finding {
        let (name, when) = (
            &self.ours.name,
            match closing {
                Closing::AtOnce => "closed the connection",
                Closing::AfterRequest => "closed the connection on an HTTP request",
            },
        );
        if self.capture.is_confirmed && self.anonymous_is_refused() {
            return self.passed(format!(
                "took '{name}' in the handshake, where it turns clients without one away, and {when}"
            ));
        }
        let alike = done(self.anonymous)
            .is_some_and(|anonymous| matches!(anonymous.afterwards, Afterwards::Closed(_)));
        let as_without = if alike { ", as it does without one" } else { "" };
        self.inconclusive(format!(
            "{when} when '{name}' was presented{as_without}, without an alert: whether that is a refusal cannot be told"
        ))
        .remedy(
            "Look at the server's log at this moment for what it made of the certificate. --ask-http is for servers of \
             HTTP only.",
        )
    }

    fn answered(&self, answer: u16) -> Finding {
        let name = &self.ours.name;
        match Status::of(answer) {
            Status::Refusal => self.failed(format!(
                "refused a request with the client certificate '{name}', with HTTP {answer}"
            )),
            Status::Doubtful => self.doubtful(answer),
            Status::Trouble => self.trouble(answer),
            Status::Redirect if status(self.anonymous) == Some(answer) => TLS_CLIENT_ACCEPTED.not_checked(
                Requirement::Optional,
                self.subject,
                format!(
                    "redirects with HTTP {answer} with '{name}' and without one: what it thinks of it does not show"
                ),
            ),
            Status::Answer if status(self.anonymous) == Some(answer) => {
                self.passed(format!("did not refuse '{name}', and answers HTTP {answer}, as it does without one"))
            }
            Status::Answer | Status::Redirect => {
                self.passed(format!("accepted '{name}', and answers HTTP {answer}"))
            }
        }
    }

    /// 401 and 403 say of a certificate only what another answer without one makes of them.
    fn doubtful(&self, answer: u16) -> Finding {
        let (name, without) = (&self.ours.name, status(self.anonymous));
        let is_worse = without.is_some_and(|without| match Status::of(without) {
            Status::Answer => true,
            // It would let us speak if we presented nothing: kube-apiserver does so.
            Status::Doubtful => (without, answer) == (403, 401),
            Status::Refusal | Status::Redirect | Status::Trouble => false,
        });
        if let (Some(without), true) = (without, is_worse) {
            return self.failed(format!(
                "refused a request with the client certificate '{name}', with HTTP {answer}, and answers HTTP {without} \
                 without one"
            ));
        }
        let without = match without {
            _ if self.anonymous_is_refused() => {
                ", where the handshake turns clients without one away".to_owned()
            }
            Some(without) => format!(", and HTTP {without} without one"),
            None => String::new(),
        };
        let why = match answer {
            401 => {
                "it asks for another login, and kube-apiserver answers so to a client certificate that has expired \
                    or that it does not know"
            }
            _ => "whether that is because of the certificate or of the path cannot be told",
        };
        self.inconclusive(format!("answers HTTP {answer} with '{name}'{without}: {why}")).remedy(format!(
            "Look at the server's log at this moment for whom it took us. Where HEAD / is answered so to everybody, leave \
             --ask-http out (ask_http: false, in the group of {}).",
            self.subject
        ))
    }

    /// What is broken behind the handshake does not tell what the server thinks of a certificate, unless nobody comes so
    /// far without one.
    fn trouble(&self, answer: u16) -> Finding {
        let name = &self.ours.name;
        let is_refused = status(self.anonymous).is_some_and(|without| Status::of(without) == Status::Refusal);
        if is_refused || self.anonymous_is_refused() {
            return self.passed(format!(
                "got through the handshake with '{name}', where clients without one are turned away, and answers HTTP \
                 {answer}"
            ));
        }
        let why = format!(
            "got through the handshake with '{name}', as clients without one do, and answers HTTP {answer}: what the server \
             thinks of the certificate does not show"
        );
        TLS_CLIENT_ACCEPTED
            .not_checked(Requirement::Optional, self.subject, why)
            .remedy(format!("Mend first what makes the server answer HTTP {answer}."))
    }
}

fn after_refusal(refusal: &Refusal, ours: &Certificate) -> String {
    let Refusal::Alert(alert) = refusal else {
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
