//! Text for people: the first line says what is wrong, how bad it is, what ends next and what now; then one
//! subject after the other, the worst first. Control characters in what was observed never reach the terminal.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
};

use super::{
    Setting,
    wording::{moment, observed, place, word},
};
use crate::{
    document,
    record::{
        Finding, Objective, Outcome, Report, Requirement, Verdict,
        v1::{counts, one_line},
    },
};

/// Without `--verbose` so many findings that need somebody are listed.
const LISTED: usize = 40;

/// Without `--verbose` so many findings of one subject are listed.
const OF_ONE: usize = 7;

/// Without `--verbose` so many stages of a timeline are listed, the last ones.
const STAGES: usize = 20;

const INDENT: &str = "               ";

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", first_line(report, setting.color));
    subjects(&mut out, report, setting);
    if !setting.verbose {
        optional(&mut out, report, setting.color);
    }
    measurements(&mut out, report);
    timeline(&mut out, report, setting);
    if let Some(evidence) = &setting.evidence {
        let _ = writeln!(out, "evidence: {evidence}");
    }
    out
}

/// One line: verdict, how many of what, what ends next, the worst finding and what to do about it.
pub(crate) fn first_line(report: &Report, color: bool) -> String {
    let verdict = report.verdict();
    let tally = document::tally(&counts(report));
    let mut line = format!("{}: {}: ", paint(verdict, verdict.word(), color), one_line(&report.run.title));
    let worst = worst(report);
    match soonest(report).filter(|finding| worst.is_none_or(|worst| !says(worst, finding))) {
        Some(finding) => {
            let tally = tally.trim_end_matches('.');
            let _ = write!(line, "{tally}; {}.", next(finding, report));
        }
        None => line.push_str(&tally),
    }
    if let Some(reason) = &report.run.interrupted {
        let _ = write!(line, " Interrupted by {}.", one_line(reason));
    }
    if let Some(finding) = worst {
        let said = sentence(finding);
        let stop = if said.ends_with(['?', '!']) { "" } else { "." };
        let _ = write!(line, " {said}{stop} {}", one_line(&finding.remedy));
    }
    line
}

/// The worst finding, where it needs somebody.
pub(super) fn worst(report: &Report) -> Option<&Finding> {
    let first = report.findings.first();
    first.filter(|finding| finding.outcome.verdict().is_some_and(|verdict| verdict != Verdict::Passed))
}

/// The finding with the earliest date that is still to come; what hurts already is none.
pub(super) fn soonest(report: &Report) -> Option<&Finding> {
    let coming = |finding: &&Finding| finding.hurts_at.is_some_and(|at| at > report.run.judged_at);
    report.findings.iter().filter(coming).min_by_key(|finding| finding.hurts_at)
}

/// What ends next: `next expiry 2026-11-26 23:02 UTC, in 3 d 4 h (api.example:443)`.
pub(super) fn next(finding: &Finding, report: &Report) -> String {
    let at = finding.hurts_at.unwrap_or(report.run.judged_at);
    format!("next expiry {} ({})", moment(at, report.run.judged_at), one_line(&finding.subject))
}

/// Whether the words about one finding already say the date of the other.
fn says(worst: &Finding, soonest: &Finding) -> bool {
    let day = soonest.hurts_at.map(|at| at.strftime("%Y-%m-%d").to_string());
    worst.subject == soonest.subject && day.is_some_and(|day| worst.observed.contains(&day))
}

/// What was seen of what, without a full stop. Of a subject that is a file, or something in it, also the line.
pub(super) fn sentence(finding: &Finding) -> String {
    let is_in_file = |path: &str| finding.subject.starts_with(path);
    let subject = match &finding.location {
        Some(location) if is_in_file(&location.path) => place(finding),
        _ => one_line(&finding.subject),
    };
    let text = format!("{subject}: {}", observed(finding));
    text.trim_end_matches('.').to_owned()
}

/// Subject by subject: its worst finding decides its place; its others follow in short.
fn subjects(out: &mut String, report: &Report, setting: &Setting) {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut by_subject: HashMap<&str, usize> = HashMap::new();
    for finding in &report.findings {
        if !setting.verbose && (finding.outcome == Outcome::Passed || is_optional(finding)) {
            continue;
        }
        match by_subject.get(finding.subject.as_str()) {
            Some(&group) => groups[group].push(finding),
            None => {
                by_subject.insert(&finding.subject, groups.len());
                groups.push(vec![finding]);
            }
        }
    }
    let (listed, of_one) = if setting.verbose { (usize::MAX, usize::MAX) } else { (LISTED, OF_ONE) };
    let total: usize = groups.iter().map(Vec::len).sum();
    let (mut told, mut said) = (0, HashSet::new());
    for group in &groups {
        if told >= listed {
            let _ = writeln!(out, "  … and {} more (--verbose lists all)", total - told);
            break;
        }
        told += group.len();
        subject(out, group, of_one, setting);
        if let Some(first) =
            group.first().filter(|first| knows_more(first) && said.insert(first.remedy.as_ref()))
        {
            let _ = writeln!(out, "{INDENT}→ {}", one_line(&first.remedy));
        }
    }
    let unlisted = report.number_unlisted();
    if setting.verbose && unlisted > 0 {
        let _ = writeln!(out, "  … and {unlisted} more, none worse, which are counted only");
    }
}

