//! The passwords that stores are opened with. They are shown nowhere, and wiped at the end.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::file;

/// A file of passwords that cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// It cannot be read.
    #[error("reading the store passwords from {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds none.
    #[error(
        "the password file {path} holds no password; write one on each line (an empty password is tried anyway)",
        path = path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is no text.
    #[error("the password file {path} is no text in UTF-8; write one password on each line", path = path.display())]
    NoText {
        /// The file.
        path: PathBuf,
    },
}

/// Passwords to try, one after the other.
#[derive(Clone, Default)]
pub struct Passwords(Vec<Zeroizing<String>>);

impl Passwords {
    /// The lines of a password file. A password may begin or end with blanks; the line end is none of it.
    #[must_use]
    pub fn from_lines(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty());
        Self(lines.map(|line| Zeroizing::new(line.to_owned())).collect())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|password| password.as_str())
    }

    /// Takes the others as well.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// The passwords of all files, and those of the files that other users may read as well.
///
/// # Errors
/// When a file cannot be read, or holds no password: what was named is meant to be used.
pub fn from_files(paths: &[PathBuf]) -> Result<(Passwords, Vec<&Path>), PasswordsError> {
    let mut all = Passwords::default();
    let mut exposed = Vec::new();
    for path in paths {
        let failed = |source| PasswordsError::Read { path: path.clone(), source };
        let bytes = file::bytes(path).map_err(failed)?;
        let bytes = Zeroizing::new(bytes.ok_or_else(|| failed(io::ErrorKind::FileTooLarge.into()))?);
        let text = std::str::from_utf8(&bytes).map_err(|_| PasswordsError::NoText { path: path.clone() })?;
        let passwords = Passwords::from_lines(text);
        if passwords.is_empty() {
            return Err(PasswordsError::Empty { path: path.clone() });
        }
        all.append(passwords);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            exposed.push(path.as_path());
        }
    }
    Ok((all, exposed))
}

impl fmt::Debug for Passwords {
    /// Only how many: they must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}
