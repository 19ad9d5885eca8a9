//! The join: each alert is followed from its series to the person, one line an alert. Judging is pure; asking
//! stands in [`observe`].

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::{Check, Finding, Requirement};
use jiff::Timestamp;
use promql_parser::parser::{Expr, parse};

pub(crate) mod observe;
#[cfg(test)]
mod tests;

use super::{
    Placed, RuleFile, alerts, checks,
    labels::{self, Kept},
    placed, routes,
    runbook::{self, Page},
};
use crate::{
    alertmanager::{
        Configuration, Labels,
        matcher::{self, Matcher},
        route::{Muted, Reached},
    },
    probes::reading::counted,
    rules::expression::selectors,
};

/// A rule that Prometheus has loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Name of the alert.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: Labels,
    /// `ok`, `err` or `unknown`.
    pub(crate) health: String,
    /// Why it could not be evaluated.
    pub(crate) last_error: String,
}

/// What a selector selects now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selected {
    /// Series, of which some are shown.
    Series(Vec<Labels>),
    /// Nothing, although the metric exists.
    OnlyOthers,
    /// There is no such metric.
    Nothing,
    /// The question was not answered.
    Unknown(String),
}

/// What Prometheus said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prometheus {
    /// Its alerts.
    pub(crate) loaded: Vec<Loaded>,
    /// The labels that it adds to every alert.
    pub(crate) external: Labels,
    /// The selectors of all expressions.
    pub(crate) selected: BTreeMap<String, Selected>,
}

impl Prometheus {
    /// Whether any of the selectors has series.
    fn has_any(&self, selectors: &[String]) -> bool {
        let found = |selector| matches!(self.selected.get(selector), Some(Selected::Series(_)));
        selectors.iter().any(found)
    }
}

/// What Alertmanager said, apart from its configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alertmanager {
    /// Its active silences: id and matchers.
    pub(crate) silences: Vec<(String, Vec<Matcher>)>,
    /// How many active silences have a pattern that cannot be read here.
    pub(crate) unread: usize,
    /// The alerts that fire now.
    pub(crate) firing: Vec<Labels>,
}

/// Everything that is known; `None` where nobody was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    /// Prometheus.
    pub(crate) prometheus: Option<&'a Prometheus>,
    /// Alertmanager's configuration, live or from the file.
    pub(crate) configuration: Option<&'a Configuration>,
    /// Alertmanager.
    pub(crate) alertmanager: Option<&'a Alertmanager>,
    /// The runbooks.
    pub(crate) pages: &'a BTreeMap<String, Page>,
    /// When.
    pub(crate) at: Timestamp,
}

