//! Advisory locks (`flock`): liveness without guessing process ids. A dead process holds no lock.

use std::{
    fs::TryLockError,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

/// A held lock; dropping it, or dying, lets it go.
#[derive(Debug)]
pub(super) struct Lock {
    _file: std::fs::File,
}

/// Somebody else holds the lock: what they wrote into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) holder: String,
}

impl Lock {
    /// Takes the lock at `path` and writes `holder` into it, or says who holds it.
    pub(super) fn take(path: &Path, holder: &str) -> std::io::Result<Result<Self, Held>> {
        let mut file = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?
            .into_parts()
            .0;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(holder.as_bytes())?;
                Ok(Ok(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                Ok(Err(Held { holder }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
