//! What a scrape costs: its series, the values of single labels, its bytes, its duration, against what it may cost.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use evidence_report::record::{Decimal, Finding, Measurement, Objective};

use crate::{
    exposition::Sample,
    plan::Budget,
    probes::checks::{METRICS_CARDINALITY, METRICS_COST},
};

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    names: HashMap<String, u64>,
    values: BTreeMap<String, HashSet<String>>,
    total: u64,
}

impl Counts {
    /// Counts a sample, as far as the budget asks for it.
    pub(crate) fn look(&mut self, budget: &Budget, sample: &Sample<'_>) {
        self.total += 1;
        if budget.series.is_some() || budget.series_per_name.is_some() {
            match self.names.get_mut(sample.name) {
                Some(count) => *count += 1,
                None => {
                    self.names.insert(sample.name.to_owned(), 1);
                }
            }
        }
        for name in budget.label_values.keys() {
            let Some(value) = sample.label(name).filter(|value| !value.is_empty()) else { continue };
            let values = self.values.entry(name.clone()).or_default();
            if !values.contains(value.as_ref()) {
                values.insert(value.into_owned());
            }
        }
    }

    /// The names with the most series, the largest first.
    fn largest(&self) -> Vec<(&str, u64)> {
        let mut names: Vec<_> = self.names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        names.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        names
    }
}

/// Judges what the scrape cost.
pub(crate) fn assess(
    probe: &str,
    budget: &Budget,
    counts: &Counts,
    bytes: u64,
    took: Duration,
) -> (Vec<Finding>, Vec<Measurement>) {
    let mut findings = Vec::new();
    let largest = counts.largest();
    if let Some(most) = budget.series {
        let first: Vec<_> = largest.iter().take(3).map(|(name, count)| format!("{name} {count}")).collect();
        let over = counts.total > most;
        let told = if over { format!("; most of them: {}", first.join(", ")) } else { String::new() };
        let finding =
            if over { METRICS_CARDINALITY.failed(probe) } else { METRICS_CARDINALITY.passed(probe) };
        let finding = finding.expected(format!("at most {most} series"));
        findings.push(finding.observed(format!("{} series{told}", counts.total)));
    }
    if let Some(most) = budget.series_per_name {
        let over: Vec<_> = largest.iter().filter(|(_, count)| *count > most).collect();
        let expected = format!("at most {most} series under one name");
        findings.extend(over.iter().take(20).map(|(name, count)| {
            let finding = METRICS_CARDINALITY.failed(format!("{probe}: {name}"));
            finding.expected(&expected).observed(format!("{count} series"))
        }));
        if over.is_empty() {
            let (name, count) = largest.first().copied().unwrap_or(("none", 0));
            let finding = METRICS_CARDINALITY.passed(format!("{probe}: every name"));
            findings.push(finding.expected(expected).observed(format!("most under {name}: {count}")));
        }
    }
    for (label, most) in &budget.label_values {
        let count = counts.values.get(label).map_or(0, HashSet::len) as u64;
        let subject = format!("{probe}: label {label}");
        let finding = if count > *most {
            METRICS_CARDINALITY.failed(subject)
        } else {
            METRICS_CARDINALITY.passed(subject)
        };
        let finding = finding.expected(format!("at most {most} different values"));
        findings.push(finding.observed(format!("{count} different values")));
    }
    let (of_cost, measurements) = cost(probe, budget, bytes, took);
    findings.extend(of_cost);
    (findings, measurements)
}

fn cost(probe: &str, budget: &Budget, bytes: u64, took: Duration) -> (Vec<Finding>, Vec<Measurement>) {
    let mut findings = Vec::new();
    let seconds = took.as_secs_f64();
    let mut size = Measurement::new("scrape_size_bytes", Decimal::from(bytes), "bytes").label("probe", probe);
    let mut duration = Measurement::seconds("scrape_duration_seconds", seconds).label("probe", probe);
    if let Some(most) = budget.bytes {
        let finding = if bytes > most { METRICS_COST.failed(probe) } else { METRICS_COST.passed(probe) };
        findings.push(finding.expected(format!("at most {most} bytes")).observed(format!("{bytes} bytes")));
        size = size.objective(Objective::AtMost(Decimal::from(most)));
    }
    if let Some(most) = budget.duration {
        let finding = if took > most { METRICS_COST.failed(probe) } else { METRICS_COST.passed(probe) };
        let expected = format!("a scrape in at most {} s", most.as_secs_f64());
        findings.push(finding.expected(expected).observed(format!("{seconds:.3} s")));
        duration = duration.objective(Objective::AtMost(Decimal::new(most.as_secs_f64(), 3)));
    }
    (findings, vec![size, duration])
}
