//! The differing rows of a rehearsal. The snapshot that the dump was made from may still be kept, and shows them; where
//! it is not, the source is asked once more, in a short snapshot of its own, and only about tables that still hold what
//! they held then.

use evidence_report::{record::Finding, run::Run};

use super::{
    TABLES_SEARCHED,
    rows::{Pair, differing_rows},
};
use crate::{
    checks::RESTORE_CONTENT,
    connection::{QueryFailure, Resolved, Session},
    fingerprint::{Fingerprint, Kind, Relation, TableContent, relations},
    halt::Halt,
    plan::Rehearse,
    rehearsal::application_name,
    source::{Kept, Snapshot},
    sql::literal,
};

/// Where the rows of the source can be asked for.
pub(crate) struct Source {
    /// The server that was read from.
    pub(crate) connection: Resolved,
    /// The snapshot of then.
    pub(crate) kept: Option<Kept>,
}

/// A snapshot to look into.
struct Past {
    snapshot: Snapshot,
    /// Why it is not the one of then; nothing when it is.
    later: Option<String>,
}

/// Adds to what is said of each differing table which of its rows differ, or why that cannot be told. The sessions of
/// the copy are within transactions.
///
/// # Errors
/// Only that the run was asked to stop.
pub(crate) async fn name_rows(
    run: &Run,
    work: &Rehearse,
    findings: &mut [Finding],
    expected: &Fingerprint,
    source: Source,
    copy: &[Session],
) -> Result<(), Halt> {
    let Some(copy) = copy.first() else { return Ok(()) };
    let present = match relations(copy, run.stop()).await {
        Ok(present) => present,
        Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
        Err(_) => return Ok(()),
    };
    let on_both_sides = |finding: &&mut Finding| {
        finding.check.id == RESTORE_CONTENT.id
            && expected.tables.keys().any(|table| table.to_string() == finding.subject)
            && table(&present, &finding.subject).is_some()
    };
    let mut differing: Vec<_> = findings.iter_mut().filter(on_both_sides).take(TABLES_SEARCHED).collect();
    if differing.is_empty() {
        return Ok(());
    }
    run.progress().phase("source: which rows differ");
    let past = match look_back(run, work, source).await? {
        Ok(past) => past,
        Err(why) => {
            differing
                .iter_mut()
                .for_each(|finding| add(finding, &format!("which rows cannot be told: {why}")));
            return Ok(());
        }
    };
    let mut told = Ok(());
    for finding in &mut differing {
        match which(run, work, &finding.subject, expected, &past, (copy, &present)).await {
            Ok(which) => add(finding, &which),
            Err(halt) => {
                told = Err(halt);
                break;
            }
        }
    }
    past.snapshot.release(run).await;
    told
}

fn add(finding: &mut Finding, more: &str) {
    finding.observed = format!("{}; {more}", finding.observed);
}

fn table<'a>(relations: &'a [Relation], subject: &str) -> Option<&'a Relation> {
    relations.iter().find(|relation| relation.kind == Kind::Table && relation.name.to_string() == subject)
}

/// The snapshot of then, or one of now; or why there is neither.
async fn look_back(run: &Run, work: &Rehearse, source: Source) -> Result<Result<Past, String>, Halt> {
    let Source { connection, kept } = source;
    let later = match kept {
        Some(kept) => match kept.again(run, &connection, &application_name(run)).await? {
            Ok(snapshot) => return Ok(Ok(Past { snapshot, later: None })),
            Err(why) => why,
        },
        None => "the source was let go when it had been read".to_owned(),
    };
    match Snapshot::open(run, &connection, &application_name(run), 1).await {
        Ok(snapshot) => {
            snapshot.let_go_after(work.max_snapshot_age);
            Ok(Ok(Past { snapshot, later: Some(later) }))
        }
        Err(Halt::Stopped) => Err(Halt::Stopped),
        Err(Halt::Found(finding)) => Ok(Err(finding.observed)),
    }
}

async fn which(
    run: &Run,
    work: &Rehearse,
    subject: &str,
    expected: &Fingerprint,
    past: &Past,
    (copy, present): (&Session, &[Relation]),
) -> Result<String, Halt> {
    let moved =
        |why: &str| Ok(format!("which rows cannot be told: {why}, and the table has been written to since"));
    let later = past.later.as_deref();
    let (Some(session), Some(theirs)) = (past.snapshot.sessions.first(), table(present, subject)) else {
        return Ok("which rows cannot be told: no session".to_owned());
    };
    let Some(ours) = table(&past.snapshot.relations, subject) else {
        return moved(later.unwrap_or_default());
    };
    let Some(content) = expected.tables.get(&ours.name) else { return moved(later.unwrap_or_default()) };
    let (intact, otherwise) = match later {
        Some(later) => (still_holds(run, session, ours, content).await, later),
        None => (has_its_file(run, session, ours).await, "it was truncated, rewritten or dropped"),
    };
    match intact {
        Ok(true) => {}
        Ok(false) if later.is_none() => {
            return Ok(format!("which rows cannot be told: {otherwise} at the source since"));
        }
        Ok(false) => return moved(otherwise),
        Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
        Err(failure) => return Ok(format!("which rows cannot be told: {failure}")),
    }
    let pair = Pair { relations: [ours, theirs], sessions: [session, copy], rows: content.rows };
    differing_rows(&pair, run.stop(), work.show_values).await
}

/// Whether the table has the file that it had: to a snapshot that holds no lock, one that was truncated looks empty.
/// The catalogue is read as the snapshot sees it, the function tells the file of now.
async fn has_its_file(run: &Run, session: &Session, table: &Relation) -> Result<bool, QueryFailure> {
    let query = format!(
        "SELECT c.relfilenode = pg_relation_filenode(c.oid) FROM pg_class AS c \
         JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
        literal(&table.name.schema),
        literal(&table.name.name)
    );
    Ok(session.value(run.stop(), &query).await? == "t")
}

/// Whether the table holds what it held.
async fn still_holds(
    run: &Run,
    session: &Session,
    table: &Relation,
    content: &TableContent,
) -> Result<bool, QueryFailure> {
    let row = session.one(run.stop(), &table.digest_query()).await?;
    Ok(row == [Some(content.rows.to_string()), Some(content.digest.clone())])
}
