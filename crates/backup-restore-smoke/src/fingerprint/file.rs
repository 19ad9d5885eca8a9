//! The file that a fingerprint is kept in: JSON of a named format. It is written whole or not at all, readable
//! by its owner only (it tells a database's whole structure), and read strictly.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{BufReader, BufWriter, Read, Write},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeSeq};

use super::{
    aspects::Aspects,
    buckets::Buckets,
    file_buckets::{self, BucketsLine},
    names::TableName,
    value::{
        Apart, Fingerprint, Objects, Readings, Section, SequenceState, TableBuckets, TableContent, Taken,
    },
};

/// The format that is written.
const FORMAT: &str = "backup-restore-smoke/fingerprint/v2";

/// What every version of the format begins with.
const FAMILY: &str = "backup-restore-smoke/fingerprint/";

/// A fingerprint's file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read or written.
    #[error("{doing} the fingerprint {path}: {source}", path = path.display())]
    Io {
        /// Reading or writing.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("the fingerprint {path} cannot be used: {source}; make it anew with `backup-restore-smoke fingerprint -o FILE`", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What, and where in the file.
        source: serde_json::Error,
    },
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(deserialize_with = "known_format")]
    #[expect(dead_code, reason = "judged while it is read")]
    format: (),
    taken: Taken,
    #[serde(deserialize_with = "unique")]
    tables: Unique<TableName, TableContent, TableLine>,
    #[serde(deserialize_with = "unique")]
    apart: Unique<TableName, Apart, ApartLine>,
    #[serde(deserialize_with = "unique")]
    unlogged: Unique<TableName, (), NameLine>,
    #[serde(deserialize_with = "unique")]
    sequences: Unique<TableName, Readings, SequenceLine>,
    objects: Sections,
    #[serde(default = "no_buckets", deserialize_with = "unique")]
    buckets: Unique<TableName, Buckets, BucketsLine>,
}

/// The same, to be written.
#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    taken: &'a Taken,
    tables: Lines<'a, BTreeMap<TableName, TableContent>>,
    apart: Lines<'a, BTreeMap<TableName, Apart>>,
    unlogged: Lines<'a, BTreeSet<TableName>>,
    sequences: Lines<'a, BTreeMap<TableName, Readings>>,
    objects: &'a BTreeMap<Section, Objects>,
    #[serde(skip_serializing_if = "file_buckets::is_empty", serialize_with = "file_buckets::write")]
    buckets: &'a TableBuckets,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLine {
    schema: String,
    table: String,
    rows: u64,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApartLine {
    schema: String,
    table: String,
    why: Apart,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameLine {
    schema: String,
    table: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SequenceLine {
    schema: String,
    sequence: String,
    before: SequenceState,
    after: SequenceState,
}

impl From<TableLine> for (TableName, TableContent) {
    fn from(line: TableLine) -> Self {
        let name = TableName { schema: line.schema, name: line.table };
        (name, TableContent { rows: line.rows, digest: line.digest })
    }
}

impl From<ApartLine> for (TableName, Apart) {
    fn from(line: ApartLine) -> Self {
        (TableName { schema: line.schema, name: line.table }, line.why)
    }
}

impl From<NameLine> for (TableName, ()) {
    fn from(line: NameLine) -> Self {
        (TableName { schema: line.schema, name: line.table }, ())
    }
}

impl From<SequenceLine> for (TableName, Readings) {
    fn from(line: SequenceLine) -> Self {
        let name = TableName { schema: line.schema, name: line.sequence };
        (name, Readings { before: line.before, after: line.after })
    }
}

/// Writes a collection line by line, without a copy of it.
struct Lines<'a, T>(&'a T);

pub(super) fn lines<S: Serializer, L: Serialize>(
    serializer: S,
    lines: impl Iterator<Item = L>,
) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(None)?;
    for line in lines {
        sequence.serialize_element(&line)?;
    }
    sequence.end()
}

impl Serialize for Lines<'_, BTreeMap<TableName, TableContent>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |(name, content): (&TableName, &TableContent)| TableLine {
            schema: name.schema.clone(),
            table: name.name.clone(),
            rows: content.rows,
            digest: content.digest.clone(),
        };
        lines(serializer, self.0.iter().map(line))
    }
}

