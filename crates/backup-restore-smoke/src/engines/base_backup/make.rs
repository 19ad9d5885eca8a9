//! A base backup made now, by `pg_basebackup` with the write-ahead log streamed beside it, through the private
//! service file. The source is only read: no slot outlives it, every tablespace is mapped away, and its
//! checkpoint is a spread one, which spares its disks.

use std::path::{Path, PathBuf};

use evidence_report::{
    record::Finding,
    run::{Run, child::Output},
};

use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT},
    connection::Handover,
    halt::Halt,
    programs::Programs,
    scratch::make_private,
    sql::message_template,
};

/// Makes it in `folder`, which must not exist yet; `tablespaces` are the places on the source.
///
/// # Errors
/// A finding that says why it failed, or that the run was asked to stop.
pub(crate) async fn make(
    run: &Run,
    programs: &Programs,
    handover: &Handover,
    tar: bool,
    tablespaces: &[String],
    folder: &Path,
) -> Result<(), Halt> {
    make_private(folder)?;
    let base = folder.join("base");
    let mut command = handover
        .give(programs.client(run, "pg_basebackup"))
        .args(["--wal-method=stream", "--no-sync", "--label=backup-restore-smoke"])
        .arg(if tar { "--format=tar" } else { "--format=plain" })
        .arg("--pgdata")
        .arg(&base);
    if !tar {
        for (index, place) in tablespaces.iter().enumerate() {
            let mapped = folder.join(format!("tablespace-{index}"));
            command = command.arg(mapping(place, &mapped)?);
        }
    }
    let ran = command.output(run.stop()).await;
    let output =
        ran.map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    if output.status.success() {
        return Ok(());
    }
    let messages = messages(&output);
    run.detail("Messages of pg_basebackup", &messages.join("\n"));
    Err(judge(&messages, &format!("pg_basebackup: {}", output.status)).into())
}

/// Where the backup that [`make`] made lies.
pub(crate) fn made_in(folder: &Path) -> PathBuf {
    folder.join("base")
}

fn mapping(place: &str, mapped: &Path) -> Result<String, Halt> {
    let mapped = mapped.to_string_lossy();
    if place.contains('=') || mapped.contains('=') {
        let finding = ENVIRONMENT
            .inconclusive("tablespaces")
            .observed("the path of a tablespace, or of the scratch folder, contains '='")
            .remedy("rehearse with --method base-backup-tar, and a --scratch without '='");
        return Err(finding.into());
    }
    Ok(format!("--tablespace-mapping={place}={mapped}"))
}

fn judge(messages: &[String], ended: &str) -> Finding {
    let observed = messages.first().cloned().unwrap_or_else(|| format!("no message ({ended})"));
    let says = |what: &str| messages.iter().any(|message| message.contains(what));
    let expected = "pg_basebackup ends without an error";
    if says("No space left on device") {
        return ENVIRONMENT.inconclusive("space for the backup").expected(expected).observed(observed);
    }
    let made = if says("must be superuser or replication role")
        || says("permission denied to start WAL sender")
    {
        BACKUP_MADE.inconclusive("pg_basebackup").remedy(
            "a base backup needs the right to replicate: ALTER ROLE … REPLICATION (it may read every file of the \
             cluster, so give it to a role of its own)",
        )
    } else if says("no pg_hba.conf entry for replication") {
        BACKUP_MADE.inconclusive("pg_basebackup").remedy(
            "allow this role's replication connections in the source's pg_hba.conf (a line with the word \
             'replication' as database), and reload",
        )
    } else if says("max_wal_senders") || says("replication slots are in use") || says("wal_level") {
        BACKUP_MADE
            .inconclusive("pg_basebackup")
            .remedy("the source must allow streaming: wal_level replica, and two free max_wal_senders")
    } else if says("standby was promoted during online backup") {
        BACKUP_MADE.inconclusive("pg_basebackup").remedy(
            "the standby became the primary in the middle of its backup; rehearse again, from the server that is to \
             be backed up now",
        )
    } else if says("full_page_writes=off") {
        BACKUP_MADE.failed("pg_basebackup").remedy(
            "no backup of this standby can be trusted: set full_page_writes = on at the primary, run CHECKPOINT \
             there, and back up again",
        )
    } else {
        BACKUP_MADE.failed("pg_basebackup")
    };
    made.expected(expected).observed(observed)
}

fn messages(output: &Output) -> Vec<String> {
    let lines = output.stderr.lines().filter_map(|line| line.strip_prefix("pg_basebackup: "));
    let said = lines.filter_map(|line| line.strip_prefix("error: ").or(line.strip_prefix("fatal: ")));
    said.map(message_template).take(20).collect()
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_right_that_is_missing_is_explained_and_is_no_bad_backup() {
        for (message, outcome, remedy) in [
            (
                "FATAL:  must be superuser or replication role to start walsender",
                Outcome::Inconclusive,
                "REPLICATION",
            ),
            ("FATAL:  permission denied to start WAL sender", Outcome::Inconclusive, "REPLICATION"),
            (
                "FATAL:  no pg_hba.conf entry for replication connection from host \"…\"",
                Outcome::Inconclusive,
                "pg_hba",
            ),
            ("could not write to file: No space left on device", Outcome::Inconclusive, ""),
            ("checksum error occurred", Outcome::Failed, ""),
            (
                "backup failed: ERROR:  the standby was promoted during online backup",
                Outcome::Inconclusive,
                "again",
            ),
            (
                "ERROR:  WAL generated with full_page_writes=off was replayed since last restartpoint",
                Outcome::Failed,
                "full_page_writes = on",
            ),
        ] {
            let finding = judge(&[message.to_owned()], "exit status: 1");
            assert_eq!(finding.outcome, outcome, "{message}");
            assert!(finding.remedy.contains(remedy), "{message}: {}", finding.remedy);
        }
    }
}
