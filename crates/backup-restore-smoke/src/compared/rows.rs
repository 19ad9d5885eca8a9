//! Which rows of a table differ: the rows of both sides are put into buckets by the hash of their primary key,
//! and only the buckets that differ are looked into further, until the rows are few enough to be listed. Keys
//! leave the database as salted hashes only, unless their values were asked for.

use std::collections::{BTreeMap, HashMap};

use evidence_report::run::Stop;
use futures_util::future::try_join;

use super::salt::salt;
use crate::{
    connection::{QueryFailure, Row, Session},
    fingerprint::{Relation, hashed, key_text, primary_keys, visible},
    halt::Halt,
    sql::literal,
    wording::counted,
};

/// Buckets of the first and of the second look, as masks of the key's hash.
const MASKS: [i64; 2] = [0xfff, 0xff_ffff];

/// So many buckets or rows of one side are kept in memory.
const MOST_KEPT: u64 = 50_000;

/// So many rows are said.
const ROWS_SAID: usize = 10;

/// A table on both sides.
pub(super) struct Pair<'a> {
    pub(super) relations: [&'a Relation; 2],
    pub(super) sessions: [&'a Session; 2],
    /// About how many rows it has.
    pub(super) rows: u64,
}

/// What the rows of a bucket, or one row, come to.
type Sums = HashMap<i64, (String, String)>;

/// A bucket's rows by the hash of their key: hash of the row, and the key as it may be said.
type Keys = BTreeMap<i64, (String, String)>;

/// Says which rows differ, or why that cannot be told.
///
/// # Errors
/// Only that the run was asked to stop.
pub(super) async fn differing_rows(pair: &Pair<'_>, stop: &Stop, show_values: bool) -> Result<String, Halt> {
    match search(pair, stop, show_values).await {
        Ok(said) => Ok(said),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) => {
            for session in pair.sessions {
                // Without this the sessions would be of no more use.
                let _ = session.query(stop, "ROLLBACK TO SAVEPOINT rows").await;
            }
            Ok(format!("which rows cannot be told: {failure}"))
        }
    }
}

async fn search(pair: &Pair<'_>, stop: &Stop, show_values: bool) -> Result<String, QueryFailure> {
    for session in pair.sessions {
        session.query(stop, "SAVEPOINT rows").await?;
    }
    // The key is that of the expected side.
    let keys = primary_keys(pair.sessions[0], stop).await?;
    let Some(columns) = keys.get(&pair.relations[0].name) else {
        return Ok("it has no primary key, so which rows cannot be told".to_owned());
    };
    let key = key_text(columns);
    let (mut within, mut complete) = (String::from("true"), true);
    for (look, mask) in MASKS.into_iter().enumerate() {
        let [ours, theirs] = buckets(pair, stop, &key, mask, &within).await?;
        let mut differing: Vec<_> = differing(&ours, &theirs);
        let rows_each = (pair.rows >> (12 * (look + 1))).max(1);
        let room = usize::try_from((MOST_KEPT / rows_each).max(1)).unwrap_or(usize::MAX).min(1000);
        complete &= differing.len() <= room;
        differing.truncate(room);
        let list: Vec<_> = differing.iter().map(i64::to_string).collect();
        within =
            format!("k & {mask} IN ({})", if list.is_empty() { "NULL".to_owned() } else { list.join(", ") });
        if rows_each * differing.len() as u64 <= MOST_KEPT {
            break;
        }
    }
    let salt = salt().map_err(|error| QueryFailure::Lost(format!("no random bytes: {error}")))?;
    let [ours, theirs] = listed(pair, stop, &key, &within, &said_key(&salt, show_values)).await?;
    Ok(said(&ours, &theirs, complete))
}

/// The expression of a key (`key`) as it may be said.
pub(super) fn said_key(salt: &str, show_values: bool) -> String {
    if show_values {
        return "key".to_owned();
    }
    let salted = format!("convert_to({} || key, getdatabaseencoding())", literal(salt));
    format!("left(encode(sha256({salted}), 'hex'), 16)")
}