impl Serialize for Lines<'_, BTreeMap<TableName, Apart>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |(name, why): (&TableName, &Apart)| ApartLine {
            schema: name.schema.clone(),
            table: name.name.clone(),
            why: *why,
        };
        lines(serializer, self.0.iter().map(line))
    }
}

impl Serialize for Lines<'_, BTreeSet<TableName>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |name: &TableName| NameLine { schema: name.schema.clone(), table: name.name.clone() };
        lines(serializer, self.0.iter().map(line))
    }
}

impl Serialize for Lines<'_, BTreeMap<TableName, Readings>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |(name, readings): (&TableName, &Readings)| SequenceLine {
            schema: name.schema.clone(),
            sequence: name.name.clone(),
            before: readings.before,
            after: readings.after,
        };
        lines(serializer, self.0.iter().map(line))
    }
}

fn no_buckets() -> Unique<TableName, Buckets, BucketsLine> {
    Unique(TableBuckets::new(), PhantomData)
}

/// A map that was read from lines, or from a map.
struct Unique<K, V, L>(BTreeMap<K, V>, PhantomData<L>);

fn unique<'de, D, K, V, L>(deserializer: D) -> Result<Unique<K, V, L>, D::Error>
where
    D: Deserializer<'de>,
    K: Ord + fmt::Display,
    L: Deserialize<'de> + Into<(K, V)>,
{
    struct Read<K, V, L>(PhantomData<(K, V, L)>);
    impl<'de, K: Ord + fmt::Display, V, L: Deserialize<'de> + Into<(K, V)>> de::Visitor<'de> for Read<K, V, L> {
        type Value = Unique<K, V, L>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(line) = sequence.next_element::<L>()? {
                let (name, value) = line.into();
                if map.contains_key(&name) {
                    return Err(de::Error::custom(format_args!("{name} stands twice")));
                }
                map.insert(name, value);
            }
            Ok(Unique(map, PhantomData))
        }
    }
    deserializer.deserialize_seq(Read(PhantomData))
}

/// The sections, each with its objects, none of them twice.
struct Sections(BTreeMap<Section, Objects>);

struct OneSection(Objects);

fn unique_map<'de, A, K, V>(mut map: A) -> Result<BTreeMap<K, V>, A::Error>
where
    A: de::MapAccess<'de>,
    K: Ord + fmt::Debug + Deserialize<'de>,
    V: Deserialize<'de>,
{
    let mut read = BTreeMap::new();
    while let Some((key, value)) = map.next_entry::<K, V>()? {
        if read.contains_key(&key) {
            return Err(de::Error::custom(format_args!("{key:?} stands twice")));
        }
        read.insert(key, value);
    }
    Ok(read)
}

impl<'de> Deserialize<'de> for OneSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadObjects;
        impl<'de> de::Visitor<'de> for ReadObjects {
            type Value = OneSection;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("objects and their aspects")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OneSection, A::Error> {
                unique_map::<A, Box<str>, Aspects>(map).map(OneSection)
            }
        }
        deserializer.deserialize_map(ReadObjects)
    }
}

impl<'de> Deserialize<'de> for Sections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadSections;
        impl<'de> de::Visitor<'de> for ReadSections {
            type Value = Sections;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("sections of objects")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Sections, A::Error> {
                let sections: BTreeMap<Section, OneSection> = unique_map(map)?;
                Ok(Sections(sections.into_iter().map(|(section, objects)| (section, objects.0)).collect()))
            }
        }
        deserializer.deserialize_map(ReadSections)
    }
}

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let format = String::deserialize(deserializer)?;
    if format == FORMAT {
        return Ok(());
    }
    Err(de::Error::custom(match format.strip_prefix(FAMILY) {
        Some("v1") => "it is of version v1, whose digests nobody computes any more".to_owned(),
        Some(version) => format!("it is of version {version}, and this program reads v2: use a newer one"),
        None => "it is no fingerprint of this program".to_owned(),
    }))
}

