//! The history beside an evidence file, `history/NAME.jsonl`: locked while it and the evidence are exchanged,
//! replaced whole or not at all.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fs_err as fs;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{atomic::write_atomically, publish::PublishError};
use crate::{
    document::hex,
    history::{Anew, Chain, Line, Trouble},
    record::{Environment, v1::rfc3339},
};

/// The folder of the histories, beside the evidence files.
pub(crate) const FOLDER: &str = "history";

/// So long a publisher waits for another one: an exchange takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the history of an evidence file stands. `NAME.md` and `NAME.<environment>.md` share one.
#[must_use]
pub fn history_path(evidence: &Path) -> PathBuf {
    let evidence = fs::canonicalize(evidence).unwrap_or_else(|_| evidence.to_owned());
    let stem = evidence.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let environments =
        [Environment::Local, Environment::Development, Environment::Staging, Environment::Production];
    let name = environments
        .iter()
        .find_map(|environment| stem.strip_suffix(&format!(".{environment}")).filter(|name| !name.is_empty()))
        .unwrap_or(&stem);
    evidence.with_file_name(FOLDER).join(format!("{name}.jsonl"))
}

/// A history that nobody else writes for as long as this value lives.
#[derive(Debug)]
pub(crate) struct HistoryFile {
    path: PathBuf,
    chain: Chain,
    _lock: File,
}

impl HistoryFile {
    /// Locks the history of an evidence file, and reads it.
    pub(crate) fn lock(evidence: &Path) -> Result<Self, PublishError> {
        let path = history_path(evidence);
        let now = "No evidence was written";
        let trouble = |source| PublishError::History { path: path.clone(), source, now };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(trouble)?;
        }
        let lock = locked(&path).map_err(trouble)?;
        let bytes = fs::read(&path).map_err(trouble)?;
        let chain = Chain::read(&String::from_utf8_lossy(&bytes));
        Ok(Self { path, chain, _lock: lock })
    }

    /// Locks the history of an evidence file where there is one; none is begun.
    #[cfg(feature = "command")]
    pub(crate) fn lock_existing(evidence: &Path) -> Result<Option<Self>, PublishError> {
        history_path(evidence).exists().then(|| Self::lock(evidence)).transpose()
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A history that is damaged is kept aside, and a new one begun that says so. Returns what to tell. One that a newer
    /// version goes on with is not ours to judge.
    pub(crate) fn begin_anew_if_damaged(&mut self, now: Timestamp) -> Result<Option<String>, PublishError> {
        let troubles = self.chain.troubles();
        if let Some(newer) = troubles.iter().find(|trouble| matches!(trouble, Trouble::Newer { .. })) {
            let source = std::io::Error::other(newer.to_string());
            let now = "No evidence was written";
            return Err(PublishError::History { path: self.path.clone(), source, now });
        }
        let Some(trouble) = troubles.first() else { return Ok(None) };
        let reason = trouble.to_string();
        let content = self.io(fs::read(&self.path))?;
        let aside = self.path.with_extension(format!("damaged-{}.jsonl", now.strftime("%Y%m%dT%H%M%SZ")));
        self.io(write_atomically(&aside, &content))?;
        let kept_as = aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let told = format!(
            "the history {} is {reason}; it is kept as {kept_as}, and begun anew",
            self.path.display()
        );
        let anew = Anew {
            number: self.chain.next_number() - 1,
            reason,
            kept_as,
            sha256: hex(&Sha256::digest(&content)),
            at: rfc3339(now),
        };
        self.chain = Chain::default();
        self.append(Line::Anew(anew))?;
        Ok(Some(told))
    }

    /// Puts a line behind the last one: after a crash at any moment there is the old history or the new one.
    pub(crate) fn append(&mut self, line: Line) -> Result<(), PublishError> {
        let mut chain = self.chain.clone();
        chain.push(line);
        let text: String = chain.entries().iter().map(|entry| entry.line.text() + "\n").collect();
        self.replace(&text)?;
        self.chain = chain;
        Ok(())
    }

    /// Replaces the whole text.
    pub(crate) fn replace(&mut self, text: &str) -> Result<(), PublishError> {
        self.io(write_atomically(&self.path, text.as_bytes()))?;
        self.chain = Chain::read(text);
        Ok(())
    }

    fn io<T>(&self, result: std::io::Result<T>) -> Result<T, PublishError> {
        let now = "It stands as it stood; the next run puts into it what is missing";
        result.map_err(|source| PublishError::History { path: self.path.clone(), source, now })
    }
}

/// The lock of the file that stands at `path` now: whoever held it before may have replaced the file.
fn locked(path: &Path) -> std::io::Result<File> {
    let begun = Instant::now();
    loop {
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let file = file.into_parts().0;
        match file.try_lock() {
            Ok(()) => {
                let (ours, there) = (file.metadata()?, fs::metadata(path)?);
                if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
                    return Ok(file);
                }
            }
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                let why = format!("another process has held it for {} s", PATIENCE.as_secs());
                return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, why));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_those_beside_it_share_a_history() {
        let of = |name: &str| history_path(Path::new(name)).display().to_string();
        assert_eq!(of("e/cert.md"), "e/history/cert.jsonl");
        assert_eq!(of("e/cert.staging.md"), "e/history/cert.jsonl");
        assert_eq!(of("e/cert.old.md"), "e/history/cert.old.jsonl");
        assert_eq!(of("e/.local.md"), "e/history/.local.jsonl");
        assert_eq!(of("cert"), "history/cert.jsonl");
    }
}
