//! This tool's own history: the evidence of earlier rehearsals of the same database that stands beside this one's.
//! Evidence that was altered by hand is left out.

use std::{path::Path, time::Duration};

use evidence_report::{
    document::{Verification, verify},
    record::v1::Record,
};

use super::{Way, arithmetic::Sample};
use crate::checks::TOOL;

/// So many evidence files are looked at.
const LOOKED_AT: usize = 200;

/// The samples beside this evidence file, from its folder and the folders in it.
pub(crate) fn beside(evidence: &Path, database: &str, way: Way) -> Vec<Sample> {
    let Some(folder) = evidence.parent() else { return Vec::new() };
    let mut files = markdown(folder);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(markdown(&entry.path()));
        }
    }
    files.sort();
    let texts = files.into_iter().take(LOOKED_AT).filter_map(|path| std::fs::read_to_string(path).ok());
    texts
        .filter_map(|text| match verify(&text) {
            Verification::Consistent(record) => sample(&record, database, way),
            _ => None,
        })
        .collect()
}

fn markdown(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// What a rehearsal of this database measured, where its record holds all of it.
fn sample(record: &Record, database: &str, way: Way) -> Option<Sample> {
    let of_it = record.facts.iter().any(|fact| fact.name == way.database_fact() && fact.value == database);
    if record.tool.name != TOOL.name || !of_it {
        return None;
    }
    let measured = |metric: &str| {
        let of_metric = record.measurements.iter().find(|one| one.metric == metric && one.labels.is_empty());
        of_metric.map(|one| one.value.to_f64())
    };
    let stage = record.timeline.as_ref()?.stages.iter().find(|stage| stage.name == way.scaling_stage())?;
    let bytes = measured(way.size_metric()).filter(|bytes| (1.0..9e18).contains(bytes))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 9e18")]
    let bytes = bytes as u64;
    Some(Sample {
        bytes,
        recovery: Duration::try_from_secs_f64(measured("recovery_time_seconds")?).ok()?,
        scaling: Duration::from_millis(stage.end_ms.checked_sub(stage.start_ms)?),
    })
}
