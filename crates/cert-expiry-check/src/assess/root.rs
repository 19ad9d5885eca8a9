//! Whether a trusted root may stand at the end of a path. webpki takes of a root its name, its key and its name
//! constraints (RFC 5280, 6.1.1); OpenSSL asks of it what it asks of every issuer, GnuTLS most of that.

use x509_parser::{
    der_parser::{Oid, oid},
    prelude::{FromDer, X509Certificate, X509Version},
};

use super::chain::{Broken, broken};
use crate::certificate::Certificate;

/// Extensions that clients know, so that they may be critical.
const KNOWN: [Oid<'static>; 17] = [
    oid!(2.5.29.14),
    oid!(2.5.29.15),
    oid!(2.5.29.17),
    oid!(2.5.29.18),
    oid!(2.5.29.19),
    oid!(2.5.29.30),
    oid!(2.5.29.31),
    oid!(2.5.29.32),
    oid!(2.5.29.33),
    oid!(2.5.29.35),
    oid!(2.5.29.36),
    oid!(2.5.29.37),
    oid!(2.5.29.54),
    oid!(1.3.6.1.5.5.7.1.1),
    oid!(1.3.6.1.5.5.7.1.7),
    oid!(1.3.6.1.5.5.7.1.8),
    oid!(2.16.840.1.113730.1.1),
];

/// Why clients refuse a root at the end of a path with so many issuers below it, other than for its time.
pub(super) fn flaw(root: &Certificate, below: usize) -> Option<Broken> {
    let (_, parsed) = X509Certificate::from_der(&root.der).ok()?;
    may_not_issue(root, &parsed)
        .or_else(|| too_low(root, &parsed, below))
        .or_else(|| other_purpose(root))
        .or_else(|| unknown(root, &parsed))
}

/// What `check_ca` of OpenSSL refuses. Version 1 knew no extensions, and roots of it are taken.
fn may_not_issue(root: &Certificate, parsed: &X509Certificate<'_>) -> Option<Broken> {
    let is_silent = parsed.basic_constraints().ok().flatten().is_none();
    let lacks = match root.key_use {
        Some(key_use) if !key_use.certificates => "its key usage lacks keyCertSign",
        _ if root.is_issuer => return None,
        key_use if is_silent && (key_use.is_some() || parsed.version() != X509Version::V3) => return None,
        _ if is_silent => "it has no basic constraints",
        _ => "it is no CA (basic constraints with CA:FALSE)",
    };
    Some(broken(
        format!("the root '{}' may not issue certificates, and clients refuse it: {lacks}", root.name),
        format!(
            "Have the root '{}' issued again with CA:TRUE and keyCertSign for the same key, and give it out anew.",
            root.name
        ),
    ))
}

fn too_low(root: &Certificate, parsed: &X509Certificate<'_>, below: usize) -> Option<Broken> {
    let limit = parsed.basic_constraints().ok().flatten()?.value.path_len_constraint?;
    (below > usize::try_from(limit).unwrap_or(usize::MAX)).then(|| {
        broken(
            format!(
                "the root '{}' may have {limit} issuers below it (path length), and this path has {below}",
                root.name
            ),
            "Issue from a CA that stands higher, or have the root issued again with a greater path length.",
        )
    })
}

fn other_purpose(root: &Certificate) -> Option<Broken> {
    root.usage.is_some_and(|usage| !usage.server).then(|| {
        broken(
            format!(
                "the root '{}' may not issue certificates for servers (extended key usage), and clients with OpenSSL \
                 refuse it",
                root.name
            ),
            "Have the certificate issued by a CA whose root is meant for servers, or the root issued again without \
             extended key usage.",
        )
    })
}

fn unknown(root: &Certificate, parsed: &X509Certificate<'_>) -> Option<Broken> {
    let unknown = |extension: &&x509_parser::extensions::X509Extension<'_>| {
        extension.critical && !KNOWN.contains(&extension.oid)
    };
    let extension = parsed.extensions().iter().find(unknown)?;
    Some(broken(
        format!(
            "the root '{}' has a critical extension ({}) that clients do not know, so that they refuse it",
            root.name,
            extension.oid.to_id_string()
        ),
        format!("Have the root '{}' issued again without the critical extension.", root.name),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::roots;

    #[test]
    fn what_browsers_trust_has_no_flaw() {
        let store = roots::mozilla();
        for root in store.certificates() {
            assert_eq!(flaw(root, 0), None, "{}", root.name);
        }
        assert!(store.len() > 100);
    }
}
