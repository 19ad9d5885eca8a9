//! `compare`: two databases, or fingerprints of databases, held against each other. Where both can be read, the
//! differing rows are found while their snapshots are held; nothing is opened a second time for that.

mod buckets;
mod live;
mod rows;
mod salt;

use evidence_report::run::Run;

pub(crate) use self::buckets::within_buckets;
pub(crate) use self::live::{Source, name_rows};
use self::rows::{Pair, differing_rows};
use crate::{
    checks::RESTORE_CONTENT,
    clock::Stages,
    comparison::{Carried, compare, left_out},
    connection::{Resolved, Session},
    error::Error,
    fingerprint::{Buckets, Fingerprint, Relation},
    halt::Halt,
    plan::{Compare, Plan, Side},
    rehearsal::{COMPARED, application_name, read_source},
    source::Snapshot,
};

/// In so many tables the differing rows are looked for.
pub(crate) const TABLES_SEARCHED: usize = 10;

/// A side as it was read.
struct Seen {
    fingerprint: Fingerprint,
    /// Where the database itself can be asked.
    snapshot: Option<Snapshot>,
}

/// Compares; everything that is seen goes into the run.
///
/// # Errors
/// When a fingerprint's file cannot be used.
pub(crate) async fn compare_sides(plan: &Plan, work: &Compare, run: &Run) -> Result<(), Error> {
    // A file that cannot be used is told before any server is asked.
    let [expected, found] = &work.sides;
    let files = (read_file(expected)?, read_file(found)?);
    run.owes([&RESTORE_CONTENT]);
    run.owes_beside(&RESTORE_CONTENT, COMPARED);
    let mut stages = Stages::default();
    let (mut one, mut other) = (None, None);
    let compared = async {
        one = Some(see(plan, run, expected, files.0, &mut stages, "fingerprint of A").await?);
        other = Some(see(plan, run, found, files.1, &mut stages, "fingerprint of B").await?);
        match (&one, &other) {
            (Some(one), Some(other)) => judge(work, run, one, other).await,
            _ => Err(Halt::Stopped),
        }
    }
    .await;
    for seen in [one, other].into_iter().flatten() {
        if let Some(snapshot) = seen.snapshot {
            snapshot.release(run).await;
        }
    }
    if let Err(Halt::Found(finding)) = compared {
        run.finding(*finding);
    }
    run.timeline(stages.timeline_from("the start of the comparison"));
    Ok(())
}

fn read_file(side: &Side) -> Result<Option<Fingerprint>, Error> {
    match side {
        Side::File(path) => Ok(Some(Fingerprint::read(path)?)),
        Side::Database(_) => Ok(None),
    }
}

async fn see(
    plan: &Plan,
    run: &Run,
    side: &Side,
    file: Option<Fingerprint>,
    stages: &mut Stages,
    stage: &str,
) -> Result<Seen, Halt> {
    match (side, file) {
        (_, Some(fingerprint)) => Ok(Seen { fingerprint, snapshot: None }),
        (Side::Database(resolved), None) => {
            let seen = see_database(plan, run, resolved, stages).await?;
            stages.rename_last(stage);
            Ok(seen)
        }
        (Side::File(_), None) => Err(Halt::Stopped),
    }
}

async fn see_database(
    plan: &Plan,
    run: &Run,
    resolved: &Resolved,
    stages: &mut Stages,
) -> Result<Seen, Halt> {
    resolved.warnings.iter().for_each(|warning| run.progress().note(warning));
    let snapshot = Snapshot::open(run, resolved, &application_name(run), plan.jobs).await?;
    match read_source(run, &snapshot, stages).await {
        Ok(fingerprint) => Ok(Seen { fingerprint, snapshot: Some(snapshot) }),
        Err(halt) => {
            snapshot.release(run).await;
            Err(halt)
        }
    }
}

async fn judge(work: &Compare, run: &Run, one: &Seen, other: &Seen) -> Result<(), Halt> {
    for (name, seen) in [("expected", one), ("found", other)] {
        let taken = &seen.fingerprint.taken;
        let how = if seen.snapshot.is_some() { "read now" } else { "from a fingerprint" };
        run.fact(
            name,
            format!("{}, PostgreSQL {}, {}, {how}", taken.database, taken.server_version, taken.at),
        );
    }
    let carried = if work.cluster { Carried::Everything } else { Carried::Dump };
    let mut findings = compare(&one.fingerprint, &other.fingerprint, carried);
    let differing = findings.iter_mut().filter(|finding| finding.check.id == RESTORE_CONTENT.id);
    let mut searched = 0;
    for finding in differing {
        let (pair, parts) = (pair(one, other, &finding.subject), parts(one, other, &finding.subject));
        if pair.is_none() && parts.is_none() {
            continue;
        }
        searched += 1;
        if searched > TABLES_SEARCHED {
            break;
        }
        run.progress().phase(format!("which rows of {} differ", finding.subject));
        let which = match (pair, parts) {
            (Some(pair), _) => differing_rows(&pair, run.stop(), work.show_values).await?,
            (None, Some((session, table, parts))) => {
                within_buckets(session, run.stop(), table, parts, work.show_values).await?
            }
            (None, None) => continue,
        };
        finding.observed = format!("{}; {which}", finding.observed);
    }
    run.findings(findings);
    run.findings(left_out(&one.fingerprint));
    Ok(())
}

/// The table on both sides, where both can be asked.
fn pair<'a>(one: &'a Seen, other: &'a Seen, subject: &str) -> Option<Pair<'a>> {
    let (here, there) = (one.snapshot.as_ref()?, other.snapshot.as_ref()?);
    let of = |snapshot: &'a Snapshot, seen: &Seen| -> Option<&'a Relation> {
        let relation = snapshot.relations.iter().find(|relation| relation.name.to_string() == subject)?;
        seen.fingerprint.tables.contains_key(&relation.name).then_some(relation)
    };
    Some(Pair {
        relations: [of(here, one)?, of(there, other)?],
        sessions: [here.sessions.first()?, there.sessions.first()?],
        rows: one.fingerprint.tables.get(&of(here, one)?.name)?.rows,
    })
}

/// The table on the side that can be asked, and the buckets of the fingerprint that it is held against.
fn parts<'a>(
    one: &'a Seen,
    other: &'a Seen,
    subject: &str,
) -> Option<(&'a Session, &'a Relation, &'a Buckets)> {
    let snapshot = other.snapshot.as_ref()?;
    let relation = snapshot.relations.iter().find(|relation| relation.name.to_string() == subject)?;
    Some((snapshot.sessions.first()?, relation, one.fingerprint.buckets.get(&relation.name)?))
}
