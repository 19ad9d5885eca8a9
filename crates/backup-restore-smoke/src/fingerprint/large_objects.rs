//! Large objects as one table: each by its number and the digest of its content, which is read in pieces, so that one
//! of terabytes needs no more of the server's memory than a small one. How the server cuts it into pages, and where it
//! has holes (they read as zeros), is no part of what it says.

use evidence_report::run::Stop;

use super::{Unreadable, names::TableName};
use crate::connection::{QueryFailure, Session};

/// So many bytes of an object are in the server's memory at once. The digest of a larger one depends on it.
const PIECE: u64 = 16 << 20;

/// About so many pages are read by one query, in so many queries at the most.
const PAGES: u64 = 2048;
const QUERIES: u64 = 64;

/// How many there are, how many this role may not read, and the first of those; the pages that they fill. What the
/// access list says is asked of the catalogue, because `has_largeobject_privilege` is younger than 17.
const KNOWN: &str = "
SELECT count(*), count(*) FILTER (WHERE hidden), min(oid::bigint) FILTER (WHERE hidden),
       pg_relation_size('pg_catalog.pg_largeobject') / current_setting('block_size')::bigint
FROM (SELECT m.oid, NOT (me.rolsuper OR current_setting('lo_compat_privileges')::boolean
                         OR pg_has_role(m.lomowner, 'USAGE')
                         OR EXISTS (SELECT FROM aclexplode(m.lomacl) AS a WHERE a.privilege_type = 'SELECT'
                                    AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))) AS hidden
      FROM pg_largeobject_metadata AS m, pg_roles AS me WHERE me.rolname = current_user) AS all_of_them";

/// Some of the large objects, to be read by one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    part: u64,
    parts: u64,
    /// About so many pages.
    pub(super) pages: u64,
}

/// The parts that they are read in: none where there is no large object.
///
/// # Errors
/// When this role may not read all of them.
pub(super) async fn parts(session: &Session, stop: &Stop, sessions: usize) -> Result<Vec<Part>, Unreadable> {
    let unreadable = |failure| Unreadable { subject: TableName::large_objects().to_string(), failure };
    let row = session.one(stop, KNOWN).await.map_err(unreadable)?;
    let number = |column: usize| -> u64 {
        row.get(column).cloned().flatten().and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let (objects, hidden, first, pages) = (number(0), number(1), number(2), number(3));
    if hidden > 0 {
        let message = format!(
            "permission denied for {hidden} of {objects} large objects, the first of them is {first}"
        );
        return Err(unreadable(QueryFailure::Refused { code: "42501".to_owned(), message }));
    }
    let parts = match objects {
        0 => 0,
        _ => (pages / PAGES).clamp(sessions.max(1) as u64, QUERIES.max(sessions as u64)).min(objects),
    };
    Ok((0..parts).map(|part| Part { part, parts, pages: pages / parts + 1 }).collect())
}

impl Part {
    /// Rows and sum of their hashes. An object of one piece is its digest; of more, the digest of their digests. Its
    /// size is asked of a descriptor that is closed at once: a million open ones would fill the server's memory.
    pub(super) fn query(self) -> String {
        let Self { part, parts, .. } = self;
        format!(
            "SELECT count(*), coalesce(sum(hashtextextended(o.oid::text || ':' || (
  SELECT CASE count(*) WHEN 1 THEN min(piece)
              ELSE o.bytes || ':' || encode(sha256(convert_to(string_agg(piece, '' ORDER BY start), 'UTF8')), 'hex') END
  FROM (SELECT start, encode(sha256(lo_get(o.oid, start, {PIECE})), 'hex') AS piece
        FROM generate_series(0, greatest(o.bytes - 1, 0), {PIECE}) AS start) AS pieces), 0)), 0)::text
FROM (SELECT m.oid, lo_lseek64(m.descriptor, 0, 2) + 0 * lo_close(m.descriptor) AS bytes
      FROM (SELECT oid, lo_open(oid, 262144) AS descriptor FROM pg_largeobject_metadata
            WHERE oid::bigint % {parts} = {part} OFFSET 0) AS m OFFSET 0) AS o"
        )
    }
}
