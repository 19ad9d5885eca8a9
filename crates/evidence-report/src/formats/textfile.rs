//! Prometheus text (0.0.4) for node_exporter's textfile collector: without timestamps, replaced as a whole.
//! One line that is told twice makes the collector drop every metric of the machine: whatever was seen, every
//! set of labels stands here once.

use std::{collections::BTreeMap, fmt::Write};

use super::Setting;
use crate::record::{Measurement, Report, Verdict};

const LAST_SUCCESS: &str = "ops_smoke_last_success_timestamp_seconds";

/// Lines of one metric: label sets, sorted, each with its value.
type Samples = BTreeMap<String, String>;

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let mut out = String::new();
    let base = base(report, setting);
    about_the_run(&mut out, report, setting, &base);
    let mut series: BTreeMap<&str, (&str, Samples)> = BTreeMap::new();
    for one in &report.series {
        let labels = labels(&base, one.labels.iter().map(|(name, value)| (*name, value.as_str())));
        for (metric, value) in &one.values {
            let samples = &mut series.entry(metric.name).or_insert((metric.help, Samples::new())).1;
            let value = number(*value);
            // What was seen twice and differs: the smaller is the earlier end, and the worse success.
            let told = samples.entry(labels.clone()).or_insert_with(|| value.clone());
            if smaller(&value, told) {
                *told = value;
            }
        }
    }
    let measured = measured(report, &base, |name| series.contains_key(name));
    for (name, (help, samples)) in &series {
        family(&mut out, name, help, samples);
    }
    for (name, samples) in &measured {
        family(&mut out, name, "Measured by the last run.", samples);
    }
    out
}

/// What is true of every run.
fn about_the_run(out: &mut String, report: &Report, setting: &Setting, base: &[(&str, &str)]) {
    let verdict = report.verdict();
    let finished = report.run.finished.as_second();
    let one = |value: String| Samples::from([(labels(base, []), value)]);
    family(
        out,
        "ops_smoke_last_run_timestamp_seconds",
        "When the last run finished, in Unix seconds.",
        &one(finished.to_string()),
    );
    // Interrupted or failed runs do not move it; without any success the series is absent, which the rule
    // "no rehearsal has succeeded for too long" has to catch with absent().
    let success =
        matches!(verdict, Verdict::Passed | Verdict::Warned).then_some(finished).or(setting.last_success);
    if let Some(success) = success {
        let help = "When the last run that passed or warned finished, in Unix seconds.";
        family(out, LAST_SUCCESS, help, &one(success.to_string()));
    }
    let verdicts = [Verdict::Passed, Verdict::Warned, Verdict::Inconclusive, Verdict::Failed].map(|known| {
        let word = known.word().to_ascii_lowercase();
        (labels(base, [("verdict", word.as_str())]), u8::from(known == verdict).to_string())
    });
    let help = "1 for the verdict of the last run, 0 for the others.";
    family(out, "ops_smoke_verdict", help, &Samples::from(verdicts));
    let duration = report.run.finished.duration_since(report.run.started).as_secs_f64();
    family(out, "ops_smoke_duration_seconds", "How long the last run took.", &one(format!("{duration:.3}")));
}

/// The measurements; a metric that is told of everything already is not told of a few once more.
fn measured(
    report: &Report,
    base: &[(&str, &str)],
    is_told: impl Fn(&str) -> bool,
) -> BTreeMap<String, Samples> {
    let mut measured: BTreeMap<String, Samples> = BTreeMap::new();
    for measurement in &report.measurements {
        let (name, value) = in_base_units(measurement);
        let own = &measurement.labels;
        if !is_told(&name) && !name.starts_with("ops_smoke_") {
            let labels = labels(base, own.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            measured.entry(name).or_default().entry(labels).or_insert(value);
        }
    }
    measured
}

/// Prometheus keeps time in seconds, whatever people like to read: `…_days_left` becomes `…_seconds_left`.
fn in_base_units(measurement: &Measurement) -> (String, String) {
    let name = valid_name(&measurement.metric);
    if measurement.unit == "days" {
        let seconds = measurement.value.to_f64() * 86_400.0;
        return (name.replace("days", "seconds"), format!("{seconds:.0}"));
    }
    (name, measurement.value.to_string())
}

/// What tells this job's lines from those of every other job on the machine.
fn base<'r>(report: &'r Report, setting: &'r Setting) -> Vec<(&'static str, &'r str)> {
    let evidence = setting.evidence.as_deref().unwrap_or_default();
    let file = std::path::Path::new(evidence).file_name().and_then(std::ffi::OsStr::to_str);
    vec![
        ("tool", report.tool.name),
        ("environment", report.run.environment.word()),
        ("evidence", file.unwrap_or_default()),
    ]
}

/// Labels, each name once, in the order in which they come. A label of the thing that is named like one of
/// the job's is marked as measured.
fn labels<'l>(base: &[(&str, &str)], own: impl IntoIterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    let mut known: Vec<String> = Vec::new();
    let own = own.into_iter().map(|(name, value)| (false, name, value));
    for (is_base, name, value) in base.iter().map(|(name, value)| (true, *name, *value)).chain(own) {
        let mut name = valid_name(name).replace(':', "_");
        if known.contains(&name) {
            name = format!("measured_{name}");
        }
        if known.contains(&name) || (value.is_empty() && !is_base) {
            continue;
        }
        let _ = write!(text, "{}{name}=\"{}\"", if text.is_empty() { "" } else { "," }, escaped(value));
        known.push(name);
    }
    text
}

/// A name as Prometheus knows it: letters, digits, underscores and colons, no digit first.
fn valid_name(name: &str) -> String {
    let valid =
        |char: char| if char.is_ascii_alphanumeric() || matches!(char, '_' | ':') { char } else { '_' };
    let name: String = name.chars().map(valid).collect();
    if name.starts_with(|char: char| char.is_ascii_digit()) || name.is_empty() {
        format!("_{name}")
    } else {
        name
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

fn smaller(value: &str, than: &str) -> bool {
    let (value, than): (f64, f64) = (value.parse().unwrap_or(f64::NAN), than.parse().unwrap_or(f64::NAN));
    value < than
}

fn family(out: &mut String, name: &str, help: &str, samples: &Samples) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(out, "{name}{{{labels}}} {value}");
    }
}

/// The last success that an earlier textfile told: a failed run must not forget it.
#[must_use]
pub fn last_success(previous: &str) -> Option<i64> {
    let line = previous.lines().find(|line| line.starts_with(LAST_SUCCESS))?;
    line.rsplit(' ').next()?.parse().ok()
}
