//! How far a fingerprint by itself tells which rows differ: down to its buckets of the primary key.

use evidence_report::run::Stop;

use super::rows::said_key;
use super::salt::salt;
use crate::{
    connection::{QueryFailure, Session},
    fingerprint::{Buckets, Relation, hashed, key_text, primary_keys, read_buckets, visible},
    halt::Halt,
    wording::counted,
};

/// So many rows of the copy are named.
const ROWS_SAID: u64 = 16;

/// Says in which buckets the rows lie that differ, or why that cannot be told. The session is within a transaction.
///
/// # Errors
/// Only that the run was asked to stop.
pub(crate) async fn within_buckets(
    session: &Session,
    stop: &Stop,
    relation: &Relation,
    expected: &Buckets,
    show_values: bool,
) -> Result<String, Halt> {
    match search(session, stop, relation, expected, show_values).await {
        Ok(said) => Ok(said),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) => {
            // Without this the session would be of no more use.
            let _ = session.query(stop, "ROLLBACK TO SAVEPOINT within").await;
            Ok(format!("which rows cannot be told: {failure}"))
        }
    }
}

async fn search(
    session: &Session,
    stop: &Stop,
    relation: &Relation,
    expected: &Buckets,
    show_values: bool,
) -> Result<String, QueryFailure> {
    session.query(stop, "SAVEPOINT within").await?;
    if primary_keys(session, stop).await?.get(&relation.name) != Some(&expected.key) {
        return Ok("it has another primary key, so which rows cannot be told".to_owned());
    }
    let found = read_buckets(session, stop, relation, &expected.key, expected.count() as u64).await?;
    let differing = expected.differing(&found);
    let sum = |of: &Buckets| differing.iter().filter_map(|bucket| of.rows.get(*bucket)).sum::<u64>();
    let (then, now) = (sum(expected), sum(&found));
    let mut said = format!(
        "by primary key within {} of {}, of {} then and {} now",
        differing.len(),
        counted(expected.count() as u64, "bucket"),
        counted(then, "row"),
        now
    );
    if (1..=ROWS_SAID).contains(&now) {
        let salt = salt().map_err(|error| QueryFailure::Lost(format!("no random bytes: {error}")))?;
        let list: Vec<_> = differing.iter().map(usize::to_string).collect();
        let query = format!(
            "SELECT {} FROM {} WHERE k & {} IN ({}) ORDER BY k",
            said_key(&salt, show_values),
            hashed(relation, &key_text(&expected.key)),
            expected.mask(),
            list.join(", ")
        );
        let keys = session.query(stop, &query).await?;
        let keys = keys.into_iter().filter_map(|row| row.into_iter().next().flatten());
        let keys: Vec<_> = keys.map(|key| visible(&key)).collect();
        said.push_str(&format!(" ({})", keys.join(", ")));
    }
    said.push_str("; which of them, `compare` with the source tells");
    Ok(said)
}
