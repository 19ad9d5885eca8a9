//! The tags, lengths and values of ASN.1 (X.690), as far as stores and keys need them. BER is read as well as
//! DER: PKCS#7 and PKCS#12 files of older programs have elements of unknown length and strings in pieces.
//! It knows no format.

use std::borrow::Cow;

/// How deep elements without a length may stand in each other.
const DEPTH: u8 = 32;

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// SET.
pub(super) const SET: u8 = 0x31;

/// Marks an element that consists of elements.
const CONSTRUCTED: u8 = 0x20;

/// The tag `[number]` of an element that consists of elements.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// They end too early.
    #[error("it ends in the middle")]
    Cut,
    /// A length or a tag that nobody writes.
    #[error("it has {0}")]
    Odd(&'static str),
    /// Something else stands there.
    #[error("{wanted} is missing where it should stand")]
    Missing {
        /// What was expected.
        wanted: &'static str,
    },
}

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its tag, in one byte.
    pub(super) tag: u8,
    /// What it holds.
    pub(super) content: &'a [u8],
    /// All of it, tag and length included.
    pub(super) whole: &'a [u8],
}

/// Elements in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(super) fn next(&mut self) -> Result<Element<'a>, Malformed> {
        let (element, rest) = element(self.rest, DEPTH)?;
        self.rest = rest;
        Ok(element)
    }

    /// The next element, which has to be this.
    pub(super) fn expect(&mut self, tag: u8, wanted: &'static str) -> Result<Element<'a>, Malformed> {
        let before = self.rest;
        let element = self.next()?;
        if element.tag == tag {
            Ok(element)
        } else {
            self.rest = before;
            Err(Malformed::Missing { wanted })
        }
    }

    /// The next element, if it is this.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        match self.rest.first() {
            Some(&first) if first == tag => self.next().map(Some),
            _ => Ok(None),
        }
    }
}

impl<'a> Element<'a> {
    /// What stands in it.
    pub(super) fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The bytes of a string, put together where they come in pieces.
    pub(super) fn octets(&self) -> Result<Cow<'a, [u8]>, Malformed> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut whole = Vec::with_capacity(self.content.len());
        let mut pieces = self.inside();
        while !pieces.is_empty() {
            whole.extend_from_slice(pieces.expect(OCTET_STRING, "a piece of a string")?.content);
        }
        Ok(Cow::Owned(whole))
    }

    /// A small number, such as a version or a count of iterations.
    pub(super) fn number(&self) -> Result<u32, Malformed> {
        let digits = match self.content {
            [] => return Err(Malformed::Odd("a number without digits")),
            [0, rest @ ..] => rest,
            [0x80..=0xff, ..] => return Err(Malformed::Odd("a negative number where none can be")),
            digits => digits,
        };
        if digits.len() > 4 {
            return Err(Malformed::Odd("a number that is too large"));
        }
        Ok(digits.iter().fold(0, |number, digit| number << 8 | u32::from(*digit)))
    }
}

/// The first element and what follows it.
fn element(bytes: &[u8], depth: u8) -> Result<(Element<'_>, &[u8]), Malformed> {
    let [tag, first, rest @ ..] = bytes else { return Err(Malformed::Cut) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed::Odd("a tag of several bytes"));
    }
    if *first == 0x80 {
        return without_length(*tag, bytes, rest, depth);
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let count = usize::from(first - 0x80);
            let (digits, rest) = rest.split_at_checked(count).ok_or(Malformed::Cut)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return Err(Malformed::Odd("a length of more than four bytes")),
    };
    let (content, rest) = rest.split_at_checked(length).ok_or(Malformed::Cut)?;
    Ok((Element { tag: *tag, content, whole: &bytes[..bytes.len() - rest.len()] }, rest))
}

/// An element that ends with two zero bytes (X.690, 8.1.3.6).
fn without_length<'a>(
    tag: u8,
    bytes: &'a [u8],
    inside: &'a [u8],
    depth: u8,
) -> Result<(Element<'a>, &'a [u8]), Malformed> {
    if tag & CONSTRUCTED == 0 {
        return Err(Malformed::Odd("a value without a length"));
    }
    let depth = depth.checked_sub(1).ok_or(Malformed::Odd("elements that stand too deep in each other"))?;
    let mut rest = inside;
    while !rest.starts_with(&[0, 0]) {
        rest = element(rest, depth)?.1;
    }
    let content = &inside[..inside.len() - rest.len()];
    let rest = &rest[2..];
    Ok((Element { tag, content, whole: &bytes[..bytes.len() - rest.len()] }, rest))
}

/// Writes an element in DER.
pub(super) fn written(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 6);
    bytes.push(tag);
    if length < 0x80 {
        bytes.extend(u8::try_from(length));
    } else {
        let digits = length.to_be_bytes();
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
        bytes.extend(u8::try_from(digits.len() - first).map(|count| 0x80 | count));
        bytes.extend_from_slice(&digits[first..]);
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_of_known_and_of_unknown_length_are_read() {
        type Read<'a> = Result<(u8, &'a [u8], usize), Malformed>;
        let table: [(&[u8], Read<'_>); 10] = [
            (&[0x02, 1, 5], Ok((2, &[5], 0))),
            (&[0x04, 0x81, 2, 7, 8, 9], Ok((4, &[7, 8], 1))),
            (&[0x30, 0x80, 0x02, 1, 5, 0, 0, 9], Ok((0x30, &[2, 1, 5], 1))),
            (&[0x30, 0x80, 0x24, 0x80, 0x04, 1, 0, 0, 0, 0, 0], Ok((0x30, &[0x24, 0x80, 4, 1, 0, 0, 0], 0))),
            (&[], Err(Malformed::Cut)),
            (&[0x30], Err(Malformed::Cut)),
            (&[0x30, 0x80, 0x02, 1, 5], Err(Malformed::Cut)),
            (&[0x30, 0x82, 1], Err(Malformed::Cut)),
            (&[0x04, 0x80, 0, 0], Err(Malformed::Odd("a value without a length"))),
            (&[0x1f, 0x80, 0, 0], Err(Malformed::Odd("a tag of several bytes"))),
        ];
        for (bytes, expected) in table {
            let mut reader = Reader::new(bytes);
            let read = reader.next().map(|element| (element.tag, element.content, reader.rest.len()));
            assert_eq!(read, expected, "{bytes:02x?}");
        }
        assert!(Reader::new(&[0x30, 0x80].repeat(40)).next().is_err());
        let pieces = [0x24, 0x80, 0x04, 1, 7, 0x04, 2, 8, 9, 0, 0];
        assert_eq!(*Reader::new(&pieces).next().unwrap().octets().unwrap(), [7, 8, 9]);
    }

    #[test]
    fn small_numbers_are_read() {
        for (digits, expected) in [
            (&[5][..], Some(5)),
            (&[0, 0xff], Some(255)),
            (&[1, 0, 0], Some(65_536)),
            (&[], None),
            (&[0xff], None),
            (&[1, 2, 3, 4, 5], None),
        ] {
            let bytes = written(INTEGER, &[digits]);
            assert_eq!(Reader::new(&bytes).next().unwrap().number().ok(), expected, "{digits:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Reader::new(&bytes).next();
            let _ = Reader::new(&[&[0x30, 0x80][..], &bytes].concat()).next();
        }

        #[test]
        fn what_is_written_is_read_back(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let bytes = written(OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.next().map(|element| element.content.to_vec()), Ok(content));
            prop_assert!(reader.is_empty());
        }
    }
}
