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
    path::PathBuf,
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
        let length = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        match std::fs::read_dir(&self.path) {
            Ok(entries) => entries.flatten().map(|entry| length(&entry.path())).sum(),
            Err(_) => length(&self.path),
        }
    }

    /// Reads the whole dump once, and says what it is and whether anything is missing. Blocks its thread.
    pub(crate) fn inspect(&self, stop: &Stop) -> Inspection {
        let start = Instant::now();
        let mut seen = Inspection::default();
        if self.form == Form::Directory {
            archives::directory(&self.path, stop, &mut seen);
        } else {
            match self.open(stop) {
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
    fn open(&self, stop: &Stop) -> io::Result<Box<dyn Read + Send>> {
        let file = File::open(&self.path)?;
        Ok(self.compression.reader(UntilStopped { file, stop: stop.clone() }))
    }
}

/// A file that reads as broken once the run is asked to stop.
struct UntilStopped {
    file: File,
    stop: Stop,
}

impl Read for UntilStopped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.is_requested() {
            true => Err(io::Error::other("the run was asked to stop")),
            false => self.file.read(buffer),
        }
    }
}