impl Fingerprint {
    /// Reads a fingerprint from its file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not strictly of the format: what, and in which line and column.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Io { doing: "reading", path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        Self::from_reader(BufReader::new(file))
            .map_err(|source| FileError::Content { path: path.to_owned(), source })
    }

    fn from_reader(reader: impl Read) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_reader(reader)?;
        Ok(Self {
            taken: document.taken,
            tables: document.tables.0,
            apart: document.apart.0,
            unlogged: document.unlogged.0.into_keys().collect(),
            sequences: document.sequences.0,
            objects: document.objects.0,
            buckets: document.buckets.0,
        })
    }

    /// Writes it to a file that only its owner may read: whole, or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written; what stood there before then still stands.
    pub(crate) fn write(&self, path: &Path) -> Result<(), FileError> {
        let failed = |source| FileError::Io { doing: "writing", path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        let temporary =
            path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        let written = self.write_through(&temporary, path);
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written.map_err(failed)
    }

    fn write_through(&self, temporary: &Path, path: &Path) -> std::io::Result<()> {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
        let mut writer = BufWriter::new(file);
        self.to_writer(&mut writer)?;
        writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(temporary, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder)?.sync_all()
    }

    fn to_writer(&self, writer: &mut impl Write) -> std::io::Result<()> {
        let written = Written {
            format: FORMAT,
            taken: &self.taken,
            tables: Lines(&self.tables),
            apart: Lines(&self.apart),
            unlogged: Lines(&self.unlogged),
            sequences: Lines(&self.sequences),
            objects: &self.objects,
            buckets: &self.buckets,
        };
        serde_json::to_writer_pretty(&mut *writer, &written)?;
        writer.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fingerprint::aspects::{Collected, Keep};

    fn sample() -> Fingerprint {
        let name = |name: &str| TableName { schema: "s \"q\"\n😀".to_owned(), name: name.to_owned() };
        let state = |value| SequenceState { value, called: true };
        let mut collected = Collected::default();
        collected.add("column \"a\nb\"", "integer", Keep::Text);
        let objects = Objects::from([("table \"x\ty\".z".into(), collected.finish())]);
        Fingerprint {
            taken: Taken { database: "we'ird".to_owned(), major: 15, ..Taken::default() },
            tables: [(name("t"), TableContent { rows: 3, digest: "-5".to_owned() })].into(),
            apart: [(name("m"), Apart::MaterialisedView)].into(),
            unlogged: [name("t")].into(),
            sequences: [(name("q"), Readings { before: state(1), after: state(i64::MIN) })].into(),
            objects: [(Section::Schema, objects)].into(),
            buckets: [(
                name("t"),
                Buckets { key: vec!["a".to_owned()], rows: vec![2, 1], digests: vec![-7, 2] },
            )]
            .into(),
        }
    }

    fn text() -> String {
        let mut bytes = Vec::new();
        sample().to_writer(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_fingerprint_survives_its_file_which_is_private_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        for _ in 0..2 {
            sample().write(&path).unwrap();
        }
        assert_eq!(Fingerprint::read(&path).unwrap(), sample());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_strictly_of_the_format_is_refused_with_its_place() {
        let good = text();
        assert!(Fingerprint::from_reader(good.as_bytes()).is_ok());
        for (from, to, said) in [
            ("\"rows\": 3", "\"rows\": 3, \"colour\": 1", "unknown field `colour`"),
            ("\"rows\": 3", "\"rows\": -3", "line"),
            ("/v2", "/v1", "nobody computes"),
            ("/v2", "/v3", "use a newer one"),
            (FORMAT, "something/else", "no fingerprint"),
            ("\"schema\": {", "\"schema\": {\"t\": {}, \"t\": {},", "stands twice"),
            ("\"-7\"", "\"seven\"", "whole number"),
            ("\"-7\",", "", "power of two"),
            ("\"apart\": [", "\"appart\": [", "unknown field `appart`"),
            ("materialised_view", "other", "unknown variant"),
        ] {
            let wrong = good.replacen(from, to, 1);
            assert_ne!(wrong, good, "{from}");
            let error = Fingerprint::from_reader(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("line "), "{to}: {error}");
        }
        assert!(Fingerprint::from_reader(&good.as_bytes()[..good.len() / 2]).is_err());
    }
}
