//! Every reader of others' bytes reads its corpus (`tests/corpus/READER/`), as it stands and twisted in the same ways
//! at every run. `FUZZ_ROUNDS` asks for more; the targets of `fuzz/` go further, without an end.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::command::{
    drill::entry::History,
    import::{junit, k6, sarif, tap},
};

type Reader = (&'static str, fn(&[u8]));

/// What reads bytes that others wrote. A target of `fuzz/` bears the same name.
const READERS: [Reader; 5] = [
    ("drill_log", |bytes| drop(History::read(bytes))),
    ("junit", |bytes| drop(junit::read(bytes, &mut |_| {}))),
    ("k6", |bytes| drop(k6::read(bytes, &mut |_| {}))),
    ("sarif", |bytes| {
        drop(sarif::read(std::io::Cursor::new(bytes), sarif::Severity::High, &mut |_| {}));
    }),
    ("tap", |bytes| drop(tap::read(bytes, &mut |_| {}))),
];

/// How long the reading of one small file may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn seeds(reader: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(reader);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_reader_has_a_corpus_and_a_fuzz_target() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let targets: BTreeSet<_> =
        fs::read_dir(targets).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for (reader, _) in READERS {
        assert!(seeds(reader).len() >= 3, "{reader}");
        assert!(targets.contains(std::ffi::OsStr::new(&format!("{reader}.rs"))), "{reader}");
    }
}

#[test]
fn every_corpus_is_read_as_it_stands_and_twisted() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150);
    for (name, read) in READERS {
        let seeds = seeds(name);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for (path, seed) in &seeds {
            read(seed);
            for _ in 0..rounds {
                let other = &seeds[chance.below(seeds.len())].1;
                let bytes = twisted(seed, other, &mut chance);
                let began = Instant::now();
                read(&bytes);
                let took = began.elapsed();
                assert!(took < PATIENCE, "{name} took {took:?} for one of {}: {bytes:02x?}", path.display());
            }
        }
    }
}

/// Numbers that look random, and are the same at every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// A seed with one to four changes.
fn twisted(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    const TELLING: [u8; 14] = *b"<>&\"'{}[]#\n \x00\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let length = chance.below(24).min(bytes.len() - at);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = TELLING[chance.below(TELLING.len())],
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let from = chance.below(other.len());
                let piece = &other[from..other.len().min(from + 40)];
                bytes.splice(at..at + length, piece.iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}
