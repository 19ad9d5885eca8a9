//! Digests of parts of a table, for a fingerprint that has to say more than "it differs" when its source is no longer
//! there: every row belongs to a bucket by the hash of its primary key. A bucket holds several rows, so that no digest
//! is that of one row, and there are only so many.

use std::sync::atomic::{AtomicUsize, Ordering};

use evidence_report::run::{Progress, Stop};
use futures_util::future::try_join_all;

use super::{
    Unreadable,
    catalogue::{Kind, Relation},
    content::PAGE,
    keyed::{hashed, key_text, primary_keys},
    value::{Content, TableBuckets},
};
use crate::connection::{QueryFailure, Session};

/// A table has at most so many.
const OF_A_TABLE: u64 = 4096;

/// All tables together have at most so many; the largest tables come first.
const IN_ALL: u64 = 1 << 17;

/// A bucket has about so many rows at least.
const ROWS_EACH: u64 = 8;

/// Rows and digest of each bucket of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// The columns of the primary key.
    pub(crate) key: Vec<String>,
    /// By bucket: how many rows.
    pub(crate) rows: Vec<u64>,
    /// By bucket: the sum of the rows' hashes.
    pub(crate) digests: Vec<i128>,
}

impl Buckets {
    /// How many there are: a power of two.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Which bucket a hash belongs to is told by these bits of it.
    pub(crate) fn mask(&self) -> u64 {
        self.count() as u64 - 1
    }

    /// Whether it can have been written by this program.
    pub(crate) fn is_sound(&self) -> bool {
        let count = self.count() as u64;
        count.is_power_of_two()
            && count <= OF_A_TABLE
            && self.digests.len() == self.count()
            && !self.key.is_empty()
    }

    /// The buckets that are not the same.
    pub(crate) fn differing(&self, other: &Self) -> Vec<usize> {
        let same = |bucket: &usize| {
            self.rows.get(*bucket) == other.rows.get(*bucket)
                && self.digests.get(*bucket) == other.digests.get(*bucket)
        };
        (0..self.count()).filter(|bucket| !same(bucket)).collect()
    }
}

/// Reads the buckets of every table with a primary key, as far as there is room.
///
/// # Errors
/// The first table that cannot be read.
pub(crate) async fn buckets(
    sessions: &[Session],
    relations: &[Relation],
    content: &Content,
    stop: &Stop,
    progress: &Progress,
) -> Result<TableBuckets, Unreadable> {
    let unreadable = |subject: String| move |failure| Unreadable { subject, failure };
    let Some(first) = sessions.first() else { return Ok(TableBuckets::new()) };
    let keys = primary_keys(first, stop).await.map_err(unreadable("primary keys".to_owned()))?;
    let mut room = IN_ALL;
    let mut wanted = Vec::new();
    for relation in relations.iter().filter(|relation| relation.kind == Kind::Table) {
        let (Some(columns), Some(table)) = (keys.get(&relation.name), content.get(&relation.name)) else {
            continue;
        };
        let count = count_for(table.rows);
        if count <= room {
            room -= count;
            wanted.push((relation, columns, count));
        }
    }
    let pages = |relation: &Relation| PAGE * (relation.pages + 1);
    let all = wanted.iter().map(|(relation, ..)| pages(relation)).sum();
    let (bar, next) = (progress.bytes(Some(all), "tables"), AtomicUsize::new(0));
    let work = sessions.iter().map(|session| async {
        let mut read = Vec::new();
        while let Some((relation, columns, count)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let of_table = read_buckets(session, stop, relation, columns, *count).await;
            let of_table = of_table.map_err(unreadable(relation.name.to_string()))?;
            bar.advance(pages(relation));
            read.push((relation.name.clone(), of_table));
        }
        Ok(read)
    });
    Ok(try_join_all(work).await?.into_iter().flatten().collect())
}

fn count_for(rows: u64) -> u64 {
    let enough = (rows / ROWS_EACH).max(1);
    // The power of two below, so that no bucket gets fewer.
    (1 << enough.ilog2()).min(OF_A_TABLE)
}

/// Reads the buckets of one table, so many as are wanted.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn read_buckets(
    session: &Session,
    stop: &Stop,
    relation: &Relation,
    key: &[String],
    count: u64,
) -> Result<Buckets, QueryFailure> {
    let table = hashed(relation, &key_text(key));
    let mask = count - 1;
    // Its locks are let go at once: ten thousand tables would not fit into the server's table of locks.
    let query = format!(
        "SAVEPOINT buckets; SELECT k & {mask}, count(*), sum(h)::text FROM {table} GROUP BY 1; \
         ROLLBACK TO SAVEPOINT buckets; RELEASE SAVEPOINT buckets"
    );
    let size = usize::try_from(count).unwrap_or(1);
    let mut read = Buckets { key: key.to_vec(), rows: vec![0; size], digests: vec![0; size] };
    let mut unreadable = false;
    let take = |row: Vec<Option<String>>| {
        let numbers: Option<Vec<i128>> =
            row.iter().map(|value| value.as_deref().and_then(|value| value.parse().ok())).collect();
        match numbers.as_deref() {
            Some([bucket, rows, digest]) => {
                let place = usize::try_from(*bucket).ok().filter(|bucket| *bucket < size);
                match (place, u64::try_from(*rows)) {
                    (Some(place), Ok(rows)) => {
                        read.rows[place] = rows;
                        read.digests[place] = *digest;
                    }
                    _ => unreadable = true,
                }
            }
            _ => unreadable = true,
        }
    };
    session.each(stop, &query, take).await?;
    if unreadable { Err(QueryFailure::Lost("an unreadable answer".to_owned())) } else { Ok(read) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_several_rows_and_there_are_only_so_many() {
        for (rows, count) in
            [(0, 1), (1, 1), (15, 1), (16, 2), (31, 2), (32, 4), (40_000, 4096), (u64::MAX, 4096)]
        {
            assert_eq!(count_for(rows), count, "{rows}");
        }
    }

    #[test]
    fn what_differs_is_found_in_rows_and_in_digests() {
        let of = |rows: &[u64], digests: &[i128]| Buckets {
            key: vec!["id".to_owned()],
            rows: rows.to_vec(),
            digests: digests.to_vec(),
        };
        let one = of(&[8, 9, 7, 8], &[1, -2, 3, 4]);
        assert_eq!(one.differing(&of(&[8, 9, 6, 8], &[1, 2, 3, 4])), [1, 2]);
        assert!(one.differing(&one).is_empty() && one.is_sound());
        assert!(
            !of(&[1, 2, 3], &[1, 2, 3]).is_sound()
                && !of(&[1, 2], &[1]).is_sound()
                && !of(&[], &[]).is_sound()
        );
    }
}
