//! Records → one report. Pure: what comes out depends on the parts alone, not on the order of the files.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::Timestamp;

use super::parts::{Part, fact};
use crate::{
    command::checks::MERGE_COMPLETE,
    record::{
        Attachment, Chart, Check, Decimal, Detail, Finding, Location, Measurement, Objective, Outcome,
        Report, Requirement, RunFacts, Timeline, Tool, Unlisted, Waived,
        v1::{FindingRecord, MeasurementRecord, OutcomeRecord, Record},
    },
    run::{IN_THIS_PART, SHARD_FACT, WAIVER},
};

/// How many names of hosts and people are told.
const TOLD: usize = 8;

/// The report of the whole: `parts` in their order, with the shards that are missing.
pub(in crate::command) fn join(parts: &[Part], missing: &[u32], command: Vec<String>) -> Option<Report> {
    let first = parts.first()?;
    let tool = tool(parts);
    let mut findings: Vec<_> =
        parts.iter().flat_map(|part| part.record.findings.iter().map(|found| finding(found, tool))).collect();
    waivers(&mut findings, parts.len());
    findings.extend(completeness(first.of, missing));
    let mut report = Report {
        tool,
        run: facts(parts, first, command),
        findings,
        unlisted: unlisted(parts, tool),
        owed: owed(parts, tool),
        measurements: measurements(parts),
        measurements_unlisted: parts.iter().map(|part| part.record.measurements_omitted).sum(),
        series: Vec::new(),
        deadlines: Vec::new(),
        timeline: Timeline::default(),
        charts: charts(parts),
        details: details(parts),
        attachments: attachments(parts),
    };
    report.sort();
    Some(report)
}

/// The tool as its records tell of it. Its checks live as long as this process, which ends with the merge: the
/// registry of checks is made for constants.
fn tool(parts: &[Part]) -> &'static Tool {
    let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let mut checks: Vec<&'static Check> = Vec::new();
    for count in parts.iter().flat_map(|part| &part.record.counts) {
        let known = checks.iter().any(|check| check.id == count.check);
        if !known && count.check != WAIVER.id && count.check != MERGE_COMPLETE.id {
            let check = Check {
                id: leak(&count.check),
                title: leak(&count.title),
                explanation: "The tool that made the parts explains it: --explain.",
                remedy: "",
            };
            checks.push(Box::leak(Box::new(check)));
        }
    }
    checks.extend([&WAIVER, &MERGE_COMPLETE]);
    let name = &parts[0].record.tool;
    Box::leak(Box::new(Tool { name: leak(&name.name), version: leak(&name.version), checks: checks.leak() }))
}

fn outcome(outcome: OutcomeRecord) -> Outcome {
    match outcome {
        OutcomeRecord::Passed => Outcome::Passed,
        OutcomeRecord::Warned => Outcome::Warned,
        OutcomeRecord::Failed => Outcome::Failed,
        OutcomeRecord::Inconclusive => Outcome::Inconclusive,
        OutcomeRecord::NotChecked => Outcome::NotChecked(Requirement::Required),
        OutcomeRecord::NotCheckedOptional => Outcome::NotChecked(Requirement::Optional),
        OutcomeRecord::Waived => Outcome::Waived,
    }
}

fn finding(record: &FindingRecord, tool: &'static Tool) -> Finding {
    // Every finding's check is counted, otherwise the part has been refused.
    let check = tool.check(&record.check).unwrap_or(&MERGE_COMPLETE);
    let mut finding = check.passed(&record.subject).expected(&record.expected).observed(&record.observed);
    finding.outcome = outcome(record.outcome);
    finding.remedy = Cow::Owned(record.remedy.clone());
    finding.hurts_at = record.hurts_at.as_deref().map(Record::time);
    finding.location = record.location.as_deref().map(location);
    finding.waived = record.waiver.as_ref().map(|waiver| {
        Box::new(Waived {
            was: outcome(waiver.was),
            approver: waiver.approver.clone(),
            reason: waiver.reason.clone(),
            until: Record::time(&waiver.until),
        })
    });
    finding
}

/// `path` or `path:line`.
fn location(text: &str) -> Location {
    let with_line = text.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)));
    match with_line {
        Some((path, line)) => Location { path: path.to_owned(), line: Some(line) },
        None => Location { path: text.to_owned(), line: None },
    }
}

