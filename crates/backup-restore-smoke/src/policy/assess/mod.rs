//! What was seen, held against the rules. Pure: the time comes in.

mod age;
mod found;
mod keeping;
mod size;

use evidence_report::record::{Check, Finding, Measurement, Requirement};
use jiff::Timestamp;

use super::{inventory::Inventory, rules::Rules};

/// Everything that is said about one source.
pub(crate) fn assess(
    name: &str,
    rules: &Rules,
    seen: &Inventory,
    now: Timestamp,
) -> (Vec<Finding>, Vec<Measurement>) {
    let mut findings = found::found(name, seen);
    if seen.backups.is_empty() {
        return (findings, vec![measured("backups", name, 0)]);
    }
    findings.extend(age::newest(name, rules, seen, now));
    findings.extend(age::interval(name, rules, seen, now));
    findings.extend(size::smallest(name, rules, seen));
    findings.extend(size::drop(name, rules, seen));
    findings.extend(keeping::redundancy(name, rules, seen));
    findings.extend(keeping::retention(name, rules, seen, now));
    (findings, measurements(name, seen, now))
}

fn measurements(name: &str, seen: &Inventory, now: Timestamp) -> Vec<Measurement> {
    let mut made = vec![measured("backups", name, seen.backups.len() as u64)];
    let age = |at: Timestamp| now.duration_since(at).as_secs_f64();
    if let (Some(newest), Some(oldest)) = (seen.newest(), seen.full().next()) {
        made.push(Measurement::seconds("newest_backup_age_seconds", age(newest.at)).label("policy", name));
        made.push(
            Measurement::seconds("oldest_recoverable_age_seconds", age(oldest.at)).label("policy", name),
        );
        made.push(Measurement::new("newest_backup_bytes", newest.bytes.into(), "B").label("policy", name));
    }
    made
}

fn measured(metric: &str, name: &str, value: u64) -> Measurement {
    Measurement::new(metric, value.into(), "backups").label("policy", name)
}

/// A rule that nobody gave is no pass.
fn no_rule(check: &'static Check, name: &str, key: &str) -> Finding {
    check.not_checked(Requirement::Optional, name, format!("no rule: give {key} to have it judged"))
}

#[cfg(test)]
pub(super) mod samples {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::inventory::{Archive, Backup, Inventory};

    pub(crate) const HOUR: Duration = Duration::from_secs(3600);

    pub(crate) fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().unwrap()
    }

    /// Backups of these ages in hours (the oldest first) and sizes.
    pub(crate) fn inventory(backups: &[(i64, u64)]) -> Inventory {
        let backups = backups.iter().map(|(hours, bytes)| Backup {
            label: format!("{hours} h"),
            at: now() - jiff::SignedDuration::from_hours(*hours),
            took: None,
            bytes: *bytes,
            full: true,
        });
        Inventory {
            backups: backups.collect(),
            place: "/backups/*.dump".to_owned(),
            times: "the time in the name".to_owned(),
            sizes: "of the files",
            faults: Vec::new(),
            archive: Archive::NotTold("files do not tell"),
        }
    }
}
