//! A second opinion: `promtool test rules` runs the rule as it is written, with the states of Prometheus' own rule
//! engine, on the very same series. The file for it is made here.

use std::time::Duration;

use evidence_report::run::Run;
use serde_json::json;

use super::{
    blocks::{Blocks, Programs},
    plan::Replayable,
    samples::{notation, values},
    span::Span,
};
use crate::{
    http::excerpt,
    rules::{duration, expression, manifest},
};

/// promtool evaluates from the first sample on, and goes through every window anew: this much takes some ten seconds.
const MOST_WORK: u64 = 1_500_000_000;

/// The rule engine of promtool's tests looks at 10,000 samples at once, and says so of more.
const TOO_MANY: &str = "too many samples";

/// What tells of the time: promtool's begins in 1970.
const OF_TIME: [&str; 9] =
    ["time", "timestamp", "hour", "minute", "month", "year", "day_of_week", "day_of_month", "day_of_year"];

/// When the replay found the alert firing first, and no longer, from the first sample on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moments {
    pub(super) firing: Option<Duration>,
    pub(super) ended: Option<Duration>,
}

/// What promtool says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opinion {
    /// The same.
    Same,
    /// Something else.
    Other(String),
    /// It was not asked, and why.
    NotAsked(String),
}

/// Why promtool cannot be asked about this alert.
fn objection(one: &Replayable, span: &Span) -> Option<String> {
    let plan = &one.plan;
    let evaluation = span.evaluation;
    let own = |interval: Option<Duration>| interval.is_some_and(|interval| interval != evaluation);
    if plan.alert.loaded.iter().any(|group| own(group.interval)) {
        return Some("its groups have several intervals, and promtool evaluates all at one".to_owned());
    }
    let rules = plan.alert.loaded.iter().flat_map(|group| &group.rules);
    for rule in rules {
        let Ok(parsed) = promql_parser::parser::parse(&rule.expression) else { continue };
        let mut found = None;
        expression::walk(&parsed, &mut |part| match part {
            promql_parser::parser::Expr::Call(call) if OF_TIME.contains(&call.func.name) => {
                found = Some(call.func.name);
            }
            _ => {}
        });
        if let Some(found) = found {
            return Some(format!("it asks for {found}(), and promtool's clock begins in 1970"));
        }
    }
    let work = span.samples().saturating_mul(span.work(plan.series().len()) / span.evaluations().max(1));
    (work > MOST_WORK).then(|| "its windows are so long that promtool would take minutes".to_owned())
}

/// Asks promtool whether it sees the alert at the same moments.
pub(super) async fn ask(
    run: &Run,
    programs: &Programs,
    blocks: &Blocks<'_>,
    (one, span): (&Replayable, &Span),
    moments: Moments,
) -> Opinion {
    if let Some(why) = objection(one, span) {
        return Opinion::NotAsked(why);
    }
    let (rules, tests) = (blocks.file("rules.yml"), blocks.file("tests.yml"));
    let wrote = fs_err::write(&rules, manifest::write(&one.plan.alert.loaded))
        .and_then(|()| fs_err::write(&tests, file(one, span, moments)));
    if let Err(error) = wrote {
        return Opinion::NotAsked(error.to_string());
    }
    match run.child(&programs.promtool).args(["test", "rules"]).arg(&tests).output(run.stop()).await {
        Ok(output) if output.stopped => Opinion::NotAsked("the run was asked to stop".to_owned()),
        Ok(output) if output.status.success() => Opinion::Same,
        Ok(output) if output.stdout.contains(TOO_MANY) || output.stderr.contains(TOO_MANY) => {
            Opinion::NotAsked("its windows hold more samples than promtool's rule engine looks at".to_owned())
        }
        Ok(output) => {
            let said = format!("{} {}", output.stdout, output.stderr);
            let said = said.replace(&format!("{}", tests.display()), "the same series");
            Opinion::Other(excerpt(said.trim(), 400))
        }
        Err(error) => Opinion::NotAsked(error.to_string()),
    }
}

/// What promtool has against the rule, where it would not be loaded.
pub(super) async fn refusal(
    run: &Run,
    programs: &Programs,
    one: &Replayable,
    number: usize,
) -> Option<String> {
    let rules = run.folder().join(format!("asked-{number}.yml"));
    fs_err::write(&rules, manifest::write(&one.plan.alert.loaded)).ok()?;
    let asked =
        run.child(&programs.promtool).args(["check", "rules"]).arg(&rules).output(run.stop()).await.ok()?;
    let refused = !asked.stopped && !asked.status.success();
    let said = asked.stderr.replace(&format!("{}: ", rules.display()), "").replace("FAILED:", "");
    refused.then(|| excerpt(said.trim(), 300))
}

/// The unit test: the series, and the moments as they were found.
fn file(one: &Replayable, span: &Span, moments: Moments) -> String {
    let series: Vec<_> = one
        .stored()
        .iter()
        .map(|(labels, series)| {
            let values = notation(values(series, span).map(|(_, value)| value));
            json!({ "series": super::super::series::display(labels), "values": values })
        })
        .collect();
    json!({
        "rule_files": ["rules.yml"],
        "evaluation_interval": duration::display(span.evaluation),
        "tests": [{
            "interval": duration::display(span.step),
            "input_series": series,
            "promql_expr_test": expected(&one.plan.alert.rule.name, span, moments),
        }],
    })
    .to_string()
}

/// Whether it fires, by what the rule engine records of it: at a moment, and one evaluation before.
fn expected(name: &str, span: &Span, moments: Moments) -> Vec<serde_json::Value> {
    let firing = format!("count(ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}) > bool 0");
    let at = |time: Duration, fires: bool| {
        let samples = if fires { json!([{ "labels": "{}", "value": 1 }]) } else { json!([]) };
        json!({ "expr": firing, "eval_time": duration::display(time), "exp_samples": samples })
    };
    let Some(fires) = moments.firing else { return vec![at(span.cleared, false)] };
    let mut all = vec![at(fires - span.evaluation, false), at(fires, true)];
    if let Some(ended) = moments.ended {
        all.extend([at(ended - span.evaluation, true), at(ended, false)]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promtool_is_asked_at_the_moment_and_one_evaluation_before() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let span = Span {
            step: minutes(1),
            evaluation: minutes(1),
            fault: minutes(10),
            cleared: minutes(200),
            end: minutes(210),
            reach: Duration::ZERO,
            lookback: minutes(1),
        };
        let moments = Moments { firing: Some(minutes(131)), ended: Some(minutes(201)) };
        let times: Vec<_> = expected("A", &span, moments)
            .iter()
            .map(|one| (one["eval_time"].as_str().unwrap().to_owned(), one["exp_samples"] != json!([])))
            .collect();
        let told = [("2h10m", false), ("2h11m", true), ("3h20m", true), ("3h21m", false)];
        assert_eq!(times, told.map(|(time, fires)| (time.to_owned(), fires)));
        let none = Moments { firing: None, ended: None };
        assert_eq!(expected("A", &span, none).len(), 1);
    }
}
