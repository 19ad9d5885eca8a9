//! The files that `--artefact` names: looked at before the command and after it, and kept by their digests.

use std::{
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use fs_err as fs;
use sha2::{Digest as _, Sha256};

use super::checks::ARTEFACT;
use crate::{
    document::hex,
    record::{Attachment, Finding},
};

/// What tells whether a file was written: inode, size, and the moment of the last change in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(u64, u64, i64, i64);

/// The digest of a file, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Digest {
    pub(in crate::command) sha256: String,
    pub(in crate::command) bytes: u64,
}

/// Looks at the files before the command runs; `None` is a file that is not there.
pub(super) fn look(paths: &[PathBuf]) -> Vec<Option<State>> {
    paths.iter().map(|path| state(path)).collect()
}

fn state(path: &Path) -> Option<State> {
    let meta = fs::metadata(path).ok()?;
    Some(State(meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// Looks at them again: a finding for each, and its digest where it could be read.
pub(super) fn assess(paths: &[PathBuf], before: &[Option<State>]) -> Vec<(Finding, Option<Attachment>)> {
    paths.iter().zip(before).map(|(path, before)| one(path, *before)).collect()
}

fn one(path: &Path, before: Option<State>) -> (Finding, Option<Attachment>) {
    let name = path.display().to_string();
    let expected = "a file that is not empty";
    match digest(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let observed = match before {
                None => "it is not there: the command has not made it",
                Some(_) => "it is gone: the command has removed it",
            };
            (ARTEFACT.inconclusive(name).expected(expected).observed(observed), None)
        }
        Err(error) => (ARTEFACT.inconclusive(name).expected(expected).observed(error.to_string()), None),
        Ok(Digest { bytes: 0, .. }) => {
            (ARTEFACT.inconclusive(name).expected(expected).observed("it is empty"), None)
        }
        Ok(Digest { sha256, bytes }) => {
            let written = match before {
                None => "made by the command",
                Some(_) if before == state(path) => "there before, and not changed by the command",
                Some(_) => "changed by the command",
            };
            let finding =
                ARTEFACT.passed(&name).expected(expected).observed(format!("{bytes} bytes, {written}"));
            (finding, Some(Attachment { name, sha256, bytes }))
        }
    }
}

/// The digest of a regular file of any size, piece by piece.
pub(in crate::command) fn digest(path: &Path) -> std::io::Result<Digest> {
    // Opening a pipe or a device could wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    digest_of(&mut fs::File::open(path)?)
}

/// The digest of everything that is read.
pub(in crate::command) fn digest_of(source: &mut impl Read) -> std::io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match source.read(&mut chunk)? {
            0 => return Ok(Digest { sha256: hex(&hasher.finalize()), bytes }),
            count => {
                hasher.update(&chunk[..count]);
                bytes += count as u64;
            }
        }
    }
}
