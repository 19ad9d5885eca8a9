//! What Prometheus says about itself: ready, its targets, its rules, and the answers to expressions. What it says
//! about its own health (freshness, notifications, configuration) stands in `health`, drift of rules in
//! `rule_drift`.

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::{Check, Finding, Requirement};

use super::{
    health::{self, Health},
    prometheus_api::{Api, BuildInfo, QueryResult, Rules, Target, Targets},
    rule_drift,
};
use crate::{
    checks::{
        PROMETHEUS_QUERY, PROMETHEUS_READY, PROMETHEUS_RULE_HEALTH, PROMETHEUS_RULES, PROMETHEUS_TARGETS,
    },
    config::{Expectation, JobConfig, QueryConfig, RulesConfig},
    http::{Http, NoAnswer, excerpt},
    plan::PrometheusProbe,
    probes::{
        checks::{PROMETHEUS_CONFIG, PROMETHEUS_RULE_DRIFT, PROMETHEUS_RULE_FRESHNESS},
        reading::counted,
    },
    rules::expression,
};

/// Everything that was asked of one server.
#[derive(Debug)]
pub(crate) struct Observation {
    ready: Result<u16, NoAnswer>,
    pub(crate) version: Option<String>,
    /// SHA-256 of its configuration; never the configuration, which may hold secrets.
    pub(crate) configuration: Option<String>,
    /// What was asked once it was ready.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    targets: Result<Targets, NoAnswer>,
    rules: Result<Rules, NoAnswer>,
    queries: Vec<Queried>,
    health: Health,
}

/// The answer to an expression, and what is known of its selectors when it is empty.
#[derive(Debug)]
struct Queried {
    values: Result<Vec<f64>, NoAnswer>,
    selected: Selected,
}

/// What the selectors of an expression select.
#[derive(Debug, PartialEq)]
enum Selected {
    /// It was not asked: the answer is not empty.
    NotAsked,
    /// The expression is one that we cannot take apart.
    Unknown,
    /// The selectors that have no series where and when the expression looks; none means that every one has.
    Without(Vec<String>),
    /// They have series, and these functions return nothing of them.
    TooFewSamples(Vec<String>),
}

/// Asks the server.
pub(crate) async fn observe(http: &Http, probe: &PrometheusProbe) -> Observation {
    let api = Api { http, url: &probe.url, headers: &probe.headers.0, timeout: probe.timeout };
    let ready = api.ready().await;
    if ready.as_ref().ok() != Some(&200) {
        return Observation { ready, version: None, configuration: None, asked: None };
    }
    let version = api.data::<BuildInfo>(&["status", "buildinfo"], &[]).await.ok().map(|info| info.version);
    let targets = api.data(&["targets"], &[("state", "active")]).await;
    let rules = api.data(&["rules"], &[]).await;
    let mut queries = Vec::new();
    for query in &probe.queries {
        queries.push(ask_query(&api, &query.expr).await);
    }
    let health = health::observe(&api, probe).await;
    let configuration = health::configuration_digest(&api).await;
    Observation { ready, version, configuration, asked: Some(Asked { targets, rules, queries, health }) }
}

async fn ask_query(api: &Api<'_>, expr: &str) -> Queried {
    let values = values(api, expr).await;
    let selected = match &values {
        Ok(values) if values.is_empty() => what_is_selected(api, expr).await,
        _ => Selected::NotAsked,
    };
    Queried { values, selected }
}

async fn values(api: &Api<'_>, expr: &str) -> Result<Vec<f64>, NoAnswer> {
    let result: QueryResult = api.data(&["query"], &[("query", expr)]).await?;
    Ok(result.values())
}

async fn what_is_selected(api: &Api<'_>, expr: &str) -> Selected {
    let Ok(parsed) = promql_parser::parser::parse(expr) else { return Selected::Unknown };
    let looked_at = expression::looked_at(&parsed);
    match without_answer(api, looked_at.series).await {
        Ok(without) if !without.is_empty() => return Selected::Without(without),
        Ok(_) => {}
        Err(_) => return Selected::Unknown,
    }
    match without_answer(api, looked_at.calls).await {
        Ok(short) if !short.is_empty() => Selected::TooFewSamples(short),
        Ok(_) => Selected::Without(Vec::new()),
        Err(_) => Selected::Unknown,
    }
}

