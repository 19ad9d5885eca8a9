//! The join: each alert is followed from its series to the person, one line an alert. Judging is pure; asking
//! stands in [`observe`].

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::{Check, Finding, Requirement};
use jiff::Timestamp;
use promql_parser::parser::{Expr, parse};

mod arriving;
pub(crate) mod observe;
#[cfg(test)]
mod tests;

use arriving::{Arriving, arriving};

use super::{
    Placed, RuleFile, alerts, checks, placed, routes,
    runbook::{self, Page},
};
use crate::{
    alertmanager::{
        Configuration, Labels,
        matcher::{self, Matcher},
        route::{Muted, Reached, Route},
    },
    backends::{
        prometheus_api::{Group, Rule},
        rule_drift,
    },
    config::Url,
    drill::live::LiveConfig,
    probes::reading::counted,
    rules::expression::{children, selectors},
};

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
    /// The groups that it has loaded.
    pub(crate) loaded: Vec<Group>,
    /// What becomes of alerts on their way; `None` where it does not tell.
    pub(crate) config: Option<LiveConfig>,
    /// The Alertmanagers that it sends to; `None` where it does not tell.
    pub(crate) alertmanagers: Option<Vec<String>>,
    /// The labels of the alerts that are pending or fire now, before they are sent.
    pub(crate) firing: Vec<Labels>,
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
    /// By which name it was asked.
    pub(crate) url: Option<Url>,
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

impl Stop {
    /// Where one has doubt already: what is unknown outweighs what is warned of, and the first of a kind is told.
    fn beside(self, doubt: Option<Self>) -> Self {
        match (doubt, self) {
            (Some(Self::Warns(..)), own @ Self::Unknown(..)) | (None, own) => own,
            (Some(doubt), _) => doubt,
        }
    }
}

/// What is said of a stage that is passed, where anything is to be said of it.
type Stage = Result<Option<String>, Stop>;

fn passed(said: impl Into<String>) -> Stage {
    Ok(Some(said.into()))
}

/// Follows every alert, and says of each stage how many came so far where no alert has a finding of it.
pub(crate) fn assess(files: &[RuleFile], world: &World<'_>) -> Vec<Finding> {
    let (mut findings, mut passed) = (Vec::new(), Vec::new());
    for alert in alerts(files) {
        let (finding, stages) = follow(&alert, files, world);
        findings.push(finding);
        passed.push(stages);
    }
    if !findings.is_empty() {
        findings.extend(elsewhere(world));
        let untold = |check: &&Check| findings.iter().all(|finding| finding.check.id != check.id);
        let stages = stages_asked(world).filter(|(_, check)| untold(check));
        let told: Vec<_> = stages
            .map(|(stage, check)| said(check, passed.iter().filter(|passed| **passed > stage).count()))
            .collect();
        findings.extend(told);
    }
    findings
}

/// An Alertmanager that was named, and that is none of those that Prometheus sends to, by their names.
fn elsewhere(world: &World<'_>) -> Option<Finding> {
    let named = world.alertmanager?.url.as_ref()?;
    let sent_to = world.prometheus?.alertmanagers.as_ref().filter(|found| !found.is_empty())?;
    let place = |url: &reqwest::Url| {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
        (if here { "localhost".to_owned() } else { host }, url.port_or_known_default())
    };
    let same = |other: &String| other.parse().is_ok_and(|other| place(&other) == place(&named.0));
    if sent_to.iter().any(same) {
        return None;
    }
    let finding = checks::SENT.warned("Prometheus").expected(format!("alerts sent to {named}"));
    let observed = format!(
        "it sends to {}: by another name, or to another Alertmanager than the one whose routes were followed",
        sent_to.join(" and ")
    );
    Some(finding.observed(observed))
}

