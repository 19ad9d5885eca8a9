//! What a backup is, told by its content and not by its name.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    compression::Compression,
    dump_file::{DumpFile, Form, MAGIC, is_script},
};

/// So many bytes of the beginning are looked at.
const BEGINNING: u64 = 4096;

/// A backup, recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recognised {
    /// A dump of pg_dump or pg_dumpall.
    Dump(DumpFile),
}

/// Why a path is no backup that this tool knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Unrecognised {
    /// The path.
    pub(crate) path: PathBuf,
    /// What is there.
    pub(crate) observed: String,
    /// What that means.
    pub(crate) state: State,
}

/// What it means that a path is not recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// There is no backup at all: nothing, or nothing in it.
    Nothing,
    /// It was to be a backup, and cannot be read.
    Damaged,
    /// It may be a backup, in a form that is not read here.
    Wrapped,
    /// It is something else.
    Unknown,
}

/// Looks at what is there.
///
/// # Errors
/// When it is nothing that this tool knows.
pub(crate) fn recognise(path: &Path) -> Result<Recognised, Unrecognised> {
    let refused =
        |state, observed: &str| Unrecognised { path: path.to_owned(), observed: observed.to_owned(), state };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused(State::Nothing, "there is no such file or folder"));
        }
        Err(error) => return Err(refused(State::Unknown, &error.to_string())),
    };
    if meta.is_dir() {
        return folder(path).map(Recognised::Dump).map_err(|(state, observed)| refused(state, observed));
    }
    match file(path) {
        Ok(Ok(dump)) => Ok(Recognised::Dump(dump)),
        Ok(Err((state, observed))) => Err(refused(state, &observed)),
        Err(error) => Err(refused(State::Unknown, &error.to_string())),
    }
}

fn folder(path: &Path) -> Result<DumpFile, (State, &'static str)> {
    // A table of contents that was emptied or overwritten is a bad backup, and not an unknown one.
    if path.join("toc.dat").is_file() {
        return Ok(DumpFile { path: path.to_owned(), form: Form::Directory, compression: Compression::None });
    }
    let entries = std::fs::read_dir(path).map(|entries| entries.flatten().collect::<Vec<_>>());
    let entries = entries.map_err(|_| (State::Unknown, "a folder that cannot be read"))?;
    Err(match entries.iter().any(|entry| is_data_file(&entry.file_name().to_string_lossy())) {
        _ if entries.is_empty() => (State::Nothing, "an empty folder"),
        // It is what pg_dump writes last.
        true => (
            State::Damaged,
            "data files of pg_dump without toc.dat: it was ended before it had finished, or the file was lost",
        ),
        false => (State::Unknown, "a folder without toc.dat of pg_dump"),
    })
}

/// `3352.dat.gz`: what pg_dump calls a table's rows in a directory.
fn is_data_file(name: &str) -> bool {
    name.split_once(".dat").is_some_and(|(number, ending)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && matches!(ending, "" | ".gz" | ".lz4" | ".zst")
    })
}

fn file(path: &Path) -> io::Result<Result<DumpFile, (State, String)>> {
    let mut raw = Vec::new();
    File::open(path)?.take(BEGINNING).read_to_end(&mut raw)?;
    let compression = Compression::of(&raw);
    let mut beginning = Vec::new();
    // A compressed file that was cut within its beginning still shows what it was to be.
    let unpacked = compression.reader(File::open(path)?).take(BEGINNING).read_to_end(&mut beginning);
    if let Some(form) = form(&beginning) {
        return Ok(Ok(DumpFile { path: path.to_owned(), form, compression }));
    }
    let name = compression.name();
    Ok(Err(match unpacked {
        _ if raw.is_empty() => (State::Nothing, "an empty file".to_owned()),
        // What `pg_dump | gzip` leaves when pg_dump fails.
        Ok(0) => (State::Nothing, format!("nothing, compressed by {name}")),
        Err(_) if compression != Compression::None => {
            (State::Damaged, format!("compressed by {name}, and cut or damaged at its beginning"))
        }
        _ if beginning.iter().all(|byte| *byte == 0) => {
            (State::Damaged, "zero bytes from its beginning on".to_owned())
        }
        _ => match wrapping(&beginning) {
            Some(kind) => (State::Wrapped, kind.to_owned()),
            None => {
                let observed = "neither an archive of pg_dump nor a script of pg_dump or pg_dumpall";
                (State::Unknown, observed.to_owned())
            }
        },
    }))
}