/// Those of the expressions that return nothing.
async fn without_answer(api: &Api<'_>, asked: BTreeSet<String>) -> Result<Vec<String>, NoAnswer> {
    let mut without = Vec::new();
    for one in asked {
        if values(api, &format!("count({one})")).await?.is_empty() {
            without.push(one);
        }
    }
    Ok(without)
}

/// Judges what the server said.
pub(crate) fn assess(probe: &PrometheusProbe, observation: &Observation) -> Vec<Finding> {
    let subject = format!("{}: {}", probe.name, probe.url);
    let expected = "status 200 of /-/ready";
    let mut findings = vec![
        match &observation.ready {
            Ok(200) => {
                let version = observation.version.as_deref().unwrap_or("not told");
                PROMETHEUS_READY.passed(&subject).observed(format!("ready, version {}", excerpt(version, 40)))
            }
            Ok(status) => PROMETHEUS_READY.failed(&subject).observed(format!("status {status}")),
            Err(why) => PROMETHEUS_READY.failed(&subject).observed(why.to_string()),
        }
        .expected(expected),
    ];
    let Some(asked) = &observation.asked else {
        let skipped = asked_for(probe).filter(|check| check.id != PROMETHEUS_READY.id);
        findings.extend(
            skipped
                .map(|check| check.not_checked(Requirement::Required, &subject, "Prometheus is not ready")),
        );
        return findings;
    };
    findings.extend(match &asked.targets {
        Ok(targets) => assess_targets(&probe.name, &probe.jobs, &targets.active_targets),
        Err(why) => vec![PROMETHEUS_TARGETS.failed(&subject).observed(why.to_string())],
    });
    findings.extend(match &asked.rules {
        Ok(rules) => {
            let mut findings = assess_rules(&probe.name, &probe.rules, rules);
            findings.extend(health::assess_freshness(&probe.name, rules, asked.health.now));
            if let Some(manifest) = &probe.manifest {
                findings.extend(rule_drift::assess(
                    &probe.name,
                    manifest,
                    &probe.rules.other_groups,
                    &rules.groups,
                ));
            }
            findings
        }
        Err(why) => vec![PROMETHEUS_RULES.failed(&subject).observed(why.to_string())],
    });
    findings.extend(health::assess(&subject, probe, observation.version.as_deref(), &asked.health));
    findings.extend(
        probe.queries.iter().zip(&asked.queries).map(|(query, seen)| assess_query(&probe.name, query, seen)),
    );
    findings
}

/// The checks that this server is asked for; where rules are loaded, they are looked at one by one.
pub(crate) fn asked_for(probe: &PrometheusProbe) -> impl Iterator<Item = &'static Check> {
    let always = [&PROMETHEUS_READY, &PROMETHEUS_TARGETS, &PROMETHEUS_RULES, &PROMETHEUS_CONFIG];
    let of_rules = [&PROMETHEUS_RULE_HEALTH, &PROMETHEUS_RULE_FRESHNESS];
    let has_rules = !probe.rules.none_is_right || !probe.rules.loaded.is_empty();
    let drift = probe.manifest.is_some().then_some(&PROMETHEUS_RULE_DRIFT);
    let queries = (!probe.queries.is_empty()).then_some(&PROMETHEUS_QUERY);
    let of_rules = of_rules.into_iter().filter(move |_| has_rules);
    always.into_iter().chain(of_rules).chain(drift).chain(queries).chain(health::asked_for(probe))
}

fn assess_targets(name: &str, wanted: &[JobConfig], targets: &[Target]) -> Vec<Finding> {
    let mut by_job: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        by_job.entry(target.labels.get("job").map_or("", String::as_str)).or_default().push(target);
    }
    if wanted.is_empty() {
        if by_job.is_empty() {
            let finding = PROMETHEUS_TARGETS.failed(name).expected("at least one active target");
            return vec![finding.observed("no active target at all")];
        }
        return by_job.iter().map(|(job, targets)| assess_job(name, job, None, targets)).collect();
    }
    wanted
        .iter()
        .map(|job| {
            let targets = by_job.get(job.job.as_str()).map_or(&[][..], Vec::as_slice);
            assess_job(name, &job.job, job.at_least, targets)
        })
        .collect()
}

