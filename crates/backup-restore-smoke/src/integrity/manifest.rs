//! The manifest of a base backup: which write-ahead log it needs, and `pg_verifybackup`, which holds every file
//! against it.

use std::path::Path;

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};
use serde::Deserialize;

use crate::{
    checks::{BACKUP_VERIFIED, ENVIRONMENT},
    halt::Halt,
    programs::Programs,
    reads,
    scratch::folder_bytes,
    sql::message_template,
    wal::Lsn,
};

/// So many messages are kept.
const MESSAGES_KEPT: usize = 20;

/// What a manifest says besides the list of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Where the copy is consistent.
    pub(crate) stop_lsn: Option<Lsn>,
    /// The cluster (PostgreSQL 17 and later).
    pub(crate) system_identifier: Option<String>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "WAL-Ranges", default)]
    ranges: Vec<Range>,
    #[serde(rename = "System-Identifier")]
    system_identifier: Option<u64>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "End-LSN")]
    end: String,
}

impl Manifest {
    /// Reads a `backup_manifest`; `None` where there is none that can be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        // A pipe of that name would never end.
        let path = path.is_file().then_some(path)?;
        let written: Written = serde_json::from_str(&fs_err::read_to_string(path).ok()?).ok()?;
        Some(Self {
            stop_lsn: written.ranges.iter().filter_map(|range| range.end.parse().ok()).max(),
            system_identifier: written.system_identifier.map(|identifier| identifier.to_string()),
        })
    }
}

/// Holds the files of a folder against its manifest (which may lie elsewhere).
///
/// # Errors
/// When the program cannot be run, or the run was asked to stop. What it finds is a finding.
pub(crate) async fn verify_backup(
    run: &Run,
    programs: &Programs,
    data: &Path,
    manifest: Option<&Path>,
) -> Result<Vec<Finding>, Halt> {
    let path = manifest.map_or_else(|| data.join("backup_manifest"), Path::to_owned);
    let name = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !path.is_file() {
        let reason = "the backup has no manifest, so its files can be held against nothing";
        return Ok(vec![BACKUP_VERIFIED.not_checked(Requirement::Optional, name, reason)]);
    }
    // The write-ahead log is looked at by itself: it may come from an archive.
    let command =
        programs.client(run, "pg_verifybackup").arg("--no-parse-wal").arg("--manifest-path").arg(&path);
    let reads = reads::of_program(run, "pg_verifybackup", folder_bytes(data));
    let output = command.arg(data).output(run.stop()).await;
    drop(reads);
    let output = output
        .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    let expected = "every file of the manifest there, with its size and checksum, and none besides";
    if output.status.success() {
        return Ok(vec![
            BACKUP_VERIFIED.passed(name).expected(expected).observed("pg_verifybackup: so it is"),
        ]);
    }
    let messages = messages(&output.stderr);
    run.detail("Messages of pg_verifybackup", &messages.join("\n"));
    let more = if messages.len() > 1 { format!(" (and {} more)", messages.len() - 1) } else { String::new() };
    let first = messages.first().cloned().unwrap_or_else(|| output.status.to_string());
    Ok(vec![BACKUP_VERIFIED.failed(name).expected(expected).observed(format!("{first}{more}"))])
}

/// The error lines. They name files, which may be named; what else is quoted is taken out.
fn messages(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("pg_verifybackup: "));
    let said = lines.filter_map(|line| line.strip_prefix("error: ").or(line.strip_prefix("fatal: ")));
    let of_files =
        said.map(|said| if said.starts_with('"') { format!("file {said}") } else { said.to_owned() });
    of_files.map(|said| message_template(&said)).take(MESSAGES_KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_tells_where_the_copy_is_consistent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup_manifest");
        let text = r#"{ "PostgreSQL-Backup-Manifest-Version": 2, "System-Identifier": 7431,
            "Files": [{ "Path": "a", "Size": 1 }],
            "WAL-Ranges": [{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000138" }],
            "Manifest-Checksum": "x"}"#;
        fs_err::write(&path, text).unwrap();
        let wanted = Manifest { stop_lsn: Some(Lsn(0x200_0138)), system_identifier: Some("7431".into()) };
        assert_eq!(Manifest::read(&path), Some(wanted));
        fs_err::write(&path, "{ cut").unwrap();
        assert_eq!(Manifest::read(&path), None);
    }

    #[test]
    fn files_stay_named_in_messages() {
        let said = "pg_verifybackup: error: checksum mismatch for file \"base/5/16385\"\n\
                    pg_verifybackup: error: \"base/5/1\" is present in the manifest but not on disk\n";
        let wanted = [
            "checksum mismatch for file \"base/5/16385\"",
            "file \"base/5/1\" is present in the manifest but not on disk",
        ];
        assert_eq!(messages(said), wanted);
    }
}
