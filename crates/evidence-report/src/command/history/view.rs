//! A history for people, and for programs. Pure.

use std::{fmt::Write, path::Path};

use serde::Serialize;

use crate::{
    history::{Came, Chain, Line, RunLine, Trend, trends},
    record::Objective,
    run::short,
};

/// So many runs are drawn in a line; more do not fit beside the words.
const DRAWN: usize = 40;

/// What is shown of a history.
#[derive(Debug, Serialize)]
pub(super) struct View<'c> {
    /// Always `evidence-history/v1`.
    schema: &'static str,
    history: String,
    /// How many runs there are, shown or not.
    runs_total: usize,
    /// What came before the first run, where that is not the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'c Line>,
    troubles: Vec<String>,
    runs: Vec<&'c RunLine>,
    trends: Vec<Trend>,
}

impl<'c> View<'c> {
    pub(super) fn of(path: &Path, chain: &'c Chain, last: usize) -> Self {
        let all: Vec<_> = chain.runs().collect();
        let runs = all[all.len().saturating_sub(last)..].to_vec();
        Self {
            schema: "evidence-history/v1",
            history: short(path),
            runs_total: all.len(),
            before: chain.entries().first().map(|entry| &entry.line).filter(|line| line.run().is_none()),
            troubles: chain.troubles().iter().map(ToString::to_string).collect(),
            trends: trends(runs.iter().copied()),
            runs,
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let state = match self.troubles.as_slice() {
            [] => "the chain is whole".to_owned(),
            troubles => format!("BROKEN: {}", troubles.join("; ")),
        };
        let _ = writeln!(out, "{}: {}; {state}", self.history, runs(self.runs_total));
        match self.before {
            Some(Line::Pruned(pruned)) => {
                let _ = writeln!(
                    out,
                    "Runs up to {} ({}) were taken out on {}.",
                    pruned.number, pruned.finished, pruned.at
                );
            }
            Some(Line::Anew(anew)) => {
                let _ = writeln!(out, "Begun anew on {}: {} ({}).", anew.at, anew.reason, anew.kept_as);
            }
            _ => {}
        }
        if self.runs.is_empty() {
            return out;
        }
        self.table(&mut out);
        self.drawn(&mut out);
        out
    }

    /// The newest first: whoever looks wants to know what was last.
    fn table(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n{:>5}  {:<20}  {:<12}  {:<11}  {:<12}  findings",
            "run", "finished", "verdict", "environment", "commit"
        );
        for run in self.runs.iter().rev() {
            let commit = run.commit.as_ref().map_or("-".to_owned(), |commit| {
                let short: String = commit.id.chars().take(10).collect();
                format!("{short}{}", if commit.dirty { "+" } else { "" })
            });
            let _ = writeln!(
                out,
                "{:>5}  {:<20}  {:<12}  {:<11}  {commit:<12}  {}",
                run.number,
                run.finished,
                run.verdict.word(),
                run.environment.word(),
                findings(run)
            );
        }
    }

    fn drawn(&self, out: &mut String) {
        if self.trends.is_empty() {
            return;
        }
        out.push_str("\nTrends, the oldest run on the left:\n");
        let name = |trend: &Trend| {
            let labels: Vec<_> =
                trend.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            format!("{}{labels}", trend.metric)
        };
        let mut environment = None;
        let mut sorted: Vec<_> = self.trends.iter().collect();
        sorted.sort_by_key(|trend| std::cmp::Reverse(trend.environment));
        let width = sorted.iter().map(|trend| name(trend).chars().count()).max().unwrap_or(0).min(60);
        for trend in sorted {
            if environment.replace(trend.environment) != Some(trend.environment) {
                let _ = writeln!(out, "  {}", trend.environment);
            }
            let drawn: Vec<char> = trend.sparkline().chars().collect();
            let drawn: String = drawn[drawn.len().saturating_sub(DRAWN)..].iter().collect();
            let _ = writeln!(out, "    {:<width$}  {drawn}  {}", name(trend), numbers(trend));
        }
    }
}

fn findings(run: &RunLine) -> String {
    let counts = [
        (run.failed, "failed"),
        (run.inconclusive, "inconclusive"),
        (run.warned, "warned"),
        (run.passed, "passed"),
    ];
    let mut words: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if run.interrupted {
        words.push("interrupted".to_owned());
    }
    match run.came {
        Came::Published => {}
        Came::Accepted => words.push("accepted from elsewhere".to_owned()),
        Came::Found => words.push("found standing there".to_owned()),
    }
    words.join(", ")
}

/// `12.5 s now, 8 to 14 over 12 runs; at most 60: met`.
fn numbers(trend: &Trend) -> String {
    let Some(last) = trend.points.last() else { return String::new() };
    let by_size = |a: &&crate::history::Point, b: &&crate::history::Point| {
        a.value.to_f64().total_cmp(&b.value.to_f64())
    };
    let (low, high) = (trend.points.iter().min_by(by_size), trend.points.iter().max_by(by_size));
    let mut text = format!("{} {} now", last.value, trend.unit);
    if let (Some(low), Some(high), true) = (low, high, trend.points.len() > 1) {
        let _ = write!(text, ", {} to {} over {}", low.value, high.value, runs(trend.points.len()));
    }
    if let Some(objective) = &trend.objective {
        let (words, met) = match objective {
            Objective::AtMost(limit) => (format!("at most {limit}"), last.value.to_f64() <= limit.to_f64()),
            Objective::AtLeast(limit) => (format!("at least {limit}"), last.value.to_f64() >= limit.to_f64()),
        };
        let _ = write!(text, "; {words}: {}", if met { "met" } else { "MISSED" });
        if trend.missed > 0 {
            let _ = write!(text, ", missed in {} of {}", trend.missed, trend.points.len());
        }
    }
    text
}

/// `1 run`, `6 runs`.
pub(super) fn runs(number: usize) -> String {
    format!("{number} {}", if number == 1 { "run" } else { "runs" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_run_is_one() {
        assert_eq!([0, 1, 2].map(super::runs), ["0 runs", "1 run", "2 runs"]);
    }
}
