//! `pg_dump` in directory format and `pg_restore`: a logical backup made now, from a shared snapshot.

use std::path::Path;

use evidence_report::{
    record::Finding,
    run::{Run, child::Output},
};

use super::restore_errors;
use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT, RESTORE_COMPLETED, SOURCE_UNDISTURBED},
    connection::Handover,
    fingerprint::LOCK_TIMEOUT,
    halt::Halt,
    programs::Programs,
    scratch::Cluster,
    source::{RECOVERY_CONFLICT, STANDBY, Snapshot},
    sql::message_template,
};

/// So many messages are kept.
const MESSAGES_KEPT: usize = 20;

/// Dumps the snapshot into `folder`, which must not exist yet.
///
/// # Errors
/// A finding that says why it failed, or that the run was asked to stop.
pub(crate) async fn dump(
    run: &Run,
    programs: &Programs,
    handover: &Handover,
    snapshot: &Snapshot,
    jobs: usize,
    folder: &Path,
) -> Result<(), Halt> {
    let mut command = handover
        .give(programs.client(run, "pg_dump"))
        .args(["--format=directory", "--compress=1", "--no-sync"])
        .arg(format!("--jobs={jobs}"))
        .arg(format!("--snapshot={}", snapshot.id))
        .arg(format!("--lock-wait-timeout={}", LOCK_TIMEOUT.as_millis()))
        .arg("--file")
        .arg(folder);
    if snapshot.database.standby {
        command = command.arg("--no-unlogged-table-data");
    }
    let output = command.output(run.stop()).await.map_err(|error| cannot_start(&error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    let messages = messages_of(&output, "pg_dump");
    if output.status.success() {
        return Ok(());
    }
    run.detail("Messages of pg_dump", &messages.join("\n"));
    Err(judge_dump(&messages, &format!("pg_dump: {}", output.status)).into())
}

fn judge_dump(messages: &[String], ended: &str) -> Finding {
    let observed = messages.first().cloned().unwrap_or_else(|| format!("no message ({ended})"));
    let says = |what: &str| messages.iter().any(|message| message.contains(what));
    let expected = "pg_dump ends without an error";
    if says("No space left on device") {
        return ENVIRONMENT.inconclusive("space for the dump").expected(expected).observed(observed);
    }
    // pg_dump keeps its --lock-wait-timeout by a statement timeout.
    if says("lock timeout") || says("statement timeout") {
        return SOURCE_UNDISTURBED
            .inconclusive("source")
            .expected("every table readable within 10 s")
            .observed(observed)
            .remedy("rehearse when no schema change or maintenance is under way");
    }
    if says(RECOVERY_CONFLICT) {
        return BACKUP_MADE.inconclusive("pg_dump").expected(expected).observed(observed).remedy(STANDBY);
    }
    let made = if says("permission denied") || says("row-level security") {
        BACKUP_MADE.inconclusive("pg_dump").remedy(
            "give the role the right to read everything (GRANT pg_read_all_data TO …), sequences included",
        )
    } else {
        BACKUP_MADE.failed("pg_dump")
    };
    made.expected(expected).observed(observed)
}

/// Restores the dump into the scratch cluster's database.
///
/// # Errors
/// Only when the scratch server or this machine gave up, or the run was asked to stop; errors of the restore
/// itself are findings, and the rehearsal goes on to see what they cost.
pub(crate) async fn restore(
    run: &Run,
    programs: &Programs,
    handover: &Handover,
    cluster: &mut Cluster,
    jobs: usize,
    folder: &Path,
) -> Result<Finding, Halt> {
    let log_start = cluster.log_length();
    let output = handover
        .give(programs.client(run, "pg_restore"))
        .args(["--format=directory", "--no-tablespaces", "--no-subscriptions"])
        .arg(format!("--jobs={jobs}"))
        .arg(folder)
        .output(run.stop())
        .await
        .map_err(|error| cannot_start(&error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    let expected = "pg_restore ends without an error";
    if output.status.success() {
        return Ok(RESTORE_COMPLETED.passed("pg_restore").expected(expected).observed("no error"));
    }
    if cluster.has_died(run).await {
        return Err(cluster.why_ended("the server ended in the middle of the restore").into());
    }
    let mut errors = cluster.errors_since(log_start);
    if errors.is_empty() {
        errors = messages_of(&output, "pg_restore").into_iter().map(|said| (String::new(), said)).collect();
    }
    if errors.is_empty() {
        errors.push((String::new(), format!("pg_restore: {}", output.status)));
    }
    errors.truncate(MESSAGES_KEPT);
    let shown: Vec<_> = errors.iter().map(|(code, message)| format!("{code}: {message}")).collect();
    run.detail("Errors of the restore", &shown.join("\n"));
    let nothing =
        || RESTORE_COMPLETED.passed("pg_restore").expected(expected).observed("no error that says anything");
    let finding = restore_errors::judge(&errors, true).unwrap_or_else(nothing);
    // Half a restore for want of space says nothing about the backup: its content is not compared.
    if finding.check.id == ENVIRONMENT.id { Err(finding.into()) } else { Ok(finding) }
}

/// The error lines of a program, as templates.
pub(super) fn messages_of(output: &Output, program: &str) -> Vec<String> {
    let mark = format!("{program}: error: ");
    let lines = output.stderr.lines().filter_map(|line| line.strip_prefix(&mark));
    let kept = lines.filter(|line| !line.starts_with("query was:") && !line.starts_with("Command was:"));
    kept.map(message_template).take(MESSAGES_KEPT).collect()
}

fn cannot_start(observed: &str) -> Finding {
    ENVIRONMENT.inconclusive("PostgreSQL programs").observed(observed)
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn what_we_lack_is_no_bad_backup() {
        for (message, outcome) in [
            ("could not write to file: No space left on device", Outcome::Inconclusive),
            ("query failed: ERROR:  canceling statement due to lock timeout", Outcome::Inconclusive),
            ("query failed: ERROR:  canceling statement due to statement timeout", Outcome::Inconclusive),
            (
                "query failed: ERROR:  canceling statement due to conflict with recovery",
                Outcome::Inconclusive,
            ),
            ("query failed: ERROR:  permission denied for table orders", Outcome::Inconclusive),
            ("query failed: ERROR:  invalid page in block 3 of relation base/5/16385", Outcome::Failed),
        ] {
            assert_eq!(judge_dump(&[message.to_owned()], "exit status: 1").outcome, outcome, "{message}");
        }
    }
}
