//! What `pg_controldata` says about a data folder that is not started.

use std::path::Path;

use evidence_report::run::Run;
use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

use crate::{
    checks::{BACKUP_CHOSEN, ENVIRONMENT},
    halt::Halt,
    programs::Programs,
    wal::Lsn,
};

/// The control file, as far as we need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ControlData {
    /// The cluster's identifier.
    pub(crate) system_identifier: String,
    /// `in production`, `shut down`, `in archive recovery`, …
    pub(crate) state: String,
    /// Where recovery would begin without a label.
    pub(crate) redo: Option<Lsn>,
    /// When the last checkpoint began: of a backup's own, if no other came while it was made.
    pub(crate) checkpoint: Option<Timestamp>,
    /// The timeline of the last checkpoint.
    pub(crate) timeline: Option<u32>,
    /// Bytes in a segment of the write-ahead log.
    pub(crate) segment_bytes: u64,
    /// Whether pages carry checksums.
    pub(crate) checksums: bool,
    pub(crate) max_connections: u32,
    pub(crate) max_worker_processes: u32,
    pub(crate) max_wal_senders: u32,
    pub(crate) max_prepared_transactions: u32,
    pub(crate) max_locks_per_transaction: u32,
}

impl ControlData {
    /// Asks the program.
    ///
    /// # Errors
    /// A finding when the control file is missing or damaged, or that the run was asked to stop.
    pub(crate) async fn ask(run: &Run, programs: &Programs, data: &Path) -> Result<Self, Halt> {
        let command = programs.child(run, "pg_controldata").arg("--pgdata").arg(data);
        let output = command.env("LC_ALL", "C").env("TZ", "UTC").output(run.stop()).await;
        let output = output
            .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
        if output.stopped {
            return Err(Halt::Stopped);
        }
        let damaged = |observed: String| -> Halt {
            BACKUP_CHOSEN
                .failed("global/pg_control")
                .expected("a control file that pg_controldata reads without a warning")
                .observed(observed)
                .into()
        };
        let said = output.stderr.lines().chain(output.stdout.lines());
        if let Some(warning) = said.clone().find(|line| line.contains("WARNING")) {
            return Err(damaged(warning.to_owned()));
        }
        if !output.status.success() {
            let first = output.stderr.lines().next().unwrap_or("no message");
            return Err(damaged(first.replace(&data.display().to_string(), "…")));
        }
        read(&output.stdout).ok_or_else(|| damaged("it does not say what a control file says".to_owned()))
    }
}

fn read(text: &str) -> Option<ControlData> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    };
    let number = |key: &str| value(key)?.parse().ok();
    Some(ControlData {
        system_identifier: value("Database system identifier")?,
        state: value("Database cluster state")?,
        redo: value("Latest checkpoint's REDO location").and_then(|place| place.parse().ok()),
        checkpoint: value("Time of latest checkpoint").and_then(|time| instant(&time)),
        timeline: number("Latest checkpoint's TimeLineID"),
        segment_bytes: value("Bytes per WAL segment")?.parse().ok().filter(|bytes| *bytes > 0)?,
        checksums: value("Data page checksum version").is_some_and(|version| version != "0"),
        max_connections: number("max_connections setting")?,
        max_worker_processes: number("max_worker_processes setting")?,
        max_wal_senders: number("max_wal_senders setting")?,
        max_prepared_transactions: number("max_prepared_xacts setting")?,
        max_locks_per_transaction: number("max_locks_per_xact setting")?,
    })
}

/// Reads `Sat Jan 31 12:30:00 2026`, as C's `%c` writes it, of UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let read: DateTime = strtime::parse("%a %b %e %H:%M:%S %Y", text).ok()?.to_datetime().ok()?;
    TimeZone::UTC.to_timestamp(read).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_answer_is_read() {
        let text = "pg_control version number:            1300\nDatabase system identifier:           7\n\
                    Database cluster state:               in production\nLatest checkpoint's REDO location:    0/2000028\n\
                    Latest checkpoint's TimeLineID:       1\nTime of latest checkpoint:            Sat Jan  3 12:30:00 2026\nwal_level setting:                    replica\n\
                    max_connections setting:              100\nmax_worker_processes setting:         8\n\
                    max_wal_senders setting:              10\nmax_prepared_xacts setting:           0\n\
                    max_locks_per_xact setting:           64\nBytes per WAL segment:                16777216\n\
                    Data page checksum version:           1\n";
        let control = read(text).unwrap();
        assert_eq!(
            (control.max_connections, control.segment_bytes, control.checksums),
            (100, 16 << 20, true)
        );
        assert_eq!((control.redo, control.timeline), (Some(Lsn(0x200_0028)), Some(1)));
        assert_eq!(control.checkpoint.unwrap().to_string(), "2026-01-03T12:30:00Z");
        assert_eq!(read(""), None);
        assert_eq!(read(&text.replace("16777216", "0")), None);
    }
}
