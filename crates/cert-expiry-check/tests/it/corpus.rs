//! Every parser of ours reads its corpus (`tests/corpus/PARSER/`): what once broke something, what is cut, what
//! lies about its length. Each file is read as it stands, and turned and twisted in the same ways at every run.
//! `FUZZ_ROUNDS` asks for more of that than usual; the targets of `fuzz/` go further, without an end.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use cert_expiry_check::{
    certificate::Certificate,
    stores::{
        self, Passwords, RevocationList, distribution_point, jks, key, kubeconfig, kubernetes,
        ocsp::OcspResponse, pem, pkcs7, pkcs12,
    },
    targets::{Target, read_list},
    wire::{legacy_hello, starttls},
};
use corpus_replay::{Corpus, Twists};

/// A name, and what it stands for.
type Parser = (&'static str, fn(&[u8]));

/// What reads bytes that others wrote. A target of `fuzz/` bears the same name.
const PARSERS: [Parser; 14] = [
    ("certificate", |bytes| drop(Certificate::read(bytes))),
    ("crl", |bytes| {
        drop(RevocationList::read_only(bytes));
        drop(distribution_point::names_in(bytes));
    }),
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
        let _ = read_list(text.as_bytes(), |_| Ok::<_, ()>(()));
    }),
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
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
    // Other tools have targets there as well.
    let targets = names(&targets);
    assert!(parsers.is_subset(&targets), "{:?}", parsers.difference(&targets));
}

#[test]
fn every_corpus_is_read_as_it_stands_and_twisted() {
    let twists = Twists { telling: &[0, 1, 0x02, 0x04, 0x30, 0x7f, 0x80, 0x84, 0xa0, 0xff], lines: false };
    for (name, parse) in PARSERS {
        // What `store` reads is whatever any file may hold.
        let folders = match name {
            "store" => vec!["certificate", "crl", "jks", "key", "pem", "pkcs7", "pkcs12"],
            own => vec![own],
        };
        let folders: Vec<_> = folders.into_iter().map(|folder| corpus().join(folder)).collect();
        Corpus::of(&folders).unwrap().replay(150, &twists, |bytes, _| parse(bytes));
    }
}