/// What is put around backups, and not taken off here.
fn wrapping(beginning: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 7] = [
        (b"\xfd7zXZ\0", "compressed by xz"),
        (b"BZh", "compressed by bzip2"),
        (b"PK\x03\x04", "a zip archive"),
        (b"Salted__", "encrypted by OpenSSL"),
        (b"age-encryption.org/", "encrypted by age"),
        (b"-----BEGIN PGP MESSAGE", "encrypted by OpenPGP"),
        (b"-----BEGIN AGE ENCRYPTED FILE", "encrypted by age"),
    ];
    let is_tar = beginning.get(257..262) == Some(b"ustar");
    let named = KINDS.iter().find(|(mark, _)| beginning.starts_with(mark)).map(|(_, kind)| *kind);
    named.or(is_tar.then_some("a tar archive that pg_dump did not write"))
}

fn form(beginning: &[u8]) -> Option<Form> {
    if beginning.starts_with(MAGIC) {
        return Some(Form::Custom);
    }
    if beginning.get(257..262) == Some(b"ustar") && beginning.starts_with(b"toc.dat\0") {
        return Some(Form::Tar);
    }
    is_script(&String::from_utf8_lossy(beginning)).then_some(Form::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_the_kind_and_the_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let form = |path: &Path| match recognise(path) {
            Ok(Recognised::Dump(dump)) => Some(dump.form),
            Err(_) => None,
        };
        assert_eq!(form(&put("a.sql", b"PGDMP\x01\x0e")), Some(Form::Custom));
        assert_eq!(form(&put("a.dump", b"--\n-- PostgreSQL database dump\n--\n")), Some(Form::Plain));
        assert_eq!(form(&put("b.dump", b"--\n-- PostgreSQL database cluster dump\n--\n")), Some(Form::Plain));
        assert_eq!(form(&put("c.dump", b"-- MySQL dump 10.13\n")), None);
    }

    #[test]
    fn what_was_to_be_a_backup_is_bad_and_not_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let state = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let at = if name.contains('/') { path.parent().unwrap() } else { path.as_path() };
            recognise(at).unwrap_err().state
        };
        // What `gzip < /dev/null` writes, and the same cut.
        let nothing = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
        assert_eq!(state("a.gz", nothing), State::Nothing);
        assert_eq!(state("b.gz", &nothing[..11]), State::Damaged);
        assert_eq!(state("c.zst", b"\x28\xb5\x2f\xfd\x04"), State::Damaged);
        assert_eq!(state("d.lz4", b"\x04\x22\x4d\x18\x64"), State::Damaged);
        assert_eq!(state("empty", b""), State::Nothing);
        assert_eq!(state("zeros", &[0; 9000]), State::Damaged);
        assert_eq!(state("x.xz", b"\xfd7zXZ\0\0"), State::Wrapped);
        assert_eq!(state("x.enc", b"Salted__12345678"), State::Wrapped);
        assert_eq!(state("x.txt", b"shopping list"), State::Unknown);
        assert_eq!(state("directory/3352.dat.gz", b"x"), State::Damaged);
        assert_eq!(state("photos/img.dat.gz", b"x"), State::Unknown);
        let nowhere = recognise(&folder.path().join("nowhere")).unwrap_err();
        assert_eq!(nowhere.state, State::Nothing);
    }
}