/// A stage at which an alert stops, or slows.
enum Stop {
    Fails(&'static Check, String),
    Warns(&'static Check, String),
    Unknown(&'static Check, String),
}

type Stage = Result<String, Stop>;

/// Follows every alert, and says of each stage how many came so far where no alert has a finding of it.
pub(crate) fn assess(files: &[RuleFile], world: &World<'_>) -> Vec<Finding> {
    let (mut findings, mut passed) = (Vec::new(), Vec::new());
    for alert in alerts(files) {
        let (finding, stages) = follow(&alert, files, world);
        findings.push(finding);
        passed.push(stages);
    }
    if !findings.is_empty() {
        let untold = |check: &&Check| findings.iter().all(|finding| finding.check.id != check.id);
        let stages = stages_asked(world).filter(|(_, check)| untold(check));
        let told: Vec<_> = stages
            .map(|(stage, check)| said(check, passed.iter().filter(|passed| **passed > stage).count()))
            .collect();
        findings.extend(told);
    }
    findings
}

/// The stages that somebody was asked about, with their places in the order; the last is the end of the way.
fn stages_asked(world: &World<'_>) -> impl Iterator<Item = (usize, &'static Check)> {
    let (live, routed) = (world.prometheus.is_some(), world.configuration.is_some());
    let stages = [
        (live, &checks::SERIES),
        (live, &checks::LOADED),
        (routed, &checks::ROUTE),
        (routed || world.alertmanager.is_some(), &checks::MUTED),
        // Runbooks are told of by themselves.
        (false, &checks::RUNBOOK),
        (true, &checks::ALERT),
    ];
    stages.into_iter().enumerate().filter(|(_, (asked, _))| *asked).map(|(stage, (_, check))| (stage, check))
}

/// What is said of a stage of which no single alert has anything to say.
fn said(check: &'static Check, came: usize) -> Finding {
    match came {
        0 => check.not_checked(Requirement::Optional, "all alerts", "none came so far: each stops before"),
        came => check.passed("all alerts").observed(format!("{came} alerts")),
    }
}

/// The stages in order, and how many of them were passed. The first that fails ends the way; a warning is said, and
/// the way goes on.
fn follow(alert: &Placed<'_>, files: &[RuleFile], world: &World<'_>) -> (Finding, usize) {
    let sets = label_sets(alert, files, world);
    let stages = [
        series(alert, world),
        loaded(alert, world),
        route(&sets, world),
        muted(&sets, world),
        page(alert, world),
    ];
    let (mut way, mut doubt) = (Vec::new(), None);
    for (number, stage) in stages.into_iter().enumerate() {
        match stage {
            Ok(said) => way.push(said),
            Err(Stop::Warns(check, said)) => {
                way.push(said);
                doubt = doubt.or(Some((check, true)));
            }
            Err(Stop::Unknown(check, said)) => {
                way.push(said);
                doubt = doubt.or(Some((check, false)));
            }
            Err(Stop::Fails(check, said)) => {
                way.push(format!("stops: {said}"));
                return (finding(check.failed(alert.subject()), alert, &way), number);
            }
        }
    }
    let come = match doubt {
        None => checks::ALERT.passed(alert.subject()),
        Some((check, true)) => check.warned(alert.subject()),
        Some((check, false)) => check.inconclusive(alert.subject()),
    };
    // Whoever comes to the end in doubt has not passed the last stage, which is that the alert would be heard.
    (finding(come, alert, &way), way.len())
}

fn finding(finding: Finding, alert: &Placed<'_>, way: &[String]) -> Finding {
    let expected = "series → rule → route → receiver → not muted → runbook";
    placed(finding.expected(expected).observed(way.join(" → ")), alert)
}

/// The selectors that must have series: not those whose absence is what the alert is about.
pub(crate) fn needed(expression: &Expr) -> Vec<String> {
    let all: Vec<_> = selectors(expression).iter().map(ToString::to_string).collect();
    let mut spared = BTreeSet::new();
    crate::rules::expression::walk(expression, &mut |part| {
        let optional = match part {
            Expr::Call(call) if call.func.name.starts_with("absent") => {
                call.args.args.first().map(AsRef::as_ref)
            }
            Expr::Binary(binary) if binary.op.to_string() == "unless" => Some(binary.rhs.as_ref()),
            _ => None,
        };
        spared.extend(optional.into_iter().flat_map(selectors).map(|selector| selector.to_string()));
    });
    all.into_iter().filter(|selector| !spared.contains(selector)).collect()
}

/// The selectors beside which `or` gives others.
fn alternatives(expression: &Expr) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    crate::rules::expression::walk(expression, &mut |part| {
        if let Expr::Binary(binary) = part
            && binary.op.to_string() == "or"
        {
            found.extend(selectors(part).iter().map(ToString::to_string));
        }
    });
    found
}

fn series(alert: &Placed<'_>, world: &World<'_>) -> Stage {
    let Some(prometheus) = world.prometheus else { return Ok("series not asked for".to_owned()) };
    let Ok(expression) = parse(&alert.rule.expression) else {
        return Err(Stop::Unknown(&checks::SERIES, "the expression is not read by our parser".to_owned()));
    };
    let needed = needed(&expression);
    let others = alternatives(&expression);
    let mut doubt = None;
    for selector in &needed {
        match prometheus.selected.get(selector) {
            Some(Selected::Series(_)) => {}
            Some(Selected::Nothing) if others.contains(selector) && prometheus.has_any(&needed) => {
                let said = format!("no series at all for {selector}, one side of an `or`");
                doubt = Some(Stop::Warns(&checks::SERIES, said));
            }
            Some(Selected::Nothing) => {
                return Err(Stop::Fails(&checks::SERIES, format!("no series at all for {selector}")));
            }
            Some(Selected::OnlyOthers) => {
                let said = format!("nothing matches {selector} now (other series of the metric exist)");
                doubt = Some(Stop::Warns(&checks::SERIES, said));
            }
            Some(Selected::Unknown(why)) => {
                doubt = doubt.or_else(|| Some(Stop::Unknown(&checks::SERIES, format!("{selector}: {why}"))));
            }
            None => {}
        }
    }
    let found = match needed.len() {
        0 => "needs no series".to_owned(),
        count => format!("series for {count} of {count} selectors"),
    };
    doubt.map_or(Ok(found), Err)
}

fn loaded(alert: &Placed<'_>, world: &World<'_>) -> Stage {
    let Some(prometheus) = world.prometheus else { return Ok("rule not asked for".to_owned()) };
    let named: Vec<_> = prometheus.loaded.iter().filter(|rule| rule.name == alert.rule.name).collect();
    let Some(rule) = named.iter().find(|rule| rule.labels == alert.rule.labels).or_else(|| named.first())
    else {
        return Err(Stop::Fails(&checks::LOADED, "Prometheus has not loaded the rule".to_owned()));
    };
    if rule.labels != alert.rule.labels {
        let said = format!("loaded with other labels: {}", routes::in_words(&rule.labels));
        return Err(Stop::Fails(&checks::LOADED, said));
    }
    match rule.health.as_str() {
        "ok" => Ok("loaded, healthy".to_owned()),
        "err" => {
            let why = crate::http::excerpt(&rule.last_error, 200);
            Err(Stop::Fails(&checks::LOADED, format!("its evaluation fails: {why}")))
        }
        _ => Err(Stop::Unknown(&checks::LOADED, "loaded, not evaluated yet".to_owned())),
    }
}

/// The label sets with which the alert would reach Alertmanager: one a live series, as far as the expression keeps
/// its labels; the rule's own over the external ones over those.
fn label_sets(alert: &Placed<'_>, files: &[RuleFile], world: &World<'_>) -> Vec<Labels> {
    let mut base = world.prometheus.map(|prometheus| prometheus.external.clone()).unwrap_or_default();
    let fixed = routes::fixed_labels(alert);
    let expression = parse(&alert.rule.expression).ok();
    let of_series = expression.iter().flat_map(|expression| {
        let kept = labels::kept(expression, files);
        let first = needed(expression).into_iter().find_map(|selector| {
            match world.prometheus?.selected.get(&selector) {
                Some(Selected::Series(series)) if !series.is_empty() => Some(series.clone()),
                _ => None,
            }
        });
        first.unwrap_or_default().into_iter().map(move |series| only(series, &kept))
    });
    let mut sets: Vec<Labels> = Vec::new();
    for series in of_series {
        let mut set = base.clone();
        set.extend(series);
        set.extend(fixed.clone());
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    if sets.is_empty() {
        base.extend(fixed);
        sets.push(base);
    }
    sets
}

fn only(mut series: Labels, kept: &Kept) -> Labels {
    series.retain(|name, _| name != "__name__" && kept.can_have(name));
    series
}

fn route(sets: &[Labels], world: &World<'_>) -> Stage {
    let Some(configuration) = world.configuration else { return Ok("route not asked for".to_owned()) };
    let mut said = BTreeSet::new();
    for labels in sets {
        let reached = configuration.route(labels, world.at);
        let heard = reached.iter().any(|way| configuration.tells(way));
        for way in &reached {
            let (path, name) = (&way.path, way.receiver());
            let kinds: Vec<_> = configuration
                .receiver(name)
                .iter()
                .flat_map(|receiver| receiver.integrations.keys().map(String::as_str))
                .collect();
            match (kinds.is_empty(), heard) {
                (true, false) => {
                    let why = format!("{path} → {name}, a receiver without integrations: nobody is told");
                    return Err(Stop::Fails(&checks::ROUTE, why));
                }
                (true, true) => said.insert(format!("{path} → {name} (no integration)")),
                (false, _) => said.insert(format!("{path} → {name} ({})", kinds.join(", "))),
            };
        }
    }
    Ok(said.into_iter().collect::<Vec<_>>().join(" and "))
}

fn muted(sets: &[Labels], world: &World<'_>) -> Stage {
    let mut doubt = None;
    let mut held_back: Vec<String> = Vec::new();
    for labels in sets {
        let ways: Vec<_> = world
            .configuration
            .iter()
            .flat_map(|known| known.route(labels, world.at).into_iter().filter(|way| known.tells(way)))
            .collect();
        if !ways.is_empty()
            && ways.iter().all(|way| matches!(way.muted, Muted::During(_) | Muted::Outside(_)))
        {
            doubt = Some(Stop::Warns(&checks::MUTED, silent_now(&ways)));
        } else if let Some(Muted::Unknown(name)) =
            ways.iter().map(|way| &way.muted).find(|m| matches!(m, Muted::Unknown(_)))
        {
            let said = format!("the time zone of the interval {name} is not known here");
            doubt = doubt.or(Some(Stop::Unknown(&checks::MUTED, said)));
        }
        let Some(alertmanager) = world.alertmanager else { continue };
        if alertmanager.unread > 0 {
            let said = format!(
                "whether it is silenced is unknown: {} a pattern that cannot be read here",
                counted(alertmanager.unread as u64, "silence has", "silences have")
            );
            doubt = doubt.or(Some(Stop::Unknown(&checks::MUTED, said)));
        }
        held_back.extend(holds_back(labels, world, alertmanager));
    }
    match held_back.as_slice() {
        [why, ..] if held_back.len() == sets.len() => return Err(Stop::Fails(&checks::MUTED, why.clone())),
        [why, ..] => {
            let said = format!("{why}: {} of its {} series", held_back.len(), sets.len());
            return Err(Stop::Warns(&checks::MUTED, said));
        }
        [] => {}
    }
    let asked = if world.alertmanager.is_some() {
        "neither silenced nor inhibited"
    } else {
        "silences not asked for"
    };
    doubt.map_or_else(|| Ok(asked.to_owned()), Err)
}

/// What keeps Alertmanager from telling of an alert with these labels now.
fn holds_back(labels: &Labels, world: &World<'_>, alertmanager: &Alertmanager) -> Option<String> {
    let silence = alertmanager.silences.iter().find(|(_, all)| matcher::all_hold(all, labels));
    if let Some((id, _)) = silence {
        return Some(format!("silenced now by {id}"));
    }
    let (source, rule) = alertmanager.firing.iter().find_map(|source| {
        let rule = world.configuration?.mutes(source, labels)?;
        Some((source, rule))
    })?;
    let name = source.get("alertname").cloned().unwrap_or_default();
    Some(format!("inhibited now by the firing {name} (rule on line {})", rule.line))
}

fn silent_now(ways: &[Reached]) -> String {
    format!("its routes are silent now: {}", routes::ways(ways))
}

fn page(alert: &Placed<'_>, world: &World<'_>) -> Stage {
    let Some(address) = runbook::address(alert) else {
        return Err(Stop::Warns(&checks::RUNBOOK, "no runbook_url".to_owned()));
    };
    let shown = runbook::shown(address);
    match world.pages.get(address) {
        Some(Page::Missing(why)) => Err(Stop::Fails(&checks::RUNBOOK, format!("runbook {shown}: {why}"))),
        Some(Page::NotAsked) | None => Ok(format!("runbook {shown} (not asked for)")),
        Some(Page::Answers | Page::File(_)) => Ok(format!("runbook {shown}")),
    }
}

/// The label sets of all alerts, for what nobody reaches.
pub(crate) fn all_sets(files: &[RuleFile], world: &World<'_>) -> Vec<Labels> {
    alerts(files).flat_map(|alert| label_sets(&alert, files, world)).collect()
}
