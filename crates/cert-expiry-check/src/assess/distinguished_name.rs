//! Names of issuers and subjects that are written in different ways and are one to those who compare what they say.

use x509_parser::{
    asn1_rs::Tag,
    prelude::{FromDer, X509Name},
    x509::AttributeTypeAndValue,
};

use crate::wording::hexadecimal;

/// Whether two encoded names say the same (RFC 5280, 7.1): kind of string, letter case and runs of spaces play no
/// part.
pub(super) fn are_alike(one: &[u8], other: &[u8]) -> bool {
    one == other || said(one).is_some_and(|said_by_one| Some(said_by_one) == said(other))
}

/// Attribute by attribute, each with its kind; those of one set have no order.
fn said(name: &[u8]) -> Option<Vec<Vec<(String, String)>>> {
    let (_, name) = X509Name::from_der(name).ok()?;
    let set = name.iter_rdn().map(|set| {
        let mut attributes: Vec<_> =
            set.iter().map(|one| (one.attr_type().to_id_string(), value(one))).collect();
        attributes.sort();
        attributes
    });
    Some(set.collect())
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let bytes = attribute.as_slice();
    let text = match attribute.as_str() {
        Ok(text) => text.to_owned(),
        Err(_) if attribute.attr_value().header.tag() == Tag::BmpString => {
            let units =
                bytes.chunks(2).map(|pair| pair.iter().fold(0, |unit, &byte| unit << 8 | u16::from(byte)));
            char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Err(_) => return hexadecimal(bytes),
    };
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    const BMP: u8 = 0x1e;
    const COMMON_NAME: u8 = 3;
    const ORGANISATION: u8 = 10;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// A name of one attribute.
    fn name(kind: u8, string: u8, value: &[u8]) -> Vec<u8> {
        let attribute = [wrapped(6, &[0x55, 4, kind]), wrapped(string, value)].concat();
        wrapped(0x30, &wrapped(0x31, &wrapped(0x30, &attribute)))
    }

    #[test]
    fn what_names_say_counts_and_not_how_they_are_written() {
        let plain = name(COMMON_NAME, UTF8, b"Enc CA");
        for (other, expected) in [
            (name(COMMON_NAME, UTF8, b"Enc CA"), true),
            (name(COMMON_NAME, PRINTABLE, b"Enc CA"), true),
            (name(COMMON_NAME, BMP, b"\0E\0n\0c\0 \0C\0A"), true),
            (name(COMMON_NAME, PRINTABLE, b" enc  CA"), true),
            (name(COMMON_NAME, UTF8, b"Enc CB"), false),
            (name(COMMON_NAME, UTF8, b"EncCA"), false),
            (name(ORGANISATION, UTF8, b"Enc CA"), false),
            (name(COMMON_NAME, 2, b"\x07"), false),
            (wrapped(0x30, b""), false),
            (b"no name".to_vec(), false),
        ] {
            assert_eq!(are_alike(&plain, &other), expected, "{other:02x?}");
            assert_eq!(are_alike(&other, &plain), expected, "{other:02x?}");
        }
    }
}
