//! What a dump is expected to contain: said by a fingerprint that was taken with it, and by nothing else.

use evidence_report::{
    record::{Finding, Outcome, Requirement},
    run::Run,
};

use super::{Made, recovery::own_server, verification::sessions};
use crate::{
    checks::{BACKUP_EXPECTATION, RESTORE_CONTENT},
    compared::{TABLES_SEARCHED, within_buckets},
    comparison::{Carried, compare, left_out},
    connection::Session,
    fingerprint::{Fingerprint, relations},
    halt::Halt,
    plan::{Expectation, Plan, Rehearse},
};

/// Says what is known of the content before the dump is restored.
pub(super) fn announce(run: &Run, expectation: Option<&Expectation>) {
    let expected = "a fingerprint that was taken with the dump";
    match expectation {
        Some(Expectation { path, fingerprint }) => run.finding(
            BACKUP_EXPECTATION.passed("fingerprint").expected(expected).observed(format!(
                "{}: of the database {}, taken {}",
                path.display(),
                fingerprint.taken.database,
                fingerprint.taken.at
            )),
        ),
        None => run.finding(
            BACKUP_EXPECTATION
                .warned("fingerprint")
                .expected(expected)
                .observed("none was given: that the rows are right is not shown, only that they are as many as the dump holds"),
        ),
    }
}

/// Whether the fingerprint is of this database: one of several must bear its name.
pub(super) fn covers(expectation: Option<&Expectation>, database: &str, is_only_one: bool) -> bool {
    expectation.is_some_and(|of| is_only_one || of.fingerprint.taken.database == database)
}

/// Whether the rows of this database must be counted: where a fingerprint tells more, they need not.
pub(super) fn count_wanted(
    expectation: Option<&Expectation>,
    database: &str,
    is_only_one: bool,
) -> Requirement {
    if covers(expectation, database, is_only_one) { Requirement::Optional } else { Requirement::Required }
}

/// Compares what the copy of a database holds with the fingerprint.
pub(super) async fn judge_content(
    (plan, work, run): (&Plan, &Rehearse, &Run),
    made: &mut Made,
    database: &str,
    is_only_one: bool,
    expectation: Option<&Expectation>,
    found: &Fingerprint,
) -> Result<(), Halt> {
    let not_checked = |reason: &str| {
        let expected = "every table the same in number of rows and digest";
        run.finding(RESTORE_CONTENT.not_checked(Requirement::Optional, database, reason).expected(expected));
    };
    match expectation.map(|expectation| &expectation.fingerprint) {
        None => not_checked(
            "no fingerprint was given (--fingerprint), so nothing says what the content should be",
        ),
        Some(wanted) if covers(expectation, database, is_only_one) => {
            let mut findings = compare(wanted, found, Carried::Dump);
            let differs = |finding: &Finding| {
                finding.check.id == RESTORE_CONTENT.id && finding.outcome == Outcome::Failed
            };
            let located = match findings.iter().any(differs) {
                true => {
                    locate(run, work, &sessions(plan, run, made, database).await?, wanted, &mut findings)
                        .await
                }
                false => Ok(()),
            };
            // Whatever came of that, the differences are said.
            run.findings(findings);
            run.findings(left_out(wanted));
            located?;
        }
        Some(wanted) => {
            not_checked(&format!("the fingerprint is of the database {}", wanted.taken.database));
        }
    }
    Ok(())
}

/// Adds in which parts of the tables the differing rows lie, as far as the fingerprint tells.
async fn locate(
    run: &Run,
    work: &Rehearse,
    copy: &[Session],
    wanted: &Fingerprint,
    findings: &mut [Finding],
) -> Result<(), Halt> {
    let Some(session) = copy.first() else { return Ok(()) };
    let present = relations(session, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let tables = wanted.buckets.iter().filter_map(|(name, buckets)| {
        let finding = findings.iter().position(|finding| {
            finding.check.id == RESTORE_CONTENT.id && finding.subject == name.to_string()
        });
        Some((finding?, present.iter().find(|relation| relation.name == *name)?, buckets))
    });
    for (finding, table, buckets) in tables.take(TABLES_SEARCHED).collect::<Vec<_>>() {
        let which = within_buckets(session, run.stop(), table, buckets, work.show_values).await?;
        if let Some(finding) = findings.get_mut(finding) {
            finding.observed = format!("{}; {which}", finding.observed);
        }
    }
    if wanted.buckets.is_empty()
        && let Some(finding) = findings.iter_mut().find(|finding| finding.check.id == RESTORE_CONTENT.id)
    {
        finding.observed.push_str(
            "; which rows, a fingerprint with --row-buckets would say, or `compare` with the source",
        );
    }
    Ok(())
}
