//! Every parser of ours reads its corpus (`tests/corpus/PARSER/`): what once broke something, what is cut, what
//! lies about its length. Each file is read as it stands, and turned and twisted in the same ways at every run.
//! `FUZZ_ROUNDS` asks for more of that than usual; the targets of `fuzz/` go further, without an end.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cert_expiry_check::{
    certificate::Certificate,
    stores::{
        self, Passwords, RevocationList, jks, key, kubeconfig, kubernetes, ocsp::OcspResponse, pem, pkcs7,
        pkcs12,
    },
    targets::{Target, read_list},
    wire::{legacy_hello, starttls},
};

/// A name, and what it stands for.
type Parser = (&'static str, fn(&[u8]));

/// What reads bytes that others wrote. A target of `fuzz/` bears the same name.
const PARSERS: [Parser; 14] = [
    ("certificate", |bytes| drop(Certificate::read(bytes))),
    ("crl", |bytes| drop(RevocationList::read_only(bytes))),
    ("jks", |bytes| drop(jks::read(bytes, &Passwords::from_lines("password")))),
    ("key", |bytes| drop(key::public_key_digest(bytes))),
    ("kubeconfig", |bytes| {
        let nowhere = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        let _ = kubeconfig::looks_like_one(bytes);
        drop(kubeconfig::read(bytes, Path::new(""), &Passwords::default(), &nowhere));
    }),
    ("kubernetes", |bytes| drop(kubernetes::read(bytes, &Passwords::default(), &mut |_| true))),
    ("legacy_hello", |bytes| drop(legacy_hello::read_answer(bytes))),
    ("ocsp", |bytes| drop(OcspResponse::read_only(bytes))),
    ("pem", |bytes| drop(pem::read(bytes))),
    ("pkcs7", |bytes| drop(pkcs7::read(bytes))),
    ("pkcs12", |bytes| drop(pkcs12::read(bytes, &Passwords::from_lines("x")))),
    ("starttls", |bytes| drop(starttls::hear_recorded(bytes))),
    ("store", |bytes| drop(stores::read(bytes, &Passwords::default()))),
    ("target", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        drop(Target::parse(&text, |_| false));
        drop(read_list(&text));
    }),
];

/// How long the reading of one small file may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What `store` reads is whatever any file may hold.
fn seeds(parser: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = match parser {
        "store" => vec!["certificate", "crl", "jks", "key", "pem", "pkcs7", "pkcs12"],
        own => vec![own],
    };
    let mut paths: Vec<_> = (folders.into_iter())
        .flat_map(|folder| fs::read_dir(corpus().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_parser_has_a_corpus_and_a_fuzz_target() {
    let parsers: BTreeSet<_> = PARSERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let mut corpora = names(&corpus());
    corpora.insert("store".to_owned());
    assert_eq!(corpora, parsers);
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    // Other crates have targets of their own.
    assert!(names(&targets).is_superset(&parsers));
}

#[test]
fn every_corpus_is_read_without_a_panic_and_in_time() {
    for (name, parse) in PARSERS {
        for (path, bytes) in seeds(name) {
            let began = Instant::now();
            parse(&bytes);
            assert!(began.elapsed() < PATIENCE, "{name} took {:?} for {}", began.elapsed(), path.display());
        }
    }
}

#[test]
fn every_corpus_is_read_turned_and_twisted() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150);
    for (name, parse) in PARSERS {
        let seeds = seeds(name);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for (path, seed) in &seeds {
            for _ in 0..rounds {
                let other = &seeds[chance.below(seeds.len())].1;
                let bytes = twisted(seed, other, &mut chance);
                let began = Instant::now();
                parse(&bytes);
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
    const TELLING: [u8; 10] = [0, 1, 0x02, 0x04, 0x30, 0x7f, 0x80, 0x84, 0xa0, 0xff];
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