/// A waiver that one shard had no use for may have been of use to another; one of no use to any is told.
fn waivers(findings: &mut Vec<Finding>, parts: usize) {
    let in_part = |finding: &Finding| finding.check.id == WAIVER.id && finding.observed == IN_THIS_PART;
    let mut of_no_use: Vec<_> = findings.iter().filter(|finding| in_part(finding)).cloned().collect();
    findings.retain(|finding| !in_part(finding));
    of_no_use.sort_by(|a, b| a.subject.cmp(&b.subject));
    for same in of_no_use.chunk_by(|a, b| a.subject == b.subject).filter(|same| same.len() == parts) {
        let told = WAIVER.warned(&same[0].subject).expected("at least one finding to set aside");
        let mut told = told.observed("matches nothing that failed or warned in any shard");
        told.location.clone_from(&same[0].location);
        findings.push(told);
    }
    // A waiver that is over is told by every shard: once is enough.
    let mut known = BTreeSet::new();
    findings.retain(|finding| {
        finding.check.id != WAIVER.id || known.insert((finding.subject.clone(), finding.observed.clone()))
    });
}

fn completeness(of: u32, missing: &[u32]) -> Vec<Finding> {
    if missing.is_empty() {
        let all = MERGE_COMPLETE.passed(format!("{of} shards")).expected("each exactly once");
        return vec![all.observed("each exactly once")];
    }
    let one = |index: &u32| {
        MERGE_COMPLETE
            .inconclusive(format!("shard {index}/{of}"))
            .expected("its record")
            .observed("missing: none of the files is of this shard")
            .remedy(format!(
                "Run that shard again (--shard {index}/{of}), and merge its record with the others."
            ))
    };
    missing.iter().map(one).collect()
}

