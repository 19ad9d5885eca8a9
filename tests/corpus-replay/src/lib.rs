//! Replays a corpus (`tests/corpus/PARSER/` of a crate) through a parser: each file as it stands, and twisted in the
//! same ways at every run. The targets of `fuzz/` go further, without an end. It knows no parser.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fs_err as fs;

/// How long the reading of one small file may take, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The files of a corpus, in the order of their names.
#[derive(Debug)]
pub struct Corpus {
    seeds: Vec<(PathBuf, Vec<u8>)>,
}

impl Corpus {
    /// All files of the folders.
    ///
    /// # Errors
    /// A folder or file that cannot be read, or a folder that holds no file.
    pub fn of(folders: &[PathBuf]) -> io::Result<Self> {
        let mut seeds = Vec::new();
        for folder in folders {
            let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
            let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
            paths.sort();
            if paths.is_empty() {
                return Err(io::Error::other(format!("{} holds no file", folder.display())));
            }
            for path in paths {
                let bytes = fs::read(&path)?;
                seeds.push((path, bytes));
            }
        }
        Ok(Self { seeds })
    }

    /// Where each file lies, and what it holds.
    pub fn seeds(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.seeds.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }

    /// Reads each file as it stands, then as many variants of it as `rounds` (or the variable `FUZZ_ROUNDS`) says.
    ///
    /// # Panics
    /// When the parser does, or takes longer than [`PATIENCE`]; the message holds the bytes.
    pub fn replay(&self, rounds: usize, twists: &Twists, mut read: impl FnMut(&[u8], &mut Chance)) {
        let asked = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
        let mut chance = Chance::new();
        for (path, seed) in self.seeds() {
            for round in 0..=asked.unwrap_or(rounds) {
                let other = &self.seeds[chance.below(self.seeds.len())].1;
                let variant = (round > 0).then(|| twists.twisted(seed, other, &mut chance));
                let bytes = variant.as_deref().unwrap_or(seed);
                let began = Instant::now();
                read(bytes, &mut chance);
                let took = began.elapsed();
                assert!(took < PATIENCE, "{took:?} for a variant of {}: {bytes:02x?}", path.display());
            }
        }
    }
}

/// What the variants of a seed are made of.
#[derive(Debug)]
pub struct Twists {
    /// Bytes that mean something to the parser.
    pub telling: &'static [u8],
    /// Whether pieces end at the ends of lines, as in text, or anywhere.
    pub lines: bool,
}

impl Twists {
    /// A seed with one to four changes: a bit, a telling byte, a piece out, a piece twice, a piece of another, cut off.
    #[must_use]
    pub fn twisted(&self, seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len() + 1);
            let end = self.end_of_piece(&bytes, at, chance);
            match chance.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
                1 if at < bytes.len() => bytes[at] = self.telling[chance.below(self.telling.len())],
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(end..end, piece);
                }
                4 => {
                    let from = chance.below(other.len());
                    let piece = &other[from..other.len().min(from + 80)];
                    bytes.splice(at..if self.lines { at } else { end }, piece.iter().copied());
                }
                // A text that is always cut is soon too short to say anything.
                _ if !self.lines || chance.below(4) == 0 => bytes.truncate(at),
                _ => {}
            }
        }
        bytes
    }

    fn end_of_piece(&self, bytes: &[u8], at: usize, chance: &mut Chance) -> usize {
        if self.lines {
            bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1)
        } else {
            bytes.len().min(at + chance.below(24))
        }
    }
}

/// Numbers that look random, and are the same at every run (xorshift).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number less than the limit, and 0 for the limit 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % limit).unwrap_or_default()
    }
}