fn assess_job(name: &str, job: &str, at_least: Option<u64>, targets: &[&Target]) -> Finding {
    let subject = format!("{name}: job {job}");
    let with_health = |health: &str| targets.iter().filter(|target| target.health == health).count();
    let (up, unknown) = (with_health("up"), with_health("unknown"));
    let enough = |up: usize| match at_least {
        Some(least) => up as u64 >= least,
        None => up > 0 && up == targets.len(),
    };
    let expected = match at_least {
        Some(least) => format!("at least {least} up"),
        None => "every target up, and at least one".to_owned(),
    };
    let mut observed = match targets.len() {
        0 => "no such target".to_owned(),
        all => format!("{up} of {all} up"),
    };
    if let Some(down) = targets.iter().find(|target| !matches!(target.health.as_str(), "up" | "unknown")) {
        let url = evidence_report::run::redact::url(&down.scrape_url);
        let why = if down.last_error.is_empty() { &down.health } else { &down.last_error };
        observed.push_str(&format!("; {url}: {}", excerpt(why, 160)));
    }
    if enough(up) {
        return PROMETHEUS_TARGETS.passed(subject).expected(expected).observed(observed);
    }
    if enough(up + unknown) {
        let why = format!("{observed}, {unknown} not scraped yet; ask again after one scrape interval");
        return PROMETHEUS_TARGETS.not_checked(Requirement::Required, subject, why).expected(expected);
    }
    PROMETHEUS_TARGETS.failed(subject).expected(expected).observed(observed)
}

fn assess_rules(name: &str, wanted: &RulesConfig, rules: &Rules) -> Vec<Finding> {
    let all: Vec<_> =
        rules.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule))).collect();
    let loaded: BTreeSet<_> = all.iter().map(|(_, rule)| rule.name.as_str()).collect();
    let missing: Vec<_> =
        wanted.loaded.iter().filter(|rule| !loaded.contains(rule.as_str())).cloned().collect();
    let groups = counted(rules.groups.len() as u64, "group", "groups");
    let seen = format!("{} in {groups}", counted(all.len() as u64, "rule", "rules"));
    let mut findings = Vec::new();
    if wanted.loaded.is_empty() {
        let finding = match (all.is_empty(), wanted.none_is_right) {
            (true, false) => PROMETHEUS_RULES.failed(name),
            _ => PROMETHEUS_RULES.passed(name),
        };
        findings.push(finding.expected("at least one rule").observed(seen));
    } else if missing.is_empty() {
        let expected = format!("{} named rules", wanted.loaded.len());
        findings.push(PROMETHEUS_RULES.passed(name).expected(expected).observed(seen));
    } else {
        findings.extend(missing.into_iter().map(|rule| {
            let finding = PROMETHEUS_RULES.failed(format!("{name}: {rule}")).expected("loaded");
            finding.observed(format!("not among the {seen}"))
        }));
    }
    findings.extend(assess_health(name, &all));
    findings
}

fn assess_health(
    name: &str,
    all: &[(&super::prometheus_api::Group, &super::prometheus_api::Rule)],
) -> Vec<Finding> {
    let expected = "health ok";
    let mut findings = Vec::new();
    for (group, rule) in all {
        let subject = format!("{name}: {}/{}", group.name, rule.name);
        match (rule.health.as_str(), rule.last_error.as_str()) {
            ("ok", "") => {}
            ("unknown" | "", _) => {
                let reason = "not evaluated yet; ask again after one evaluation interval";
                findings.push(PROMETHEUS_RULE_HEALTH.not_checked(Requirement::Required, subject, reason));
            }
            (health, error) => {
                let observed = format!("health {}: {}", excerpt(health, 20), excerpt(error, 200));
                findings.push(PROMETHEUS_RULE_HEALTH.failed(subject).expected(expected).observed(observed));
            }
        }
    }
    let healthy = all.len() - findings.len();
    if healthy > 0 {
        let observed = format!("{healthy} of {} rules evaluate without errors", all.len());
        findings.push(PROMETHEUS_RULE_HEALTH.passed(name).expected(expected).observed(observed));
    }
    findings
}

