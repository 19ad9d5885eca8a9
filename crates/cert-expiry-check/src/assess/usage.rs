//! Whether a certificate may be used for what it is used for: key usage and extended key usage (RFC 5280,
//! 4.2.1.3 and 4.2.1.12), of servers and of the clients of mutual TLS.

use evidence_report::record::Finding;

use crate::{certificate::Certificate, checks::TLS_USAGE};

/// For which side a certificate is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A server presents it.
    Server,
    /// A client presents it.
    Client,
}

impl Side {
    /// Who presents it, and what the extended key usage calls that.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("servers", "serverAuth"),
            Self::Client => ("clients", "clientAuth"),
        }
    }
}

/// What keeps a certificate from its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Whether everybody minds.
    pub(super) is_fatal: bool,
    pub(super) observed: String,
    pub(super) remedy: String,
}

/// Judges what a server or client presents; `None` where nothing is wrong.
#[must_use]
pub fn judge(subject: &str, certificate: &Certificate, side: Side) -> Option<Finding> {
    let fault = fault(certificate, side)?;
    let finding = if fault.is_fatal { TLS_USAGE.failed(subject) } else { TLS_USAGE.warned(subject) };
    let (people, _) = side.words();
    let finding = finding.expected(format!("a certificate for {people}"));
    Some(finding.observed(fault.observed).remedy(fault.remedy))
}

/// The first fault; `None` where nothing is wrong.
pub(super) fn fault(certificate: &Certificate, side: Side) -> Option<Fault> {
    let (people, purpose) = side.words();
    let fault = |is_fatal, observed, remedy| Some(Fault { is_fatal, observed, remedy });
    let again = |with: &str| format!("Have '{}' issued again with {with}.", certificate.name);
    if let Some(usage) = certificate.usage {
        let (fits, other) = match side {
            Side::Server => (usage.server, usage.client.then_some("clients (clientAuth)")),
            Side::Client => (usage.client, usage.server.then_some("servers (serverAuth)")),
        };
        if !fits {
            let meant = other.unwrap_or("something else");
            return fault(
                true,
                format!("its extended key usage is for {meant}, not for {people} ({purpose})"),
                again(&format!("the extended key usage {purpose}")),
            );
        }
        if usage.only_anything {
            return fault(
                false,
                format!(
                    "its extended key usage says only \"anything\": OpenSSL and rustls do not take that for {purpose}"
                ),
                again(&format!("the extended key usage {purpose}")),
            );
        }
    }
    let missing = match (certificate.key_use?, side) {
        (key_use, Side::Server) if !key_use.handshake => {
            "allows no handshake (neither digitalSignature, keyEncipherment nor keyAgreement)"
        }
        (key_use, Side::Client) if !key_use.client_handshake => {
            "does not allow it to stand for a client (neither digitalSignature nor keyAgreement)"
        }
        _ => return None,
    };
    fault(true, format!("its key usage {missing}"), again("the key usage digitalSignature"))
}
