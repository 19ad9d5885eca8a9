//! Certificates that no honest tool makes any more: with a key that is too short, with a signature over SHA-1.
//! Nobody holds such a key, and such a signature verifies nowhere: what is judged here is what they say.

use rcgen::{
    CertificateParams, DnType, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
    SigningKey,
};
use rustls::pki_types::CertificateDer;

/// The public half of an RSA key of 1024 bits (RFC 8017, A.1.1): a modulus that nobody chose, and 65537.
struct ShortKey(Vec<u8>);

impl ShortKey {
    fn new() -> Self {
        let mut der = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
        der.extend([0xc5; 128]);
        der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        Self(der)
    }
}

impl PublicKeyData for ShortKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// It signs by writing down anything.
impl SigningKey for ShortKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![0x5a; 256])
    }
}

/// A certificate for a key of 1024 bits.
pub(super) fn with_short_key(
    parameters: &CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    Ok(parameters.signed_by(&ShortKey::new(), issuer)?.der().clone())
}

/// A certificate that says of itself that RSA over SHA-1 signed it, on behalf of the issuer of this name.
pub(super) fn over_sha1(
    parameters: &CertificateParams,
    key: &KeyPair,
    issuer: &str,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    // sha256WithRSAEncryption is 1.2.840.113549.1.1.11, sha1WithRSAEncryption ends in 5 (RFC 8017, A.2.4).
    const RSA_SHA256: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let mut name = CertificateParams::default();
    name.distinguished_name.push(DnType::CommonName, issuer);
    let certificate = parameters.signed_by(key, &Issuer::new(name, ShortKey::new()))?;
    let mut der = certificate.der().to_vec();
    let places: Vec<_> = (0..der.len()).filter(|&place| der[place..].starts_with(&RSA_SHA256)).collect();
    for place in places {
        der[place + RSA_SHA256.len() - 1] = 0x05;
    }
    Ok(der.into())
}
