//! `pg_dump` in directory format and `pg_restore`: a logical backup made now, from a shared snapshot.

use std::path::Path;

use evidence_report::{
    record::Finding,
    run::{Run, child::Output},
};

use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT, RESTORE_COMPLETED, SOURCE_UNDISTURBED},
    connection::Handover,
    fingerprint::LOCK_TIMEOUT,
    halt::Halt,
    programs::Programs,
    scratch::Cluster,
    source::Snapshot,
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
    let messages = messages(&output, "pg_dump");
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
    if cluster.has_ended() {
        return Err(cluster.why_ended("the server ended in the middle of the restore").into());
    }
    let from_server: Vec<_> = cluster.errors_since(log_start);
    let mut shown: Vec<_> = from_server.iter().map(|(code, message)| format!("{code}: {message}")).collect();
    let codes: Vec<_> = from_server.into_iter().map(|(code, _)| code).collect();
    if shown.is_empty() {
        shown = messages(&output, "pg_restore");
    }
    shown.truncate(MESSAGES_KEPT);
    run.detail("Errors of the restore", &shown.join("\n"));
    let more = if codes.len() > 1 { format!(" (and {} more)", codes.len() - 1) } else { String::new() };
    let observed = shown
        .first()
        .map_or_else(|| format!("pg_restore: {}", output.status), |first| format!("{first}{more}"));
    let finding = judge_restore(&codes).expected(expected).observed(observed);
    // Half a restore for want of space says nothing about the backup: its content is not compared.
    if finding.check.id == ENVIRONMENT.id { Err(finding.into()) } else { Ok(finding) }
}

fn judge_restore(codes: &[String]) -> Finding {
    let all = |wanted: &dyn Fn(&str) -> bool| !codes.is_empty() && codes.iter().all(|code| wanted(code));
    // Class 53: the disk or the memory is full, and other errors may follow from that.
    if codes.iter().any(|code| code.starts_with("53")) {
        return ENVIRONMENT
            .inconclusive("space for the copy")
            .remedy("name a folder with more space with --scratch");
    }
    // Class 08: a foreign server was asked for, which the copy must not reach.
    if all(&|code| code.starts_with("08")) {
        return RESTORE_COMPLETED
            .inconclusive("pg_restore")
            .remedy("the copy is kept apart, so what needs a foreign server cannot be refreshed; leave it out, or judge it elsewhere");
    }
    RESTORE_COMPLETED.failed("pg_restore")
}

/// The error lines of a program, as templates.
fn messages(output: &Output, program: &str) -> Vec<String> {
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
            ("query failed: ERROR:  permission denied for table orders", Outcome::Inconclusive),
            ("query failed: ERROR:  invalid page in block 3 of relation base/5/16385", Outcome::Failed),
        ] {
            assert_eq!(judge_dump(&[message.to_owned()], "exit status: 1").outcome, outcome, "{message}");
        }
    }

    #[test]
    fn an_error_of_the_restore_is_a_failure_unless_isolation_or_space_explains_all() {
        let outcome = |codes: &[&str]| {
            judge_restore(&codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()).outcome
        };
        assert_eq!(outcome(&["42704"]), Outcome::Failed);
        assert_eq!(outcome(&["08001"]), Outcome::Inconclusive);
        assert_eq!(outcome(&["08001", "42704"]), Outcome::Failed);
        assert_eq!(outcome(&["53100"]), Outcome::Inconclusive);
        assert_eq!(outcome(&["53100", "23503"]), Outcome::Inconclusive);
        assert_eq!(outcome(&[]), Outcome::Failed);
    }
}
