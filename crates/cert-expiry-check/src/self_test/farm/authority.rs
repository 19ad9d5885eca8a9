//! Certificates made to order: a root, an intermediate, and leaves of any lifetime.

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::forgery;

const DAY: u64 = 86_400;

/// Added where whole days are asked for, so that they still read the same a while after.
const SLACK: Duration = Duration::from_secs(1800);

/// A span of validity around the present moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// First moment.
    pub not_before: SystemTime,
    /// Last moment.
    pub not_after: SystemTime,
}

impl Lifetime {
    /// A certificate of `total` that ends `left` from now.
    #[must_use]
    pub fn left(total: Duration, left: Duration) -> Self {
        let not_after = SystemTime::now() + left;
        Self { not_before: not_after - total, not_after }
    }

    /// A certificate of so many days, of which so many are left.
    #[must_use]
    pub fn days_left(total: u64, left: u64) -> Self {
        Self::left(Duration::from_secs(total * DAY), Duration::from_secs(left * DAY) + SLACK)
    }

    /// A certificate of so many days that ended so many days ago.
    #[must_use]
    pub fn expired(total: u64, ago: u64) -> Self {
        let not_after = SystemTime::now() - Duration::from_secs(ago * DAY) - SLACK;
        Self { not_before: not_after - Duration::from_secs(total * DAY), not_after }
    }

    /// A certificate of so many days that begins so many days from now.
    #[must_use]
    pub fn begins_in(total: u64, days: u64) -> Self {
        let not_before = SystemTime::now() + Duration::from_secs(days * DAY) + SLACK;
        Self { not_before, not_after: not_before + Duration::from_secs(total * DAY) }
    }

    fn put_into(self, parameters: &mut CertificateParams) {
        parameters.not_before = self.not_before.into();
        parameters.not_after = self.not_after.into();
    }
}

/// What a server presents: its chain, and the key of the first certificate.
#[derive(Debug)]
pub struct Identity {
    /// The chain, the server's own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key, PKCS#8.
    key: Vec<u8>,
    /// The OCSP response that is stapled to the handshake; empty for none.
    pub(super) staple: Vec<u8>,
}

impl Identity {
    /// A chain, the server's own certificate first, and its key in PKCS#8.
    #[must_use]
    pub const fn new(chain: Vec<CertificateDer<'static>>, key: Vec<u8>) -> Self {
        Self { chain, key, staple: Vec::new() }
    }

    /// The same, with this OCSP response stapled to the handshake.
    #[must_use]
    pub fn stapling(self, staple: Vec<u8>) -> Self {
        Self { staple, ..self }
    }

    /// The private key of the first certificate.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    /// The same key, with another chain.
    #[must_use]
    pub fn with_chain(&self, chain: Vec<CertificateDer<'static>>) -> Self {
        Self { chain, key: self.key.clone(), staple: self.staple.clone() }
    }

    /// Only the server's own certificate: the mistake of a missing intermediate.
    #[must_use]
    pub fn leaf_only(&self) -> Self {
        self.with_chain(self.chain[..1].to_vec())
    }

    /// The chain in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    /// The private key in PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }

    /// The serial number of the first certificate.
    fn serial(&self) -> Result<SerialNumber, rcgen::Error> {
        let none = || rcgen::Error::CouldNotParseCertificate;
        let der = self.chain.first().ok_or_else(none)?;
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| none())?;
        Ok(parsed.raw_serial().to_vec().into())
    }

    /// A certificate that vouches for itself.
    ///
    /// # Errors
    /// When a name is none.
    pub fn self_signed(names: &[&str], lifetime: Lifetime) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = leaf_parameters(names, lifetime)?.self_signed(&key)?;
        Ok(Self::new(vec![certificate.der().clone()], key.serialize_der()))
    }
}

