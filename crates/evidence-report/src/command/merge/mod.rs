//! `merge FILE…`: the records of the shards of one run become one. Every shard is there exactly once, of the
//! same run, and unaltered; what is missing makes the whole inconclusive, by name.

mod join;
mod parts;

use std::path::{Path, PathBuf};

pub(super) use join::join;
pub(super) use parts::{Part, in_order};

use crate::{
    document::{self, ReadError, Verification},
    record::{Verdict, v1::Record},
};

/// Files that cannot be made one.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergeError {
    /// It cannot be read.
    #[error("reading {path}: {source}. Name evidence files, or outputs of --format json", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// It is neither an evidence file nor a record.
    #[error("{path}: {source}. Name evidence files, or outputs of --format json", path = path.display())]
    NoRecord { path: PathBuf, source: ReadError },
    /// Somebody changed it.
    #[error("{path} has been altered: {how}. Run that shard again", path = path.display())]
    Altered { path: PathBuf, how: String },
    /// It does not name its shard.
    #[error("{path}: {why}. Only records of runs with --shard can be merged", path = path.display())]
    NoShard { path: PathBuf, why: String },
    /// It is of another run.
    #[error("{path} does not belong to {first}: {what} is '{found}', not '{expected}'", path = path.display(), first = first.display())]
    Foreign { path: PathBuf, first: PathBuf, what: &'static str, found: String, expected: String },
    /// One shard twice.
    #[error("{first} and {second} are both of shard {shard}; name one of them", first = first.display(), second = second.display())]
    Twice { first: PathBuf, second: PathBuf, shard: String },
}

/// Reads one file: an evidence file, or a record in JSON.
pub(super) fn read(path: &Path) -> Result<Part, MergeError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| MergeError::Read { path: path.to_owned(), source })?;
    let no_record = |source| MergeError::NoRecord { path: path.to_owned(), source };
    let altered = |how: String| MergeError::Altered { path: path.to_owned(), how };
    let record = if text.trim_start().starts_with('{') {
        document::read_json(&text).map_err(no_record)?
    } else {
        match document::verify(&text) {
            Verification::Consistent(record) => *record,
            Verification::Unverified(error) => return Err(no_record(error)),
            Verification::Altered(alterations) => {
                let told: Vec<_> = alterations.iter().take(3).map(ToString::to_string).collect();
                return Err(altered(told.join("; ")));
            }
        }
    };
    contradiction(&record).map_or(Ok(()), |how| Err(altered(how)))?;
    Part::new(path, record, text.as_bytes())
}

/// The command that makes this merge, whatever the order in which the files were typed.
pub(super) fn command(parts: &[Part], evidence: Option<&Path>) -> Vec<String> {
    let files = parts.iter().map(|part| part.path.display().to_string());
    let evidence = evidence.iter().flat_map(|path| ["--evidence".to_owned(), path.display().to_string()]);
    ["evidence-report", "merge"].map(str::to_owned).into_iter().chain(files).chain(evidence).collect()
}

/// A record in JSON has no seal; that its verdict and its list fit its counts is what can be told.
pub(super) fn contradiction(record: &Record) -> Option<String> {
    let counted: Verdict = record.counted_verdict();
    if counted != record.verdict {
        return Some(format!("it claims {}, its counts come to {counted}", record.verdict));
    }
    let totals = record.counts.iter().map(crate::record::v1::CheckCount::total);
    let total = totals.fold(0, u64::saturating_add);
    let told = record.findings.len() as u64 + record.findings_omitted;
    if total != told {
        return Some(format!("it counts {total} findings, and tells of {told}"));
    }
    let over = |finding: &&crate::record::v1::FindingRecord| {
        let listed = record
            .findings
            .iter()
            .filter(|other| other.check == finding.check && other.outcome == finding.outcome);
        let count = record.counts.iter().find(|count| count.check == finding.check);
        count.is_none_or(|count| count.of(finding.outcome) < listed.count() as u64)
    };
    let mut kinds: Vec<_> = record.findings.iter().collect();
    kinds.sort_by_key(|finding| (&finding.check, finding.outcome.words()));
    kinds.dedup_by_key(|finding| (&finding.check, finding.outcome.words()));
    kinds.into_iter().find(|finding| over(finding)).map(|finding| {
        format!(
            "it lists more findings of {} that are {} than it counts",
            finding.check,
            finding.outcome.words()
        )
    })
}
