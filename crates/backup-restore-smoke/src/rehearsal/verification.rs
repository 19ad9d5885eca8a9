//! Whether the copy contains what the source contained, read the same way.

use evidence_report::run::Run;

use super::{Made, Seen, listed, recovery::own_server};
use crate::{
    checks::RESTORE_CONTENT,
    clock::LEFT_OUT,
    compared::{Source, name_rows},
    comparison::{Carried, compare},
    connection::{QueryFailure, Resolved, Session},
    fingerprint::{Fingerprint, Unreadable, describe, pin, relations},
    halt::Halt,
    plan::{Plan, Rehearse},
    wording::counted,
};

/// So many tables are listed in the evidence.
const TABLES_LISTED: usize = 200;

/// Fingerprints the copy the same way, and compares.
pub(super) async fn verify(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    seen: &mut Seen,
    source: &Resolved,
) -> Result<(), Halt> {
    run.progress().phase("copy: fingerprint");
    let start = run.elapsed();
    let sessions = sessions(plan, run, made, &seen.database.name).await?;
    let found = read_copy(run, &sessions).await?;
    made.stages.add("fingerprint of the copy", start, run.elapsed(), listed(&found));
    let mut findings = compare(&seen.fingerprint, &found, Carried::Dump);
    let source = Source { connection: source.pinned(&seen.endpoint), kept: seen.kept.take() };
    let named = name_rows(run, work, &mut findings, &seen.fingerprint, source, &sessions).await;
    // Whatever came of that, the differences are said.
    run.findings(findings);
    named?;
    made.checked.push(&RESTORE_CONTENT);
    run.detail("Tables of the source", &tables(&seen.fingerprint));
    run.detail(
        "What the recovery time is",
        &format!(
            "From the start of the restore work (an empty machine with PostgreSQL's programs and the dump) to the \
             first committed write of a role without superuser rights; {LEFT_OUT}. Restored: {}, {} \
             in the source, by {} on {}.",
            listed(&seen.fingerprint),
            counted(seen.database.bytes, "byte"),
            counted(plan.jobs as u64, "worker"),
            counted(std::thread::available_parallelism().map_or(1, usize::from) as u64, "processor")
        ),
    );
    Ok(())
}

/// Sessions with the copy, each within a transaction: nobody writes there any more.
pub(super) async fn sessions(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    database: &str,
) -> Result<Vec<Session>, Halt> {
    let mut sessions = Vec::new();
    for _ in 0..plan.jobs {
        let session = made.session(run, database).await?;
        let failed = |failure| own_server("copy", failure);
        pin(&session, run.stop(), run.settings().timeout).await.map_err(failed)?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        session.query(run.stop(), begin).await.map_err(failed)?;
        sessions.push(session);
    }
    Ok(sessions)
}

pub(super) async fn read_copy(run: &Run, sessions: &[Session]) -> Result<Fingerprint, Halt> {
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let present = relations(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let read = describe(sessions, &present, None, run.stop(), run.progress()).await;
    read.map_err(|Unreadable { subject, failure }| match failure {
        QueryFailure::Stopped => Halt::Stopped,
        failure => RESTORE_CONTENT
            .failed(subject)
            .expected("it can be read in the copy")
            .observed(failure.to_string())
            .into(),
    })
}

pub(super) fn tables(fingerprint: &Fingerprint) -> String {
    let content = &fingerprint.tables;
    let mut lines: Vec<_> = content
        .iter()
        .take(TABLES_LISTED)
        .map(|(name, table)| format!("{name}: {}, digest {}", counted(table.rows, "row"), table.digest))
        .collect();
    if content.len() > TABLES_LISTED {
        lines.push(format!("… and {} more", content.len() - TABLES_LISTED));
    }
    lines.join("\n")
}
