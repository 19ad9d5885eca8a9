//! Rows by their primary key: its columns, and the hash under which a row is found. The hash is not the key: it tells
//! rows apart, and nothing else leaves the database.

use std::collections::BTreeMap;

use evidence_report::run::Stop;

use super::{catalogue::Relation, names::TableName};
use crate::{
    connection::{QueryFailure, Session},
    sql::identifier,
};

const PRIMARY_KEYS: &str = "
SELECT n.nspname, c.relname,
       json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum))::text
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
WHERE i.indisprimary AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY n.nspname, c.relname";

/// The columns of every table's primary key, in its order.
pub(crate) type PrimaryKeys = BTreeMap<TableName, Vec<String>>;

/// Reads the primary keys of all tables.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn primary_keys(session: &Session, stop: &Stop) -> Result<PrimaryKeys, QueryFailure> {
    let rows = session.query(stop, PRIMARY_KEYS).await?;
    let key = |row| {
        let [schema, name, columns] = <[Option<String>; 3]>::try_from(row).ok()?;
        Some((TableName { schema: schema?, name: name? }, serde_json::from_str(&columns?).ok()?))
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

/// The key of a row `r` as a text, the same on every server.
pub(crate) fn key_text(columns: &[String]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("r.{}", identifier(column))).collect();
    format!("ROW({})::text COLLATE \"C\"", columns.join(", "))
}

/// The table with the hash of the key (`k`), of the row (`h`) and the key itself (`key`).
pub(crate) fn hashed(relation: &Relation, key: &str) -> String {
    format!(
        "(SELECT hashtextextended({key}, 0) AS k, {} AS h, {key} AS key FROM {}) AS hashed",
        relation.row_hash(),
        relation.rows()
    )
}