fn assess_query(name: &str, query: &QueryConfig, queried: &Queried) -> Finding {
    let subject = format!("{name}: {}", query.name.as_deref().unwrap_or(&query.expr));
    let expected = match query.expect {
        Expectation::Holds => match (query.min, query.max) {
            (None, None) => "an answer with series".to_owned(),
            (Some(min), None) => format!("values not below {min}"),
            (None, Some(max)) => format!("values not above {max}"),
            (Some(min), Some(max)) => format!("values from {min} to {max}"),
        },
        Expectation::DoesNotHold => "the condition is false, and its series exist".to_owned(),
    };
    let values = match &queried.values {
        Ok(values) => values,
        Err(why) => return PROMETHEUS_QUERY.failed(subject).expected(expected).observed(why.to_string()),
    };
    let holding;
    let bounded = query.min.is_some() || query.max.is_some();
    let values = if expression::is_truth_value(&query.expr) && !bounded && !values.is_empty() {
        holding = values.iter().copied().filter(|value| *value != 0.0).collect::<Vec<_>>();
        if holding.is_empty() {
            let observed = "the condition is false: 0, as `bool` has it";
            let finding = match query.expect {
                Expectation::Holds => PROMETHEUS_QUERY.failed(subject),
                Expectation::DoesNotHold => PROMETHEUS_QUERY.passed(subject),
            };
            return finding.expected(expected).observed(observed);
        }
        &holding
    } else {
        values
    };
    let finding = match (query.expect, values.is_empty(), &queried.selected) {
        (_, true, Selected::Without(missing)) if !missing.is_empty() => {
            let named = excerpt(&missing.join(", "), 300);
            PROMETHEUS_QUERY.failed(subject).observed(format!("no series: nothing matches {named}"))
        }
        (expect, true, Selected::TooFewSamples(calls)) => {
            let named = excerpt(&calls.join(", "), 300);
            let observed =
                format!("its series exist, and {named} returns nothing: too few samples in its range");
            match expect {
                Expectation::Holds => PROMETHEUS_QUERY.failed(subject).observed(observed),
                Expectation::DoesNotHold => {
                    PROMETHEUS_QUERY.not_checked(Requirement::Required, subject, observed)
                }
            }
        }
        (Expectation::Holds, true, Selected::Without(_)) => {
            PROMETHEUS_QUERY.failed(subject).observed("the condition is false; its series exist")
        }
        (Expectation::DoesNotHold, true, Selected::Without(_)) => {
            PROMETHEUS_QUERY.passed(subject).observed("the condition is false; its series exist")
        }
        (Expectation::Holds, true, _) => PROMETHEUS_QUERY
            .failed(subject)
            .observed("an empty answer; whether its series exist could not be found out"),
        (Expectation::DoesNotHold, true, _) => {
            let why = "the answer is empty, and whether that is because the condition is false or because there is no series could not be found out";
            PROMETHEUS_QUERY.not_checked(Requirement::Required, subject, why)
        }
        (Expectation::DoesNotHold, false, _) => {
            PROMETHEUS_QUERY.failed(subject).observed(format!("it holds for {} series", values.len()))
        }
        (Expectation::Holds, false, _) => {
            let inside = |value: &&f64| {
                !(query.min.is_none_or(|min| **value >= min) && query.max.is_none_or(|max| **value <= max))
            };
            match values.iter().find(inside) {
                Some(outside) => PROMETHEUS_QUERY.failed(subject).observed(format!("a value of {outside}")),
                None => PROMETHEUS_QUERY.passed(subject).observed(format!("{} series", values.len())),
            }
        }
    };
    finding.expected(expected)
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn target(health: &str, error: &str) -> Target {
        Target {
            labels: BTreeMap::from([("job".to_owned(), "api".to_owned())]),
            scrape_url: "http://me:hunter2@a.example/metrics?token=hunter2".to_owned(),
            last_error: error.to_owned(),
            health: health.to_owned(),
            ..Target::default()
        }
    }

    #[test]
    fn targets_are_counted_by_job_and_what_is_not_known_yet_is_no_failure() {
        use Outcome::{Failed, NotChecked, Passed};
        let (up, down, unknown) = (target("up", ""), target("down", "refused"), target("unknown", ""));
        for (at_least, targets, outcome) in [
            (None, vec![], Failed),
            (None, vec![&up], Passed),
            (None, vec![&up, &down], Failed),
            (None, vec![&up, &unknown], NotChecked(Requirement::Required)),
            (None, vec![&down, &unknown], Failed),
            (Some(1), vec![&up, &down], Passed),
            (Some(2), vec![&up, &down], Failed),
            (Some(2), vec![&up, &unknown], NotChecked(Requirement::Required)),
            (Some(0), vec![], Passed),
        ] {
            let finding = assess_job("main", "api", at_least, &targets);
            assert_eq!(finding.outcome, outcome, "{finding:?}");
            assert!(!finding.observed.contains("hunter2"), "{finding:?}");
        }
    }

    fn queried(values: &[f64], selected: Selected) -> Queried {
        Queried { values: Ok(values.to_vec()), selected }
    }

    #[test]
    fn a_false_condition_is_told_apart_from_missing_series() {
        use Expectation::{DoesNotHold, Holds};
        use Outcome::{Failed, NotChecked, Passed};
        let missing = || Selected::Without(vec!["depth".to_owned()]);
        let short = || Selected::TooFewSamples(vec!["rate(depth[5s])".to_owned()]);
        let query =
            |expect, max| QueryConfig { name: None, expr: "depth > 1".to_owned(), expect, min: None, max };
        let truth = |expect| QueryConfig { expr: "(depth > bool 1)".to_owned(), ..query(expect, None) };
        for (query, queried, outcome, says) in [
            (query(DoesNotHold, None), queried(&[], Selected::Without(vec![])), Passed, "condition is false"),
            (query(DoesNotHold, None), queried(&[], missing()), Failed, "no series: nothing matches depth"),
            (query(DoesNotHold, None), queried(&[5.0], Selected::NotAsked), Failed, "holds for 1 series"),
            (
                query(DoesNotHold, None),
                queried(&[], Selected::Unknown),
                NotChecked(Requirement::Required),
                "could not be found out",
            ),
            (
                query(DoesNotHold, None),
                queried(&[], short()),
                NotChecked(Requirement::Required),
                "rate(depth[5s])",
            ),
            (query(Holds, None), queried(&[], short()), Failed, "too few samples in its range"),
            (query(Holds, None), queried(&[5.0], Selected::NotAsked), Passed, "1 series"),
            (query(Holds, None), queried(&[], Selected::Without(vec![])), Failed, "condition is false"),
            (query(Holds, None), queried(&[], missing()), Failed, "no series"),
            (truth(Holds), queried(&[0.0, 0.0], Selected::NotAsked), Failed, "false: 0, as `bool`"),
            (truth(Holds), queried(&[0.0, 1.0], Selected::NotAsked), Passed, "1 series"),
            (truth(DoesNotHold), queried(&[0.0], Selected::NotAsked), Passed, "false: 0, as `bool`"),
            (truth(DoesNotHold), queried(&[0.0, 1.0], Selected::NotAsked), Failed, "holds for 1 series"),
            (truth(DoesNotHold), queried(&[], missing()), Failed, "no series: nothing matches depth"),
            (query(Holds, Some(4.0)), queried(&[3.0, 5.0], Selected::NotAsked), Failed, "a value of 5"),
            (query(Holds, Some(4.0)), queried(&[f64::NAN], Selected::NotAsked), Failed, "NaN"),
        ] {
            let finding = assess_query("main", &query, &queried);
            assert_eq!(finding.outcome, outcome, "{finding:?}");
            assert!(finding.observed.contains(says), "{finding:?}");
        }
    }
}
