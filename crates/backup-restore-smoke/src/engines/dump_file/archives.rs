//! Whether an archive of pg_dump is whole: its table of contents, and behind it every block of data to the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{
    Reading,
    data::{Chunks, Through, through},
    inspection::{DumpedDatabase, Inspection, Version, said},
    tar,
    toc::{Archive, Entry, Head, Place, TooNew},
};
use crate::{
    comparison::TableName,
    engines::{compression::Compression, script},
    wording::counted,
};

const WHOLE: &str = "every block of data that the table of contents names, to its end";

/// The table of contents, reduced to what the inspection needs.
pub(super) struct Table {
    head: Head,
    data: Vec<Entry>,
}

/// Reads the table of contents; what is wrong with it goes into the inspection.
fn table<R: Read>(reader: R, seen: &mut Inspection) -> Option<(Archive<R>, Table)> {
    let read = || -> io::Result<(Archive<R>, Head)> { Archive::open(reader) };
    let (mut archive, head) = match read() {
        Ok(opened) => opened,
        Err(error) if error.get_ref().is_some_and(|inner| inner.is::<TooNew>()) => {
            seen.refused.push(error.to_string());
            return None;
        }
        Err(error) => {
            seen.problem("table of contents", "a table of contents that can be read", said(&error));
            return None;
        }
    };
    (seen.server, seen.dumper) = (Version::read(&head.server), Version::read(&head.dumper));
    let mut database = DumpedDatabase { name: Some(head.database.clone()), ..DumpedDatabase::default() };
    let mut data = Vec::new();
    for number in 0..head.entries {
        match archive.entry(&head) {
            Ok(entry) => note(entry, &mut database, &mut data),
            Err(error) => {
                let observed = format!("entry {} of {}: {}", number + 1, head.entries, said(&error));
                seen.problem("table of contents", "a table of contents that can be read", observed);
                return None;
            }
        }
    }
    seen.databases.push(database);
    Some((archive, Table { head, data }))
}

fn note(mut entry: Entry, database: &mut DumpedDatabase, data: &mut Vec<Entry>) {
    let superuser = matches!(entry.kind.as_str(), "EVENT TRIGGER" | "FOREIGN DATA WRAPPER");
    // The database itself is made by its new owner.
    match entry.kind.starts_with("DATABASE") {
        true => database.named.role(&entry.owner, superuser),
        false => database.named.owner(&entry.owner, superuser),
    }
    match entry.kind.as_str() {
        "DATABASE" => {
            let made = statements(&entry.definition).into_iter();
            database.create =
                made.into_iter().find(|text| script::rule(text.as_bytes()) == script::Rule::CreateDatabase);
        }
        "ENCODING" => database.encoding = setting(&entry.definition),
        "EXTENSION" => drop(database.named.extensions.insert(entry.tag.clone())),
        "ACL" | "DEFAULT ACL" | "POLICY" | "USER MAPPING" => {
            for statement in statements(&entry.definition) {
                database.named.statement(statement.as_bytes());
            }
        }
        _ => {}
    }
    if entry.place != Place::Nowhere {
        entry.definition = String::new();
        data.push(entry);
    }
}

fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let _ = script::read(text.as_bytes(), &mut |piece| {
        if let script::Piece::Statement { bytes, .. } = piece {
            found.push(String::from_utf8_lossy(bytes).into_owned());
        }
        Ok(())
    });
    found
}

/// The value of `SET client_encoding = 'UTF8'`.
fn setting(statement: &str) -> Option<String> {
    script::tokens(statement.as_bytes()).into_iter().find_map(|token| match token {
        script::Token::Text(text) => Some(text),
        _ => None,
    })
}

fn is_large_objects(entry: &Entry) -> bool {
    entry.kind == "BLOBS"
}

fn name(entry: &Entry) -> String {
    if is_large_objects(entry) {
        return "large objects".to_owned();
    }
    TableName { schema: entry.schema.clone(), name: entry.tag.clone() }.to_string()
}

