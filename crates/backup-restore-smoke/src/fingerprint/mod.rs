//! What a database contains: for every table the number of rows and the sum of the 64-bit hashes of every
//! row (of the text of its columns), and everything that has no rows, taken in sessions whose settings are pinned.
//!
//! Why so: a sum does not depend on the order of rows and does not cancel duplicates (XOR would);
//! `hash_record_extended` is faster but takes 1.0 for 1.00 and fails on json.
//!
//! * [`describe`] takes a [`Fingerprint`] from sessions that see one snapshot;
//! * [`Fingerprint::read`] and [`Fingerprint::write`] keep it in a file;
//! * [`crate::comparison::compare`] holds one against another.

mod aspects;
mod buckets;
mod catalogue;
mod content;
mod describe;
mod file;
mod file_buckets;
mod keyed;
mod large_objects;
mod names;
mod objects;
mod pins;
mod row_hash;
mod sequences;
mod value;

pub(crate) use aspects::Aspects;
pub(crate) use buckets::{Buckets, buckets, read_buckets};
pub(crate) use catalogue::{Kind, Relation, relations};
pub(crate) use describe::{Unreadable, describe};
pub(crate) use file::FileError;
pub(crate) use keyed::{hashed, key_text, primary_keys};
pub(crate) use names::{TableName, visible};
pub(crate) use pins::{LOCK_TIMEOUT, pin};
pub(crate) use sequences::{increments, sequences};
pub(crate) use value::{
    Apart, Content, Fingerprint, Objects, Readings, Section, SequenceState, TableContent,
};

#[cfg(test)]
pub(crate) use aspects::{Collected, Keep};
#[cfg(test)]
pub(crate) use value::Taken;
