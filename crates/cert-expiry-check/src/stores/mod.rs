//! Certificates, keys and revocation lists in files: one format a file. Pure, but for [`mod@file`],
//! [`passwords`] and [`roots`], which read.

mod ber;
pub mod crl;
pub mod distribution_point;
pub mod file;
pub mod jks;
pub mod key;
pub mod kubeconfig;
pub mod kubernetes;
mod lenient;
pub mod ocsp;
pub mod passwords;
mod pbe;
pub mod pem;
pub mod pkcs12;
pub mod pkcs7;
pub mod roots;

use std::sync::Arc;

pub use crl::{ListEntry, RevocationList};
pub use key::{KeyEntry, KeyTrouble};
pub use passwords::Passwords;

use crate::certificate::{Certificate, Unreadable};

/// What the bytes of a file hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Certificates, keys, lists, or a store of them.
    Holds(Contents),
    /// Nothing that looks like any of them; what was there instead.
    Nothing(String),
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Certificates, or what should have been one.
    pub certificates: Vec<Entry>,
    /// Private keys, by the public keys that belong to them.
    pub keys: Vec<KeyEntry>,
    /// Certificate revocation lists.
    pub lists: Vec<ListEntry>,
    /// The labels of what else is there, such as a key's; each once.
    pub other_labels: Vec<String>,
    /// What was read of a PEM file all the same, and on which line its block begins.
    pub flaw: Option<(u32, pem::Flaw)>,
    /// The store, or the part of it, that stays closed to us.
    pub closed: Option<Closed>,
}

/// What could not be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What it is, and why it stays closed.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// One certificate in a file, or the place where one should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins, counted from 1, where the format has lines.
    pub line: Option<u32>,
    /// The name that it has in its store.
    pub alias: Option<String>,
    /// The certificate, or what is wrong with it.
    pub certificate: Result<Arc<Certificate>, String>,
}

/// Reads the bytes of a file: PEM wherever it stands, DER, or a store, to which one of the passwords may fit.
#[must_use]
pub fn read(bytes: &[u8], passwords: &Passwords) -> Content {
    if bytes.is_empty() {
        return Content::Nothing("the file is empty".to_owned());
    }
    let pem = pem::read(bytes);
    if !pem.blocks.is_empty() || !pem.other_labels.is_empty() {
        return Content::Holds(Contents::from(pem));
    }
    match bytes {
        [0x30, ..] => read_der(bytes, passwords),
        _ if jks::looks_like_one(bytes) => Content::Holds(jks::read(bytes, passwords)),
        _ if is_web_page(bytes) => {
            Content::Nothing("it is a web page (HTML), as servers send it for a login or an error".to_owned())
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Content::Nothing(
            "it is text in UTF-16, as PowerShell writes it, which no server reads".to_owned(),
        ),
        // What `-----BEGIN ` comes to in base64.
        _ if bytes.trim_ascii_start().starts_with(b"LS0tLS1CRUdJTi") => Content::Nothing(
            "it is PEM in base64 once more, as a Kubernetes Secret holds it: decode it with `base64 -d`"
                .to_owned(),
        ),
        _ if sealed_by(bytes).is_some() => Content::Holds(Contents {
            other_labels: sealed_by(bytes).map(str::to_owned).into_iter().collect(),
            ..Contents::default()
        }),
        _ if std::str::from_utf8(bytes).is_ok() => {
            Content::Nothing("it is text without a PEM certificate".to_owned())
        }
        _ => Content::Nothing("it is neither PEM nor DER".to_owned()),
    }
}

impl KeyEntry {
    /// The place where a key should have been.
    fn damaged(why: String) -> Self {
        Self { line: None, alias: None, public_key: Err(KeyTrouble::Damaged(why)) }
    }
}

/// What encrypts whole files beside the certificates that they belong to, and how such a file begins.
const SEALS: [(&[u8], &str); 4] = [
    (b"$ANSIBLE_VAULT;", "what ansible-vault encrypted"),
    (b"\0GITCRYPT\0", "what git-crypt encrypted"),
    (b"age-encryption.org/", "what age encrypted"),
    (b"Salted__", "what `openssl enc` encrypted"),
];

/// What SOPS writes for each value that it encrypts.
const SOPS: (&[u8], &str) = (b"ENC[AES256_GCM,", "what SOPS encrypted");

fn sealed_by(bytes: &[u8]) -> Option<&'static str> {
    let seal = SEALS.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, by)| *by);
    seal.or_else(|| memchr::memmem::find(bytes, SOPS.0).map(|_| SOPS.1))
}