/// The stages that somebody was asked about, with their places in the order; the last is the end of the way.
fn stages_asked(world: &World<'_>) -> impl Iterator<Item = (usize, &'static Check)> {
    let (live, routed) = (world.prometheus.is_some(), world.configuration.is_some());
    let stages = [
        (live, &checks::SERIES),
        (live, &checks::LOADED),
        (live, &checks::SENT),
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
    let arriving = arriving(alert, files, world);
    let stages = [
        series(alert, world),
        loaded(alert, world),
        sent(&arriving, world),
        route(&arriving, world),
        muted(&arriving, world),
        page(alert, world),
    ];
    let (count, mut way, mut doubt) = (stages.len(), Vec::new(), None);
    for (number, stage) in stages.into_iter().enumerate() {
        match stage {
            Ok(said) => way.extend(said),
            Err(Stop::Fails(check, said)) => {
                way.push(format!("stops: {said}"));
                return (finding(check.failed(alert.subject()), alert, &way), number);
            }
            Err(stop) => {
                let (Stop::Warns(_, said) | Stop::Unknown(_, said) | Stop::Fails(_, said)) = &stop;
                way.push(said.clone());
                doubt = Some(stop.beside(doubt));
            }
        }
    }
    let come = match doubt {
        None => checks::ALERT.passed(alert.subject()),
        Some(Stop::Warns(check, _)) => check.warned(alert.subject()),
        Some(Stop::Unknown(check, _)) => check.inconclusive(alert.subject()),
        Some(Stop::Fails(check, _)) => check.failed(alert.subject()),
    };
    // Whoever comes to the end in doubt has not passed the last stage, which is that the alert would be heard.
    (finding(come, alert, &way), count)
}

fn finding(finding: Finding, alert: &Placed<'_>, way: &[String]) -> Finding {
    let expected = "series → rule → route → receiver → not muted → runbook";
    placed(finding.expected(expected).observed(way.join(" → ")), alert)
}

/// The selectors that must have series: neither those whose absence is what the alert is about, nor what stands behind
/// `unless`.
pub(crate) fn needed(expression: &Expr) -> Vec<String> {
    let mut spared = BTreeSet::new();
    crate::rules::expression::walk(expression, &mut |part| {
        if let Expr::Call(call) = part
            && call.func.name.starts_with("absent")
        {
            let selected = call.args.args.first().into_iter().flat_map(|argument| selectors(argument));
            spared.extend(selected.map(|selector| selector.to_string()));
        }
    });
    let mut needed = Vec::new();
    before_unless(expression, &mut needed);
    let mut seen = BTreeSet::new();
    needed.retain(|selector| !spared.contains(selector) && seen.insert(selector.clone()));
    needed
}

fn before_unless(part: &Expr, found: &mut Vec<String>) {
    match part {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {
            found.extend(selectors(part).iter().map(ToString::to_string));
        }
        Expr::Binary(binary) if binary.op.to_string() == "unless" => before_unless(&binary.lhs, found),
        _ => children(part).into_iter().for_each(|part| before_unless(part, found)),
    }
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
    let Some(prometheus) = world.prometheus else { return passed("series not asked for") };
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
                doubt = Some(Stop::Warns(&checks::SERIES, said).beside(doubt));
            }
            Some(Selected::Nothing) => {
                return Err(Stop::Fails(&checks::SERIES, format!("no series at all for {selector}")));
            }
            Some(Selected::OnlyOthers) => {
                let said = format!("nothing matches {selector} now (other series of the metric exist)");
                doubt = Some(Stop::Warns(&checks::SERIES, said).beside(doubt));
            }
            Some(Selected::Unknown(why)) => {
                let unknown = Stop::Unknown(&checks::SERIES, format!("{selector}: {why}"));
                doubt = Some(unknown.beside(doubt));
            }
            None => {}
        }
    }
    let found = match needed.len() {
        0 => "needs no series".to_owned(),
        count => format!("series for {count} of {count} selectors"),
    };
    doubt.map_or_else(|| passed(found), Err)
}

fn loaded(alert: &Placed<'_>, world: &World<'_>) -> Stage {
    let Some(prometheus) = world.prometheus else { return passed("rule not asked for") };
    let stops = |said: String| Err(Stop::Fails(&checks::LOADED, said));
    let all = prometheus.loaded.iter().flat_map(|group| &group.rules);
    let named: Vec<&Rule> =
        all.filter(|rule| rule.kind == "alerting" && rule.name == alert.rule.name).collect();
    let Some(first) = named.first() else { return stops("Prometheus has not loaded the rule".to_owned()) };
    let same = named.iter().filter(|rule| rule.labels == alert.rule.labels);
    let compared = same.map(|rule| (rule, rule_drift::compare(&alert.rule.name, alert.rule, rule)));
    let Some((rule, differences)) = compared.min_by_key(|(_, differences)| differences.len()) else {
        return stops(format!("loaded with other labels: {}", routes::in_words(&first.labels)));
    };
    if let Some(other) = differences.iter().find(|one| !one.unknown && !one.only_text) {
        return stops(format!("loaded otherwise than written: {}", other.in_words()));
    }
    match (rule.health.as_str(), differences.first()) {
        ("err", _) => stops(format!("its evaluation fails: {}", crate::http::excerpt(&rule.last_error, 200))),
        ("ok", None) => passed("loaded, healthy"),
        ("ok", Some(one)) if one.only_text => Err(Stop::Warns(
            &checks::LOADED,
            format!("loaded, healthy, with another text: {}", one.in_words()),
        )),
        ("ok", Some(one)) => Err(Stop::Unknown(&checks::LOADED, one.in_words())),
        _ => Err(Stop::Unknown(&checks::LOADED, "loaded, not evaluated yet".to_owned())),
    }
}