/// Notes what was read of a table's data.
fn table_data(entry: &Entry, read: io::Result<Through>, seen: &mut Inspection) {
    let read = match read {
        Ok(read) => read,
        Err(error) => return seen.problem(name(entry), WHOLE, said(&error)),
    };
    seen.bytes += read.bytes;
    let Some(database) = seen.databases.last_mut() else { return };
    match (read.rows, script::copy_target(entry.copy.as_bytes())) {
        (Some(rows), Some(table)) => *database.rows.entry(table).or_default() += rows,
        (None, Some(_)) => {
            let observed = format!("{} without the end of COPY data", counted(read.bytes, "byte"));
            seen.problem(name(entry), "COPY data that ends with a line '\\.'", observed);
        }
        // INSERT statements have no end that could be told; pg_restore runs them, and they are not counted.
        (_, None) => database.uncounted += 1,
    }
}

/// The custom format, as a stream.
pub(super) fn custom(reader: impl Read + Send, seen: &mut Inspection) {
    let Some((mut archive, table)) = table(BufReader::with_capacity(128 << 10, reader), seen) else { return };
    let mut wanted: BTreeMap<i64, &Entry> = table.data.iter().map(|entry| (entry.id, entry)).collect();
    if let Err(error) = blocks(&mut archive, &table.head, &mut wanted, seen) {
        seen.problem("blocks of data", WHOLE, said(&error));
    }
    for entry in wanted.values() {
        seen.problem(name(entry), WHOLE, "its block is missing");
    }
    seen.inner = Some(table.head.compression);
}

fn blocks<R: Read + Send>(
    archive: &mut Archive<R>,
    head: &Head,
    wanted: &mut BTreeMap<i64, &Entry>,
    seen: &mut Inspection,
) -> io::Result<()> {
    while let Some(kind) = archive.next_byte()? {
        let id = archive.integer()?;
        let Some(entry) = wanted.remove(&id) else {
            return Err(super::toc::wrong("a block of data that the table of contents does not name"));
        };
        match kind {
            1 => {
                let mut chunks = Chunks::of(archive);
                let read = through(head.compression.reader(&mut chunks));
                let broken = read.is_err();
                table_data(entry, read, seen);
                // Where damage made us lose the thread, whatever follows would be noise.
                if broken && chunks.finish().is_err() {
                    wanted.clear();
                    return Ok(());
                }
                chunks.finish()?;
            }
            3 => loop {
                if archive.integer()? == 0 {
                    break;
                }
                let mut chunks = Chunks::of(archive);
                seen.bytes += through(head.compression.reader(&mut chunks))?.bytes;
                chunks.finish()?;
                if let Some(database) = seen.databases.last_mut() {
                    database.large_objects += 1;
                }
            },
            _ => return Err(super::toc::wrong("a block of data of a kind that is not known")),
        }
    }
    Ok(())
}

/// The table of contents of the directory format.
pub(super) fn contents(folder: &Path, seen: &mut Inspection) -> Option<Table> {
    match File::open(folder.join("toc.dat")) {
        Ok(file) => table(BufReader::new(file), seen).map(|(_, table)| table),
        Err(error) => {
            seen.problem("toc.dat", "a table of contents that can be read", said(&error));
            None
        }
    }
}

/// The directory format.
pub(super) fn directory(folder: &Path, reading: &Reading, seen: &mut Inspection) {
    let Some(table) = contents(folder, seen) else { return };
    for entry in table.data.iter().take_while(|_| !reading.stop.is_requested()) {
        let Place::File(file) = &entry.place else { continue };
        if is_large_objects(entry) {
            large_objects(folder, file, reading, seen);
            continue;
        }
        match open_any(folder, file) {
            Some((path, compression)) => {
                seen.inner = Some(compression);
                table_data(
                    entry,
                    reading.file(&path).and_then(|file| through(compression.reader(file))),
                    seen,
                );
            }
            None => seen.problem(name(entry), WHOLE, format!("the file {file} is missing")),
        }
    }
}

