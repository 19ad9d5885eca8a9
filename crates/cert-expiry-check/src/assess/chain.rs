//! Whether a chain, as it was presented, leads to a root of one store. webpki judges the path; what webpki
//! does not say is said here: an expired root where another path would do, an issuer or a root that may not issue,
//! a missing intermediate by name, a certificate trusted directly.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, RequiredEkuNotFoundContext,
    VerifiedPath,
};

use super::{
    distinguished_name,
    known_issuers::KnownIssuers,
    root,
    strength::{self, Grade},
};
use crate::{
    certificate::{Certificate, Validity},
    wording::{distance, moment},
};

/// Trusted roots, and where they came from.
#[derive(Debug)]
pub struct Roots {
    origin: String,
    certificates: Vec<Arc<Certificate>>,
    /// One for each certificate, in the same order.
    anchors: Vec<TrustAnchor<'static>>,
    known_issuers: KnownIssuers,
}

/// How a chain leads to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// To this root, over the presented certificates at these positions (the server's own is 0).
    To(Arc<Certificate>, Vec<usize>),
    /// The server's own certificate is one of the trusted ones.
    Direct(Arc<Certificate>),
}

/// Why a chain leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What was seen.
    pub reason: String,
    /// What to do.
    pub remedy: String,
    /// What kind of fault it is.
    pub fault: Fault,
}

/// What kind of fault stands in the way of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One of the path's own.
    Path,
    /// A signature whose algorithm is not accepted, which has a check of its own.
    Signature,
    /// The server's own certificate ended before one of its issuers began: there is no moment at which a path could
    /// have been good, and none is missing but a renewed certificate.
    Outlived,
}

impl Roots {
    /// Roots from certificates; those that cannot serve as an anchor are left out.
    #[must_use]
    pub fn new(origin: impl Into<String>, certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut roots = Self {
            origin: origin.into(),
            certificates: Vec::new(),
            anchors: Vec::new(),
            known_issuers: KnownIssuers::default(),
        };
        for certificate in certificates {
            if let Ok(anchor) = webpki::anchor_from_trusted_cert(&certificate.der) {
                roots.anchors.push(anchor.to_owned());
                roots.certificates.push(certificate);
            }
        }
        roots
    }

    /// Issuers that have led to one of them.
    #[cfg(test)]
    pub(super) fn known_issuers(&self) -> &KnownIssuers {
        &self.known_issuers
    }

    /// Where they came from, for example `the system's 142 roots`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// They themselves.
    #[must_use]
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
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

    /// Those that go by the name of a certificate's issuer.
    pub fn named_as_issuer_of(&self, certificate: &Certificate) -> impl Iterator<Item = &Arc<Certificate>> {
        self.named(&certificate.issuer_der)
    }

    /// Those of this name, as encoded.
    pub fn named(&self, name: &[u8]) -> impl Iterator<Item = &Arc<Certificate>> {
        self.certificates.iter().filter(move |root| root.subject_der == name)
    }

    /// Whether one of them has this name and key.
    #[must_use]
    pub fn contain(&self, root: &Certificate) -> bool {
        let same = |own: &Arc<Certificate>| {
            own.subject_der == root.subject_der && own.public_key_digest == root.public_key_digest
        };
        self.certificates.iter().any(same)
    }

    /// The root behind an anchor, with so many issuers below it. Of several with the same name and key, one that
    /// clients take, and of these the one that lasts longest: a verifier may use any of them.
    fn behind(&self, anchor: &TrustAnchor<'_>, below: usize) -> Option<&Arc<Certificate>> {
        let same = |own: &&TrustAnchor<'_>| {
            own.subject == anchor.subject && own.subject_public_key_info == anchor.subject_public_key_info
        };
        (self.anchors.iter().zip(&self.certificates))
            .filter(|(own, _)| same(own))
            .map(|(_, certificate)| certificate)
            .max_by_key(|root| (root::flaw(root, below).is_none(), root.validity.not_after))
    }
}

impl Path {
    /// The root.
    #[must_use]
    pub fn root(&self) -> &Arc<Certificate> {
        match self {
            Self::To(root, _) | Self::Direct(root) => root,
        }
    }
}

