//! The roots that trust begins with: those of a file, or the system's.

use std::{io, path::Path, sync::Arc};

use super::{Content, Passwords, file, read};
use crate::{assess::chain::Roots, certificate::Certificate};

/// A file of roots that cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read.
    #[error("reading the roots from {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It holds none.
    #[error("the roots file {path} holds no certificate that can be trusted: {reason}")]
    Empty {
        /// The file.
        path: String,
        /// What was there instead.
        reason: String,
    },
}

/// Roots from a PEM or DER file.
///
/// # Errors
/// When the file cannot be read, holds none, or holds a damaged one: trust is not guessed.
pub fn from_file(path: &Path) -> Result<Roots, RootsError> {
    let shown = path.display().to_string();
    let empty = |reason: String| RootsError::Empty { path: shown.clone(), reason };
    let bytes = file::bytes(path)
        .map_err(|source| RootsError::Read { path: shown.clone(), source })?
        .ok_or_else(|| empty("the file is too large to be one of roots".to_owned()))?;
    let contents = match read(&bytes, &Passwords::default()) {
        Content::Holds(contents) => contents,
        Content::Nothing(what) => return Err(empty(what)),
    };
    let entries = match (contents.certificates, contents.closed) {
        (_, Some(closed)) => return Err(empty(format!("it is {}; convert it to PEM", closed.what))),
        (entries, None) if entries.is_empty() => {
            return Err(empty(format!("it holds only {}", contents.other_labels.join(", "))));
        }
        (entries, None) => entries,
    };
    let certificates =
        entries.into_iter().map(|entry| entry.certificate).collect::<Result<Vec<_>, _>>().map_err(empty)?;
    let roots = Roots::new(format!("the roots in {shown}"), certificates);
    if roots.is_empty() { Err(empty("none can serve as a root".to_owned())) } else { Ok(roots) }
}

/// The system's roots; empty where it has none. `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected.
#[must_use]
pub fn of_the_system() -> Roots {
    let loaded = rustls_native_certs::load_native_certs();
    let certificates: Vec<_> =
        loaded.certs.iter().filter_map(|der| Certificate::read_only(der).ok().map(Arc::new)).collect();
    Roots::new(format!("the system's {} roots", certificates.len()), certificates)
}
