//! How a connection is protected, as libpq's `sslmode` has it: `require` encrypts and verifies nothing (unless
//! a root file stands ready), `verify-ca` verifies the chain, `verify-full` the name too.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject,
    },
};
use serde::Serialize;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{ambient::Ambient, conninfo::Given, error::ConnectionError, passfile};

/// libpq's modes, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("disable", Self::Disable),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The trust anchors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Roots {
    /// None: nothing is verified.
    None,
    /// The system's.
    System,
    /// Those in this PEM file.
    File(PathBuf),
}

/// Mode and files of a connection.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SslSettings {
    pub(super) mode: SslMode,
    roots: Roots,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<(PathBuf, PathBuf)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<PathBuf>,
    #[serde(skip)]
    send_name: bool,
}

impl SslSettings {
    pub(super) const fn disabled() -> Self {
        Self { mode: SslMode::Disable, roots: Roots::None, client: None, revoked: None, send_name: true }
    }

    /// Settles the files: those named, or libpq's defaults under `~/.postgresql` where they exist.
    pub(super) fn settle(mode: SslMode, given: &Given, ambient: &Ambient) -> Result<Self, ConnectionError> {
        if mode == SslMode::Disable {
            return Ok(Self::disabled());
        }
        let default = |name: &str| {
            ambient.home.as_ref().map(|home| home.join(".postgresql").join(name)).filter(|path| path.exists())
        };
        let named = |keyword: &str| given.get(keyword).map(PathBuf::from);
        let roots = match given.get("sslrootcert").map(String::as_str) {
            Some("system") if mode == SslMode::VerifyFull => Roots::System,
            Some("system") => {
                return Err(ConnectionError::Value {
                    keyword: "sslrootcert",
                    value: "system".to_owned(),
                    expected: "needs sslmode=verify-full, as for libpq",
                });
            }
            Some(path) => Roots::File(existing("sslrootcert", PathBuf::from(path), mode)?),
            None => default("root.crt").map_or(Roots::None, Roots::File),
        };
        let roots = match roots {
            Roots::File(path) if !path.exists() => Roots::None,
            other => other,
        };
        if roots == Roots::None && mode >= SslMode::VerifyCa {
            return Err(ConnectionError::File {
                what: "the root certificates",
                path: PathBuf::from("~/.postgresql/root.crt"),
                reason: format!(
                    "{} needs them; name them with sslrootcert=FILE (or sslrootcert=system)",
                    mode.word()
                ),
            });
        }
        let certificate = named("sslcert").or_else(|| default("postgresql.crt"));
        let key = named("sslkey").or_else(|| default("postgresql.key"));
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) if certificate.exists() => Some((certificate, key)),
            _ => None,
        };
        Ok(Self {
            mode,
            roots,
            client,
            revoked: named("sslcrl").or_else(|| default("root.crl")),
            send_name: given.get("sslsni").is_none_or(|value| value != "0"),
        })
    }

    pub(super) const fn as_client_mode(&self) -> tokio_postgres::config::SslMode {
        match self.mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            _ => tokio_postgres::config::SslMode::Require,
        }
    }

    /// What the children's service file says.
    pub(super) fn for_libpq(&self) -> Vec<(&'static str, String)> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut lines = vec![("sslmode", self.mode.word().to_owned()), ("gssencmode", "disable".to_owned())];
        match &self.roots {
            Roots::None => {}
            Roots::System => lines.push(("sslrootcert", "system".to_owned())),
            Roots::File(path) => lines.push(("sslrootcert", text(path))),
        }
        if let Some((certificate, key)) = &self.client {
            lines.extend([("sslcert", text(certificate)), ("sslkey", text(key))]);
        }
        if let Some(path) = &self.revoked {
            lines.push(("sslcrl", text(path)));
        }
        lines
    }

    /// The connector for our client.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, ConnectionError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unusable = |error: rustls::Error| ConnectionError::Syntax(format!("the TLS settings: {error}"));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(&provider)?);
        let mut config = match &self.client {
            Some((certificate, key)) => {
                let chain = pem_file::<CertificateDer<'static>>("the client certificate", certificate)?;
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(unusable)?
            }
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.send_name;
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<Verifier>, ConnectionError> {
        let certificates = match &self.roots {
            Roots::None => {
                return Ok(Arc::new(Verifier { chain: None, name: false, provider: Arc::clone(provider) }));
            }
            Roots::System => rustls_native_certs::load_native_certs().certs,
            Roots::File(path) => pem_file("the root certificates", path)?,
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates);
        let revoked = match &self.revoked {
            Some(path) => pem_file::<CertificateRevocationListDer<'static>>("the revocation list", path)?,
            None => Vec::new(),
        };
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
        if !revoked.is_empty() {
            builder = builder
                .with_crls(revoked)
                .only_check_end_entity_revocation()
                .allow_unknown_revocation_status();
        }
        let chain = builder.build().map_err(|error| {
            ConnectionError::Syntax(format!("the root certificates cannot be used: {error}"))
        })?;
        let name = self.mode == SslMode::VerifyFull;
        Ok(Arc::new(Verifier { chain: Some(chain), name, provider: Arc::clone(provider) }))
    }
}

fn existing(keyword: &'static str, path: PathBuf, mode: SslMode) -> Result<PathBuf, ConnectionError> {
    if path.exists() || mode < SslMode::VerifyCa {
        return Ok(path);
    }
    Err(ConnectionError::File { what: keyword, path, reason: "there is no such file".to_owned() })
}

fn pem_file<T: PemObject>(what: &'static str, path: &PathBuf) -> Result<Vec<T>, ConnectionError> {
    let failed = |reason: String| ConnectionError::File { what, path: path.clone(), reason };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let items: Vec<T> =
        T::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))?;
    if items.is_empty() { Err(failed("there is nothing of the kind in it".to_owned())) } else { Ok(items) }
}

fn private_key(path: &PathBuf) -> Result<PrivateKeyDer<'static>, ConnectionError> {
    let failed =
        |reason: String| ConnectionError::File { what: "the client key", path: path.clone(), reason };
    // The same care as for password files: a key that others may read is no secret.
    passfile::read(path).map_err(|_| failed("others may read it; chmod 600 it".to_owned()))?;
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| failed(format!("{error} (an encrypted key cannot be used)")))
}

/// Verifies as much as the mode asks for.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is judged last, so the chain was right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
