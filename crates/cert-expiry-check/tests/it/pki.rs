//! Certificates of any shape: whoever has a name and a key can be certified by anyone else, several times.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use testbed::tls_farm::{Identity, Lifetime};

/// Somebody with a name and a key.
pub(crate) struct Somebody {
    pub(crate) parameters: CertificateParams,
    key: KeyPair,
}

pub(crate) fn long() -> Lifetime {
    Lifetime::days_left(3650, 3000)
}

impl Somebody {
    /// A CA with most of ten years left.
    pub(crate) fn issuer(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = true;
        Self { parameters, key: KeyPair::generate().unwrap() }.lasting(long())
    }

    /// A server with most of 90 days left.
    pub(crate) fn server() -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "localhost");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        Self { parameters, key: KeyPair::generate().unwrap() }.lasting(Lifetime::days_left(90, 60))
    }

    /// With a new key of this kind.
    pub(crate) fn keyed(self, kind: &'static SignatureAlgorithm) -> Self {
        Self { key: KeyPair::generate_for(kind).unwrap(), ..self }
    }

    pub(crate) fn lasting(mut self, lifetime: Lifetime) -> Self {
        self.parameters.not_before = lifetime.not_before.into();
        self.parameters.not_after = lifetime.not_after.into();
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.parameters);
        self
    }

    /// Certified by itself.
    pub(crate) fn by_itself(&self) -> CertificateDer<'static> {
        self.parameters.self_signed(&self.key).unwrap().der().clone()
    }

    /// Certified by somebody else.
    pub(crate) fn by(&self, issuer: &Self) -> CertificateDer<'static> {
        self.parameters.signed_by(&self.key, &issuer.signing()).unwrap().der().clone()
    }

    /// Certified by somebody else for another time.
    pub(crate) fn by_lasting(&self, issuer: &Self, lifetime: Lifetime) -> CertificateDer<'static> {
        let mut parameters = self.parameters.clone();
        parameters.not_before = lifetime.not_before.into();
        parameters.not_after = lifetime.not_after.into();
        parameters.signed_by(&self.key, &issuer.signing()).unwrap().der().clone()
    }

    pub(crate) fn signing(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.parameters, &self.key)
    }

    /// What a server with this key presents.
    pub(crate) fn presenting(&self, chain: &[&CertificateDer<'static>]) -> Identity {
        Identity::new(chain.iter().map(|one| (*one).clone()).collect(), self.key.serialize_der())
    }
}

/// Certificates in PEM.
pub(crate) fn pem(certificates: &[&CertificateDer<'static>]) -> String {
    Identity::new(certificates.iter().map(|one| (*one).clone()).collect(), Vec::new()).pem()
}