fn subject(out: &mut String, group: &[&Finding], of_one: usize, setting: &Setting) {
    let Some((first, others)) = group.split_first() else { return };
    list(out, first, setting.color);
    for finding in others.iter().take(of_one - 1) {
        let elsewhere = finding.location.is_some() && finding.location != first.location;
        let place = if elsewhere { place(finding) + ": " } else { String::new() };
        let word = painted(finding.outcome, word(finding.outcome), setting.color);
        let _ = write!(out, "{INDENT}also {word} {place}{} [{}]", observed(finding), finding.check.id);
        expected(out, finding);
        if setting.verbose || finding.outcome == Outcome::Failed {
            remedy(out, finding);
        }
    }
    if others.len() >= of_one {
        let _ = writeln!(out, "{INDENT}and {} more of it (--verbose lists all)", others.len() + 1 - of_one);
    }
}

/// What was not checked and is optional: one line a check.
fn optional(out: &mut String, report: &Report, color: bool) {
    for check in report.tool.checks {
        let of_check: Vec<_> = (report.findings.iter())
            .filter(|finding| finding.check.id == check.id && is_optional(finding))
            .collect();
        match of_check.as_slice() {
            [] => {}
            [finding] => list(out, finding, color),
            [first, ..] => {
                let _ = writeln!(
                    out,
                    "  not checked  {} subjects, such as {}: {} [{}] (--verbose lists all)",
                    of_check.len(),
                    one_line(&first.subject),
                    one_line(&first.observed),
                    check.id
                );
            }
        }
    }
}

fn is_optional(finding: &Finding) -> bool {
    finding.outcome == Outcome::NotChecked(Requirement::Optional)
}

fn list(out: &mut String, finding: &Finding, color: bool) {
    let word = painted(finding.outcome, &format!("{:12}", word(finding.outcome)), color);
    let _ = write!(out, "  {word} {}: {} [{}]", place(finding), observed(finding), finding.check.id);
    expected(out, finding);
    remedy(out, finding);
}

/// What would have been right, where something is not; and the end of the line.
fn expected(out: &mut String, finding: &Finding) {
    if acts(finding) && !finding.expected.is_empty() {
        let _ = write!(out, " (expected: {})", one_line(&finding.expected));
    }
    out.push('\n');
}

fn remedy(out: &mut String, finding: &Finding) {
    if acts(finding) && !finding.remedy.is_empty() {
        let _ = writeln!(out, "{INDENT}→ {}", one_line(&finding.remedy));
    }
}

/// Whether something was not checked and it is said how it could be, in other words than the check's own. A
/// deadline leaves thousands unchecked: the same advice is given once.
fn knows_more(finding: &Finding) -> bool {
    finding.outcome == Outcome::NotChecked(Requirement::Required)
        && finding.remedy != finding.check.remedy
        && !finding.remedy.is_empty()
}

fn acts(finding: &Finding) -> bool {
    matches!(finding.outcome, Outcome::Failed | Outcome::Warned | Outcome::Inconclusive)
}

fn measurements(out: &mut String, report: &Report) {
    let judged = report.measurements.iter().filter(|measurement| measurement.objective.is_some());
    for measurement in judged {
        let unit = &measurement.unit;
        let objective = match &measurement.objective {
            Some(Objective::AtMost(limit)) => format!("at most {limit} {unit}"),
            Some(Objective::AtLeast(limit)) => format!("at least {limit} {unit}"),
            None => String::new(),
        };
        let met = if measurement.met() == Some(false) { "MISSED" } else { "met" };
        let labels: Vec<_> = measurement
            .labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", one_line(value)))
            .collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(
            out,
            "  {}{labels} = {} (objective: {}: {met})",
            measurement.metric,
            document::with_unit(&measurement.value, unit),
            objective.trim_end()
        );
    }
}

fn timeline(out: &mut String, report: &Report, setting: &Setting) {
    let timeline = &report.timeline;
    if timeline.stages.is_empty() {
        return;
    }
    let _ = writeln!(out, "  from {}:", timeline.zero);
    let width = timeline.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
    // A long one stands whole in the evidence; here its end is what people wait for.
    let left_out = if setting.verbose { 0 } else { timeline.stages.len().saturating_sub(STAGES) };
    if left_out > 0 {
        let _ = writeln!(out, "    … {left_out} earlier ones (--verbose lists all)");
    }
    for stage in &timeline.stages[left_out..] {
        let took = stage.end.saturating_sub(stage.start);
        let took = if took.is_zero() { String::new() } else { format!("{:>9.3} s", took.as_secs_f64()) };
        let line = format!(
            "    {:width$} {:>9.3} s {took:>11}  {}",
            stage.name,
            stage.start.as_secs_f64(),
            stage.note
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Only what needs somebody is coloured.
fn painted(outcome: Outcome, text: &str, color: bool) -> String {
    match outcome.verdict() {
        Some(verdict) if verdict != Verdict::Passed => paint(verdict, text, color),
        _ => text.to_owned(),
    }
}

/// Colour is never the only carrier: the word is there in any case.
fn paint(verdict: Verdict, text: &str, color: bool) -> String {
    let code = match verdict {
        Verdict::Passed => "32",
        Verdict::Warned => "33",
        Verdict::Inconclusive => "35",
        Verdict::Failed => "31",
    };
    if color { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
}
