//! The certificate and key that we present to servers that ask for one. The key never leaves this value; no
//! error repeats any of it.

use std::{
    fmt, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    Error, InconsistentKeys,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::{
    certificate::{Certificate, Unreadable},
    stores::key::public_key_digest,
};

/// A client certificate with its key.
#[derive(Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    /// The certificate that is presented first.
    pub certificate: Arc<Certificate>,
    /// Those that go with it, in their order.
    pub issuers: Vec<Result<Certificate, Unreadable>>,
    /// Whether every user of this machine may read the key's file.
    pub is_key_open: bool,
}

/// A client certificate that cannot be presented.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("reading {what} from {path}: {source}", path = path.display())]
    Read {
        /// The client certificate or its key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The certificate's file holds none.
    #[error(
        "the file of the client certificate {path} holds no certificate in PEM; if it is DER, convert it with `openssl x509 -inform DER`",
        path = path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key's file holds none that serves.
    #[error("the file of the client certificate's key {path} {why}", path = path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is there instead, and what to do.
        why: &'static str,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {key} does not belong to the client certificate in {certificate}; name the pair that was issued together",
        key = key.display(), certificate = certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

const NO_KEY: &str = "holds no private key in PEM";
const ENCRYPTED: &str =
    "holds an encrypted key; decrypt it into a file that only you can read (openssl pkey -in FILE -out FILE)";
const UNKNOWN: &str = "holds a key of a kind that is not known here; RSA of 2048 to 8192 bits, P-256, P-384, P-521 and Ed25519 are";
const SHORT: &str = "holds an RSA key that is too short: with fewer than 2048 bits neither this program nor servers of \
    today take it; have the client certificate issued for a new key";

impl Identity {
    /// Reads both files. It blocks.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let read = |what, path: &Path| {
            std::fs::read(path).map_err(|source| IdentityError::Read { what, path: path.to_owned(), source })
        };
        let pem = read("the client certificate", certificate)?;
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap_or_default();
        let no_certificate = || IdentityError::NoCertificate { path: certificate.to_owned() };
        let (first, others) = chain.split_first().ok_or_else(no_certificate)?;
        let own = Certificate::read_only(first).map_err(|_| no_certificate())?;
        let issuers = others.iter().map(|der| Certificate::read_only(der)).collect();
        let pem = read("the client certificate's key", key)?;
        let no_key = |why| IdentityError::NoKey { path: key.to_owned(), why };
        let der = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| no_key(if is_encrypted(&pem) { ENCRYPTED } else { NO_KEY }))?;
        let signer = any_supported_type(&der)
            .map_err(|_| no_key(if is_encrypted(&pem) { ENCRYPTED } else { why_not(&der, &own) }))?;
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) | Ok(()) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(IdentityError::Mismatch {
                    certificate: certificate.to_owned(),
                    key: key.to_owned(),
                });
            }
            Err(_) => return Err(no_certificate()),
        }
        let is_key_open = key.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0);
        Ok(Self { key: Arc::new(certified), certificate: Arc::new(own), issuers, is_key_open })
    }

    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }
}

/// Why a key cannot be used; what it is shows its certificate.
fn why_not(key: &PrivateKeyDer<'_>, own: &Certificate) -> &'static str {
    let is_its_key = public_key_digest(key.secret_der()).is_ok_and(|digest| digest == own.public_key_digest);
    if is_its_key && own.rsa_bits.is_some_and(|bits| bits < 2048) { SHORT } else { UNKNOWN }
}

/// PKCS#8 says so in its label, older keys in a header (RFC 1421).
fn is_encrypted(pem: &[u8]) -> bool {
    pem.windows(9).any(|window| window == b"ENCRYPTED")
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.key.cert.len())
    }
}
