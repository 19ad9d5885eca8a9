//! Whether the catalogues of a copy and its files agree: every database can be entered, every relation has the file that
//! it must have. PostgreSQL takes a file that was emptied or cut for a table of fewer rows, and says nothing.

use evidence_report::{record::Finding, run::Run};

use super::unhurried;
use crate::{
    checks::{ENVIRONMENT, INTEGRITY_FILES},
    connection::{ConnectFailure, QueryFailure, Row, Session, connect},
    halt::Halt,
    scratch::Cluster,
    wording::counted,
};

const SUBJECT: &str = "files of the copy";

/// So many relations are listed.
const LISTED: usize = 20;

/// Those that can be entered. One whose removal was cut off (`datconnlimit` of -2) cannot.
const DATABASES: &str = "
SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY oid";

/// Every relation with storage, besides temporary ones of sessions that are gone. PostgreSQL 11 and older name no access
/// method of tables. `Some` other access method may keep its tables elsewhere.
const RELATIONS: &str = "
WITH relations AS (
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relkind, c.relpages, c.relpersistence,
           c.relkind IN ('r', 'm', 't') AND coalesce(a.amname, 'heap') = 'heap' AS is_heap,
           coalesce(x.indisvalid AND x.indisready AND x.indislive, false)
               AND a.amname IN ('btree', 'hash', 'gist', 'gin', 'spgist', 'brin') AS is_built,
           (pg_stat_file(pg_relation_filepath(c.oid), true)).size IS NOT NULL AS is_there,
           pg_relation_size(c.oid, 'main') AS bytes, current_setting('block_size')::bigint AS page
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_index x ON x.indexrelid = c.oid
    WHERE c.relkind IN ('r', 'm', 't', 'i', 'S') AND c.relpersistence <> 't' AND pg_relation_filenode(c.oid) IS NOT NULL
), judged AS (
    SELECT CASE
        WHEN NOT is_there AND (is_heap OR relkind IN ('i', 'S')) THEN 'missing'
        WHEN relkind = 'S' AND bytes <> page THEN 'sequence'
        WHEN is_built AND bytes < page THEN 'index'
        WHEN bytes % page <> 0 THEN 'torn'
        WHEN is_heap AND relpersistence = 'p' AND relpages > bytes / page THEN 'short'
    END AS fault, name, relpages, bytes, page FROM relations
)
SELECT fault, name, relpages, bytes / page FROM judged WHERE fault IS NOT NULL
UNION ALL SELECT '', '', count(*), 0 FROM judged
ORDER BY 1, 2";

/// Whether a file's length is held against the catalogue's statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lengths {
    /// The files were held against a manifest: what statistics say of another length is older than the backup.
    Proven,
    /// Nothing else says how long they were.
    Unknown,
}

/// What is wrong with one relation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    relation: String,
    said: String,
    weight: Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// No sound cluster has this.
    Bad,
    /// A vacuum that the target cut off leaves the same, and so do statistics that were brought along.
    Doubtful,
}

/// Holds the files of every database against its catalogue.
///
/// # Errors
/// When our own server gave up, or the run was asked to stop. What it finds is a finding.
pub(crate) async fn files(
    run: &Run,
    copy: &mut Cluster,
    database: &str,
    lengths: Lengths,
) -> Result<Finding, Halt> {
    let session = copy.administrator(run, database).await?;
    let databases = session.query(run.stop(), DATABASES).await.map_err(not_told)?;
    drop(session);
    let (mut relations, mut faults) = (0, Vec::new());
    for row in &databases {
        let [Some(name)] = row.as_slice() else { continue };
        let session = match enter(run, copy, name).await {
            Ok(session) => session,
            Err(Halt::Found(finding)) => return Ok(*finding),
            Err(stopped) => return Err(stopped),
        };
        match session.query(run.stop(), RELATIONS).await {
            Ok(rows) => rows.iter().for_each(|row| match read(name, row) {
                Read::Fault(fault) => faults.push(fault),
                Read::Count(count) => relations += count,
            }),
            Err(failure) => match damage(&failure.to_string()) {
                Some(said) => return Ok(broken(&format!("database {name}"), said)),
                None => return Err(not_told(failure)),
            },
        }
    }
    if lengths == Lengths::Proven {
        faults.retain(|fault| fault.weight == Weight::Bad);
    }
    faults.sort_by_key(|fault| fault.weight);
    let listed: Vec<_> =
        faults.iter().take(LISTED).map(|fault| format!("{}: {}", fault.relation, fault.said)).collect();
    if faults.len() > 1 {
        run.detail("Files that do not agree with the catalogues", &listed.join("\n"));
    }
    Ok(judge(relations, databases.len(), &faults))
}

/// A session in a database that `pg_database` lists.
///
/// # Errors
/// A failed finding where its files are why nobody is let in; otherwise as [`Cluster::administrator`].
pub(crate) async fn enter(run: &Run, copy: &mut Cluster, name: &str) -> Result<Session, Halt> {
    // Nothing that bears a name of PostgreSQL's own is taken for it.
    let target = unhurried(copy, name).with_more_options("-c search_path=pg_catalog");
    let refused = match connect(&target, "backup-restore-smoke", run.stop()).await {
        Ok(session) => return Ok(session),
        Err(ConnectFailure::Refused(said)) => said,
        Err(_) => return copy.administrator(run, name).await,
    };
    match refused.iter().find_map(|said| damage(said)) {
        Some(said) => Err(broken(&format!("database {name}"), said).into()),
        None => copy.administrator(run, name).await,
    }
}