/// Whether Prometheus sends the alert to anybody.
fn sent(arriving: &Arriving, world: &World<'_>) -> Stage {
    let Some(prometheus) = world.prometheus else { return Ok(None) };
    let unknown = |said: &str| Err(Stop::Unknown(&checks::SENT, said.to_owned()));
    match &prometheus.alertmanagers {
        None => return unknown("to which Alertmanagers Prometheus sends is not known"),
        Some(found) if found.is_empty() => {
            let said = "Prometheus sends to no Alertmanager".to_owned();
            return Err(Stop::Fails(&checks::SENT, said));
        }
        Some(_) => {}
    }
    let Arriving { sets, open, dropped, unknown: why } = arriving;
    match (why, dropped) {
        (Some(why), _) => unknown(why),
        (None, 0) => Ok(None),
        (None, _) if !open.is_empty() => {
            unknown("alert_relabel_configs may drop it, by labels that are known when it fires only")
        }
        (None, _) if sets.is_empty() => {
            Err(Stop::Fails(&checks::SENT, "Prometheus drops it by alert_relabel_configs".to_owned()))
        }
        (None, dropped) => {
            let said = format!("Prometheus drops {dropped} of its label sets by alert_relabel_configs");
            Err(Stop::Warns(&checks::SENT, said))
        }
    }
}

/// The open labels that a route asks for.
fn asked_for(arriving: &Arriving, configuration: &Configuration) -> Vec<String> {
    let mut names: Vec<_> = nodes(&configuration.root)
        .into_iter()
        .flat_map(|route| &route.matchers)
        .filter(|matcher| arriving.open.contains(&matcher.name))
        .map(|matcher| matcher.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn nodes(route: &Route) -> Vec<&Route> {
    std::iter::once(route).chain(route.routes.iter().flat_map(nodes)).collect()
}

fn route(arriving: &Arriving, world: &World<'_>) -> Stage {
    let Some(configuration) = world.configuration else { return passed("route not asked for") };
    let asked_for = asked_for(arriving, configuration);
    if !asked_for.is_empty() {
        let tells = |route: &&Route| {
            let receiver = configuration.receiver(&route.options.receiver);
            receiver.is_some_and(|receiver| !receiver.integrations.is_empty())
        };
        let said = format!("a route by {}, known when it fires only", asked_for.join(" and "));
        return match nodes(&configuration.root).iter().find(|route| !tells(route)) {
            None => passed(format!("{said}: every receiver tells somebody")),
            Some(silent) => {
                let why = format!("{said}; the receiver {} has no integrations", silent.options.receiver);
                Err(Stop::Unknown(&checks::ROUTE, why))
            }
        };
    }
    let mut said = BTreeSet::new();
    for labels in &arriving.sets {
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
    passed(said.into_iter().collect::<Vec<_>>().join(" and "))
}

fn muted(arriving: &Arriving, world: &World<'_>) -> Stage {
    let sets = &arriving.sets;
    let mut doubt = None;
    let mut held_back: Vec<String> = Vec::new();
    // Which routes it takes is not known where they ask for what is open.
    let routed = world.configuration.filter(|known| asked_for(arriving, known).is_empty());
    for labels in sets {
        let ways: Vec<_> = routed
            .iter()
            .flat_map(|known| known.route(labels, world.at).into_iter().filter(|way| known.tells(way)))
            .collect();
        if !ways.is_empty()
            && ways.iter().all(|way| matches!(way.muted, Muted::During(_) | Muted::Outside(_)))
        {
            doubt = Some(Stop::Warns(&checks::MUTED, silent_now(&ways)).beside(doubt));
        } else if let Some(Muted::Unknown(name)) =
            ways.iter().map(|way| &way.muted).find(|m| matches!(m, Muted::Unknown(_)))
        {
            let said = format!("the time zone of the interval {name} is not known here");
            doubt = Some(Stop::Unknown(&checks::MUTED, said).beside(doubt));
        }
        let Some(alertmanager) = world.alertmanager else { continue };
        if alertmanager.unread > 0 {
            let said = format!(
                "whether it is silenced is unknown: {} a pattern that cannot be read here",
                counted(alertmanager.unread as u64, "silence has", "silences have")
            );
            doubt = Some(Stop::Unknown(&checks::MUTED, said).beside(doubt));
        }
        held_back.extend(holds_back(labels, world, alertmanager));
    }
    match held_back.as_slice() {
        [why, ..] if held_back.len() == sets.len() => return Err(Stop::Fails(&checks::MUTED, why.clone())),
        [why, ..] => {
            let said = format!("{why}: {} of its {} series", held_back.len(), sets.len());
            return Err(Stop::Warns(&checks::MUTED, said).beside(doubt));
        }
        [] => {}
    }
    let asked = if world.alertmanager.is_some() {
        "neither silenced nor inhibited"
    } else {
        "silences not asked for"
    };
    doubt.map_or_else(|| passed(asked), Err)
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
        Some(Page::NotAsked) | None => passed(format!("runbook {shown} (not asked for)")),
        Some(Page::Answers | Page::File(_)) => passed(format!("runbook {shown}")),
    }
}

/// The label sets of all alerts, for what nobody reaches.
pub(crate) fn all_sets(files: &[RuleFile], world: &World<'_>) -> Vec<Labels> {
    alerts(files).flat_map(|alert| arriving(&alert, files, world).sets).collect()
}
