//! The table of contents of pg_dump's archives (custom, directory, tar), as `pg_backup_archiver.c` writes it
//! (versions 1.10 to 1.16: PostgreSQL 8.0 to 18). Read by ourselves, because `pg_restore --list` says neither
//! where each block of data lies nor whose the objects are, and ends with 0 on an archive that was cut.

use std::io::{self, Read};

use crate::engines::compression::Compression;

/// The first bytes of every archive.
pub(crate) const MAGIC: &[u8] = b"PGDMP";

/// The newest version that is known here.
const NEWEST: (u8, u8) = (1, 16);

/// A text of the table is at most so long (a function's body, a view).
const LONGEST_TEXT: u64 = 256 << 20;

/// How an archive is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// One file.
    Custom,
    /// A tar file.
    Tar,
    /// A folder.
    Directory,
}

/// What the table says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The version of the format.
    pub(crate) version: (u8, u8),
    /// How it is stored.
    pub(crate) storage: Storage,
    /// By what the data is compressed, in the custom format; elsewhere each file tells it by its name.
    pub(crate) compression: Compression,
    /// The database that was dumped.
    pub(crate) database: String,
    /// The server's version, for example `15.18`.
    pub(crate) server: String,
    /// pg_dump's version.
    pub(crate) dumper: String,
    /// How many entries follow.
    pub(crate) entries: i64,
}

/// Where an entry's data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the stream behind the table, under the entry's number.
    Block,
    /// In the file of this name.
    File(String),
    /// It has none.
    Nowhere,
}

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) id: i64,
    /// The object's name.
    pub(crate) tag: String,
    /// What it is, for example `TABLE DATA`.
    pub(crate) kind: String,
    /// The statement that makes it.
    pub(crate) definition: String,
    /// The COPY statement that its data goes through; without one the data is INSERT statements.
    pub(crate) copy: String,
    /// The schema.
    pub(crate) schema: String,
    /// The owner.
    pub(crate) owner: String,
    /// Where its data is.
    pub(crate) place: Place,
}

/// Reads integers and texts of an archive, and the bytes behind them.
pub(crate) struct Archive<R> {
    inner: R,
    integer: usize,
    offset: usize,
}

/// An archive of a version that this tool does not know.
#[derive(Debug, thiserror::Error)]
#[error("the archive is of format version {0}.{1}, newer than 1.16, which this tool knows")]
pub(crate) struct TooNew(u8, u8);

impl<R: Read> Archive<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no archive, or of a version that is not known.
    pub(crate) fn open(inner: R) -> io::Result<(Self, Head)> {
        let mut archive = Self { inner, integer: 4, offset: 8 };
        let magic: [u8; 5] = archive.bytes()?;
        if magic != MAGIC {
            return Err(wrong("it does not begin with PGDMP"));
        }
        let [major, minor, _] = archive.bytes()?;
        if (major, minor) > NEWEST {
            return Err(io::Error::new(io::ErrorKind::Unsupported, TooNew(major, minor)));
        }
        if (major, minor) < (1, 10) {
            return Err(wrong("it is of a format older than PostgreSQL 8.0"));
        }
        let [integer, offset, storage] = archive.bytes()?;
        if !(4..=8).contains(&integer) || !(4..=8).contains(&offset) {
            return Err(wrong("its numbers have a size that no machine uses"));
        }
        (archive.integer, archive.offset) = (integer.into(), offset.into());
        let storage = match storage {
            1 => Storage::Custom,
            3 => Storage::Tar,
            5 => Storage::Directory,
            _ => return Err(wrong("it is stored in a way that is not known")),
        };
        let compression = archive.compression((major, minor))?;
        for _ in 0..7 {
            archive.integer()?; // second, minute, hour, day, month, year, summer time: in an unnamed time zone
        }
        let (database, server, dumper) = (archive.text()?, archive.text()?, archive.text()?);
        let entries = archive.integer()?;
        let version = (major, minor);
        Ok((archive, Head { version, storage, compression, database, server, dumper, entries }))
    }

    fn compression(&mut self, version: (u8, u8)) -> io::Result<Compression> {
        if version < (1, 15) {
            return Ok(if self.integer()? == 0 { Compression::None } else { Compression::Zlib });
        }
        let [algorithm] = self.bytes()?;
        match algorithm {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Zlib),
            2 => Ok(Compression::Lz4),
            3 => Ok(Compression::Zstd),
            _ => Err(wrong("it is compressed in a way that is not known")),
        }
    }

    /// The next entry.
    ///
    /// # Errors
    /// When the table ends here, or cannot be understood.
    pub(crate) fn entry(&mut self, head: &Head) -> io::Result<Entry> {
        let id = self.integer()?;
        let has_data = self.integer()? != 0;
        self.text()?; // the catalogue's oid
        self.text()?; // the object's oid
        let (tag, kind) = (self.text()?, self.text()?);
        if head.version >= (1, 11) {
            self.integer()?; // section
        }
        let definition = self.text()?;
        self.text()?; // the statement that drops it
        let (copy, schema) = (self.text()?, self.text()?);
        self.text()?; // tablespace
        if head.version >= (1, 14) {
            self.text()?; // access method
        }
        if head.version >= (1, 16) {
            self.integer()?; // kind of relation
        }
        let owner = self.text()?;
        self.text()?; // with oids
        while self.optional_text()?.is_some() {} // what it depends on
        let place = match head.storage {
            Storage::Custom => {
                let [state] = self.bytes()?;
                self.skip(self.offset as u64)?;
                if has_data && state != 3 { Place::Block } else { Place::Nowhere }
            }
            Storage::Tar | Storage::Directory => match self.text()? {
                file if has_data && !file.is_empty() => Place::File(file),
                _ => Place::Nowhere,
            },
        };
        Ok(Entry { id, tag, kind, definition, copy, schema, owner, place })
    }

    /// A number: a byte for its sign, then its bytes, the lowest first.
    pub(crate) fn integer(&mut self) -> io::Result<i64> {
        let [sign] = self.bytes()?;
        let mut value: i64 = 0;
        for index in 0..self.integer {
            let [byte] = self.bytes()?;
            value |= i64::from(byte) << (8 * index);
        }
        Ok(if sign == 0 { value } else { value.wrapping_neg() })
    }

    fn text(&mut self) -> io::Result<String> {
        Ok(self.optional_text()?.unwrap_or_default())
    }

    fn optional_text(&mut self) -> io::Result<Option<String>> {
        let Ok(length) = u64::try_from(self.integer()?) else { return Ok(None) };
        if length > LONGEST_TEXT {
            return Err(wrong("a text in it would be longer than any"));
        }
        let mut text = Vec::new();
        if (&mut self.inner).take(length).read_to_end(&mut text)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        match io::copy(&mut (&mut self.inner).take(count), &mut io::sink())? {
            skipped if skipped == count => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The next byte, or the end.
    pub(crate) fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.inner.read(&mut byte)? == 1).then_some(byte[0]))
    }

    /// The bytes behind what was read so far.
    pub(crate) const fn rest(&mut self) -> &mut R {
        &mut self.inner
    }
}

pub(super) fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
