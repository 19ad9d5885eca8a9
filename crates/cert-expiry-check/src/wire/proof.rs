//! Whether a server proves that it holds the key of the certificate which it presents. A certificate that webpki
//! does not read (version 1, an unknown critical extension, an odd date) is no reason to doubt the proof: then its
//! key alone is taken. What clients think of such a certificate is judged elsewhere.

use rustls::{
    CertificateError, DigitallySignedStruct, Error,
    client::danger::HandshakeSignatureValid,
    crypto::{verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
};
use webpki::RawPublicKeyEntity;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::capture::PROVIDER;

/// The proof in TLS 1.2.
///
/// # Errors
/// When the signature is not made by the certificate's key.
pub(super) fn of_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = &PROVIDER.signature_verification_algorithms;
    verify_tls12_signature(message, certificate, signed, algorithms).or_else(|error| {
        let key = key_of_odd(certificate, &error).ok_or(error)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let of_scheme = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let mut fitting = of_scheme.flat_map(|(_, fitting)| *fitting);
        match fitting.any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    })
}

/// The proof in TLS 1.3.
///
/// # Errors
/// When the signature is not made by the certificate's key.
pub(super) fn of_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = &PROVIDER.signature_verification_algorithms;
    verify_tls13_signature(message, certificate, signed, algorithms).or_else(|error| {
        let key = key_of_odd(certificate, &error).ok_or(error)?;
        verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
    })
}

/// The key of a certificate that webpki does not read, where that was the error.
fn key_of_odd(certificate: &CertificateDer<'_>, error: &Error) -> Option<SubjectPublicKeyInfoDer<'static>> {
    use CertificateError::{BadEncoding, Other};
    if !matches!(error, Error::InvalidCertificate(BadEncoding | Other(_))) {
        return None;
    }
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(SubjectPublicKeyInfoDer::from(parsed.public_key().raw.to_vec()))
}
