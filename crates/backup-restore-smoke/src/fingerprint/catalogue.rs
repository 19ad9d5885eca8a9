//! Which relations a database has, and how each is to be read.

use evidence_report::run::Stop;

use super::{names::TableName, row_hash::Columns, value::Apart};
use crate::{
    connection::{QueryFailure, Row, Session},
    sql::identifier,
};

/// What a relation is to a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table (or partition) whose rows are read.
    Table,
    /// Its rows are not read.
    Apart(Apart),
}

/// A relation with rows.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) name: TableName,
    pub(crate) kind: Kind,
    /// Whether the write-ahead log carries its rows.
    pub(crate) unlogged: bool,
    columns: Columns,
    /// About this many pages: the largest are read first.
    pub(crate) pages: u64,
    /// Whether ranges of its pages can be read by themselves.
    pub(super) divisible: bool,
    /// `WHERE …`, where only some of its rows are the database's own; else nothing.
    filter: String,
}

/// The mark of a rehearsal ([`crate::target::MARKER_SCHEMA`]) is none of the database's content. Inheritance
/// children get inherited columns first when they are restored, whatever order they had; theirs, and nobody
/// else's, come in order of their names. The size is asked for only where no lock that a refresh
/// holds would be waited for. Before 14 there is no scan of a range of pages. An output function is named where
/// the server brought it itself (its number is below 16384); a domain has its base type's. An extension may mark tables
/// of its own as configuration: their rows, or those under its condition, are dumped as any others are.
const RELATIONS: &str = "
SELECT n.nspname, c.relname,
       CASE WHEN EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                         AND d.deptype = 'e') AND configuration.filter IS NULL THEN 'e'
            WHEN c.relkind = 'r' AND c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'u'
            ELSE c.relkind::text END,
       greatest(CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) / current_setting('block_size')::int END, c.relpages, 0) AS pages,
       CASE WHEN c.relkind = 'r' THEN
           (SELECT json_agg(json_build_array(a.attname, p.proname)
                            ORDER BY CASE WHEN NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
                                          THEN a.attname END, a.attnum)
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_proc p ON p.oid = t.typoutput AND p.oid < 16384 AND t.typtype <> 'p'
                                   AND p.pronamespace = 'pg_catalog'::regnamespace
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text END,
       c.relpersistence = 'u',
       current_setting('server_version_num')::int >= 140000 AND (SELECT amname = 'heap' FROM pg_am m WHERE m.oid = c.relam),
       configuration.filter
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT coalesce(e.extcondition[array_position(e.extconfig, c.oid)], '') AS filter
                   FROM pg_extension e WHERE c.oid = ANY (e.extconfig) LIMIT 1) AS configuration ON true
WHERE c.relkind IN ('r', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ops_smoke_rehearsal') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY pages DESC, n.nspname, c.relname";

/// Every relation of the database that has rows of its own, the largest first.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn relations(session: &Session, stop: &Stop) -> Result<Vec<Relation>, QueryFailure> {
    let (mut relations, mut unreadable) = (Vec::new(), false);
    let take = |row| match relation(row) {
        Some(relation) => relations.push(relation),
        None => unreadable = true,
    };
    session.each(stop, RELATIONS, take).await?;
    if unreadable {
        return Err(QueryFailure::Lost("an unreadable catalogue".to_owned()));
    }
    Ok(relations)
}

fn relation(row: Row) -> Option<Relation> {
    let [schema, name, kind, pages, columns, unlogged, divisible, filter] =
        <[Option<String>; 8]>::try_from(row).ok()?;
    let filter = filter.unwrap_or_default();
    let kind = match kind?.as_str() {
        "r" => Kind::Table,
        "m" => Kind::Apart(Apart::MaterialisedView),
        "f" => Kind::Apart(Apart::Foreign),
        "u" => Kind::Apart(Apart::UnloggedOnStandby),
        _ => Kind::Apart(Apart::OfExtension),
    };
    Some(Relation {
        name: TableName { schema: schema?, name: name? },
        kind,
        unlogged: unlogged.as_deref() == Some("t"),
        columns: Columns::new(columns.unwrap_or_else(|| "[]".to_owned()))?,
        pages: pages?.parse().ok()?,
        divisible: divisible.as_deref() == Some("t") && filter.is_empty(),
        filter,
    })
}

impl Relation {
    /// `"schema"."name"`.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.name.schema), identifier(&self.name.name))
    }

    /// Its own rows, as `r`. The condition is written for a query of this table alone, as pg_dump makes it.
    pub(super) fn rows(&self) -> String {
        match self.filter.as_str() {
            "" => format!("ONLY {} AS r", self.quoted()),
            filter => format!("(SELECT * FROM ONLY {} {filter}\n) AS r", self.quoted()),
        }
    }

    /// The expression that gives the hash of a row of the table that is called `r`.
    pub(crate) fn row_hash(&self) -> String {
        self.columns.hash()
    }

    /// The query that gives number of rows and digest. A sum of `bigint` is a `numeric` and cannot overflow.
    pub(crate) fn digest_query(&self) -> String {
        format!("SELECT count(*), coalesce(sum({}), 0)::text FROM {}", self.row_hash(), self.rows())
    }
}
