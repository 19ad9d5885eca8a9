//! What reads evidence reads its corpus (`tests/corpus/READER/`): what is cut, doubled, deep, or lies about a number.
//! Each file is read as it stands, and turned and twisted in the same ways at every run. `FUZZ_ROUNDS` asks for more
//! of that than usual; the targets of `fuzz/` go further, without an end.

use std::{collections::BTreeSet, path::Path};

use corpus_replay::{Corpus, Twists};
use evidence_report::{
    command::{
        drill,
        import::{junit, k6, sarif, tap, tracker as flattened},
        tracker::count_items,
    },
    document::{Verification, notes, read, read_json, render_signed_v1, verify},
    history::{Chain, Keep, prune, trends},
};

/// A name, and what it stands for.
type Reader = (&'static str, fn(&[u8]));

/// What reads bytes that others wrote. A target of `fuzz/` bears the same name.
const READERS: [Reader; 9] = [
    ("drill_log", |bytes| drop(drill::entry::History::read(bytes))),
    ("evidence", read_evidence),
    ("history", read_history),
    ("junit", |bytes| drop(junit::read(bytes, &mut |_| {}))),
    ("k6", |bytes| drop(k6::read(bytes, &mut |_| {}))),
    ("sarif", |bytes| {
        drop(sarif::read(std::io::Cursor::new(bytes), sarif::Severity::High, &mut |_| {}));
    }),
    ("tap", |bytes| drop(tap::read(bytes, &mut |_| {}))),
    ("tracker", |bytes| drop(count_items(&String::from_utf8_lossy(bytes)))),
    ("tracker_text", |bytes| drop(flattened::read(&String::from_utf8_lossy(bytes)))),
];

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

fn corpus(reader: &str) -> Corpus {
    Corpus::of(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(reader)]).unwrap()
}

#[test]
fn every_reader_has_a_corpus_and_a_fuzz_target() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for (name, _) in READERS {
        drop(corpus(name));
        assert!(targets.join(format!("{name}.rs")).exists(), "{name}");
    }
}

/// The names of those files of a corpus of which something holds.
fn names(reader: &str, holds: impl Fn(&[u8]) -> bool) -> BTreeSet<String> {
    (corpus(reader).seeds().filter(|(_, bytes)| holds(bytes)))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn of_the_corpus_only_what_is_as_it_was_written_is_consistent() {
    let consistent = names("evidence", |bytes| {
        matches!(verify(&String::from_utf8_lossy(bytes)), Verification::Consistent(_))
    });
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
    let whole = names("history", |bytes| Chain::read(&String::from_utf8_lossy(bytes)).troubles().is_empty());
    assert_eq!(whole, ["empty.jsonl", "pruned.jsonl", "whole.jsonl"].map(str::to_owned).into());
}

#[test]
fn every_corpus_is_read_as_it_stands_and_twisted() {
    let twists = Twists { telling: b"`|#\"\\{}[]<>\n\r\t\0- 09\xff", lines: true };
    for (name, read) in READERS {
        corpus(name).replay(25, &twists, |bytes, _| read(bytes));
    }
}