async fn buckets(
    pair: &Pair<'_>,
    stop: &Stop,
    key: &str,
    mask: i64,
    within: &str,
) -> Result<[Sums; 2], QueryFailure> {
    let side = |side: usize| {
        let table = hashed(pair.relations[side], key);
        let query =
            format!("SELECT k & {mask}, count(*), sum(h)::text FROM {table} WHERE {within} GROUP BY 1");
        async move {
            let mut sums = Sums::new();
            let take = |row| sums.extend(triple(row).map(|(bucket, rows, sum)| (bucket, (rows, sum))));
            pair.sessions[side].each(stop, &query, take).await?;
            Ok(sums)
        }
    };
    let (ours, theirs) = try_join(side(0), side(1)).await?;
    Ok([ours, theirs])
}

async fn listed(
    pair: &Pair<'_>,
    stop: &Stop,
    key: &str,
    within: &str,
    said: &str,
) -> Result<[Keys; 2], QueryFailure> {
    let side = |side: usize| {
        let table = hashed(pair.relations[side], key);
        let query = format!("SELECT k, h::text, {said} FROM {table} WHERE {within}");
        async move {
            let mut keys = Keys::new();
            let take = |row| keys.extend(triple(row).map(|(hash, row, key)| (hash, (row, key))));
            pair.sessions[side].each(stop, &query, take).await?;
            Ok(keys)
        }
    };
    let (ours, theirs) = try_join(side(0), side(1)).await?;
    Ok([ours, theirs])
}

fn triple(row: Row) -> Option<(i64, String, String)> {
    let [number, one, other] = <[Option<String>; 3]>::try_from(row).ok()?;
    Some((number?.parse().ok()?, one?, other?))
}

fn differing(ours: &Sums, theirs: &Sums) -> Vec<i64> {
    let all = ours.keys().chain(theirs.keys().filter(|bucket| !ours.contains_key(bucket)));
    let mut differing: Vec<_> =
        all.copied().filter(|bucket| ours.get(bucket) != theirs.get(bucket)).collect();
    differing.sort_unstable();
    differing
}

fn said(ours: &Keys, theirs: &Keys, complete: bool) -> String {
    let changed = |hash: &i64| theirs.get(hash).is_some_and(|(row, _)| *row != ours[hash].0);
    let kinds = [
        ("changed", ours.iter().filter(|(hash, _)| changed(hash)).collect::<Vec<_>>()),
        ("missing", ours.iter().filter(|(hash, _)| !theirs.contains_key(hash)).collect()),
        ("too many", theirs.iter().filter(|(hash, _)| !ours.contains_key(hash)).collect()),
    ];
    let mut room = ROWS_SAID;
    let told: Vec<_> = kinds
        .into_iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(kind, rows)| {
            let keys: Vec<_> = rows.iter().take(room).map(|(_, (_, key))| visible(key)).collect();
            room -= keys.len();
            let more = if keys.len() < rows.len() { ", …" } else { "" };
            format!("{} {kind}: {}{more}", counted(rows.len() as u64, "row"), keys.join(", "))
        })
        .collect();
    let at_least = if complete { "" } else { "at least " };
    if told.is_empty() {
        return "rows of the same keys differ in what a key does not tell apart".to_owned();
    }
    format!("by primary key {at_least}{}", told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_what_became_of_them() {
        let keys = |rows: &[(i64, &str)]| -> Keys {
            rows.iter().map(|(hash, row)| (*hash, ((*row).to_owned(), format!("k{hash}")))).collect()
        };
        let (ours, theirs) = (keys(&[(1, "a"), (2, "b"), (3, "c")]), keys(&[(1, "a"), (2, "x"), (4, "d")]));
        assert_eq!(
            said(&ours, &theirs, true),
            "by primary key 1 row changed: k2; 1 row missing: k3; 1 row too many: k4"
        );
        let many: Vec<_> = (0..30).map(|hash| (hash, "a")).collect();
        let text = said(&keys(&many), &Keys::new(), false);
        assert!(
            text.starts_with("by primary key at least 30 rows missing: k0, ") && text.ends_with(", …"),
            "{text}"
        );
    }
}