/// Whether a private key stands, or may stand, in what is not read.
fn may_be_a_key(label: &str) -> bool {
    label.contains("PRIVATE KEY")
        || matches!(label, "PGP MESSAGE" | "AGE ENCRYPTED FILE")
        || SEALS.iter().chain([&SOPS]).any(|(_, by)| *by == label)
}

/// Whether it is a label of a PEM file that need not hold certificates, and not that of a certificate mistyped.
#[must_use]
pub fn is_of_another_kind(label: &str) -> bool {
    may_be_a_key(label)
        || label == "ATTRIBUTE CERTIFICATE"
        || ["KEY", "PARAMETERS", "REQUEST", "SIGNATURE", "ECHCONFIG"].iter().any(|end| label.ends_with(end))
        || ["PGP ", "SSH", "OpenVPN "].iter().any(|begin| label.starts_with(begin))
}

/// Whether it begins as a page for people does, which is no error of its own: `curl -o` saves it with code 0.
fn is_web_page(bytes: &[u8]) -> bool {
    let begins = |word: &[u8]| {
        bytes.trim_ascii_start().get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    begins(b"<!doctype html") || begins(b"<html")
}

impl From<pem::Pem> for Contents {
    fn from(pem: pem::Pem) -> Self {
        let mut contents = Self { other_labels: pem.other_labels, flaw: pem.flaw, ..Self::default() };
        pem.blocks.into_iter().for_each(|block| contents.take_in(block));
        // One fault is told once.
        contents.flaw = contents.flaw.filter(|(line, _)| !contents.is_damaged_on(*line));
        contents
    }
}

impl Content {
    /// Why no server takes a private key from it, where that is known.
    #[must_use]
    pub fn lacks_a_key(&self) -> Option<String> {
        match self {
            Self::Nothing(why) => Some(why.clone()),
            Self::Holds(contents) => contents.lacks_a_key(),
        }
    }
}

impl Contents {
    fn lacks_a_key(&self) -> Option<String> {
        let flaw = || self.flaw.filter(|(_, flaw)| !flaw.is_read_by_some()).map(|(_, flaw)| flaw.to_string());
        if !self.keys.is_empty() || self.closed.is_some() {
            return flaw();
        }
        if self.other_labels.iter().any(|label| may_be_a_key(label)) {
            return None;
        }
        Some(match (self.other_labels.as_slice(), self.certificates.is_empty()) {
            ([], true) => "it holds none".to_owned(),
            ([], false) => "it holds a certificate and no key".to_owned(),
            (labels, _) => format!("it holds only {}", labels.join(", ")),
        })
    }

    fn is_damaged_on(&self, line: u32) -> bool {
        let line = Some(line);
        self.certificates.iter().any(|entry| entry.line == line && entry.certificate.is_err())
            || self.lists.iter().any(|entry| entry.line == line && entry.list.is_err())
            || self
                .keys
                .iter()
                .any(|key| key.line == line && matches!(key.public_key, Err(KeyTrouble::Damaged(_))))
    }

    fn take_in(&mut self, block: pem::Block) {
        let pem::Block { line, kind, der } = block;
        let line = Some(line);
        match kind {
            pem::Kind::Certificate | pem::Kind::TrustedCertificate => {
                let read = |der: &[u8]| match kind {
                    // OpenSSL writes its own trust settings behind the certificate.
                    pem::Kind::TrustedCertificate => {
                        Certificate::read(der).map(|(certificate, _)| certificate)
                    }
                    _ => Certificate::read_only(der),
                };
                let certificate = der
                    .map_err(|damage| damage.to_string())
                    .and_then(|der| read(&der).map(Arc::new).map_err(|error| error.to_string()));
                self.certificates.push(Entry { line, alias: None, certificate });
            }
            pem::Kind::Key => {
                let public_key = match der {
                    Ok(der) => key::public_key_digest(&der),
                    Err(pem::Damage::Encrypted) => Err(KeyTrouble::Encrypted),
                    // The reason may repeat a character of the key.
                    Err(pem::Damage::Base64(_)) => {
                        Err(KeyTrouble::Damaged("its base64 is damaged".to_owned()))
                    }
                    Err(damage) => Err(KeyTrouble::Damaged(damage.to_string())),
                };
                self.keys.push(KeyEntry { line, alias: None, public_key });
            }
            pem::Kind::RevocationList => {
                let list = der.map_err(|damage| damage.to_string());
                let list = list.and_then(|der| RevocationList::read_only(&der).map(Arc::new));
                self.lists.push(ListEntry { line, list });
            }
            pem::Kind::Pkcs7 => {
                let message = der.map_err(|damage| damage.to_string()).and_then(|der| pkcs7::read(&der));
                self.join(message.unwrap_or_else(Self::damaged), line);
            }
        }
    }
}

impl Contents {
    /// Something that was meant to hold a certificate.
    fn damaged(reason: String) -> Self {
        let entry = Entry { line: None, alias: None, certificate: Err(reason) };
        Self { certificates: vec![entry], ..Self::default() }
    }

    /// Takes in what a block holds that began on this line.
    fn join(&mut self, inside: Self, line: Option<u32>) {
        self.certificates.extend(inside.certificates.into_iter().map(|entry| Entry { line, ..entry }));
        self.lists.extend(inside.lists.into_iter().map(|entry| ListEntry { line, ..entry }));
        self.other_labels.extend(inside.other_labels);
    }
}

/// One DER certificate, or several in a row.
fn read_der(bytes: &[u8], passwords: &Passwords) -> Content {
    let mut certificates = Vec::new();
    let mut push = |certificate| certificates.push(Entry { line: None, alias: None, certificate });
    let mut rest = bytes;
    while !rest.is_empty() {
        match Certificate::read(rest) {
            Ok((certificate, behind)) => {
                push(Ok(Arc::new(certificate)));
                rest = behind;
            }
            Err(_) if rest.len() < bytes.len() => {
                push(Err(format!("{} bytes follow the last certificate that are none", rest.len())));
                break;
            }
            Err(error) => return not_a_certificate(bytes, &error, passwords),
        }
    }
    Content::Holds(Contents { certificates, ..Contents::default() })
}

fn not_a_certificate(bytes: &[u8], error: &Unreadable, passwords: &Passwords) -> Content {
    if key::looks_like_a_key(bytes) {
        let key = KeyEntry { line: None, alias: None, public_key: key::public_key_digest(bytes) };
        let other_labels = vec!["PRIVATE KEY".to_owned()];
        return Content::Holds(Contents { keys: vec![key], other_labels, ..Contents::default() });
    }
    if crl::looks_like_one(bytes) {
        let list = ListEntry { line: None, list: RevocationList::read_only(bytes).map(Arc::new) };
        return Content::Holds(Contents { lists: vec![list], ..Contents::default() });
    }
    if pkcs12::looks_like_one(bytes) {
        return Content::Holds(pkcs12::read(bytes, passwords).unwrap_or_else(Contents::damaged));
    }
    if pkcs7::looks_like_one(bytes) {
        return Content::Holds(pkcs7::read(bytes).unwrap_or_else(Contents::damaged));
    }
    if begins_with_a_sequence(bytes) {
        // A sequence in a sequence: it was meant to be a certificate.
        return Content::Holds(Contents::damaged(error.to_string()));
    }
    Content::Nothing("it is DER, and no certificate".to_owned())
}

/// Whether a sequence begins the sequence, as in a certificate.
fn begins_with_a_sequence(bytes: &[u8]) -> bool {
    let header = match bytes.get(1) {
        Some(length @ 0x80..=0x84) => 2 + usize::from(length - 0x80),
        _ => 2,
    };
    bytes.get(header) == Some(&0x30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made() -> rcgen::Certificate {
        rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap().cert
    }

    fn made_key() -> String {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let digits =
            base64::Engine::encode(&base64::prelude::BASE64_STANDARD, made.signing_key.serialize_der());
        format!("-----BEGIN PRIVATE KEY-----\n{digits}\n-----END PRIVATE KEY-----\n")
    }

    fn errors(content: &Content) -> Vec<String> {
        match content {
            Content::Holds(contents) => {
                contents.certificates.iter().filter_map(|entry| entry.certificate.clone().err()).collect()
            }
            Content::Nothing(what) => vec![what.clone()],
        }
    }

    #[test]
    fn der_is_read_alone_and_in_a_row() {
        let one = made().der().to_vec();
        let two = [one.clone(), one.clone()].concat();
        let count = |bytes: &[u8]| match read(bytes, &Passwords::default()) {
            Content::Holds(contents) => contents.certificates.len(),
            Content::Nothing(_) => 0,
        };
        assert_eq!((count(&one), count(&two)), (1, 2));
        let trailing = [one.clone(), b"junk".to_vec()].concat();
        assert_eq!(
            errors(&read(&trailing, &Passwords::default())),
            ["4 bytes follow the last certificate that are none"]
        );
    }

    #[test]
    fn what_should_hold_a_key_and_does_not_says_why() {
        let key = made_key();
        for (bytes, words) in [
            (String::new(), Some("the file is empty")),
            ("junk".to_owned(), Some("it is text without a PEM certificate")),
            (key.clone(), None),
            (key.replace('\n', "\n  ").replacen('-', "  -", 1), Some("blanks stand before")),
            (key.replace('\n', "\r"), Some("a carriage return alone")),
            ("$ANSIBLE_VAULT;1.1;AES256\n6162\n".to_owned(), None),
            ("{\"data\": \"ENC[AES256_GCM,data:xyz=]\"}".to_owned(), None),
            (key.replace("PRIVATE KEY", "DSA PRIVATE KEY"), None),
            (key.replace("PRIVATE KEY", "PUBLIC KEY"), Some("it holds only PUBLIC KEY")),
            (key.replace("PRIVATE KEY", "CERTIFICATE"), Some("it holds a certificate and no key")),
        ] {
            let why = read(bytes.as_bytes(), &Passwords::default()).lacks_a_key();
            match words {
                Some(words) => assert!(why.as_ref().is_some_and(|why| why.contains(words)), "{why:?}"),
                None => assert_eq!(why, None),
            }
        }
    }

    #[test]
    fn a_cut_der_certificate_is_one_that_is_broken() {
        let one = made().der().to_vec();
        for end in [40, one.len() / 2, one.len() - 1] {
            assert_eq!(
                errors(&read(&one[..end], &Passwords::default())),
                ["it ends in the middle"],
                "cut at {end}"
            );
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"hello", "text"),
            (b"\xff\x00\x17\x80", "neither"),
            (b"\x30\x03\x02\x01\x05", "no certificate"),
            (b"\x30\x82\x01\x00\x02\x01\x03\x30", "PKCS#12"),
            (b"\xfe\xed\xfe\xed\x00", "Java"),
            (b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "PKCS#7"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PRIVATE KEY"),
        ] {
            let shown = format!("{:?}", read(bytes, &Passwords::default()));
            assert!(shown.contains(words), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, &Passwords::default());
            let _ = read(&[&[0x30, 0x82][..], &bytes].concat(), &Passwords::default());
        }
    }
}