/// Judges a chain, the server's own certificate first, at `now`. When that certificate itself is out of its
/// time, which its lifetime's check says, the path is judged at its nearest valid moment; when it is not meant
/// for servers, which its usage's check says, that plays no part here: one fault, one failure.
///
/// Of several paths, one to a root that is valid now and that clients take is taken; only where there is none, one
/// to a root that is not.
///
/// # Errors
/// Why it leads to no trusted root.
pub fn judge(chain: &[Arc<Certificate>], roots: &Roots, now: Timestamp) -> Result<Path, Broken> {
    let Some(leaf) = chain.first() else {
        return Err(broken("the server presented no certificate", "Configure a certificate."));
    };
    if let Some(direct) = roots.certificates.iter().find(|root| root.der == leaf.der) {
        return Ok(Path::Direct(Arc::clone(direct)));
    }
    if let Some(path) = roots.known_issuers.path(chain, now) {
        return Ok(path);
    }
    let sound = |path: &VerifiedPath<'_>| {
        let over = over(path, chain);
        let below = issuers(&over, chain);
        let takes =
            |root: &Arc<Certificate>| root.validity.contains(now) && root::flaw(root, below).is_none();
        let root_is_sound = roots.behind(path.anchor(), below).is_some_and(takes);
        let may_issue = over.iter().all(|&position| may_issue(&chain[position]));
        if root_is_sound && may_issue { Ok(()) } else { Err(Error::UnknownIssuer) }
    };
    let (root, over) = match verify(chain, roots, now, Some(&sound)) {
        Ok(path) => path,
        Err(_) => verify(chain, roots, now, None).map_err(|error| explain(&error, chain, roots, now))?,
    };
    if let Some(&position) = over.iter().find(|&&position| !may_issue(&chain[position])) {
        return Err(may_not_issue(&chain[position]));
    }
    if let Some(flaw) = root::flaw(&root, issuers(&over, chain)) {
        return Err(flaw);
    }
    let path = Path::To(root, over);
    roots.known_issuers.remember(chain, &path, now);
    Ok(path)
}

/// webpki leaves key usage to its callers; OpenSSL and browsers do not.
fn may_issue(certificate: &Certificate) -> bool {
    certificate.key_use.is_none_or(|key_use| key_use.certificates)
}

fn may_not_issue(issuer: &Certificate) -> Broken {
    broken(
        format!("'{}' may not issue certificates: its key usage lacks keyCertSign", issuer.name),
        format!("Have '{}' issued again with the key usage keyCertSign.", issuer.name),
    )
}

type Condition<'c> = &'c dyn Fn(&VerifiedPath<'_>) -> Result<(), Error>;

fn verify(
    chain: &[Arc<Certificate>],
    roots: &Roots,
    now: Timestamp,
    condition: Option<Condition<'_>>,
) -> Result<(Arc<Certificate>, Vec<usize>), Error> {
    let (leaf, presented) = chain.split_first().ok_or(Error::UnknownIssuer)?;
    let intermediates: Vec<CertificateDer<'_>> = presented.iter().map(|issuer| issuer.der.clone()).collect();
    let end_entity = EndEntityCert::try_from(&leaf.der)?;
    let path = end_entity.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &roots.anchors,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(nearest_valid(leaf, now))),
        Purpose(leaf),
        None,
        condition,
    )?;
    let over = over(&path, chain);
    let root = roots.behind(path.anchor(), issuers(&over, chain)).ok_or(Error::UnknownIssuer)?;
    Ok((Arc::clone(root), over))
}

/// The positions of a path's intermediates in the chain.
fn over(path: &VerifiedPath<'_>, chain: &[Arc<Certificate>]) -> Vec<usize> {
    let position = |der: CertificateDer<'_>| chain.iter().position(|presented| presented.der == der);
    path.intermediate_certificates().filter_map(|intermediate| position(intermediate.der())).collect()
}

/// How many issuers there are at these positions, as a path length counts them (RFC 5280, 4.2.1.9): what issued
/// itself does not count.
fn issuers(over: &[usize], chain: &[Arc<Certificate>]) -> usize {
    over.iter().filter(|&&position| !chain[position].is_self_issued).count()
}

/// Everything on the path may serve servers, unless the server's own certificate says that it may not: then
/// that is the fault, and not the path.
pub(super) struct Purpose<'c>(pub(super) &'c Certificate);

/// anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
const ANY: &[usize] = &[2, 5, 29, 37, 0];
/// id-kp-serverAuth.
const SERVER: &[usize] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];

impl ExtendedKeyUsageValidator for Purpose<'_> {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let is_free = self.0.usage.is_some_and(|usage| !usage.server);
        // To the end, so that a damaged extension is an error.
        let present: Vec<_> = purposes
            .map(|purpose| purpose.map(|purpose| purpose.to_decoded_oid()))
            .collect::<Result<_, _>>()?;
        if is_free || present.is_empty() || present.iter().any(|purpose| purpose == ANY || purpose == SERVER)
        {
            return Ok(());
        }
        let required = KeyUsage::server_auth();
        Err(Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required, present }))
    }
}

