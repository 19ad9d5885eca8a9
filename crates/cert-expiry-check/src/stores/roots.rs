//! The roots that trust begins with: the system's, Mozilla's, or those of files.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, LazyLock},
};

use super::{Content, Passwords, file, read};
use crate::{assess::chain::Roots, certificate::Certificate};

/// A store of trusted roots, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Store {
    /// This machine's. `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected.
    System,
    /// Mozilla's, as they were when this program was built: what Firefox and most Linux systems trust.
    Mozilla,
    /// Those of these files together, and no others.
    Files(Vec<PathBuf>),
}

impl FromStr for Store {
    type Err = Infallible;

    /// `system`, `mozilla`, or a file; one that is called so is written `./system`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "system" => Self::System,
            "mozilla" => Self::Mozilla,
            file => Self::Files(vec![file.into()]),
        })
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Mozilla => f.write_str("mozilla"),
            Self::Files(files) => {
                let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                f.write_str(&files.join(" + "))
            }
        }
    }
}

impl serde::Serialize for Store {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Stores that were read, each once.
#[derive(Debug, Default)]
pub struct Shelf(HashMap<Store, Arc<Roots>>);

impl Shelf {
    /// The roots of a store.
    ///
    /// # Errors
    /// Those of [`from_file`]; the other stores always yield something.
    pub fn take(&mut self, store: &Store) -> Result<Arc<Roots>, RootsError> {
        if let Some(known) = self.0.get(store) {
            return Ok(Arc::clone(known));
        }
        let roots = match store {
            Store::System => Arc::new(of_the_system()),
            Store::Mozilla => mozilla(),
            Store::Files(files) => Arc::new(from_files(files)?),
        };
        self.0.insert(store.clone(), Arc::clone(&roots));
        Ok(roots)
    }
}

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

/// Roots from one PEM or DER file.
///
/// # Errors
/// When the file cannot be read, holds none, or holds a damaged one: trust is not guessed.
pub fn from_file(path: &Path) -> Result<Roots, RootsError> {
    from_files(&[path.to_owned()])
}

/// Roots from several files, taken together.
fn from_files(paths: &[PathBuf]) -> Result<Roots, RootsError> {
    let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let shown = shown.join(" and ");
    let mut all = Vec::new();
    for path in paths {
        all.extend(certificates(path)?);
    }
    let roots = Roots::new(format!("the roots in {shown}"), all);
    if roots.is_empty() {
        return Err(RootsError::Empty { path: shown, reason: "none can serve as a root".to_owned() });
    }
    Ok(roots)
}

/// The certificates of a PEM or DER file that trust can begin with.
///
/// # Errors
/// When the file cannot be read, holds none, or holds a damaged one: trust is not guessed.
fn certificates(path: &Path) -> Result<Vec<Arc<Certificate>>, RootsError> {
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
    entries.into_iter().map(|entry| entry.certificate).collect::<Result<Vec<_>, _>>().map_err(empty)
}

/// The system's roots; empty where it has none. `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected.
#[must_use]
pub fn of_the_system() -> Roots {
    let loaded = rustls_native_certs::load_native_certs();
    let certificates: Vec<_> =
        loaded.certs.iter().filter_map(|der| Certificate::read_only(der).ok().map(Arc::new)).collect();
    Roots::new(format!("the system's {} roots", certificates.len()), certificates)
}

/// Mozilla's roots for servers, with their whole certificates, so that an expired one is seen.
static MOZILLA: LazyLock<Arc<Roots>> = LazyLock::new(|| {
    let read = |der| Certificate::read_only(der).ok().map(Arc::new);
    let certificates: Vec<_> =
        webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| read(der)).collect();
    Arc::new(Roots::new(format!("Mozilla's {} roots", certificates.len()), certificates))
});

/// Mozilla's roots, read once.
#[must_use]
pub fn mozilla() -> Arc<Roots> {
    Arc::clone(&MOZILLA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_of_mozilla_can_serve() {
        let roots = mozilla();
        assert_eq!(roots.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        assert!(roots.len() > 100, "{}", roots.origin());
    }

    #[test]
    fn stores_are_named() {
        let read = |text: &str| text.parse::<Store>().unwrap_or_else(|never| match never {});
        assert_eq!(read("system"), Store::System);
        assert_eq!(read("mozilla"), Store::Mozilla);
        assert_eq!(read("./system"), Store::Files(vec!["./system".into()]));
    }
}
