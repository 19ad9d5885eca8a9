//! What the promoted copy contains, and whether its pages and indexes are sound.

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};

use super::{
    super::{
        Made, listed,
        recovery::own_server,
        verification::{missing_views, read_copy, tables},
    },
    live::{Expected, Live},
    placing::Placed,
};
use crate::{
    checks::{RESTORE_CONTENT, RESTORE_SEQUENCES},
    clock::{LEFT_OUT_OF_PHYSICAL, Stages},
    comparison::{compare_content, compare_recovered_sequences},
    connection::Session,
    fingerprint::{increments, pin, relations, sequences},
    halt::Halt,
    integrity::{amcheck, checksums},
    plan::{Plan, Rehearse},
    scratch::Cluster,
    wording::counted,
};

/// Compares where that is possible, and looks at every page.
pub(super) async fn verify(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    placed: &Placed,
    live: &Live,
    database: &str,
) -> Result<(), Halt> {
    let Made { copy, stages, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
    match &live.expected {
        Some(Ok(expected)) => compare(plan, run, cluster, stages, expected, database).await?,
        unknown => run.finding(not_compared(database, unknown.as_ref())),
    }
    run.progress().phase("copy: amcheck");
    let start = run.elapsed();
    run.finding(amcheck(run, &placed.programs, cluster, database, work.amcheck, plan.jobs).await?);
    stages.add("amcheck", start, run.elapsed(), "every database of the copy");
    run.progress().phase("copy: checksums");
    let start = run.elapsed();
    cluster.shut_down(run).await?;
    run.finding(checksums(run, cluster, placed.control.checksums).await?);
    stages.add("checksums", start, run.elapsed(), "after a clean shutdown");
    stages.add("verified", run.elapsed(), run.elapsed(), "everything was looked at");
    run.detail(
        "What the recovery time is",
        &format!(
            "From the incident (an empty machine with PostgreSQL's programs, and the backup where it lies) to the \
             first committed write of a role without superuser rights; the check of the backup's files before the \
             start is in it; {LEFT_OUT_OF_PHYSICAL}. Brought: {} on {}.",
            counted(crate::scratch::folder_bytes(&placed.landing.data), "byte"),
            counted(std::thread::available_parallelism().map_or(1, usize::from) as u64, "processor")
        ),
    );
    Ok(())
}

fn not_compared(database: &str, unknown: Option<&Result<Expected, String>>) -> Finding {
    let reason = match unknown {
        Some(Err(reason)) => reason.as_str(),
        _ => {
            "the backup exists, and nothing says what it must contain: name its source with --source and a \
             restore point with --restore-point"
        }
    };
    RESTORE_CONTENT.not_checked(Requirement::Optional, database, reason)
}

async fn compare(
    plan: &Plan,
    run: &Run,
    cluster: &mut Cluster,
    stages: &mut Stages,
    expected: &Expected,
    database: &str,
) -> Result<(), Halt> {
    run.progress().phase("copy: fingerprint");
    let start = run.elapsed();
    let mut sessions: Vec<Session> = Vec::new();
    for _ in 0..plan.jobs {
        let session = cluster.administrator(run, database).await?;
        let pinned = pin(&session, run.stop(), run.settings().timeout).await;
        pinned.map_err(|failure| own_server("copy", failure))?;
        sessions.push(session);
    }
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let failed = |failure| own_server("copy", failure);
    let present = relations(first, run.stop()).await.map_err(failed)?;
    let standing = sequences(first, run.stop()).await.map_err(failed)?;
    let steps = increments(first, run.stop()).await.map_err(failed)?;
    let content = read_copy(run, &sessions, &expected.relations, &present).await?;
    stages.add("fingerprint of the copy", start, run.elapsed(), listed(&content));
    run.findings(compare_content(database, &expected.content, &content));
    run.findings(missing_views(&expected.relations, &present));
    match expected.before.is_empty() {
        true => run.finding(RESTORE_SEQUENCES.not_checked(
            Requirement::Optional,
            database,
            "there is no sequence",
        )),
        false => run.findings(compare_recovered_sequences(
            database,
            &expected.before,
            &expected.after,
            &standing,
            &steps,
        )),
    }
    run.detail("Tables of the source", &tables(&expected.content));
    Ok(())
}
