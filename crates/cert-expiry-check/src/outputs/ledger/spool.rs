//! The file of a ledger: it lies where temporary files lie, only its owner may read it, and it has no name, so that
//! nothing is left of it whatever becomes of this process. First it holds sorted runs, then all in one order.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{BufReader, BufWriter, Read, Write},
    ops::Range,
    os::unix::fs::FileExt,
};

use super::{Fingerprint, Position};
use crate::outputs::packed::{Alike, Packed, Places};

/// So much is read or written at once.
const CHUNK: usize = 16 << 10;

/// The same where one certificate is wanted.
const ONE: usize = 1 << 10;

/// Sorted runs, each of which holds a certificate at most once.
#[derive(Debug)]
pub(super) struct Spool {
    file: fs::File,
    runs: Vec<Range<u64>>,
}

impl Spool {
    /// # Errors
    /// When the folder for temporary files takes none.
    pub(super) fn create() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, runs: Vec::new() })
    }

    /// As if the disk were full from now on.
    #[cfg(test)]
    pub(super) fn takes_no_more(&mut self) {
        use std::os::fd::AsRawFd;
        let again = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        self.file = fs::File::open(again).expect("an open file can be opened again, for reading");
    }

    /// Adds a run.
    ///
    /// # Errors
    /// When the file takes no more. What it took before is as it was.
    pub(super) fn append(&mut self, entries: &BTreeMap<Fingerprint, Packed>) -> io::Result<()> {
        let begin = self.runs.last().map_or(0, |run| run.end);
        let mut writer = Writer::at(&self.file, begin);
        let written = entries.iter().try_for_each(|(fingerprint, packed)| writer.write(fingerprint, packed));
        match written.and_then(|()| writer.end()) {
            Ok(end) => {
                self.runs.push(begin..end);
                Ok(())
            }
            Err(error) => {
                // What cannot be shortened is merely larger than it needs to be.
                let _ = self.file.set_len(begin);
                Err(error)
            }
        }
    }

    /// Every certificate of all runs, each once, in the order of their fingerprints.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn merged<'s>(&'s self, alike: &'s Alike, places: Places) -> io::Result<Merged<'s>> {
        let mut runs: Vec<_> = (self.runs.iter())
            .map(|run| Entries {
                reader: section(&self.file, run.clone(), CHUNK),
                position: run.start,
                end: run.end,
                alike,
            })
            .collect();
        let mut next = BTreeMap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            if let Some((_, fingerprint, packed)) = run.next().transpose()? {
                next.insert((fingerprint, number), packed);
            }
        }
        Ok(Merged { runs, next, places })
    }
}

/// What comes next of each run, the earliest run first where two hold the same certificate.
pub(super) struct Merged<'s> {
    runs: Vec<Entries<'s>>,
    next: BTreeMap<(Fingerprint, usize), Packed>,
    places: Places,
}

impl Merged<'_> {
    fn take_first(&mut self) -> io::Result<Option<(Fingerprint, Packed)>> {
        let Some(((fingerprint, number), packed)) = self.next.pop_first() else { return Ok(None) };
        if let Some(entry) = self.runs.get_mut(number).and_then(Iterator::next) {
            let (_, fingerprint, packed) = entry?;
            self.next.insert((fingerprint, number), packed);
        }
        Ok(Some((fingerprint, packed)))
    }

    fn take_all_of_first(&mut self) -> io::Result<Option<(Fingerprint, Packed)>> {
        let Some((fingerprint, mut packed)) = self.take_first()? else { return Ok(None) };
        while self.next.first_key_value().is_some_and(|((next, _), _)| *next == fingerprint) {
            if let Some((_, later)) = self.take_first()? {
                packed.absorb(&later, self.places);
            }
        }
        Ok(Some((fingerprint, packed)))
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<(Fingerprint, Packed)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take_all_of_first().transpose()
    }
}

/// All certificates in one order.
#[derive(Debug)]
pub(super) struct File {
    file: fs::File,
    length: u64,
    count: usize,
}

/// What went wrong when they were put in one order.
pub(super) enum Trouble {
    Reading(io::Error),
    Writing(io::Error),
}

impl File {
    /// Puts them into a file of their own.
    ///
    /// # Errors
    /// When they cannot be read, or that file does not take them.
    pub(super) fn of_all(entries: Merged<'_>) -> Result<Self, Trouble> {
        let file = tempfile::tempfile().map_err(Trouble::Writing)?;
        let (mut writer, mut count) = (Writer::at(&file, 0), 0);
        for entry in entries {
            let (fingerprint, packed) = entry.map_err(Trouble::Reading)?;
            writer.write(&fingerprint, &packed).map_err(Trouble::Writing)?;
            count += 1;
        }
        let length = writer.end().map_err(Trouble::Writing)?;
        Ok(Self { file, length, count })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Every one.
    pub(super) fn all<'f>(&'f self, alike: &'f Alike) -> Entries<'f> {
        self.entries(0, CHUNK, alike)
    }

    /// The one at a position.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn at(&self, position: Position, alike: &Alike) -> io::Result<Option<(Fingerprint, Packed)>> {
        let found = self.entries(position, ONE, alike).next().transpose()?;
        Ok(found.map(|(_, fingerprint, packed)| (fingerprint, packed)))
    }

    fn entries<'f>(&'f self, from: Position, at_once: usize, alike: &'f Alike) -> Entries<'f> {
        let reader = section(&self.file, from..self.length, at_once);
        Entries { reader, position: from, end: self.length, alike }
    }
}

/// Certificates as they stand in a file.
pub(super) struct Entries<'f> {
    reader: BufReader<Section<'f>>,
    position: Position,
    end: u64,
    alike: &'f Alike,
}

impl Entries<'_> {
    fn read(&mut self) -> io::Result<(Position, Fingerprint, Packed)> {
        let mut fingerprint = Fingerprint::default();
        self.reader.read_exact(&mut fingerprint)?;
        let packed = Packed::read_from(&mut self.reader, self.alike)?;
        let position = self.position;
        self.position += (fingerprint.len() + packed.length_in_file()) as u64;
        Ok((position, fingerprint, packed))
    }
}

impl Iterator for Entries<'_> {
    type Item = io::Result<(Position, Fingerprint, Packed)>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.position < self.end).then(|| self.read())
    }
}

/// Writes certificates from a place of a file on.
struct Writer<'f> {
    inner: BufWriter<Section<'f>>,
    begin: u64,
    written: u64,
    record: Vec<u8>,
}

impl<'f> Writer<'f> {
    fn at(file: &'f fs::File, begin: u64) -> Self {
        let section = Section { file, at: begin, end: u64::MAX };
        Self { inner: BufWriter::with_capacity(CHUNK, section), begin, written: 0, record: Vec::new() }
    }

    fn write(&mut self, fingerprint: &Fingerprint, packed: &Packed) -> io::Result<()> {
        self.record.clear();
        self.record.extend(fingerprint);
        packed.write_to(&mut self.record);
        self.written += self.record.len() as u64;
        self.inner.write_all(&self.record)
    }

    /// Where it has come to.
    fn end(mut self) -> io::Result<u64> {
        self.inner.flush()?;
        Ok(self.begin + self.written)
    }
}

fn section(file: &fs::File, range: Range<u64>, at_once: usize) -> BufReader<Section<'_>> {
    BufReader::with_capacity(at_once, Section { file, at: range.start, end: range.end })
}

/// A part of a file, read or written from its beginning on; several may be read at a time.
struct Section<'f> {
    file: &'f fs::File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for Section<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
