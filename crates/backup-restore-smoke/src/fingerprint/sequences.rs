//! Where the sequences stand. They belong to no snapshot: each reading is of its own moment.

use std::collections::BTreeMap;

use evidence_report::run::Stop;

use super::{names::TableName, value::SequenceState};
use crate::{
    connection::{QueryFailure, Session},
    sql::identifier,
};

const SEQUENCES: &str = "
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ops_smoke_rehearsal') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e' AND NOT EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)))
ORDER BY 1, 2";

const INCREMENTS: &str = "
SELECT n.nspname, c.relname, s.seqincrement FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT s.seqcycle";

/// By how much each sequence goes on; those that begin anew at their end are left out.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn increments(
    session: &Session,
    stop: &Stop,
) -> Result<BTreeMap<TableName, i64>, QueryFailure> {
    let rows = session.query(stop, INCREMENTS).await?;
    let step = |row: Vec<Option<String>>| match <[Option<String>; 3]>::try_from(row) {
        Ok([Some(schema), Some(name), Some(step)]) => Some((TableName { schema, name }, step.parse().ok()?)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(step).collect())
}

/// So many sequences are read in one query.
const BATCH: usize = 200;

/// Reads every sequence of the database. The session is within a transaction; what is locked for this is let
/// go right after it.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn sequences(
    session: &Session,
    stop: &Stop,
) -> Result<BTreeMap<TableName, SequenceState>, QueryFailure> {
    let names: Vec<_> = session
        .query(stop, SEQUENCES)
        .await?
        .into_iter()
        .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
            Ok([Some(schema), Some(name)]) => Some(TableName { schema, name }),
            _ => None,
        })
        .collect();
    let mut states = BTreeMap::new();
    for batch in names.chunks(BATCH) {
        let query: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let (schema, name) = (identifier(&name.schema), identifier(&name.name));
                format!("SELECT {index}, last_value, is_called FROM {schema}.{name}")
            })
            .collect();
        let query = format!(
            "SAVEPOINT batch; {}; ROLLBACK TO SAVEPOINT batch; RELEASE SAVEPOINT batch",
            query.join(" UNION ALL ")
        );
        for row in session.query(stop, &query).await? {
            let unreadable = || QueryFailure::Lost("an unreadable answer".to_owned());
            let [index, value, called] = <[Option<String>; 3]>::try_from(row).map_err(|_| unreadable())?;
            let name =
                index.and_then(|index| batch.get(index.parse::<usize>().ok()?)).ok_or_else(unreadable)?;
            let value = value.and_then(|value| value.parse().ok()).ok_or_else(unreadable)?;
            let called = called.as_deref() == Some("t");
            states.insert(name.clone(), SequenceState { value, called });
        }
    }
    Ok(states)
}
