//! What reads evidence reads its corpus (`tests/corpus/READER/`): what is cut, doubled, deep, or lies about a number.
//! Each file is read as it stands, and turned and twisted in the same ways at every run. `FUZZ_ROUNDS` asks for more
//! of that than usual; the targets of `fuzz/` go further, without an end.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::{
    document::{Verification, notes, read, read_json, render_signed_v1, verify},
    history::{Chain, Keep, prune, trends},
};

/// A name, and what it stands for.
type Reader = (&'static str, fn(&[u8]));

/// What reads bytes that others wrote. A target of `fuzz/` bears the same name.
const READERS: [Reader; 2] = [("evidence", read_evidence), ("history", read_history)];

/// How long the reading of one small file may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is called consistent renders to itself again; and words of people are never lost.
fn read_evidence(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let document = read(&text);
    if let Verification::Consistent(record) = verify(&text) {
        let document = document.as_ref().unwrap();
        assert_eq!(document.record, *record);
        let signature = document.signature.as_ref().map(|signature| signature.text.as_str());
        let again = render_signed_v1(&record, signature);
        assert!(matches!(verify(&again), Verification::Consistent(_)), "{text}");
    }
    let (standing, kept) = notes::kept(Some(&text));
    match (standing, &document) {
        (notes::Standing::Evidence, Ok(document)) => assert!(kept.contains(document.notes.trim())),
        (notes::Standing::ByHand, Err(_)) => assert!(kept.ends_with(&*text)),
        (notes::Standing::Nothing, _) => assert!(text.trim().is_empty()),
        (notes::Standing::Damaged(_), Err(_)) => {}
        (standing, document) => panic!("{standing:?} of {document:?}"),
    }
    drop(read_json(&text));
}

/// What is called whole stays whole when it is shortened.
fn read_history(bytes: &[u8]) {
    let chain = Chain::read(&String::from_utf8_lossy(bytes));
    let _ = trends(chain.runs()).iter().map(|trend| trend.sparkline().len()).sum::<usize>();
    let now = "2026-12-01T00:00:00Z".parse().unwrap();
    if chain.troubles().is_empty()
        && let Some(pruning) = prune(&chain, Keep::Newest(1), now)
    {
        assert_eq!(Chain::read(&pruning.text).troubles(), []);
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn seeds(reader: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(corpus().join(reader)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_reader_has_a_corpus_and_a_fuzz_target() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for (name, _) in READERS {
        assert!(!seeds(name).is_empty(), "{name}");
        assert!(targets.join(format!("{name}.rs")).exists(), "{name}");
    }
}

#[test]
fn of_the_corpus_only_what_is_as_it_was_written_is_consistent() {
    let consistent: BTreeSet<_> = (seeds("evidence").into_iter())
        .filter(|(_, bytes)| matches!(verify(&String::from_utf8_lossy(bytes)), Verification::Consistent(_)))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let expected = [
        "byte-order-mark.md",
        "crlf.md",
        "failed.md",
        "hostile.md",
        "passed.md",
        // Whether a signature fits is for `ssh-keygen` to say.
        "signed-by-another-record.md",
    ];
    assert_eq!(consistent, expected.map(str::to_owned).into());
    let whole: BTreeSet<_> = (seeds("history").into_iter())
        .filter(|(_, bytes)| Chain::read(&String::from_utf8_lossy(bytes)).troubles().is_empty())
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(whole, ["empty.jsonl", "pruned.jsonl", "whole.jsonl"].map(str::to_owned).into());
}

#[test]
fn every_corpus_is_read_turned_and_twisted() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25);
    for (name, read) in READERS {
        let seeds = seeds(name);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for (path, seed) in &seeds {
            for _ in 0..rounds {
                let other = &seeds[chance.below(seeds.len())].1;
                let bytes = twisted(seed, other, &mut chance);
                let began = Instant::now();
                read(&bytes);
                let took = began.elapsed();
                assert!(took < PATIENCE, "{name} took {took:?} for one of {}", path.display());
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

/// A seed with one to four changes: a bit, a telling byte, a line out, a line twice, a piece of another, cut off.
fn twisted(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    const TELLING: &[u8] = b"`|#\"\\{}[]<>\n\r\t\0- 09\xff";
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let line_end =
            bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = TELLING[chance.below(TELLING.len())],
            2 => drop(bytes.drain(at..line_end)),
            3 => {
                let piece = bytes[at..line_end].to_vec();
                bytes.splice(line_end..line_end, piece);
            }
            4 => {
                let from = chance.below(other.len());
                let piece = &other[from..other.len().min(from + 80)];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ if chance.below(4) == 0 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}
