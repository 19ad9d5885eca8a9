//! Reads the tables over several sessions at once, the largest first. Large ones are read in ranges of pages,
//! so that all sessions have work to the end; the sums of the ranges add up.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use evidence_report::run::{Progress, Stop};
use futures_util::future::try_join_all;

use super::{
    Unreadable,
    catalogue::{Kind, Relation},
    large_objects::{Part, parts},
    names::TableName,
    value::{Content, TableContent},
};
use crate::connection::{QueryFailure, Row, Session};

/// So many pages (16 MB) are read at a time: little enough for all sessions to end together.
const RANGE: u64 = 2048;

/// About so many bytes has a page; only progress is counted by it.
pub(super) const PAGE: u64 = 8192;

/// What one query reads.
struct Piece<'a> {
    /// The place of its sum: a table, or behind the tables the large objects.
    place: usize,
    what: What<'a>,
}

enum What<'a> {
    /// A table, or some pages of it from this one on.
    Table(&'a Relation, Option<u64>),
    LargeObjects(Part),
}

/// Rows and sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    digest: i128,
}

/// Fingerprints the tables among the relations, and the large objects.
///
/// # Errors
/// The first table that cannot be read.
pub(super) async fn content(
    sessions: &[Session],
    relations: &[Relation],
    stop: &Stop,
    progress: &Progress,
) -> Result<Content, Unreadable> {
    let tables: Vec<_> = relations.iter().filter(|relation| relation.kind == Kind::Table).collect();
    let mut pieces = pieces(&tables, sessions.len());
    if let Some(session) = sessions.first() {
        let parts = parts(session, stop, sessions.len()).await?.into_iter();
        pieces.extend(parts.map(|part| Piece { place: tables.len(), what: What::LargeObjects(part) }));
    }
    let bar = progress.bytes(Some(PAGE * pieces.iter().map(Piece::pages).sum::<u64>()), "tables");
    let next = AtomicUsize::new(0);
    let work = sessions.iter().map(|session| {
        let (pieces, next, bar) = (&pieces, &next, &bar);
        async move {
            let mut read = Vec::new();
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sum = sum(session, stop, &piece.name(), &piece.query()).await?;
                bar.advance(PAGE * piece.pages());
                read.push((piece.place, sum));
            }
            Ok(read)
        }
    });
    let mut sums = vec![Sum::default(); tables.len() + 1];
    for (place, sum) in try_join_all(work).await?.into_iter().flatten() {
        sums[place].rows += sum.rows;
        sums[place].digest += sum.digest;
    }
    let objects = sums.pop().filter(|objects| objects.rows > 0);
    let mut content: BTreeMap<_, _> =
        tables.iter().zip(sums).map(|(table, sum)| (table.name.clone(), sum.into())).collect();
    content.extend(objects.map(|objects| (TableName::large_objects(), objects.into())));
    Ok(content)
}

/// One session alone reads whole tables: there the server may help itself with workers of its own.
fn pieces<'a>(tables: &[&'a Relation], sessions: usize) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for (place, relation) in tables.iter().enumerate() {
        let whole = sessions < 2 || !relation.divisible || relation.pages < 2 * RANGE;
        let starts =
            if whole { vec![None] } else { (0..relation.pages).step_by(RANGE as usize).map(Some).collect() };
        pieces.extend(starts.into_iter().map(|from| Piece { place, what: What::Table(relation, from) }));
    }
    pieces
}

impl Piece<'_> {
    fn name(&self) -> TableName {
        match self.what {
            What::Table(relation, _) => relation.name.clone(),
            What::LargeObjects(_) => TableName::large_objects(),
        }
    }

    fn pages(&self) -> u64 {
        match self.what {
            What::Table(relation, from) => {
                from.map_or(relation.pages + 1, |from| RANGE.min(relation.pages - from))
            }
            What::LargeObjects(part) => part.pages,
        }
    }

    /// A scan of the whole table that throws rows away is what the planner must not choose, so that choice is
    /// taken from it. The last range is open: the table may have grown since it was measured.
    fn query(&self) -> String {
        let (relation, from) = match self.what {
            What::Table(relation, from) => (relation, from),
            What::LargeObjects(part) => return part.query(),
        };
        let query = relation.digest_query();
        let Some(from) = from else { return query };
        let end = match from + RANGE {
            to if to < relation.pages => format!(" AND r.ctid < '({to},0)'"),
            _ => String::new(),
        };
        format!("SET LOCAL enable_seqscan = off; {query} WHERE r.ctid >= '({from},0)'{end}")
    }
}

/// What a statement locks (a table and its indexes) is let go right after it, and its settings with it: ten
/// thousand tables would not fit into the server's table of locks.
async fn sum(session: &Session, stop: &Stop, name: &TableName, query: &str) -> Result<Sum, Unreadable> {
    let unreadable = |failure| Unreadable { subject: name.to_string(), failure };
    let query = format!("SAVEPOINT piece; {query}; ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece");
    let row = session.one(stop, &query).await.map_err(unreadable)?;
    read(row).ok_or_else(|| unreadable(QueryFailure::Lost("an unreadable answer".to_owned())))
}

fn read(row: Row) -> Option<Sum> {
    let [rows, digest] = <[Option<String>; 2]>::try_from(row).ok()?;
    Some(Sum { rows: rows?.parse().ok()?, digest: digest?.parse().ok()? })
}

impl From<Sum> for TableContent {
    fn from(sum: Sum) -> Self {
        Self { rows: sum.rows, digest: sum.digest.to_string() }
    }
}
