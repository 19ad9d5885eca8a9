//! The certificate and key that we present to servers that ask for one. The key never leaves this value.

use std::{fmt, sync::Arc};

use rustls::sign::CertifiedKey;

/// A client certificate with its key.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// From a chain and the key of its first certificate.
    #[must_use]
    pub fn new(key: Arc<CertifiedKey>) -> Self {
        Self(key)
    }

    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.cert.len())
    }
}