/// Unix seconds of the moment in the certificate's validity that is nearest to now.
fn nearest_valid(leaf: &Certificate, now: Timestamp) -> u64 {
    let (first, last) = (leaf.validity.not_before.as_second(), leaf.validity.not_after.as_second());
    let at = if first <= last { now.as_second().clamp(first, last) } else { now.as_second() };
    u64::try_from(at).unwrap_or(0)
}

pub(super) fn broken(reason: impl Into<String>, remedy: impl Into<String>) -> Broken {
    Broken { reason: reason.into(), remedy: remedy.into(), fault: Fault::Path }
}

fn explain(error: &Error, chain: &[Arc<Certificate>], roots: &Roots, now: Timestamp) -> Broken {
    match error {
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => explain_by_walking(chain, roots, now),
        Error::CertExpired { .. } => {
            out_of_time(chain, roots, now, "has expired", |issuer, now| issuer.validity.not_after < now)
        }
        Error::CertNotValidYet { .. } if is_outlived(chain, roots, now) => Broken {
            fault: Fault::Outlived,
            ..broken(
                "the certificate ended before its issuer's began, so that no path can be judged",
                "Renew the certificate.",
            )
        },
        Error::CertNotValidYet { .. } => {
            out_of_time(chain, roots, now, "is not valid yet", |issuer, now| issuer.validity.not_before > now)
        }
        Error::CaUsedAsEndEntity => broken(
            "the server presents an issuer's certificate (CA:TRUE) as its own",
            "Issue a certificate of its own to the server; to trust this very one, name it with --roots.",
        ),
        Error::EndEntityUsedAsCa => {
            let culprit = chain.iter().skip(1).find(|issuer| !issuer.is_issuer);
            let name = culprit.map_or_else(String::new, |issuer| format!(" '{}'", issuer.name));
            broken(
                format!("the chain leads over a certificate{name} that is no CA"),
                "Have the server's certificate issued by a CA: whatever signed it may not issue certificates.",
            )
        }
        Error::RequiredEkuNotFoundContext(_) => broken(
            "an issuer in the chain may not issue certificates for servers (extended key usage)",
            "Have the certificate issued by a CA whose extended key usage includes serverAuth.",
        ),
        Error::NameConstraintViolation => broken(
            "an issuer in the chain may not issue certificates for these names (name constraints)",
            "Have the certificate issued by a CA that may issue for them, or leave the forbidden names out.",
        ),
        Error::PathLenConstraintViolated => broken(
            "an issuer in the chain may not have so many issuers below it (path length)",
            "Issue from a CA that stands higher, or have the CA issued again with a greater path length.",
        ),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => Broken {
            fault: Fault::Signature,
            ..broken(
                "a signature in the chain uses an algorithm that is not accepted (SHA-1, or an unusual curve)",
                "Have the certificate issued again with SHA-256 and a P-256, P-384, Ed25519 or RSA key.",
            )
        },
        Error::UnsupportedCertVersion => broken(
            "a certificate in the chain has version 1, which clients refuse",
            "Have it issued again as X.509 version 3.",
        ),
        Error::UnsupportedCriticalExtension => broken(
            "a certificate in the chain has a critical extension that this program, like many clients, does not know",
            "Have it issued again without the critical extension.",
        ),
        Error::InvalidCertValidity => broken(
            "a certificate in the chain ends before it begins",
            "Have it issued again with a right validity.",
        ),
        Error::BadDer
        | Error::BadDerTime
        | Error::TrailingData(_)
        | Error::MalformedExtensions
        | Error::ExtensionValueInvalid => broken(
            "a certificate in the chain is not written as RFC 5280 asks, and many clients refuse to read it: a date \
             without seconds, in a zone of its own or before 1970, an extension that stands there twice, or damaged \
             bytes",
            "Have it issued again by a CA that writes certificates as RFC 5280 asks; `openssl x509 -text` and \
             `openssl asn1parse` show what is odd.",
        ),
        Error::MaximumPathBuildCallsExceeded | Error::MaximumSignatureChecksExceeded => broken(
            "the chain holds so many issuers of the same names that clients give up looking for a path",
            "Present only the server's certificate and the issuers between it and the root.",
        ),
        other => broken(
            format!("no path to a trusted root: {other:?}"),
            "Inspect the chain with `openssl s_client -showcerts`.",
        ),
    }
}

