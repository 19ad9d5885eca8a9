//! Dumps that exist already: whether one is whole, told before anything of it is restored, and its restore.

mod archives;
mod data;
mod inspection;
mod plain;
mod restore;
mod tar;
mod toc;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use evidence_report::run::Stop;
use serde::Serialize;

pub(crate) use self::{
    inspection::{DumpedDatabase, Inspection},
    plain::is_script,
    restore::{Restoring, restore},
    toc::MAGIC,
};
use super::compression::Compression;

/// How a dump is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// `pg_dump --format=custom`.
    Custom,
    /// `pg_dump --format=directory`.
    Directory,
    /// `pg_dump --format=tar`.
    Tar,
    /// Plain SQL, of pg_dump or pg_dumpall.
    Plain,
}

/// A dump that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DumpFile {
    /// The file or folder.
    pub(crate) path: PathBuf,
    /// How it is stored.
    pub(crate) form: Form,
    /// By what the file as a whole is compressed.
    pub(crate) compression: Compression,
}

impl DumpFile {
    /// For people: `custom format`, `plain SQL, gzip`.
    pub(crate) fn describe(&self) -> String {
        let form = match self.form {
            Form::Custom => "custom format",
            Form::Directory => "directory format",
            Form::Tar => "tar format",
            Form::Plain => "plain SQL",
        };
        match self.compression {
            Compression::None => form.to_owned(),
            other => format!("{form}, compressed as a whole by {}", other.name()),
        }
    }

    /// Bytes on disk.
    pub(crate) fn size(&self) -> u64 {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        match std::fs::read_dir(&self.path) {
            Ok(entries) => entries.flatten().map(|entry| length(&entry.path())).sum(),
            Err(_) => length(&self.path),
        }
    }

    /// The table of contents alone of a dump that this run has made as a folder: whether it is whole is known.
    pub(crate) fn contents(&self) -> Inspection {
        let mut seen = Inspection::default();
        let _ = archives::contents(&self.path, &mut seen);
        seen
    }

    /// Reads the whole dump once, and says what it is and whether anything is missing. Blocks its thread.
    pub(crate) fn inspect(&self, reading: &Reading) -> Inspection {
        let start = Instant::now();
        let mut seen = Inspection::default();
        if self.form == Form::Directory {
            archives::directory(&self.path, reading, &mut seen);
        } else {
            match self.open(reading) {
                Ok(reader) => match self.form {
                    Form::Custom => archives::custom(reader, &mut seen),
                    Form::Tar => archives::tar(reader, &mut seen),
                    _ => plain::inspect(reader, &mut seen),
                },
                Err(error) => seen.problem("file", "a file that can be read", error.to_string()),
            }
        }
        seen.took = start.elapsed();
        seen
    }

    /// The dump without the compression around it, as a stream that ends when the run is asked to stop.
    fn open(&self, reading: &Reading) -> io::Result<Box<dyn Read + Send>> {
        Ok(self.compression.reader(reading.file(&self.path)?))
    }
}

/// How the files of a dump are read: until the run is asked to stop, and counted.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    stop: Stop,
    bytes: Arc<AtomicU64>,
}

impl Reading {
    /// Nothing was read yet.
    pub(crate) fn until(stop: &Stop) -> Self {
        Self { stop: stop.clone(), bytes: Arc::default() }
    }

    /// So many bytes of the files have been read; it goes on counting.
    pub(crate) fn bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    fn file(&self, path: &Path) -> io::Result<Counted> {
        Ok(Counted { file: File::open(path)?, reading: self.clone() })
    }
}

/// A file that reads as broken once the run is asked to stop.
struct Counted {
    file: File,
    reading: Reading,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.reading.stop.is_requested() {
            return Err(io::Error::other("the run was asked to stop"));
        }
        let count = self.file.read(buffer)?;
        self.reading.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
