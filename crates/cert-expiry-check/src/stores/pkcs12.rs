//! PKCS#12 stores (RFC 7292), as openssl, Java, Windows and browsers write them. Certificates that are not
//! encrypted are read without a password; for the rest none, an empty one and those given are tried. Of private
//! keys only the public ones that belong to them are kept.

use std::sync::Arc;

use super::{
    Closed, Contents, Entry, KeyEntry, KeyTrouble, ListEntry, Passwords, RevocationList,
    ber::{Element, INTEGER, Malformed, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET, context},
    key,
    pbe::{self, Budget, Refusal, Secret},
    pkcs7,
};
use crate::{certificate::Certificate, wording::printable};

/// The last parts of 1.2.840.113549.1.7: plain, signed, encrypted for a key, encrypted by a password.
const DATA: u8 = 1;
const SIGNED_DATA: u8 = 2;
const ENVELOPED_DATA: u8 = 3;
const ENCRYPTED_DATA: u8 = 6;

/// 1.2.840.113549.1.12.10.1, the kinds of bags.
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// 1.2.840.113549.1.9: friendly name (20), X.509 certificate (22.1) and revocation list (23.1).
const PKCS9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09];

/// BMPString.
const BMP_STRING: u8 = 0x1e;
/// `[0]`, a string in one piece.
const IMPLICIT_STRING: u8 = 0x80;

/// How deep bags may stand in each other.
const DEPTH: u8 = 8;

/// Whether the bytes begin like a store: a sequence that begins with version 3 and goes on with a sequence.
#[must_use]
pub fn looks_like_one(bytes: &[u8]) -> bool {
    let inside = match bytes {
        [SEQUENCE, 0x00..=0x80, rest @ ..] => rest,
        [SEQUENCE, count @ 0x81..=0x84, rest @ ..] => {
            rest.get(usize::from(count - 0x80)..).unwrap_or_default()
        }
        _ => return false,
    };
    inside.starts_with(&[INTEGER, 1, 3, SEQUENCE])
}

/// Reads a store.
///
/// # Errors
/// When it is damaged; in words.
pub fn read(bytes: &[u8], passwords: &Passwords) -> Result<Contents, String> {
    let mut store = Store::new(passwords);
    store.open(bytes).map_err(|malformed| format!("it is a damaged PKCS#12 store ({malformed})"))?;
    let mut contents = store.contents;
    if contents == Contents::default() {
        contents.other_labels.push("an empty PKCS#12 store".to_owned());
    }
    Ok(contents)
}

/// A store that is being read.
struct Store<'p> {
    /// What may fit, what fitted last first.
    secrets: Vec<Secret<'p>>,
    given: usize,
    budget: Budget,
    contents: Contents,
}

impl<'p> Store<'p> {
    fn new(passwords: &'p Passwords) -> Self {
        let mut secrets = vec![Secret::Absent, Secret::Text("")];
        secrets.extend(passwords.iter().map(Secret::Text));
        let given = passwords.len();
        let budget = Budget::for_passwords(given);
        Self { secrets, given, budget, contents: Contents::default() }
    }

    fn open(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut store = Reader::new(bytes).expect(SEQUENCE, "a store")?.inside();
        store.expect(INTEGER, "a version")?;
        let mut safe = store.expect(SEQUENCE, "its content")?.inside();
        let kind = safe.expect(OBJECT_IDENTIFIER, "the kind of its content")?;
        let content = safe.expect(context(0), "its content")?;
        let content = match kind.content.strip_prefix(&pkcs7::FAMILY) {
            Some([DATA]) => content.inside().next()?.octets()?,
            Some([SIGNED_DATA]) => pkcs7::signed_content(content)?.octets()?,
            _ => return Err(Malformed::Missing { wanted: "a content of a known kind" }),
        };
        if let Some(code) = store.optional(SEQUENCE)? {
            self.prefer_what_fits(code, &content);
        }
        let mut parts = Reader::new(&content).expect(SEQUENCE, "its parts")?.inside();
        while !parts.is_empty() {
            self.part(parts.expect(SEQUENCE, "a part")?)?;
        }
        Ok(())
    }

