//! Whether a chain, as it was presented, leads to a trusted root. webpki judges the path; what webpki does
//! not say is said here: an expired root, a missing intermediate by name, a certificate trusted directly.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::certificate::Certificate;

/// Trusted roots, and where they came from.
#[derive(Debug)]
pub struct Roots {
    origin: String,
    certificates: Vec<Arc<Certificate>>,
    /// One for each certificate, in the same order.
    anchors: Vec<TrustAnchor<'static>>,
}

/// What came of judging a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path<'r> {
    /// It leads to this root over so many intermediates.
    To(&'r Certificate, usize),
    /// The server's own certificate is one of the trusted ones.
    Direct(&'r Certificate),
}

/// Why a chain leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What was seen.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Roots {
    /// Roots from certificates; those that cannot serve as an anchor are left out.
    #[must_use]
    pub fn new(origin: impl Into<String>, certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut roots = Self { origin: origin.into(), certificates: Vec::new(), anchors: Vec::new() };
        for certificate in certificates {
            if let Ok(anchor) = webpki::anchor_from_trusted_cert(&certificate.der) {
                roots.anchors.push(anchor.to_owned());
                roots.certificates.push(certificate);
            }
        }
        roots
    }

    /// Where they came from, for example `the system's 142 roots`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// The root behind an anchor. Of several with the same name and key, the one that lasts longest: a
    /// verifier may use any of them.
    fn behind(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        let same = |own: &&TrustAnchor<'_>| {
            own.subject == anchor.subject && own.subject_public_key_info == anchor.subject_public_key_info
        };
        (self.anchors.iter().zip(&self.certificates))
            .filter(|(own, _)| same(own))
            .map(|(_, certificate)| certificate.as_ref())
            .max_by_key(|certificate| certificate.validity.not_after)
    }
}

/// Judges a chain, the server's own certificate first, at `now`. When that certificate itself is out of its
/// time, which its lifetime's check says, the path is judged at its nearest valid moment: one fault, one
/// failure.
///
/// # Errors
/// Why it leads to no trusted root.
pub fn judge<'r>(chain: &[Arc<Certificate>], roots: &'r Roots, now: Timestamp) -> Result<Path<'r>, Broken> {
    let Some((leaf, presented)) = chain.split_first() else {
        return Err(broken("the server presented no certificate", "Configure a certificate."));
    };
    if let Some(direct) = roots.certificates.iter().find(|root| root.der == leaf.der) {
        return Ok(Path::Direct(direct));
    }
    let intermediates: Vec<CertificateDer<'_>> = presented.iter().map(|issuer| issuer.der.clone()).collect();
    let end_entity = EndEntityCert::try_from(&leaf.der).map_err(|error| explain(&error, chain, roots))?;
    let at = nearest_valid(leaf, now);
    let path = end_entity
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &roots.anchors,
            &intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(at)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(|error| explain(&error, chain, roots))?;
    let length = path.intermediate_certificates().count();
    roots.behind(path.anchor()).map(|root| Path::To(root, length)).ok_or_else(|| {
        broken("the path ends at a root that is not in the list", "Report this as a defect of this program.")
    })
}

/// Unix seconds of the moment in the certificate's validity that is nearest to now.
fn nearest_valid(leaf: &Certificate, now: Timestamp) -> u64 {
    let (first, last) = (leaf.validity.not_before.as_second(), leaf.validity.not_after.as_second());
    let at = if first <= last { now.as_second().clamp(first, last) } else { now.as_second() };
    u64::try_from(at).unwrap_or(0)
}

fn broken(reason: impl Into<String>, remedy: impl Into<String>) -> Broken {
    Broken { reason: reason.into(), remedy: remedy.into() }
}

fn explain(error: &webpki::Error, chain: &[Arc<Certificate>], roots: &Roots) -> Broken {
    use webpki::Error;
    match error {
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => explain_by_walking(chain, roots),
        Error::CertExpired { .. } => broken(
            "a certificate between the server's and the root has expired",
            "Replace the expired issuer in the server's chain by the one that its operator gives out today.",
        ),
        Error::CertNotValidYet { .. } => broken(
            "a certificate between the server's and the root is not valid yet",
            "Replace that issuer in the server's chain, or compare the clocks.",
        ),
        Error::CaUsedAsEndEntity => broken(
            "the server presents an issuer's certificate (CA:TRUE) as its own",
            "Issue a certificate of its own to the server; to trust this very one, name it with --roots.",
        ),
        Error::RequiredEkuNotFoundContext(_) => broken(
            "the certificate is not meant for servers (extended key usage)",
            "Have it issued again with the extended key usage serverAuth.",
        ),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => broken(
            "a signature in the chain uses an algorithm that is not accepted (SHA-1, or an unusual curve)",
            "Have the certificate issued again with SHA-256 and a P-256, P-384, Ed25519 or RSA key.",
        ),
        Error::UnsupportedCertVersion => broken(
            "a certificate in the chain has version 1, which clients refuse",
            "Have it issued again as X.509 version 3.",
        ),
        other => broken(
            format!("no path to a trusted root: {other:?}"),
            "Inspect the chain with `openssl s_client -showcerts`.",
        ),
    }
}

/// Follows the presented certificates upwards, to name the one that is missing or does not fit.
fn explain_by_walking(chain: &[Arc<Certificate>], roots: &Roots) -> Broken {
    let Some((mut last, presented)) = chain.split_first() else { return broken("no certificate", "") };
    let origin = roots.origin();
    if last.is_self_issued {
        return broken(
            format!("self-signed, and not among {origin}"),
            "Have a certificate issued by a CA that the clients trust; to trust this very one, name it with --roots.",
        );
    }
    // Each step goes up by one; a chain that leads in a circle ends with the last of its elements.
    for _ in presented {
        let named: Vec<_> = presented.iter().filter(|other| last.names_as_issuer(other)).collect();
        match named.iter().find(|issuer| last.is_signed_by(issuer)) {
            Some(issuer) => last = issuer,
            None if named.is_empty() => break,
            None => return other_key(last, "the one that the server presents has another key"),
        }
    }
    if roots.certificates.iter().any(|root| last.names_as_issuer(root)) {
        return other_key(last, &format!("a root of that name is among {origin}, but with another key"));
    }
    if last.is_self_issued {
        return broken(
            format!("the chain ends at the root '{}', which is not among {origin}", last.name),
            "If the clients trust that root, name it with --roots; otherwise have the certificate issued by a CA that they trust.",
        );
    }
    broken(
        format!(
            "missing intermediate: '{}' was issued by '{}', which the server does not present and which is not among {origin}",
            last.name, last.issuer
        ),
        format!(
            "Add the certificate of '{}' to the file that the server presents; if it is a private root, name it with --roots.",
            last.issuer
        ),
    )
}

fn other_key(certificate: &Certificate, but: &str) -> Broken {
    broken(
        format!("'{}' says that '{}' issued it; {but}", certificate.name, certificate.issuer),
        "That CA was probably renewed with a new key: present the issuer that signed, give out the new root, or issue the certificate again.",
    )
}