/// A data file, whatever it is compressed by.
fn open_any(folder: &Path, file: &str) -> Option<(PathBuf, Compression)> {
    // A name of the table of contents must not lead out of the folder.
    if file.contains('/') {
        return None;
    }
    let ways = [
        ("", Compression::None),
        (".gz", Compression::Gzip),
        (".lz4", Compression::Lz4),
        (".zst", Compression::Zstd),
    ];
    let paths = ways.map(|(ending, compression)| (folder.join(format!("{file}{ending}")), compression));
    paths.into_iter().find(|(path, _)| path.is_file())
}

fn large_objects(folder: &Path, list: &str, reading: &Reading, seen: &mut Inspection) {
    let Some((path, compression)) = open_any(folder, list) else {
        return seen.problem("large objects", WHOLE, format!("the list {list} is missing"));
    };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| compression.reader(file).read_to_string(&mut text));
    if let Err(error) = read {
        return seen.problem("large objects", WHOLE, format!("{list}: {}", said(&error)));
    }
    for line in text.lines() {
        let file = line.split_once(' ').map(|(_, file)| file).unwrap_or_default();
        let found = open_any(folder, file);
        let read = found.map(|(path, compression)| {
            reading.file(&path).and_then(|file| through(compression.reader(file)))
        });
        match read {
            Some(Ok(read)) => {
                seen.bytes += read.bytes;
                if let Some(database) = seen.databases.last_mut() {
                    database.large_objects += 1;
                }
            }
            Some(Err(error)) => seen.problem("large objects", WHOLE, format!("{file}: {}", said(&error))),
            None => seen.problem("large objects", WHOLE, format!("the file {file} is missing")),
        }
    }
}

/// The tar format, as a stream: the table of contents is its first member.
pub(super) fn tar(reader: impl Read, seen: &mut Inspection) {
    let mut members = tar::Members::of(BufReader::with_capacity(128 << 10, reader));
    let mut found: Option<Table> = None;
    let mut present = BTreeSet::new();
    let mut listed = BTreeSet::new();
    let ended = loop {
        let member = match members.next() {
            Ok(Some(member)) => member,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let file = member.name.clone();
        present.insert(file.clone());
        let Some(table_of_contents) = &found else {
            let Some((_, table)) = table(member, seen) else { return };
            found = Some(table);
            continue;
        };
        // The list of large objects has another name than the table of contents says.
        let is_list = file.starts_with("blobs") && file.ends_with(".toc");
        let is_it =
            |entry: &&Entry| entry.place == Place::File(file.clone()) || (is_list && is_large_objects(entry));
        match table_of_contents.data.iter().find(is_it) {
            Some(entry) if is_large_objects(entry) => {
                let mut text = String::new();
                if let Err(error) = BufReader::new(member).read_to_string(&mut text) {
                    break Err(error);
                }
                listed.extend(
                    text.lines().filter_map(|line| line.split_once(' ')).map(|(_, file)| file.to_owned()),
                );
            }
            Some(entry) => table_data(entry, through(member), seen),
            None => match through(member) {
                Ok(read) => seen.bytes += read.bytes,
                Err(error) => break Err(error),
            },
        }
    };
    if let Err(error) = ended {
        seen.problem("tar file", "a tar file with its end", said(&error));
    }
    let Some(table) = found else {
        return seen.problem(
            "toc.dat",
            "a table of contents as the first member",
            "the tar file has no member",
        );
    };
    for entry in &table.data {
        if let Place::File(file) = &entry.place
            && !present.contains(file)
            && !is_large_objects(entry)
        {
            seen.problem(name(entry), WHOLE, format!("the member {file} is missing"));
        }
    }
    let wants_list = table.data.iter().any(is_large_objects);
    if wants_list && !present.iter().any(|file| file.starts_with("blobs") && file.ends_with(".toc")) {
        seen.problem("large objects", WHOLE, "the list of large objects is missing");
    }
    for file in listed.difference(&present) {
        seen.problem("large objects", WHOLE, format!("the member {file} is missing"));
    }
    if let Some(database) = seen.databases.last_mut() {
        database.large_objects = listed.len() as u64;
    }
}
