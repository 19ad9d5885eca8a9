//! Reads a file, and no more of it than a certificate file can have.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    Content, Passwords,
    kubeconfig::{self, Broken, Kubeconfig},
    read,
};

/// More than the largest bundle of certificates; a log or an image is not read to its end.
const LIMIT: u64 = 64 * 1024 * 1024;

/// What came of a file.
#[derive(Debug)]
pub enum FileObservation {
    /// It was read.
    Read(Content),
    /// It is a kubeconfig.
    Kubeconfig(Result<Kubeconfig, Broken>),
    /// It is larger than what is read.
    TooLarge,
    /// It could not be read.
    Unreadable(io::Error),
}

/// Reads a file. It blocks: call it where that does no harm.
#[must_use]
pub fn observe(path: &Path, passwords: &Passwords) -> FileObservation {
    match bytes(path) {
        Ok(Some(bytes)) => understand(&Zeroizing::new(bytes), path, passwords),
        Ok(None) => FileObservation::TooLarge,
        Err(error) => FileObservation::Unreadable(error),
    }
}

/// A kubeconfig is text, in which no certificate shows at first sight.
fn understand(bytes: &[u8], path: &Path, passwords: &Passwords) -> FileObservation {
    match read(bytes, passwords) {
        Content::Nothing(_) if kubeconfig::looks_like_one(bytes) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            FileObservation::Kubeconfig(kubeconfig::observe(bytes, folder, passwords))
        }
        content => FileObservation::Read(content),
    }
}

/// The bytes of a file; `None` when there are too many.
///
/// # Errors
/// When it cannot be read.
pub fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > LIMIT {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > LIMIT { None } else { Some(bytes) })
}