    /// The password that the integrity code was made with most likely opens the rest too.
    fn prefer_what_fits(&mut self, code: Element<'_>, content: &[u8]) {
        let Self { secrets, budget, .. } = self;
        let fitting = secrets.iter().position(|secret| pbe::fits(code, content, *secret, budget) == Ok(true));
        if let Some(fitting) = fitting {
            self.prefer(fitting);
        }
    }

    fn prefer(&mut self, fitting: usize) {
        self.secrets[..=fitting].rotate_right(1);
    }

    fn part(&mut self, part: Element<'_>) -> Result<(), Malformed> {
        let mut part = part.inside();
        let kind = part.expect(OBJECT_IDENTIFIER, "the kind of a part")?;
        let content = part.expect(context(0), "the content of a part")?;
        match kind.content.strip_prefix(&pkcs7::FAMILY) {
            Some([DATA]) => self.bags(&content.inside().next()?.octets()?, DEPTH),
            Some([ENCRYPTED_DATA]) => self.encrypted(content),
            Some([ENVELOPED_DATA]) => {
                self.close("a part of it is encrypted for a key, not by a password");
                Ok(())
            }
            _ => Err(Malformed::Missing { wanted: "a part of a known kind" }),
        }
    }

    fn encrypted(&mut self, content: Element<'_>) -> Result<(), Malformed> {
        let mut encrypted = content.inside().expect(SEQUENCE, "encrypted data")?.inside();
        encrypted.expect(INTEGER, "a version")?;
        let mut inner = encrypted.expect(SEQUENCE, "encrypted content")?.inside();
        inner.expect(OBJECT_IDENTIFIER, "the kind of the encrypted content")?;
        let algorithm = inner.expect(SEQUENCE, "the kind of the encryption")?;
        let ciphertext = inner.next()?;
        if ciphertext.tag != IMPLICIT_STRING && ciphertext.tag != context(0) {
            return Err(Malformed::Missing { wanted: "encrypted content" });
        }
        let ciphertext = ciphertext.octets()?;
        let opened = self.try_all(|secret, budget| {
            let plain = pbe::decrypt(algorithm, &ciphertext, secret, budget)?;
            // One wrong password in 256 ends in a padding that looks right.
            let whole = Reader::new(&plain).expect(SEQUENCE, "bags").is_ok();
            if whole { Ok(plain) } else { Err(Refusal::WrongPassword) }
        });
        match opened {
            Ok(plain) => self.bags(&plain, DEPTH),
            Err(refusal) => {
                self.close(&self.in_words(&refusal));
                Ok(())
            }
        }
    }

