//! What thousands of certificates say in the same words: their issuer, their algorithms, what they are for. It is in
//! memory once.

use std::{collections::HashMap, sync::Arc};

use crate::certificate::{Certificate, KeyUse, Usage};

/// What one certificate says as others do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Said {
    /// Its name and its encoded name; none where it is the certificate itself, which tells its name anyway: a
    /// thousand devices with certificates that they made themselves have a thousand issuers.
    pub(super) issuer: Option<(Arc<str>, Arc<[u8]>)>,
    pub(super) key_algorithm: Arc<str>,
    pub(super) curve: Option<Arc<str>>,
    pub(super) rsa_bits: Option<usize>,
    pub(super) rsa_exponent: Option<u64>,
    pub(super) signature_algorithm: Arc<str>,
    pub(super) usage: Option<Usage>,
    pub(super) key_use: Option<KeyUse>,
    pub(super) is_issuer: bool,
    pub(super) is_self_issued: bool,
    pub(super) must_staple: bool,
    pub(super) crl_addresses: Vec<String>,
}

impl Said {
    pub(super) fn by(certificate: &Certificate) -> Self {
        let is_own =
            *certificate.issuer == *certificate.name && *certificate.issuer_der == *certificate.subject_der;
        Self {
            issuer: (!is_own).then(|| (Arc::clone(&certificate.issuer), Arc::clone(&certificate.issuer_der))),
            key_algorithm: Arc::clone(&certificate.key_algorithm),
            curve: certificate.curve.clone(),
            rsa_bits: certificate.rsa_bits,
            rsa_exponent: certificate.rsa_exponent,
            signature_algorithm: Arc::clone(&certificate.signature_algorithm),
            usage: certificate.usage,
            key_use: certificate.key_use,
            is_issuer: certificate.is_issuer,
            is_self_issued: certificate.is_self_issued,
            must_staple: certificate.must_staple,
            crl_addresses: certificate.crl_addresses.clone(),
        }
    }
}

/// What was said before, by its number.
#[derive(Debug, Default)]
pub(in crate::outputs) struct Alike {
    numbers: HashMap<Arc<Said>, u32>,
    all: Vec<Arc<Said>>,
}

impl Alike {
    /// The number and the words of what is said.
    pub(super) fn once(&mut self, said: Said) -> (u32, Arc<Said>) {
        if let Some((known, number)) = self.numbers.get_key_value(&said) {
            return (*number, Arc::clone(known));
        }
        // Copies that are made here, and not those of the worker that read the certificate: what lasts among what
        // is soon given back would keep the memory of all of it.
        let copy = |text: &Arc<str>| Arc::from(&**text);
        let new = Arc::new(Said {
            issuer: said.issuer.as_ref().map(|(name, encoded)| (copy(name), Arc::from(&**encoded))),
            key_algorithm: copy(&said.key_algorithm),
            curve: said.curve.as_ref().map(copy),
            signature_algorithm: copy(&said.signature_algorithm),
            ..said
        });
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(Arc::clone(&new), number);
        self.all.push(Arc::clone(&new));
        (number, new)
    }

    /// What has this number.
    pub(super) fn numbered(&self, number: u32) -> Option<Arc<Said>> {
        self.all.get(usize::try_from(number).ok()?).cloned()
    }
}
