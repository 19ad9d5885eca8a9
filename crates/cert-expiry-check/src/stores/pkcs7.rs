//! PKCS#7 and CMS messages (RFC 5652): the certificates and revocation lists that signed data brings along,
//! signed by somebody or, as in `.p7b` files, by nobody. Signatures are not its business.

use std::sync::Arc;

use super::{
    Contents, Entry, ListEntry, RevocationList,
    ber::{Element, INTEGER, Malformed, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET, context},
};
use crate::certificate::Certificate;

/// The content of 1.2.840.113549.1.7, under which the kinds of messages stand.
pub(super) const FAMILY: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// The last part of the kind "signed data".
const SIGNED_DATA: u8 = 2;

/// Whether the bytes begin like a message.
#[must_use]
pub fn looks_like_one(bytes: &[u8]) -> bool {
    // The header alone: the rest may be missing, which is for `read` to say.
    let header = match bytes {
        [SEQUENCE, 0x00..=0x80, rest @ ..] => rest,
        [SEQUENCE, count @ 0x81..=0x84, rest @ ..] => {
            rest.get(usize::from(count - 0x80)..).unwrap_or_default()
        }
        _ => return false,
    };
    header.starts_with(&[OBJECT_IDENTIFIER, 9]) && header[2..].starts_with(&FAMILY)
}

/// Reads a message.
///
/// # Errors
/// When it is none, or damaged; in words.
pub fn read(bytes: &[u8]) -> Result<Contents, String> {
    let in_words = |malformed: Malformed| format!("it is a damaged PKCS#7 message ({malformed})");
    let message = Reader::new(bytes).next().map_err(in_words)?;
    let mut message = message.inside();
    let kind = message.expect(OBJECT_IDENTIFIER, "the kind of the message").map_err(in_words)?;
    match kind.content.strip_prefix(&FAMILY) {
        Some([SIGNED_DATA]) => signed_data(message).map_err(in_words),
        Some(_) => Ok(Contents {
            other_labels: vec!["a PKCS#7 message of a kind that brings no certificates".to_owned()],
            ..Contents::default()
        }),
        None => Err("it is no PKCS#7 message".to_owned()),
    }
}

fn signed_data(mut message: Reader<'_>) -> Result<Contents, Malformed> {
    let signed =
        message.expect(context(0), "the signed data")?.inside().expect(SEQUENCE, "the signed data")?;
    let mut signed = signed.inside();
    signed.expect(INTEGER, "a version")?;
    signed.expect(SET, "the digest algorithms")?;
    signed.expect(SEQUENCE, "what was signed")?;
    let mut contents = Contents::default();
    if let Some(certificates) = signed.optional(context(0))? {
        each(certificates, |element| contents.certificates.push(certificate(element)))?;
    }
    if let Some(lists) = signed.optional(context(1))? {
        each(lists, |element| {
            let list = RevocationList::read_only(element.whole).map(Arc::new);
            contents.lists.push(ListEntry { line: None, list });
        })?;
    }
    if contents.certificates.is_empty() && contents.lists.is_empty() {
        contents.other_labels.push("a PKCS#7 message without certificates".to_owned());
    }
    Ok(contents)
}

/// What was signed, where it stands in the message itself.
pub(super) fn signed_content(message: Element<'_>) -> Result<Element<'_>, Malformed> {
    let mut signed = message.inside().expect(SEQUENCE, "the signed data")?.inside();
    signed.expect(INTEGER, "a version")?;
    signed.expect(SET, "the digest algorithms")?;
    let mut content = signed.expect(SEQUENCE, "what was signed")?.inside();
    content.expect(OBJECT_IDENTIFIER, "the kind of what was signed")?;
    content.expect(context(0), "what was signed")?.inside().next()
}

/// Each plain element of a set; those with a tag of their own are attribute certificates and the like.
fn each<'a>(set: Element<'a>, mut take_in: impl FnMut(Element<'a>)) -> Result<(), Malformed> {
    let mut elements = set.inside();
    while !elements.is_empty() {
        let element = elements.next()?;
        if element.tag == SEQUENCE {
            take_in(element);
        }
    }
    Ok(())
}

fn certificate(element: Element<'_>) -> Entry {
    let certificate = Certificate::read_only(element.whole).map(Arc::new).map_err(|error| error.to_string());
    Entry { line: None, alias: None, certificate }
}