    /// Tries the passwords until one fits.
    fn try_all<T>(
        &mut self,
        mut attempt: impl FnMut(Secret<'p>, &mut Budget) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        for (index, secret) in self.secrets.clone().into_iter().enumerate() {
            match attempt(secret, &mut self.budget) {
                Ok(opened) => {
                    self.prefer(index);
                    return Ok(opened);
                }
                Err(Refusal::WrongPassword) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Refusal::WrongPassword)
    }

    fn in_words(&self, refusal: &Refusal) -> String {
        match (refusal, self.given) {
            (Refusal::WrongPassword, 0) => "it needs a password".to_owned(),
            (Refusal::WrongPassword, 1) => "the password that was given does not fit".to_owned(),
            (Refusal::WrongPassword, many) => format!("none of the {many} passwords that were given fits"),
            _ => refusal.to_string(),
        }
    }

    fn close(&mut self, why: &str) {
        let remedy = "Give its password by `--store-password-file FILE` (one password a line, FILE readable \
            by you alone), or extract its certificates with `openssl pkcs12 -in STORE -nokeys` and check those.";
        let closed = Closed { what: format!("a PKCS#12 store: {why}"), remedy: remedy.to_owned() };
        self.contents.closed.get_or_insert(closed);
    }

    /// The bags of a part (RFC 7292, 4.2).
    fn bags(&mut self, bytes: &[u8], depth: u8) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed::Odd("bags that stand too deep in each other"))?;
        let mut bags = Reader::new(bytes).expect(SEQUENCE, "bags")?.inside();
        while !bags.is_empty() {
            let mut bag = bags.expect(SEQUENCE, "a bag")?.inside();
            let kind = bag.expect(OBJECT_IDENTIFIER, "the kind of a bag")?;
            let value = bag.expect(context(0), "the content of a bag")?;
            let alias = bag.optional(SET)?.and_then(|attributes| friendly_name(attributes).ok().flatten());
            match kind.content.strip_prefix(BAGS) {
                Some([1]) => self.take_key(alias, key::public_key_digest(value.content)),
                Some([2]) => {
                    let public_key = self.encrypted_key(value);
                    self.take_key(alias, public_key);
                }
                Some([3]) => self.certificate(alias, value)?,
                Some([4]) => self.list(value)?,
                Some([6]) => self.bags(value.content, depth)?,
                // Secrets of other kinds are no business of ours.
                _ => {}
            }
        }
        Ok(())
    }

    fn take_key(&mut self, alias: Option<String>, public_key: Result<[u8; 32], KeyTrouble>) {
        self.contents.keys.push(KeyEntry { line: None, alias, public_key });
        let label = "a private key";
        if !self.contents.other_labels.iter().any(|known| known == label) {
            self.contents.other_labels.push(label.to_owned());
        }
    }

    fn encrypted_key(&mut self, value: Element<'_>) -> Result<[u8; 32], KeyTrouble> {
        let mut inside = value.inside().expect(SEQUENCE, "an encrypted key")?.inside();
        let algorithm = inside.expect(SEQUENCE, "the kind of the encryption")?;
        let ciphertext = inside.next()?.octets()?;
        let opened = self.try_all(|secret, budget| {
            let plain = pbe::decrypt(algorithm, &ciphertext, secret, budget)?;
            if key::looks_like_a_key(&plain) { Ok(plain) } else { Err(Refusal::WrongPassword) }
        });
        match opened {
            Ok(plain) => key::public_key_digest(&plain),
            Err(Refusal::Malformed(malformed)) => Err(malformed.into()),
            Err(_) => Err(KeyTrouble::Encrypted),
        }
    }

    fn certificate(&mut self, alias: Option<String>, value: Element<'_>) -> Result<(), Malformed> {
        let Some(der) = wrapped(value, &[22, 1])? else { return Ok(()) };
        let read = Certificate::read_only(&der.octets()?);
        let certificate = read.map(Arc::new).map_err(|error| error.to_string());
        self.contents.certificates.push(Entry { line: None, alias, certificate });
        Ok(())
    }

    fn list(&mut self, value: Element<'_>) -> Result<(), Malformed> {
        let Some(der) = wrapped(value, &[23, 1])? else { return Ok(()) };
        let list = RevocationList::read_only(&der.octets()?).map(Arc::new);
        self.contents.lists.push(ListEntry { line: None, list });
        Ok(())
    }
}

/// The string in a bag, if it is of this kind; certificates of other kinds than X.509 are passed over.
fn wrapped<'a>(value: Element<'a>, kind: &[u8]) -> Result<Option<Element<'a>>, Malformed> {
    let mut inside = value.inside().expect(SEQUENCE, "the content of a bag")?.inside();
    let found = inside.expect(OBJECT_IDENTIFIER, "the kind of a certificate")?;
    if found.content.strip_prefix(PKCS9) != Some(kind) {
        return Ok(None);
    }
    let string = inside.expect(context(0), "a certificate")?.inside().next()?;
    if string.tag & !0x20 == OCTET_STRING {
        Ok(Some(string))
    } else {
        Err(Malformed::Missing { wanted: "a certificate" })
    }
}

/// The friendly name among a bag's attributes (RFC 2985, 5.5.1), fit to be shown.
fn friendly_name(attributes: Element<'_>) -> Result<Option<String>, Malformed> {
    let mut attributes = attributes.inside();
    while !attributes.is_empty() {
        let mut attribute = attributes.expect(SEQUENCE, "an attribute")?.inside();
        let kind = attribute.expect(OBJECT_IDENTIFIER, "the kind of an attribute")?;
        if kind.content.strip_prefix(PKCS9) == Some(&[20]) {
            let value =
                attribute.expect(SET, "a friendly name")?.inside().expect(BMP_STRING, "a friendly name")?;
            let units = value.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            let name: String =
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            return Ok(Some(printable(&name, 80)).filter(|name| !name.is_empty()));
        }
    }
    Ok(None)
}
