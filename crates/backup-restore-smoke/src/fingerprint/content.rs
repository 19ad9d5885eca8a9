//! Reads the tables over several sessions at once, the largest first.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use evidence_report::run::{Progress, Stop};
use futures_util::future::try_join_all;

use super::catalogue::{Kind, Relation};
use crate::{
    comparison::{Content, TableContent, TableName},
    connection::{QueryFailure, Row, Session},
};

/// A table that could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) table: TableName,
    pub(crate) failure: QueryFailure,
}

/// Large objects, each by its number and the digest of its whole content: how it is cut into pages is not
/// part of what it says.
const LARGE_OBJECTS: &str = "
SELECT count(*), coalesce(sum(hashtextextended(oid::text || ':' || encode(sha256(lo_get(oid)), 'hex'), 0)), 0)::text
FROM pg_largeobject_metadata";

/// Fingerprints the tables among the relations, and the large objects.
///
/// # Errors
/// The first table that cannot be read.
pub(crate) async fn fingerprint(
    sessions: &[Session],
    relations: &[Relation],
    stop: &Stop,
    progress: &Progress,
) -> Result<Content, Unreadable> {
    let tables: Vec<_> = relations.iter().filter(|relation| relation.kind == Kind::Table).collect();
    let pages = tables.iter().map(|relation| relation.pages + 1).sum();
    let bar = progress.bar(pages, "pages");
    let next = AtomicUsize::new(0);
    let work = sessions.iter().map(|session| {
        let (tables, next, bar) = (&tables, &next, &bar);
        async move {
            let mut read = Vec::new();
            while let Some(relation) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
                let content = table(session, stop, &relation.name, &relation.digest_query()).await?;
                bar.advance(relation.pages + 1);
                read.push((relation.name.clone(), content));
            }
            Ok(read)
        }
    });
    let mut content: BTreeMap<_, _> = try_join_all(work).await?.into_iter().flatten().collect();
    if let Some(session) = sessions.first() {
        let name = TableName::large_objects();
        let objects = table(session, stop, &name, LARGE_OBJECTS).await?;
        if objects.rows > 0 {
            content.insert(name, objects);
        }
    }
    Ok(content)
}

async fn table(
    session: &Session,
    stop: &Stop,
    name: &TableName,
    query: &str,
) -> Result<TableContent, Unreadable> {
    let unreadable = |failure| Unreadable { table: name.clone(), failure };
    let row = session.one(stop, query).await.map_err(unreadable)?;
    read(row).ok_or_else(|| unreadable(QueryFailure::Lost("an unreadable answer".to_owned())))
}

fn read(row: Row) -> Option<TableContent> {
    let [rows, digest] = <[Option<String>; 2]>::try_from(row).ok()?;
    Some(TableContent { rows: rows?.parse().ok()?, digest: digest? })
}
