//! Reads everything that has no rows from the catalogues: one file of queries a section.
//!
//! Each query gives kind, schema, name, rest of the name, aspect, text, and how the text is kept (v as it is,
//! d as a digest, q as a query). They read only what every role may read, print names in full (the search
//! path is pinned), and leave out what a restore does not bring back by itself: members of extensions, what a
//! partition has from its parent, places of storage.

mod macros;

use std::collections::BTreeMap;

use evidence_report::run::Stop;

use super::{
    aspects::{Collected, Keep},
    names::as_typed,
    value::{Objects, Section},
};
use crate::{
    connection::{QueryFailure, Row, Session},
    sql::literal,
};

const QUERIES: [(Section, &str); 10] = [
    (Section::Schema, include_str!("schema.sql")),
    (Section::Constraints, include_str!("constraints.sql")),
    (Section::Indexes, include_str!("indexes.sql")),
    (Section::RowSecurity, include_str!("row_security.sql")),
    (Section::Grants, include_str!("grants.sql")),
    (Section::Grants, include_str!("labels.sql")),
    (Section::Comments, include_str!("comments.sql")),
    (Section::Extensions, include_str!("extensions.sql")),
    (Section::Collations, include_str!("collations.sql")),
    (Section::Cluster, include_str!("cluster.sql")),
];

/// A catalogue that came with PostgreSQL 15, and the queries that read it.
const PARAMETERS: (&str, Section, &str) =
    ("pg_catalog.pg_parameter_acl", Section::Cluster, include_str!("parameters.sql"));

/// Kinds whose names are made of words and names already.
const SPELT_OUT: [&str; 5] = ["comment on", "security label on", "default privileges", "cast", "transform"];

/// Reads all sections.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(super) async fn objects(
    session: &Session,
    stop: &Stop,
) -> Result<BTreeMap<Section, Objects>, QueryFailure> {
    let (catalogue, section, queries) = PARAMETERS;
    let is_there = format!("SELECT to_regclass({}) IS NOT NULL", literal(catalogue));
    let parameters = (session.value(stop, &is_there).await? == "t").then_some((section, queries));
    let mut sections: BTreeMap<_, Objects> = BTreeMap::new();
    for (section, queries) in QUERIES.into_iter().chain(parameters) {
        let objects = match section_of(session, stop, queries, Spelt::AsItStands).await {
            Err(failure) if failure.is(NO_UTF_8) => {
                session.query(stop, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part").await?;
                section_of(session, stop, queries, Spelt::ByteByByte).await?
            }
            said => said?,
        };
        sections.entry(section).or_default().extend(objects);
    }
    Ok(sections)
}

/// How texts are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelt {
    AsItStands,
    /// Each byte as the character of its number (Latin-1). A database of encoding SQL_ASCII holds any bytes, and no text
    /// of them comes through a connection of UTF-8 otherwise.
    ByteByByte,
}

/// What the server says of bytes that are no UTF-8.
const NO_UTF_8: &str = "22021";

async fn section_of(
    session: &Session,
    stop: &Stop,
    queries: &str,
    spelt: Spelt,
) -> Result<Objects, QueryFailure> {
    let mut objects = Objects::new();
    for query in macros::expanded(queries) {
        let query = if spelt == Spelt::ByteByByte { byte_by_byte(&query) } else { query };
        read(session, stop, &query, &mut objects).await?;
    }
    Ok(objects)
}

/// The same query, its seven columns in UTF-8 whatever bytes they hold.
fn byte_by_byte(query: &str) -> String {
    let columns = ["kind", "schema", "name", "rest", "aspect", "text", "keep"];
    let spelt = columns.map(|column| {
        format!(
            "convert_from(convert(convert_to(said.{column}::text, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII')"
        )
    });
    format!("SELECT {} FROM ({query}) AS said({})", spelt.join(", "), columns.join(", "))
}

/// The rows of one object come one after the other, so only one object is in the making at a time. What the
/// catalogue's functions lock is let go at once.
async fn read(
    session: &Session,
    stop: &Stop,
    query: &str,
    objects: &mut Objects,
) -> Result<(), QueryFailure> {
    let ordered = format!(
        "SAVEPOINT part; {query} ORDER BY 1, 2, 3, 4; ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"
    );
    let mut current = (String::new(), Collected::default());
    let mut unreadable = false;
    let read = |row: Row| match line(row) {
        Some((name, aspect, text, keep)) => {
            if name != current.0 {
                put(objects, std::mem::take(&mut current));
                current.0 = name;
            }
            current.1.add(&aspect, &text, keep);
        }
        None => unreadable = true,
    };
    session.each(stop, &ordered, read).await?;
    put(objects, current);
    if unreadable { Err(QueryFailure::Lost("an unreadable catalogue".to_owned())) } else { Ok(()) }
}

fn put(objects: &mut Objects, (name, mut collected): (String, Collected)) {
    if collected.is_empty() {
        return;
    }
    if let Some(known) = objects.get(name.as_str()) {
        // Another query has spoken of this object already.
        known.iter().for_each(|(aspect, text)| collected.add_kept(aspect, text));
    }
    objects.insert(name.into(), collected.finish());
}

fn line(row: Row) -> Option<(String, String, String, Keep)> {
    let [kind, schema, name, rest, aspect, text, keep] = <[Option<String>; 7]>::try_from(row).ok()?;
    let (kind, name) = (kind?, name?);
    let own = if SPELT_OUT.contains(&kind.as_str()) || name.is_empty() { name } else { as_typed(&name) };
    let qualified = match schema {
        Some(schema) => format!("{}.{own}", as_typed(&schema)),
        None => own,
    };
    let full = format!("{kind} {qualified}{}", rest.unwrap_or_default());
    let keep = match keep?.as_str() {
        "d" => Keep::Digest,
        "q" => Keep::Query,
        _ => Keep::Text,
    };
    Some((full.trim_end().to_owned(), aspect?, text?, keep))
}
