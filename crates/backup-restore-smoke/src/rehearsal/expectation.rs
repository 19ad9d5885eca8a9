//! What a dump is expected to contain: said by a fingerprint that was taken with it, and by nothing else.

use std::path::Path;

use evidence_report::{record::Requirement, run::Run};

use crate::checks::{BACKUP_EXPECTATION, RESTORE_CONTENT};

/// Says what is known of the content before the dump is restored.
pub(super) fn announce(run: &Run, fingerprint: Option<&Path>) {
    let expected = "a fingerprint that was taken with the dump";
    match fingerprint {
        Some(path) => run.finding(
            BACKUP_EXPECTATION.passed("fingerprint").expected(expected).observed(path.display().to_string()),
        ),
        None => run.finding(
            BACKUP_EXPECTATION
                .warned("fingerprint")
                .expected(expected)
                .observed("none was given: that the rows are right is not shown, only that they are as many as the dump holds"),
        ),
    }
}

/// Compares the copy with the fingerprint.
pub(super) fn judge_content(run: &Run, database: &str, fingerprint: Option<&Path>) {
    let expected = "every table the same in number of rows and digest";
    let finding = match fingerprint {
        // The seam: reading a fingerprint's file is not this module's.
        Some(_) => RESTORE_CONTENT.not_checked(
            Requirement::Required,
            database,
            "a fingerprint's file cannot be read by this version",
        ),
        None => RESTORE_CONTENT.not_checked(
            Requirement::Optional,
            database,
            "no fingerprint was given (--fingerprint), so nothing says what the content should be",
        ),
    };
    run.finding(finding.expected(expected));
}

/// The system identifier of the cluster that the fingerprint was taken from.
pub(super) const fn system_identifier(_fingerprint: Option<&Path>) -> Option<String> {
    None
}
