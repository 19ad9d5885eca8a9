//! Every certificate, PKCS#7, PKCS#12 and revocation list of the test vectors of Python's `cryptography`:
//! standards bodies' and broken ones. `scripts/vectors` fetches them; what is refused stands, with its reason,
//! in `vectors-refused.txt` beside this file.

use std::{
    collections::BTreeMap,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use cert_expiry_check::stores::{self, Content, Contents, Passwords};

/// The passwords of the stores, as that project's own tests have them.
const PASSWORDS: &str = "cryptography\npassword\nchangeit";

/// Fewer readable files than this, and something is wrong with the fetching.
const AT_LEAST: usize = 1000;

fn folder() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_cert-expiry-check")).ancestors().nth(2)?;
    let folder = target.join("vectors/cryptography_vectors");
    folder.is_dir().then_some(folder)
}

/// Files that are certificates, lists, or stores of them, or mean to be: no requests, no OCSP, no mail.
fn is_ours(path: &str) -> bool {
    let other = ["x509/requests/", "x509/ocsp/", "x509/PKITS_data/smime/", "x509/PKITS_data/certpairs/"];
    let endings = [".pem", ".der", ".crt", ".crl", ".p12", ".p7b"];
    ["x509/", "pkcs7/", "pkcs12/"].iter().any(|folder| path.starts_with(folder))
        && !other.iter().any(|folder| path.starts_with(folder))
        && endings.iter().any(|ending| path.ends_with(ending))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// What is wrong with a file, in the words that a user reads; `None` when everything in it was read.
fn refusal(content: &Content) -> Option<String> {
    let contents = match content {
        Content::Nothing(what) => return Some(what.clone()),
        Content::Holds(contents) => contents,
    };
    let Contents { certificates, keys, lists, other_labels, flaw: _, closed } = contents;
    let mut reasons: Vec<String> = closed.iter().map(|closed| closed.what.clone()).collect();
    reasons.extend(certificates.iter().filter_map(|entry| entry.certificate.clone().err()));
    reasons.extend(lists.iter().filter_map(|entry| entry.list.clone().err()));
    reasons.extend(keys.iter().filter_map(|key| Some(key.public_key.as_ref().err()?.to_string())));
    if certificates.is_empty() && lists.is_empty() && keys.is_empty() && reasons.is_empty() {
        reasons.push(format!("it holds only {}", other_labels.join(", ")));
    }
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Path, what we say, and why that is right.
fn exceptions() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let lines = include_str!("vectors-refused.txt").lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<_> = line.split(" | ").collect();
            let [path, said, why] = parts[..] else { panic!("not `path | what we say | why`: {line}") };
            assert!(why.len() > 10, "no reason: {line}");
            (path, (said, why))
        })
        .collect()
}

#[test]
fn every_vector_is_read_or_refused_for_a_reason_that_is_written_down() {
    let Some(folder) = folder() else {
        println!("skipped: the vectors are not there; scripts/vectors fetches them");
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let passwords = Passwords::from_lines(PASSWORDS);
    let (mut exceptions, mut read, mut wrong) = (exceptions(), 0, Vec::new());
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let Ok(content) = catch_unwind(|| stores::read(&bytes, &passwords)) else {
            wrong.push(format!("{name} | a panic"));
            continue;
        };
        if !is_ours(&name) {
            continue;
        }
        match (refusal(&content), exceptions.remove(name.as_str())) {
            (None, None) => read += 1,
            (Some(said), Some((expected, _))) if said == expected => {}
            (Some(said), _) => wrong.push(format!("{name} | {said}")),
            (None, Some(_)) => wrong.push(format!("{name} | read by now: strike the exception")),
        }
    }
    wrong.extend(
        exceptions.keys().map(|name| format!("{name} | there is no such file: strike the exception")),
    );
    println!("{read} files read, {} refused otherwise than written down", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read >= AT_LEAST, "only {read} files: are these the vectors?");
}
