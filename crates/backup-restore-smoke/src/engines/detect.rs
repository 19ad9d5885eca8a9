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
    /// Whether there is no backup at all (nothing, or nothing in it), rather than one of an unknown kind.
    pub(crate) nothing: bool,
}

/// Looks at what is there.
///
/// # Errors
/// When it is nothing that this tool knows.
pub(crate) fn recognise(path: &Path) -> Result<Recognised, Unrecognised> {
    let unknown = |observed: &str, nothing| Unrecognised {
        path: path.to_owned(),
        observed: observed.to_owned(),
        nothing,
    };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(unknown("there is no such file or folder", true));
        }
        Err(error) => return Err(unknown(&error.to_string(), false)),
    };
    if meta.is_dir() {
        return folder(path).map(Recognised::Dump).ok_or_else(|| {
            let empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            let observed = if empty { "an empty folder" } else { "a folder without toc.dat of pg_dump" };
            unknown(observed, empty)
        });
    }
    match file(path) {
        Ok(Some(dump)) => Ok(Recognised::Dump(dump)),
        Ok(None) if meta.len() == 0 => Err(unknown("an empty file", true)),
        Ok(None) => {
            Err(unknown("neither an archive of pg_dump nor a script of pg_dump or pg_dumpall", false))
        }
        Err(error) => Err(unknown(&error.to_string(), false)),
    }
}

fn folder(path: &Path) -> Option<DumpFile> {
    // A table of contents that was emptied or overwritten is a bad backup, and not an unknown one.
    let dump = DumpFile { path: path.to_owned(), form: Form::Directory, compression: Compression::None };
    path.join("toc.dat").is_file().then_some(dump)
}

fn file(path: &Path) -> io::Result<Option<DumpFile>> {
    let mut first = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut first)?;
    let compression = Compression::of(&first);
    let mut beginning = Vec::new();
    // A compressed file that was cut within its beginning still shows what it was to be.
    let _ = compression.reader(File::open(path)?).take(BEGINNING).read_to_end(&mut beginning);
    let form = form(&beginning);
    Ok(form.map(|form| DumpFile { path: path.to_owned(), form, compression }))
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
        assert!(recognise(&put("empty", b"")).unwrap_err().nothing);
        assert!(!recognise(&put("zeros", &[0; 9000])).unwrap_err().nothing);
        assert!(recognise(&folder.path().join("nowhere")).unwrap_err().nothing);
    }
}
