//! Prometheus text (0.0.4) for node_exporter's textfile collector: without timestamps, replaced as a whole.

use std::fmt::Write;

use super::Setting;
use crate::record::{Report, Verdict};

const LAST_SUCCESS: &str = "ops_smoke_last_success_timestamp_seconds";

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let verdict = report.verdict();
    let labels = labels(report, setting);
    let finished = report.run.finished.as_second();
    // Interrupted or failed runs do not move it; without any success the series is absent, which the rule
    // "no rehearsal has succeeded for too long" has to catch with absent().
    let success =
        matches!(verdict, Verdict::Passed | Verdict::Warned).then_some(finished).or(setting.last_success);
    let mut out = String::new();
    family(&mut out, "ops_smoke_last_run_timestamp_seconds", "When the last run finished, in Unix seconds.");
    let _ = writeln!(out, "ops_smoke_last_run_timestamp_seconds{{{labels}}} {finished}");
    if let Some(success) = success {
        family(&mut out, LAST_SUCCESS, "When the last run that passed or warned finished, in Unix seconds.");
        let _ = writeln!(out, "{LAST_SUCCESS}{{{labels}}} {success}");
    }
    family(&mut out, "ops_smoke_verdict", "1 for the verdict of the last run, 0 for the others.");
    for known in [Verdict::Passed, Verdict::Warned, Verdict::Inconclusive, Verdict::Failed] {
        let _ = writeln!(
            out,
            "ops_smoke_verdict{{{labels},verdict=\"{}\"}} {}",
            known.word().to_ascii_lowercase(),
            u8::from(known == verdict)
        );
    }
    family(&mut out, "ops_smoke_duration_seconds", "How long the last run took.");
    let duration = report.run.finished.duration_since(report.run.started).as_secs_f64();
    let _ = writeln!(out, "ops_smoke_duration_seconds{{{labels}}} {duration:.3}");
    out
}

fn labels(report: &Report, setting: &Setting) -> String {
    let evidence = setting.evidence.as_deref().unwrap_or_default();
    let evidence = std::path::Path::new(evidence).file_name().unwrap_or_default().to_string_lossy();
    format!(
        "tool=\"{}\",environment=\"{}\",evidence=\"{}\"",
        report.tool.name,
        report.run.environment,
        evidence.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}

fn family(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

/// The last success that an earlier textfile told: a failed run must not forget it.
#[must_use]
pub fn last_success(previous: &str) -> Option<i64> {
    let line = previous.lines().find(|line| line.starts_with(LAST_SUCCESS))?;
    line.rsplit(' ').next()?.parse().ok()
}
