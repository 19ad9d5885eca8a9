//! What a dump is expected to contain: said by a fingerprint that was taken with it, and by nothing else.

use evidence_report::{record::Requirement, run::Run};

use crate::{
    checks::{BACKUP_EXPECTATION, RESTORE_CONTENT},
    comparison::{Carried, compare},
    fingerprint::Fingerprint,
    plan::Expectation,
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

/// Compares what the copy of a database holds with the fingerprint. One of several databases must bear its name.
pub(super) fn judge_content(
    run: &Run,
    database: &str,
    is_only_one: bool,
    expectation: Option<&Expectation>,
    found: &Fingerprint,
) {
    let not_checked = |reason: &str| {
        let expected = "every table the same in number of rows and digest";
        run.finding(RESTORE_CONTENT.not_checked(Requirement::Optional, database, reason).expected(expected));
    };
    match expectation.map(|expectation| &expectation.fingerprint) {
        None => not_checked(
            "no fingerprint was given (--fingerprint), so nothing says what the content should be",
        ),
        Some(wanted) if is_only_one || wanted.taken.database == database => {
            run.findings(compare(wanted, found, Carried::Dump));
        }
        Some(wanted) => {
            not_checked(&format!("the fingerprint is of the database {}", wanted.taken.database));
        }
    }
}
