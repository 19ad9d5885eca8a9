//! What the promoted copy contains, and whether its pages and indexes are sound.

use evidence_report::{
    record::{Finding, Outcome, Requirement},
    run::Run,
};

use super::{
    super::{
        Made, listed,
        recovery::own_server,
        verification::{read_copy, sessions, tables},
    },
    live::Live,
    placing::Placed,
};
use crate::{
    checks::{BACKUP_EXPECTATION, RESTORE_CONTENT},
    clock::LEFT_OUT_OF_PHYSICAL,
    compared::{Source, name_rows},
    comparison::compare_recovered,
    fingerprint::{Fingerprint, increments},
    halt::Halt,
    integrity::{Lengths, amcheck, checksums, files},
    plan::{Plan, Rehearse},
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
    run.finding(expectation(placed, live, work.assertions.is_empty()));
    let cluster = made.copy.as_mut().ok_or(Halt::Stopped)?;
    run.progress().phase("copy: files");
    let lengths = placed.verified_by.map_or(Lengths::Unknown, |_| Lengths::Proven);
    run.finding(files(run, cluster, database, lengths).await?);
    match &live.expected {
        Some(Ok(expected)) => compare(plan, work, run, made, expected, live, database).await?,
        unknown => run.finding(not_compared(database, unknown.as_ref())),
    }
    let Made { copy, stages, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
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

/// What says what the backup should contain.
fn expectation(placed: &Placed, live: &Live, nothing_asserted: bool) -> Finding {
    let expected = "a manifest, the content of the source, or assertions";
    let content =
        matches!(live.expected, Some(Ok(_))).then_some("the content of its source, read for this rehearsal");
    let asserted = (!nothing_asserted).then_some("the assertions of the configuration");
    match placed.verified_by.or(content).or(asserted) {
        Some(told) => BACKUP_EXPECTATION.passed(&placed.chosen.label).expected(expected).observed(told),
        None => BACKUP_EXPECTATION
            .warned(&placed.chosen.label)
            .expected(expected)
            .observed(
                "none of these: a file that was cut or emptied is a table of fewer rows to PostgreSQL, and nothing here \
                 would tell",
            )
            .remedy(
                "Take base backups with a manifest (pg_basebackup without --no-manifest; Barman with \
                 backup_method = postgres), rehearse with --source and --restore-point, or say what the copy must hold \
                 by assertions (--config).",
            ),
    }
}

fn not_compared(database: &str, unknown: Option<&Result<Fingerprint, String>>) -> Finding {
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
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    expected: &Fingerprint,
    live: &Live,
    database: &str,
) -> Result<(), Halt> {
    run.progress().phase("copy: fingerprint");
    let start = run.elapsed();
    let sessions = sessions(plan, run, made, database).await?;
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let steps = increments(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let found = read_copy(run, &sessions).await?;
    made.stages.add("fingerprint of the copy", start, run.elapsed(), listed(&found));
    let mut findings = compare_recovered(expected, &found, &steps);
    let named = match live.connection.as_ref() {
        Some(source) => {
            let source = Source { connection: source.clone(), kept: None };
            name_rows(run, work, &mut findings, expected, source, &sessions).await
        }
        None => Ok(()),
    };
    // Whatever came of that, the differences are said.
    let said = findings.into_iter().map(|finding| if live.moved { unproven(finding) } else { finding });
    run.findings(said);
    named?;
    run.detail("Tables of the source", &tables(expected));
    Ok(())
}

/// A difference where transactions ran between the readings of the source: a row that came and went may be in the
/// copy, and rightly so.
fn unproven(finding: Finding) -> Finding {
    match finding.outcome {
        Outcome::Failed => finding
            .check
            .inconclusive(&finding.subject)
            .expected(&finding.expected)
            .observed(format!(
                "{}; but transactions ran at the source between the readings before and after the point that is \
                 restored, so that it may have been so then",
                finding.observed
            ))
            .remedy("rehearse again at a quieter time"),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_is_put_in_doubt() {
        let failed = RESTORE_CONTENT.failed("shop.t").expected("10 rows").observed("11 rows");
        let doubted = unproven(failed);
        assert_eq!(doubted.outcome, Outcome::Inconclusive);
        assert!(doubted.observed.starts_with("11 rows; but"), "{}", doubted.observed);
        assert_eq!(unproven(RESTORE_CONTENT.passed("shop")).outcome, Outcome::Passed);
        assert_eq!(unproven(RESTORE_CONTENT.warned("shop")).outcome, Outcome::Warned);
    }
}