/// Nobody is let into it, or it cannot be read.
pub(crate) fn broken(subject: &str, said: impl Into<String>) -> Finding {
    INTEGRITY_FILES.failed(subject).expected("catalogues that can be read").observed(said)
}

/// What a server says whose own files are missing (58P01) or damaged (XX000 to XX002), or that misses the folder of a
/// database which it knows. A library that is not installed here bears the first code too.
pub(crate) fn damage(said: &str) -> Option<String> {
    let (_, code) = said.rsplit_once("(SQLSTATE ")?;
    let is_library = ["could not access file", "could not load library"].iter().any(|of| said.contains(of));
    let is_damage = match code.get(..5)? {
        "58P01" | "XX000" | "XX001" | "XX002" => !is_library,
        "3D000" => said.contains("subdirectory"),
        "22023" => said.contains("is not a valid data directory"),
        _ => false,
    };
    // The socket stands before it.
    let said = match said.split_once(": ") {
        Some((endpoint, rest)) if endpoint.starts_with('/') => rest,
        _ => said,
    };
    is_damage.then(|| said.to_owned())
}

fn not_told(failure: QueryFailure) -> Halt {
    match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => ENVIRONMENT.inconclusive(SUBJECT).observed(other.to_string()).into(),
    }
}

enum Read {
    Fault(Fault),
    /// So many relations were looked at.
    Count(u64),
}

fn read(database: &str, row: &Row) -> Read {
    let text = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    let (pages, found) = (text(2), text(3));
    let (said, weight) = match text(0) {
        "" => return Read::Count(pages.parse().unwrap_or_default()),
        "missing" => ("it has no file".to_owned(), Weight::Bad),
        "sequence" => (format!("a sequence of {found} pages instead of one"), Weight::Bad),
        "index" => ("the index is empty: not even its first page is there".to_owned(), Weight::Bad),
        "torn" => (format!("its file ends within a page, behind {found} whole ones"), Weight::Doubtful),
        _ => (format!("its file has {found} pages, and its statistics say {pages}"), Weight::Doubtful),
    };
    Read::Fault(Fault { relation: format!("{database}.{}", text(1)), said, weight })
}

fn judge(relations: u64, databases: usize, faults: &[Fault]) -> Finding {
    let expected = "a file for every relation, no shorter than the catalogue says";
    let Some(first) = faults.first() else {
        let looked =
            format!("{} in {}", counted(relations, "relation"), counted(databases as u64, "database"));
        return INTEGRITY_FILES.passed(SUBJECT).expected(expected).observed(looked);
    };
    let more = if faults.len() > 1 { format!(" (and {} more)", faults.len() - 1) } else { String::new() };
    let observed = format!("{}{more}", first.said);
    match first.weight {
        Weight::Bad => INTEGRITY_FILES.failed(&first.relation).expected(expected).observed(observed),
        Weight::Doubtful => INTEGRITY_FILES.warned(&first.relation).expected(expected).observed(observed).remedy(
            "Count its rows, at the source too. Statistics that pg_restore brought along (PostgreSQL 18), or a VACUUM \
             that the target cut off, look the same: ANALYZE at the source puts them right for the next backup. \
             Otherwise rows are missing: do not rely on this backup.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn row(values: [&str; 4]) -> Row {
        values.map(|value| Some(value.to_owned())).into()
    }

    #[test]
    fn what_no_sound_cluster_has_fails_and_what_may_be_is_a_warning() {
        for (fault, outcome, said) in [
            ("missing", Outcome::Failed, "no file"),
            ("sequence", Outcome::Failed, "0 pages"),
            ("index", Outcome::Failed, "empty"),
            ("torn", Outcome::Warned, "within a page"),
            ("short", Outcome::Warned, "0 pages, and its statistics say 9"),
        ] {
            let Read::Fault(fault) = read("shop", &row([fault, "s.t", "9", "0"])) else { panic!("{fault}") };
            let finding = judge(2, 1, &[fault]);
            assert_eq!((finding.outcome, finding.subject.as_str()), (outcome, "shop.s.t"));
            assert!(finding.observed.contains(said), "{}", finding.observed);
        }
        assert!(matches!(read("shop", &row(["", "", "7", "0"])), Read::Count(7)));
        assert_eq!(judge(7, 2, &[]).outcome, Outcome::Passed);
    }

    #[test]
    fn damage_is_told_from_what_this_machine_lacks() {
        for (said, told) in [
            ("/s/x: could not open file \"global/1262\" (SQLSTATE 58P01)", true),
            ("/s/x: invalid page in block 0 (SQLSTATE XX001)", true),
            ("/s/x: could not access file \"$libdir/x\" (SQLSTATE 58P01)", false),
            (
                "/s/x: database \"d\" does not exist: The database subdirectory \"base/5\" is missing. (SQLSTATE 3D000)",
                true,
            ),
            ("/s/x: database \"d\" does not exist (SQLSTATE 3D000)", false),
            ("/s/x: role \"postgres\" does not exist (SQLSTATE 28000)", false),
            ("/s/x: the database system is starting up (SQLSTATE 57P03)", false),
            ("/s/x: no answer within 5 s", false),
        ] {
            let found = damage(said);
            assert_eq!(found.is_some(), told, "{said}");
            assert!(found.is_none_or(|found| !found.contains("/s/x")), "{said}");
        }
    }
}