/// What every part owed, and that all parts are there. One that a part owed and did not make is told by the part
/// itself.
fn owed(parts: &[Part], tool: &'static Tool) -> Vec<&'static Check> {
    let owed: BTreeSet<_> = parts.iter().flat_map(|part| &part.record.owed).collect();
    let is_owed = |check: &&Check| check.id == MERGE_COMPLETE.id || owed.contains(&check.id.to_owned());
    tool.checks.iter().copied().filter(is_owed).collect()
}

/// What the parts count and do not list.
fn unlisted(parts: &[Part], tool: &'static Tool) -> Vec<Unlisted> {
    const ALL: [OutcomeRecord; 7] = [
        OutcomeRecord::Passed,
        OutcomeRecord::Warned,
        OutcomeRecord::Failed,
        OutcomeRecord::Inconclusive,
        OutcomeRecord::NotChecked,
        OutcomeRecord::NotCheckedOptional,
        OutcomeRecord::Waived,
    ];
    let missing = |check: &Check, wanted: OutcomeRecord| {
        let of_part = |part: &Part| {
            let count = part.record.counts.iter().find(|count| count.check == check.id);
            let listed = (part.record.findings.iter())
                .filter(|finding| finding.check == check.id && finding.outcome == wanted)
                .count() as u64;
            count.map_or(0, |count| count.of(wanted)).saturating_sub(listed)
        };
        parts.iter().map(of_part).sum::<u64>()
    };
    let counted = tool.checks.iter().flat_map(|check| {
        ALL.map(|wanted| Unlisted { check, outcome: outcome(wanted), number: missing(check, wanted) })
    });
    counted.filter(|counted| counted.number > 0).collect()
}

/// Numbers of one metric and one set of labels become one: what is counted adds up; of spans and shares the
/// worst stays, which without an objective is the smallest.
fn measurements(parts: &[Part]) -> Vec<Measurement> {
    let mut joined: Vec<Measurement> = Vec::new();
    for record in parts.iter().flat_map(|part| &part.record.measurements) {
        let measurement = measurement(record);
        let same = |other: &&mut Measurement| {
            other.metric == measurement.metric
                && other.labels == measurement.labels
                && other.unit == measurement.unit
        };
        match joined.iter_mut().find(same) {
            Some(other) => other.value = together(other, &measurement),
            None => joined.push(measurement),
        }
    }
    joined
}

fn together(one: &Measurement, other: &Measurement) -> Decimal {
    let (a, b) = (one.value.to_f64(), other.value.to_f64());
    let digits = one.value.as_str().split_once('.').map_or(0, |(_, digits)| digits.len());
    let joined = match (one.unit.as_str(), &one.objective) {
        ("s" | "days" | "%", Some(Objective::AtMost(_))) => a.max(b),
        ("s" | "days" | "%", _) => a.min(b),
        _ => a + b,
    };
    Decimal::new(joined, digits)
}

fn measurement(record: &MeasurementRecord) -> Measurement {
    Measurement {
        metric: record.metric.clone(),
        labels: record.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect(),
        value: record.value.clone(),
        unit: record.unit.clone(),
        objective: record.objective.clone(),
    }
}

fn facts(parts: &[Part], first: &Part, command: Vec<String>) -> RunFacts {
    let record = &first.record;
    let times = |of: fn(&Record) -> &str| parts.iter().map(move |part| Record::time(of(&part.record)));
    let started = times(|record| &record.started).min().unwrap_or(Timestamp::UNIX_EPOCH);
    let interrupted: Vec<_> = (parts.iter())
        .filter_map(|part| Some(format!("{} in shard {}", part.record.interrupted.as_ref()?, part.shard())))
        .collect();
    let same_commit = parts.iter().all(|part| part.record.commit == record.commit);
    RunFacts {
        title: record.title.clone(),
        environment: record.environment,
        facts: joined_facts(parts),
        tracker_items: parts
            .iter()
            .flat_map(|part| part.record.tracker_items.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        started,
        finished: times(|record| &record.finished).max().unwrap_or(started),
        judged_at: times(|record| &record.started).max().unwrap_or(started),
        valid_until: times(|record| &record.valid_until).min().unwrap_or(started),
        host: names(parts.iter().map(|part| part.record.host.as_str())),
        operator: names(parts.iter().map(|part| part.record.operator.as_str())),
        owner: Some(names(parts.iter().filter_map(|part| part.record.owner.as_deref())))
            .filter(|names| !names.is_empty()),
        commit: record
            .commit
            .as_ref()
            .filter(|_| same_commit)
            .map(|commit| (commit.id.clone(), commit.dirty)),
        command,
        interrupted: (!interrupted.is_empty()).then(|| interrupted.join("; ")),
        previous: None,
    }
}

/// Names, each once.
fn names<'p>(names: impl Iterator<Item = &'p str>) -> String {
    let names: BTreeSet<_> = names.collect();
    let told: Vec<_> = names.iter().take(TOLD).copied().collect();
    let more = if names.len() > TOLD { format!(" and {} more", names.len() - TOLD) } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// What all parts say is said once; what they say differently is said with the shard.
fn joined_facts(parts: &[Part]) -> Vec<(String, String)> {
    let shards: Vec<_> = parts.iter().map(Part::shard).collect();
    let mut facts = vec![("shards".to_owned(), shards.join(", "))];
    let mut known = BTreeSet::from([SHARD_FACT]);
    for name in parts.iter().flat_map(|part| &part.record.facts).map(|fact| fact.name.as_str()) {
        if !known.insert(name) {
            continue;
        }
        let values: Vec<_> = parts.iter().map(|part| fact(&part.record, name)).collect();
        match values[0].filter(|value| values.iter().all(|other| *other == Some(value))) {
            Some(value) => facts.push((name.to_owned(), value.to_owned())),
            None => facts.extend(parts.iter().filter_map(|part| {
                Some((format!("{name} (shard {})", part.shard()), fact(&part.record, name)?.to_owned()))
            })),
        }
    }
    facts
}

fn charts(parts: &[Part]) -> Vec<Chart> {
    let of_part = |part: &Part| {
        let shard = part.shard();
        let charts = part.record.charts.iter();
        charts
            .map(|chart| Chart {
                title: format!("Shard {shard}: {}", chart.title),
                lines: chart.lines.clone(),
            })
            .collect::<Vec<_>>()
    };
    parts.iter().flat_map(of_part).collect()
}

fn details(parts: &[Part]) -> Vec<Detail> {
    let of_part = |part: &Part| {
        let shard = part.shard();
        let details = part.record.details.iter();
        details
            .map(|detail| Detail {
                title: format!("Shard {shard}: {}", detail.title),
                text: detail.text.clone(),
            })
            .collect::<Vec<_>>()
    };
    parts.iter().flat_map(of_part).collect()
}

/// The files that were merged, and what they name.
fn attachments(parts: &[Part]) -> Vec<Attachment> {
    let files = parts.iter().map(|part| part.file.clone());
    let named = parts.iter().flat_map(|part| &part.record.attachments).map(|file| Attachment {
        name: file.name.clone(),
        sha256: file.sha256.clone(),
        bytes: file.bytes,
    });
    let mut all: Vec<_> = files.collect();
    for file in named {
        if !all.contains(&file) {
            all.push(file);
        }
    }
    all
}
