//! Turns what the reader found into findings. Pure: it knows neither where the text came from nor how.

use evidence_report::record::{Check, Finding};

use crate::{
    checks::{METRICS_INGESTED, METRICS_LINT, METRICS_VALID},
    exposition::{Problem, Reading, Release, Taken, Weight},
};

/// How much is said about a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Say {
    /// One finding for each problem, with its place in this file.
    Each,
    /// One finding for each check.
    Summed,
}

/// The findings about a reading: the two verdicts, and the habits.
pub(crate) fn assess(subject: &str, path: Option<&str>, reading: &Reading, say: Say) -> Vec<Finding> {
    let mut findings = Vec::new();
    let valid = format!("valid {}", reading.syntax);
    if reading.is_valid() {
        let samples = counted(reading.samples, "sample", "samples");
        let seen = format!("{valid}: {samples} in {}", counted(reading.families, "family", "families"));
        findings.push(METRICS_VALID.passed(subject).expected(&valid).observed(seen));
    } else {
        let one = |finding: Finding| finding.expected(&valid);
        findings.extend(
            broken(&METRICS_VALID, Check::failed, subject, path, reading, Weight::Invalid, say)
                .into_iter()
                .map(one),
        );
    }
    findings.push(ingested(subject, path, reading));
    let lints = broken(&METRICS_LINT, Check::warned, subject, path, reading, Weight::Lint, say);
    if lints.is_empty() && reading.is_valid() {
        findings.push(METRICS_LINT.passed(subject).expected("no bad habit").observed("no bad habit found"));
    }
    findings.extend(lints);
    findings
}

fn broken(
    check: &'static Check,
    make: fn(&'static Check, String) -> Finding,
    subject: &str,
    path: Option<&str>,
    reading: &Reading,
    weight: Weight,
    say: Say,
) -> Vec<Finding> {
    let of_weight: Vec<&Problem> =
        reading.problems.iter().filter(|problem| problem.rule.weight() == weight).collect();
    let all = reading.count(weight);
    let (Some(first), true) = (of_weight.first(), all > 0) else { return Vec::new() };
    if say == Say::Summed {
        let observed = match all {
            1 => first.to_string(),
            _ => format!("{all} problems ({}); the first: {first}", by_rule(reading, weight)),
        };
        return vec![make(check, subject.to_owned()).observed(observed)];
    }
    // The remedy is the same for all: it is told once.
    let mut remedy = check.remedy;
    let each = |problem: &&Problem| {
        let finding = make(check, subject.to_owned()).remedy(std::mem::take(&mut remedy));
        match path {
            Some(_) => {
                let told = format!("column {}: {}", problem.column, problem.what());
                located(finding, path, problem).observed(told)
            }
            None => finding.observed(problem.to_string()),
        }
    };
    let mut findings: Vec<_> = of_weight.iter().map(each).collect();
    let kept = of_weight.len() as u64;
    if all > kept {
        let observed = format!("{} more; all together: {}", all - kept, by_rule(reading, weight));
        let finding = make(check, format!("{subject} as a whole")).observed(observed).remedy("");
        // Placed so that it stands behind the problems that are shown.
        findings.push(of_weight.last().map_or(finding.clone(), |last| located(finding, path, last)));
    }
    findings
}

fn by_rule(reading: &Reading, weight: Weight) -> String {
    let of_weight = reading.counts.iter().filter(|(rule, _)| rule.weight() == weight);
    of_weight.map(|(rule, count)| format!("{} {count}", rule.id())).collect::<Vec<_>>().join(", ")
}

fn located(finding: Finding, path: Option<&str>, problem: &Problem) -> Finding {
    match path {
        Some(path) => finding.at(path, u32::try_from(problem.line).ok()),
        None => finding,
    }
}

/// A count with its word: `1 sample`, `2 samples`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The second verdict.
fn ingested(subject: &str, path: Option<&str>, reading: &Reading) -> Finding {
    let (older, because_older) = reading.taken(Release::Older);
    let (newer, because_newer) = reading.taken(Release::Newer);
    let because =
        |problem: Option<&Problem>| problem.map(|it| format!(" because of line {it}")).unwrap_or_default();
    let observed = if older == newer {
        format!("Prometheus would {}{}", would(newer), because(because_newer))
    } else if older == Taken::Whole {
        let reason = because(because_newer);
        format!("an older Prometheus (2.42) would {}, and 3 {}{reason}", would(older), would(newer))
    } else if because_older == because_newer || newer == Taken::Whole {
        let reason = because(because_older);
        format!("Prometheus 3 would {}, and an older one (2.42) {}{reason}", would(newer), would(older))
    } else {
        let (first, second) = (because(because_newer), because(because_older));
        format!(
            "Prometheus 3 would {}{first}; an older one (2.42) would {}{second}",
            would(newer),
            would(older)
        )
    };
    let finding = match older.max(newer) {
        Taken::Whole => METRICS_INGESTED.passed(subject),
        Taken::Refused if newer == Taken::Whole => METRICS_INGESTED
            .warned(subject)
            .remedy("Correct the exporter, or have it scraped by Prometheus 3 only."),
        Taken::SampleDropped => METRICS_INGESTED
            .failed(subject)
            .remedy("Expose each series once. Prometheus 2.42 drops the later sample without a word, 3.5 with a warning in its log."),
        Taken::SamplesLost => METRICS_INGESTED
            .failed(subject)
            .remedy("Correct the exporter at the line that is named: nobody is told, and its series are missing."),
        Taken::Refused => METRICS_INGESTED.failed(subject),
    };
    let finding = finding.expected("Prometheus ingests every sample").observed(observed);
    match because_newer.filter(|_| newer != Taken::Whole).or(because_older) {
        Some(problem) => located(finding, path, problem),
        None => finding,
    }
}

/// What a Prometheus would do, in words.
const fn would(taken: Taken) -> &'static str {
    match taken {
        Taken::Whole => "ingest every sample",
        Taken::SampleDropped => "keep the first sample of a series and drop the later one",
        Taken::SamplesLost => "lose samples without a word",
        Taken::Refused => "refuse the whole scrape",
    }
}
