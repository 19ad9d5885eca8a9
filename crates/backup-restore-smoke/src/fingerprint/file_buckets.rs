//! How the buckets of a table stand in a fingerprint's file: digests as texts, as numbers of JSON are too short for
//! them in most programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{buckets::Buckets, file::lines, names::TableName, value::TableBuckets};

/// One table's buckets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    schema: String,
    table: String,
    key: Vec<String>,
    rows: Vec<u64>,
    digests: Vec<String>,
}

/// The same, read and found sound.
#[derive(Deserialize)]
#[serde(try_from = "Line")]
pub(super) struct BucketsLine(TableName, Buckets);

impl TryFrom<Line> for BucketsLine {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, Self::Error> {
        let digests = line.digests.iter().map(|digest| digest.parse()).collect::<Result<_, _>>();
        let digests = digests.map_err(|_| "a digest of a bucket is a whole number")?;
        let buckets = Buckets { key: line.key, rows: line.rows, digests };
        if !buckets.is_sound() {
            return Err("a table has a power of two of buckets, each with rows and digest, and a key");
        }
        Ok(Self(TableName { schema: line.schema, name: line.table }, buckets))
    }
}

impl From<BucketsLine> for (TableName, Buckets) {
    fn from(line: BucketsLine) -> Self {
        (line.0, line.1)
    }
}

/// Writes them line by line.
pub(super) fn write<S: Serializer>(buckets: &&TableBuckets, serializer: S) -> Result<S::Ok, S::Error> {
    let line = |(name, buckets): (&TableName, &Buckets)| Line {
        schema: name.schema.clone(),
        table: name.name.clone(),
        key: buckets.key.clone(),
        rows: buckets.rows.clone(),
        digests: buckets.digests.iter().map(ToString::to_string).collect(),
    };
    lines(serializer, buckets.iter().map(line))
}

/// A fingerprint without any looks as it did before there were some.
pub(super) fn is_empty(buckets: &&TableBuckets) -> bool {
    BTreeMap::is_empty(buckets)
}