/// An issuer on the way is out of its time. One that issued itself is no issuer on the way but its end, a root
/// that nobody trusts.
fn out_of_time(
    chain: &[Arc<Certificate>],
    roots: &Roots,
    now: Timestamp,
    how: &str,
    is_out: impl Fn(&Certificate, Timestamp) -> bool,
) -> Broken {
    let mut out = chain.iter().skip(1).filter(|issuer| is_out(issuer, now)).peekable();
    let is_any = out.peek().is_some();
    let culprit = out.find(|issuer| !issuer.is_self_issued);
    if culprit.is_none() && is_any {
        return explain_by_walking(chain, roots, now);
    }
    let Some(issuer) = culprit else {
        return broken(
            "the server's certificate and an issuer above it are never valid at the same time",
            "Have the certificate issued again, within the validity of its issuer.",
        );
    };
    let Validity { not_before, not_after } = issuer.validity;
    let when = if not_after < now { not_after } else { not_before };
    broken(
        format!(
            "the issuer '{}' between the server's certificate and the root {how} ({}, {})",
            issuer.name,
            moment(when),
            distance(now, when)
        ),
        "Replace that issuer in the server's chain by the one that its operator gives out today; if it is new, compare the clocks.",
    )
}

/// Whether the server's certificate has ended, and the signatures lead from it over issuers that are valid today to a
/// trusted root.
fn is_outlived(chain: &[Arc<Certificate>], roots: &Roots, now: Timestamp) -> bool {
    let Some((leaf, presented)) = chain.split_first() else { return false };
    let issued = |issuer: &Certificate, one: &Certificate| {
        issuer.validity.contains(now) && one.names_as_issuer(issuer) && one.is_signed_by(issuer)
    };
    let mut last = leaf;
    for _ in presented {
        let is_next = |issuer: &&Arc<Certificate>| {
            issuer.is_issuer && may_issue(issuer) && issuer.der != last.der && issued(issuer, last)
        };
        match presented.iter().find(is_next) {
            Some(issuer) => last = issuer,
            None => break,
        }
    }
    leaf.validity.not_after < now && roots.named_as_issuer_of(last).any(|root| issued(root, last))
}

/// Follows the presented certificates upwards, to name the one that is missing or does not fit.
fn explain_by_walking(chain: &[Arc<Certificate>], roots: &Roots, now: Timestamp) -> Broken {
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
            None => {
                return match named.iter().find(|issuer| strength::key(issuer).grade == Grade::Weak) {
                    Some(issuer) => weak_issuer(issuer),
                    None => other_key(last, "the one that the server presents has another key"),
                };
            }
        }
    }
    let mut namesakes = roots.named_as_issuer_of(last).peekable();
    if namesakes.peek().is_some() {
        if let Some(root) = namesakes.find(|root| strength::key(root).grade == Grade::Weak) {
            return weak_issuer(root);
        }
        return other_key(last, &format!("a root of that name is among {origin}, but with another key"));
    }
    if last.is_self_issued {
        let end = last.validity.not_after;
        let ended = match end < now {
            true => format!(", and which expired {}, {}", moment(end), distance(now, end)),
            false => String::new(),
        };
        return broken(
            format!("the chain ends at the root '{}', which is not among {origin}{ended}", last.name),
            "If the clients trust that root, name it with --roots; otherwise have the certificate issued by a CA that they trust.",
        );
    }
    let mut known = presented.iter().chain(roots.certificates());
    if let Some(issuer) = known.find(|other| is_written_otherwise(last, other)) {
        return written_otherwise(last, issuer);
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

/// Whether the other issued a certificate that writes its name in another way.
pub(super) fn is_written_otherwise(certificate: &Certificate, issuer: &Certificate) -> bool {
    !certificate.names_as_issuer(issuer)
        && distinguished_name::are_alike(&certificate.issuer_der, &issuer.subject_der)
        && certificate.is_signed_by(issuer)
}

fn written_otherwise(certificate: &Certificate, issuer: &Certificate) -> Broken {
    broken(
        format!(
            "'{}' writes the name of its issuer '{}' in another way than the issuer itself (another kind of string, \
             such as PrintableString for UTF8String, other letter case or spaces): OpenSSL and GnuTLS take both for one \
             name, clients that compare the bytes, as rustls does, find no path",
            certificate.name, issuer.name
        ),
        format!(
            "Have '{}' issued again with its issuer's name exactly as it stands in the certificate of '{}'.",
            certificate.name, issuer.name
        ),
    )
}

fn weak_issuer(issuer: &Certificate) -> Broken {
    Broken {
        fault: Fault::Signature,
        ..broken(
            format!(
                "the key of the issuer '{}' is too weak: {}",
                issuer.name,
                strength::key(issuer).observed
            ),
            "Have the certificate issued by a CA with a strong key.",
        )
    }
}

fn other_key(certificate: &Certificate, but: &str) -> Broken {
    broken(
        format!("'{}' says that '{}' issued it; {but}", certificate.name, certificate.issuer),
        "That CA was probably renewed with a new key: present the issuer that signed, give out the new root, or issue the certificate again.",
    )
}
