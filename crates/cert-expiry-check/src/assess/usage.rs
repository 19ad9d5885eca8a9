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

/// Judges what a server or client presents; `None` where nothing is wrong.
#[must_use]
pub fn judge(subject: &str, certificate: &Certificate, side: Side) -> Option<Finding> {
    let (people, purpose) = match side {
        Side::Server => ("servers", "serverAuth"),
        Side::Client => ("clients", "clientAuth"),
    };
    let finding = |finding: Finding, observed: String, remedy: String| {
        Some(finding.expected(format!("a certificate for {people}")).observed(observed).remedy(remedy))
    };
    let again = |with: &str| format!("Have '{}' issued again with {with}.", certificate.name);
    if let Some(usage) = certificate.usage {
        let (fits, other) = match side {
            Side::Server => (usage.server, usage.client.then_some("clients (clientAuth)")),
            Side::Client => (usage.client, usage.server.then_some("servers (serverAuth)")),
        };
        if !fits {
            let meant = other.unwrap_or("something else");
            return finding(
                TLS_USAGE.failed(subject),
                format!("its extended key usage is for {meant}, not for {people} ({purpose})"),
                again(&format!("the extended key usage {purpose}")),
            );
        }
        if usage.only_anything {
            return finding(
                TLS_USAGE.warned(subject),
                format!(
                    "its extended key usage says only \"anything\": OpenSSL and rustls do not take that for {purpose}"
                ),
                again(&format!("the extended key usage {purpose}")),
            );
        }
    }
    if certificate.key_use.is_some_and(|key_use| !key_use.handshake) {
        return finding(
            TLS_USAGE.failed(subject),
            "its key usage allows no handshake (neither digitalSignature, keyEncipherment nor keyAgreement)"
                .to_owned(),
            again("the key usage digitalSignature"),
        );
    }
    None
}