/// A root and an intermediate, made afresh.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// A root of ten years and an intermediate of five, both with most of it left.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Self, rcgen::Error> {
        Self::with_lifetimes(Lifetime::days_left(3650, 3000), Lifetime::days_left(1825, 1500))
    }

    /// A root and an intermediate of these lifetimes.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn with_lifetimes(root: Lifetime, intermediate: Lifetime) -> Result<Self, rcgen::Error> {
        Self::named("Farm", root, intermediate)
    }

    /// `NAME Root CA` and `NAME Intermediate CA`, of these lifetimes.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn named(name: &str, root: Lifetime, intermediate: Lifetime) -> Result<Self, rcgen::Error> {
        let root = issuer_parameters(&format!("{name} Root CA"), root);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let intermediate = CertifiedIssuer::signed_by(
            issuer_parameters(&format!("{name} Intermediate CA"), intermediate),
            KeyPair::generate()?,
            &root,
        )?;
        Ok(Self { root, intermediate })
    }

    /// A server's identity for these names, with the intermediate in its chain.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue(&self, names: &[&str], lifetime: Lifetime) -> Result<Identity, rcgen::Error> {
        self.issue_changed(names, lifetime, |_| {})
    }

    /// The same, after a change.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue_changed(
        &self,
        names: &[&str],
        lifetime: Lifetime,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut parameters = leaf_parameters(names, lifetime)?;
        change(&mut parameters);
        let leaf = parameters.signed_by(&key, &self.intermediate)?;
        Ok(self.below_intermediate(leaf.der().clone(), &key))
    }

    /// Another certificate for a key that is in use already.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue_for_key_of(
        &self,
        other: &Identity,
        names: &[&str],
        lifetime: Lifetime,
    ) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::try_from(other.key.as_slice())?;
        let leaf = leaf_parameters(names, lifetime)?.signed_by(&key, &self.intermediate)?;
        Ok(self.below_intermediate(leaf.der().clone(), &key))
    }

    /// A certificate for an RSA key of 1024 bits, which nobody holds: its server cannot prove that it does.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue_for_short_key(&self, names: &[&str], lifetime: Lifetime) -> Result<Identity, rcgen::Error> {
        let leaf = forgery::with_short_key(&leaf_parameters(names, lifetime)?, &self.intermediate)?;
        Ok(self.below_intermediate(leaf, &KeyPair::generate()?))
    }

    /// A certificate that says that the intermediate signed it over SHA-1.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue_over_sha1(&self, names: &[&str], lifetime: Lifetime) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let leaf = forgery::over_sha1(&leaf_parameters(names, lifetime)?, &key, "Farm Intermediate CA")?;
        Ok(self.below_intermediate(leaf, &key))
    }

    fn below_intermediate(&self, leaf: CertificateDer<'static>, key: &KeyPair) -> Identity {
        Identity::new(vec![leaf, self.intermediate.der().clone()], key.serialize_der())
    }

    /// The intermediate's list of revoked certificates, in PEM, made and ending as the lifetime says. It names
    /// the first certificate of each of these identities.
    ///
    /// # Errors
    /// When a certificate cannot be read, or the list not be made.
    pub fn revocation_list(&self, lifetime: Lifetime, revoked: &[&Identity]) -> Result<String, rcgen::Error> {
        let revoked = revoked.iter().map(|identity| {
            Ok(RevokedCertParams {
                serial_number: identity.serial()?,
                revocation_time: lifetime.not_before.into(),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
        });
        let list = CertificateRevocationListParams {
            this_update: lifetime.not_before.into(),
            next_update: lifetime.not_after.into(),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect::<Result<_, rcgen::Error>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.intermediate)?.pem()
    }

    /// A client's identity under this name, with the intermediate in its chain.
    ///
    /// # Errors
    /// When the name is none.
    pub fn issue_client(&self, name: &str, lifetime: Lifetime) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut parameters = leaf_parameters(&[name], lifetime)?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = parameters.signed_by(&key, &self.intermediate)?;
        let chain = vec![leaf.der().clone(), self.intermediate.der().clone()];
        Ok(Identity::new(chain, key.serialize_der()))
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// The intermediate.
    #[must_use]
    pub fn intermediate(&self) -> &CertificateDer<'static> {
        self.intermediate.der()
    }

    /// The root in PEM: what `--roots` takes.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }
}

fn issuer_parameters(name: &str, lifetime: Lifetime) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    lifetime.put_into(&mut parameters);
    parameters
}

fn leaf_parameters(names: &[&str], lifetime: Lifetime) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    parameters.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("nobody"));
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    lifetime.put_into(&mut parameters);
    Ok(parameters)
}

/// One block of PEM (RFC 7468).
fn pem(label: &str, bytes: &[u8]) -> String {
    let digits = BASE64_STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in digits.as_bytes().chunks(64) {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
