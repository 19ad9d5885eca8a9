//! Whom TLS trusts: the certificates of a file, or the machine's.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::http::{HttpError, Trust};

/// The configuration of TLS. HTTP/1.1 is offered alone: WebSockets need it, and the phases mean the same
/// everywhere.
pub(super) fn client_config(trust: Trust<'_>) -> Result<Arc<ClientConfig>, HttpError> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::File(path) => {
            roots.add_parsable_certificates(of_file(path)?);
        }
        Trust::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(HttpError::Tls("the system has no trusted certificates".to_owned()));
            }
        }
        Trust::Nobody => {}
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Each handshake is a whole one: what is measured must not depend on the probe before.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let pem = std::fs::read(path).map_err(|source| HttpError::Roots { path: path.to_owned(), source })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        return Err(HttpError::NoRoots { path: path.to_owned() });
    }
    Ok(certificates)
}
