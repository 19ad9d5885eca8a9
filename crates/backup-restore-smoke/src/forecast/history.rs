//! This tool's own history: what earlier rehearsals of the same database measured, from the evidence that stands beside
//! this one's, and from the histories of each, which keep the figures of runs whose evidence has been replaced since.
//! What was altered by hand is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::{
    document::{Verification, seal, verify},
    history::Chain,
    record::{
        Measurement,
        v1::{MeasurementRecord, Record},
    },
    run::history_path,
};

use super::{Way, arithmetic::Sample};
use crate::checks::TOOL;

/// So many evidence files are looked at.
const LOOKED_AT: usize = 200;

/// So many of the newest runs of a history count: older ones may be of other hardware.
const NEWEST: usize = 100;

/// The part of a recovery that grows with the size. Its labels say of what; the whole recovery's time stands beside it.
const METRIC: &str = "recovery_growing_part_seconds";

/// What a run keeps for the forecasts of later ones.
pub(crate) fn kept(database: &str, way: Way, sample: Sample) -> Measurement {
    Measurement::seconds(METRIC, sample.scaling.as_secs_f64())
        .label("database", database)
        .label("way", way.name())
        .label("bytes", sample.bytes.to_string())
}

/// The samples beside this evidence file, from its folder and the folders in it.
pub(crate) fn beside(evidence: &Path, database: &str, way: Way) -> Vec<Sample> {
    let mut samples = BTreeMap::new();
    let mut histories = BTreeSet::new();
    for path in files(evidence) {
        if let Some(record) = record(&path)
            && let Some(sample) = sample(&record.measurements, database, way)
        {
            samples.insert(seal(&record), sample);
        }
        histories.insert(history_path(&path));
    }
    for path in histories {
        let chain = Chain::read(&std::fs::read_to_string(path).unwrap_or_default());
        if !chain.troubles().is_empty() {
            continue;
        }
        let ours = |tool: &str| tool.split(' ').next() == Some(TOOL.name);
        for run in chain.runs().rev().filter(|run| ours(&run.tool)).take(NEWEST) {
            if let Some(sample) = sample(&run.measurements, database, way) {
                samples.insert(run.seal.clone(), sample);
            }
        }
    }
    samples.into_values().collect()
}

/// How large the dump of this database was when it was last rehearsed into this evidence file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastDump {
    database: u64,
    dump: u64,
}

impl LastDump {
    /// About how large it will be now, of a database of this size.
    pub(crate) fn of(self, database: u64) -> u64 {
        let now = u128::from(self.dump) * u128::from(database) / u128::from(self.database.max(1));
        u64::try_from(now).unwrap_or(u64::MAX)
    }
}

/// The last dump of this database, where the evidence that is there tells.
pub(crate) fn last_dump(evidence: &Path, database: &str) -> Option<LastDump> {
    let record = record(evidence)?;
    let of_it = record.facts.iter().any(|fact| fact.name == "database" && fact.value == database);
    let bytes = |metric| whole(&record.measurements, metric);
    of_it.then_some(LastDump { database: bytes("source_database_bytes")?, dump: bytes("backup_bytes")? })
}

fn files(evidence: &Path) -> Vec<PathBuf> {
    let Some(folder) = evidence.parent() else { return Vec::new() };
    // The name alone: the folder that the run is in.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files = markdown(folder);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(markdown(&entry.path()));
        }
    }
    files.sort();
    files.truncate(LOOKED_AT);
    files
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The record of this tool in an evidence file, unaltered.
fn record(path: &Path) -> Option<Record> {
    match verify(&std::fs::read_to_string(path).ok()?) {
        Verification::Consistent(record) if record.tool.name == TOOL.name => Some(*record),
        _ => None,
    }
}

/// What a rehearsal of this database measured, where it kept all of it.
fn sample(measurements: &[MeasurementRecord], database: &str, way: Way) -> Option<Sample> {
    let growing = measurements.iter().find(|one| one.metric == METRIC)?;
    let label =
        |name: &str| growing.labels.iter().find(|label| label.name == name).map(|label| label.value.as_str());
    if label("database") != Some(database) || label("way") != Some(way.name()) {
        return None;
    }
    let recovery = measurements.iter().find(|one| one.metric == "recovery_time_seconds")?;
    let time = |one: &MeasurementRecord| Duration::try_from_secs_f64(one.value.to_f64()).ok();
    Some(Sample { bytes: label("bytes")?.parse().ok()?, recovery: time(recovery)?, scaling: time(growing)? })
}

/// A measurement of bytes without labels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 9e18")]
fn whole(measurements: &[MeasurementRecord], metric: &str) -> Option<u64> {
    let of_metric = measurements.iter().find(|one| one.metric == metric && one.labels.is_empty());
    of_metric
        .map(|one| one.value.to_f64())
        .filter(|bytes| (1.0..9e18).contains(bytes))
        .map(|bytes| bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::LastDump;

    #[test]
    fn a_dump_is_about_as_large_as_the_last_one_of_so_large_a_database() {
        let last = LastDump { database: 1000, dump: 250 };
        assert_eq!([last.of(1000), last.of(4000), last.of(0)], [250, 1000, 0]);
        assert_eq!(LastDump { database: 0, dump: 5 }.of(u64::MAX), u64::MAX);
    }
}
