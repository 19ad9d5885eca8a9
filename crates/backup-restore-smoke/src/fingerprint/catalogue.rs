//! Which relations a database has, and how each is to be read.

use evidence_report::run::Stop;

use crate::{
    comparison::TableName,
    connection::{QueryFailure, Row, Session},
    sql::identifier,
};

/// What a relation is to a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table (or partition) whose rows are dumped.
    Table,
    /// Computed anew by a restore.
    MaterialisedView,
    /// Its rows live elsewhere.
    Foreign,
    /// Belongs to an extension, which decides what of it is dumped.
    OfExtension,
    /// Unlogged, on a standby, where it cannot be read.
    UnloggedOnStandby,
}

/// A relation with rows.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) name: TableName,
    pub(crate) kind: Kind,
    /// The columns in order of their names, where a restore may reorder them.
    columns: Option<Vec<String>>,
    /// About this many pages: the largest are read first.
    pub(crate) pages: u64,
}

/// Inheritance children get inherited columns first when they are restored, whatever order they had; for
/// them, and for nobody else, the columns are named.
const RELATIONS: &str = "
SELECT n.nspname, c.relname,
       CASE WHEN EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                         AND d.deptype = 'e') THEN 'e'
            WHEN c.relkind = 'r' AND c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'u'
            ELSE c.relkind::text END,
       greatest(c.relpages, 0),
       CASE WHEN c.relkind = 'r' AND NOT c.relispartition
                 AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
            THEN (SELECT json_agg(a.attname ORDER BY a.attname) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY c.relpages DESC, n.nspname, c.relname";

/// Every relation of the database that has rows of its own, the largest first.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn relations(session: &Session, stop: &Stop) -> Result<Vec<Relation>, QueryFailure> {
    let rows = session.query(stop, RELATIONS).await?;
    rows.into_iter()
        .map(|row| relation(row).ok_or_else(|| QueryFailure::Lost("an unreadable catalogue".to_owned())))
        .collect()
}

fn relation(row: Row) -> Option<Relation> {
    let [schema, name, kind, pages, columns] = <[Option<String>; 5]>::try_from(row).ok()?;
    let kind = match kind?.as_str() {
        "r" => Kind::Table,
        "m" => Kind::MaterialisedView,
        "f" => Kind::Foreign,
        "u" => Kind::UnloggedOnStandby,
        _ => Kind::OfExtension,
    };
    Some(Relation {
        name: TableName { schema: schema?, name: name? },
        kind,
        columns: columns.and_then(|list| serde_json::from_str(&list).ok()),
        pages: pages?.parse().ok()?,
    })
}

impl Relation {
    /// `"schema"."name"`.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.name.schema), identifier(&self.name.name))
    }

    /// The query that gives number of rows and digest. `(r.*)` and not `r`: a column of that name would be
    /// taken for the row. A sum of `bigint` is a `numeric` and cannot overflow.
    pub(super) fn digest_query(&self) -> String {
        let row = match &self.columns {
            Some(columns) => {
                let columns: Vec<_> =
                    columns.iter().map(|column| format!("r.{}", identifier(column))).collect();
                format!("ROW({})", columns.join(", "))
            }
            None => "(r.*)".to_owned(),
        };
        format!(
            "SELECT count(*), coalesce(sum(hashtextextended({row}::text COLLATE \"C\", 0)), 0)::text \
             FROM ONLY {} AS r",
            self.quoted()
        )
    }
}
