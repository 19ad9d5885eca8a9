//! Documents and lists, object by object: what comes without end is never held as a whole.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    io::{self, Read},
};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::object::Raw;
use crate::stores::lenient::{Maybe, Text};

/// One object holds at most so many bytes of JSON: etcd takes no more than 1.5 MiB, and a list shall not
/// fill the memory because its quotation mark is lost.
pub(super) const LARGEST_OBJECT: u64 = 16 * 1024 * 1024;

/// A reader that gives out no more than what is left.
pub(super) struct Metered<'l, R> {
    pub(super) reader: R,
    pub(super) left: &'l Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            let limit = LARGEST_OBJECT / 1024 / 1024;
            return Err(io::Error::other(format!(
                "the object is larger than {limit} MiB, which none can be"
            )));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        self.left.set(left - count as u64);
        Ok(count)
    }
}

/// How many objects of each kind of list stand on pages that have not come yet, in words.
pub(super) type Missing = BTreeMap<String, String>;

/// One document: an object, or a list of them. Says whether more is wanted.
pub(super) struct Document<'t> {
    pub(super) take: &'t mut dyn FnMut(Raw, &str) -> bool,
    pub(super) left: &'t Cell<u64>,
    pub(super) missing: &'t mut Missing,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut own = Raw::default();
        let mut is_list = false;
        let mut go_on = true;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_deref() {
                // Lists come without end: their elements are handed over as they come.
                Some("items") => {
                    is_list = true;
                    let kind = own.kind.0.as_deref().and_then(|kind| kind.strip_suffix("List"));
                    let items =
                        Items { take: &mut *self.take, left: self.left, kind: kind.unwrap_or_default() };
                    go_on = map.next_value_seed(items)?;
                }
                key => own.field(key, &mut map)?,
            }
        }
        if !is_list {
            return Ok((self.take)(own, ""));
        }
        let kind = own.kind.0.unwrap_or_default();
        match own.metadata.0.and_then(|metadata| metadata.missing()) {
            Some(missing) => self.missing.insert(kind, missing),
            None => self.missing.remove(&kind),
        };
        Ok(go_on)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        Items { take: self.take, left: self.left, kind: "" }.visit_seq(seq)
    }
}

/// The elements of a list. Those that do not say what they are, are what the list says.
struct Items<'t, 'k> {
    take: &'t mut dyn FnMut(Raw, &str) -> bool,
    left: &'t Cell<u64>,
    kind: &'k str,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut go_on = true;
        loop {
            self.left.set(LARGEST_OBJECT);
            if !go_on {
                // The rest of the list is passed over, so that the reader stays in step.
                match seq.next_element::<IgnoredAny>()? {
                    Some(_) => continue,
                    None => return Ok(false),
                }
            }
            match seq.next_element::<Maybe<Raw>>()? {
                Some(Maybe(Some(raw))) => go_on = (self.take)(raw, self.kind),
                Some(Maybe(None)) => {}
                None => return Ok(true),
            }
        }
    }
}
