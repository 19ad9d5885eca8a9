//! For which certificates a list speaks (RFC 5280, 5.2.5 and 6.3.3). A list that was made for others says nothing of
//! what is not on it, as OpenSSL has it too.

use x509_parser::{
    der_parser::{Oid, oid},
    extensions::{GeneralName, SubjectAlternativeName},
    prelude::{FromDer, X509Certificate},
    revocation_list::RevokedCertificate,
};

use super::distinguished_name;
use crate::{
    certificate::Certificate,
    stores::{
        RevocationList,
        distribution_point::{self, Issuing, Kind, PointName},
    },
    wording::printable,
};

/// Certificate issuer (5.3.3).
const CERTIFICATE_ISSUER: Oid<'static> = oid!(2.5.29.29);
/// CRL distribution points (4.2.1.13).
const DISTRIBUTION_POINTS: Oid<'static> = oid!(2.5.29.31);

/// Whether the serial numbers on a list are not those of certificates like ours.
pub(super) fn is_about_something_else(list: &RevocationList) -> bool {
    list.scope.as_ref().is_ok_and(|scope| scope.only.contains(&Kind::Attributes))
}

/// Why a list of its issuer does not prove that a certificate is not revoked, where it does not.
pub(super) fn silence(list: &RevocationList, certificate: &Certificate) -> Option<String> {
    let scope = match &list.scope {
        Ok(scope) => scope,
        Err(why) => {
            return Some(format!("what it says about whom it speaks for cannot be read: {why}"));
        }
    };
    match scope.only.iter().find(|kind| !includes(**kind, certificate)) {
        Some(Kind::Users) => return Some("it speaks for no CAs, and this is one".to_owned()),
        Some(Kind::Issuers) => return Some("it speaks for CAs only, and this is none".to_owned()),
        Some(Kind::Attributes) => return Some("it speaks for attribute certificates only".to_owned()),
        None => {}
    }
    if scope.is_for_some_reasons {
        return Some("it names only what was revoked for some of the reasons".to_owned());
    }
    elsewhere(scope, &points(certificate))
}

fn includes(kind: Kind, certificate: &Certificate) -> bool {
    match kind {
        Kind::Users => !certificate.is_issuer,
        Kind::Issuers => certificate.is_issuer,
        Kind::Attributes => false,
    }
}

/// A list with a distribution point of its own speaks for those who name it.
fn elsewhere(scope: &Issuing, points: &[PointName]) -> Option<String> {
    if scope.names.is_empty() || scope.names.iter().any(|name| points.contains(name)) {
        return None;
    }
    let theirs = match points {
        [] => "none".to_owned(),
        points => in_words(points),
    };
    Some(format!(
        "it speaks for those who name its distribution point {}, and the certificate names {theirs}",
        in_words(&scope.names)
    ))
}

fn in_words(names: &[PointName]) -> String {
    let named: Vec<_> =
        names.iter().filter_map(PointName::address).map(|name| printable(name, 160)).collect();
    match named.is_empty() {
        true => "(no address)".to_owned(),
        false => named.join(", "),
    }
}

fn points(certificate: &Certificate) -> Vec<PointName> {
    let Ok((_, parsed)) = X509Certificate::from_der(&certificate.der) else { return Vec::new() };
    let extension = parsed.extensions().iter().find(|extension| extension.oid == DISTRIBUTION_POINTS);
    extension.and_then(|extension| distribution_point::names_in(extension.value).ok()).unwrap_or_default()
}

/// Whether an entry is about a certificate of this issuer, where it says whose it is. What cannot be read is taken for
/// the issuer's own.
pub(super) fn is_entry_of(issuer: &[u8], entry: &RevokedCertificate<'_>) -> Option<bool> {
    let extension = entry.extensions().iter().find(|extension| extension.oid == CERTIFICATE_ISSUER)?;
    // Both are general names, and nothing else.
    let Ok((_, names)) = SubjectAlternativeName::from_der(extension.value) else { return Some(true) };
    let is_ours = |name: &GeneralName<'_>| match name {
        GeneralName::DirectoryName(name) => distinguished_name::are_alike(name.as_raw(), issuer),
        _ => false,
    };
    Some(names.general_names.iter().any(is_ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use rcgen::{BasicConstraints, CertificateParams, CrlDistributionPoint, IsCa, KeyPair};

    fn certificate(is_ca: bool, addresses: &[&str]) -> Certificate {
        let mut parameters = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        if is_ca {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let points = addresses.iter().map(|uri| CrlDistributionPoint { uris: vec![(*uri).to_owned()] });
        parameters.crl_distribution_points = points.collect();
        let made = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Certificate::read_only(made.der()).unwrap()
    }

    fn list(scope: Result<Issuing, String>) -> RevocationList {
        RevocationList {
            der: Vec::new(),
            issuer: "Root".to_owned(),
            issuer_der: Vec::new(),
            number: None,
            this_update: Timestamp::UNIX_EPOCH,
            next_update: None,
            revoked: 0,
            is_delta: false,
            base: None,
            scope,
        }
    }

    #[test]
    fn a_list_speaks_for_those_for_whom_it_was_made() {
        let only = |kind: Kind| Issuing { only: vec![kind], ..Issuing::default() };
        let named =
            |address: &str| Issuing { names: points(&certificate(false, &[address])), ..Issuing::default() };
        let (user, issuer) = (certificate(false, &["http://a/1", "http://a/2"]), certificate(true, &[]));
        for (scope, of_user, of_issuer) in [
            (Issuing::default(), "", ""),
            (only(Kind::Users), "", "it speaks for no CAs"),
            (only(Kind::Issuers), "it speaks for CAs only", ""),
            (only(Kind::Attributes), "attribute certificates only", "attribute certificates only"),
            (
                Issuing { is_for_some_reasons: true, ..Issuing::default() },
                "some of the reasons",
                "some of the reasons",
            ),
            (named("http://a/2"), "", "names none"),
            (
                named("http://a/7"),
                "its distribution point http://a/7, and the certificate names http://a/1, http://a/2",
                "names none",
            ),
        ] {
            let list = list(Ok(scope));
            for (certificate, expected) in [(&user, of_user), (&issuer, of_issuer)] {
                let said = silence(&list, certificate).unwrap_or_default();
                assert_eq!(said.is_empty(), expected.is_empty(), "{:?}: {said}", list.scope);
                assert!(said.contains(expected), "{:?}: {said}", list.scope);
            }
        }
        let damaged = silence(&list(Err("it ends in the middle".to_owned())), &user).unwrap();
        assert!(damaged.ends_with("cannot be read: it ends in the middle"), "{damaged}");
    }
}
