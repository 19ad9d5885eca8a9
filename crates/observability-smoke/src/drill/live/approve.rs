//! Whether an alert may be drilled in a real Prometheus: what its series would touch there, and whom the alerts that
//! come of it would reach. Everything is computed before anything is exposed. Pure.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    super::{
        alert_plan::{AlertPlan, Wishes},
        fixture::as_scraped,
        prediction::Grouping,
        real::{LABEL, arrival, fence},
        routes::Routing,
        series::{Labels, Series, display},
    },
    plan::LivePlan,
    reach::{LiveRule, Others, Touched, Verdict, judge_all, touched},
    scene::{Job, Scene},
};
use crate::alertmanager::Configuration;

/// What the answers of the servers come to.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) plan: &'a LivePlan<'a>,
    pub(super) scene: &'a Scene,
    pub(super) job: &'a Job,
    /// The labels of the drill's target.
    pub(super) target: Labels,
    /// Whether the target comes and goes with the drill: then so do the series that a scrape makes itself.
    pub(super) target_is_new: bool,
    pub(super) rules: Vec<LiveRule>,
    pub(super) configurations: Vec<&'a Configuration>,
    /// The value of the drill's label.
    pub(super) id: &'a str,
    pub(super) now: Timestamp,
}

/// Series that every scrape makes of a target.
const OF_A_SCRAPE: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// An alert, its series, and the rules that would see them.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) plan: AlertPlan,
    pub(super) exposed: Vec<Series>,
    pub(super) touched: Vec<Touched>,
    /// Everything that Prometheus would store.
    stored: Vec<Labels>,
}

/// An alert that may be drilled.
#[derive(Debug)]
pub(super) struct Approved {
    pub(super) plan: AlertPlan,
    pub(super) exposed: Vec<Series>,
    /// What every instance of the alert that comes of the drill carries.
    pub(super) mark: Labels,
    /// The receivers that are reached.
    pub(super) receivers: BTreeSet<String>,
    /// The kinds of integration through which it is told.
    pub(super) integrations: BTreeSet<String>,
    /// Why nobody will be told.
    pub(super) silent: Option<String>,
    /// The alert's labels as they arrive, and without the drill's.
    pub(super) natural: Labels,
    /// The rules that see the series, in words.
    pub(super) seen_by: Vec<String>,
}

/// Why an alert may not be drilled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Objections {
    /// Its series would be mixed with others.
    pub(super) mixing: Vec<String>,
    /// An alert would reach or mute somebody.
    pub(super) fence: Vec<String>,
}

/// The series of the alert as they would be stored, and who would see them.
///
/// # Errors
/// Why they would not be stored as they are exposed.
pub(super) fn prepare(mut plan: AlertPlan, ground: &Ground<'_>) -> Result<Prepared, String> {
    let mut exposed = plan.series().to_vec();
    let mut stored = Vec::new();
    for one in &mut exposed {
        one.labels = as_scraped(&one.labels);
        one.labels.insert(LABEL.to_owned(), ground.id.to_owned());
        let kept = ground
            .job
            .stored(&one.labels, &ground.target)?
            .ok_or_else(|| format!("its metric_relabel_configs drop {}", display(&one.labels)))?;
        if let Some((name, _)) = one.labels.iter().find(|(name, value)| kept.get(*name) != Some(*value)) {
            let how = if ground.job.honor_labels {
                "its metric_relabel_configs change it"
            } else {
                "honor_labels is not true"
            };
            return Err(format!(
                "the label {name} of {} would not be stored as it is exposed: {how}",
                display(&one.labels)
            ));
        }
        stored.push(kept);
    }
    if let Ok(given) = plan.fixture.as_mut() {
        for (one, labels) in given.series.iter_mut().zip(&stored) {
            one.labels = labels.clone();
        }
    }
    if ground.target_is_new {
        stored.extend(OF_A_SCRAPE.map(|name| {
            let mut labels = ground.target.clone();
            labels.insert("__name__".to_owned(), name.to_owned());
            labels
        }));
    }
    let touched = touched(&ground.rules, &stored);
    Ok(Prepared { plan, exposed, touched, stored })
}

/// Whether the alert may be drilled.
///
/// # Errors
/// With everything that speaks against it.
pub(super) fn approve(
    prepared: Prepared,
    ground: &Ground<'_>,
    wishes: &Wishes<'_>,
    others: &Others,
) -> Result<Approved, Objections> {
    let mut objections = Objections::default();
    let rule = &prepared.plan.alert.rule;
    let is_drilled = |live: &LiveRule| {
        !live.records
            && live.name == rule.name
            && rule.labels.iter().all(|(n, v)| live.labels.get(n) == Some(v))
    };
    let mut mark = None;
    let mut seen_by = Vec::new();
    let mut outcomes: Vec<(String, Labels)> = Vec::new();
    let verdicts = judge_all(&ground.rules, &prepared.touched, others);
    for (one, verdict) in prepared.touched.iter().zip(verdicts) {
        let live = &ground.rules[one.rule];
        let allowed = ground.plan.allows(live);
        seen_by.push(match &verdict {
            Verdict::Apart(label) => format!("{} (kept apart by {label})", live.title()),
            Verdict::Alone => format!("{} (nothing else is there)", live.title()),
            Verdict::Mixes(_) if allowed => format!("{} (mixes, allowed by name)", live.title()),
            Verdict::Mixes(_) => live.title(),
        });
        match &verdict {
            Verdict::Mixes(why) if !allowed => objections.mixing.push(format!("{}: {why}", live.title())),
            _ => {}
        }
        if is_drilled(live) {
            mark = Some(marked(one, &verdict));
        }
        if live.records || (matches!(verdict, Verdict::Mixes(_)) && !is_drilled(live)) {
            continue;
        }
        match results(live, one, is_drilled(live).then_some((&prepared.plan, wishes))) {
            Ok(labels) => outcomes.extend(labels.into_iter().map(|labels| (live.title(), labels))),
            Err(_) if allowed => {}
            Err(why) => objections.fence.push(format!("{}: {why}", live.title())),
        }
    }
    match ground.scene.writes_remotely(&prepared.stored) {
        Ok(true) if !ground.plan.arguments.real.allow_remote_write => objections.mixing.push(
            "they would be sent to a remote storage, whose rules are not known here (--allow-remote-write)"
                .to_owned(),
        ),
        Err(why) => objections.mixing.push(format!("what is sent to remote storage cannot be told: {why}")),
        Ok(_) => {}
    }
    let mark = match mark {
        Some(Ok(mark)) => mark,
        Some(Err(why)) => {
            objections.mixing.push(why);
            Labels::new()
        }
        None => {
            objections
                .mixing
                .push(format!("the loaded rule {} selects none of the drill's series", rule.name));
            Labels::new()
        }
    };
    let mut reached = Vec::new();
    let mut routes = Vec::new();
    let mut natural = Labels::new();
    for (title, labels) in &outcomes {
        let ours = ground.rules.iter().any(|live| live.title() == *title && is_drilled(live));
        match ground.scene.as_sent(labels) {
            Err(why) => objections.fence.push(format!("{title}: {why}")),
            Ok(sent) => {
                for labels in &sent {
                    for configuration in &ground.configurations {
                        let against =
                            fence::objections(configuration, labels, &ground.plan.receivers, ground.now);
                        objections.fence.extend(against.iter().map(|why| format!("{title}: {why}")));
                        if ours {
                            let taken = configuration.route(labels, ground.now);
                            routes.extend(taken.iter().map(|one| (one.clone(), labels.clone())));
                            reached.extend(taken);
                        }
                    }
                    if ours {
                        if !mark.iter().all(|(name, value)| labels.get(name) == Some(value)) {
                            let names: Vec<_> = mark.keys().cloned().collect();
                            objections.fence.push(format!(
                                "{title}: alert relabelling takes away the label {} by which the drill is known",
                                names.join(", ")
                            ));
                        }
                        natural = labels.clone();
                        natural.remove(LABEL);
                    }
                }
            }
        }
    }
    for list in [&mut objections.mixing, &mut objections.fence] {
        list.sort();
        list.dedup();
    }
    if objections != Objections::default() {
        return Err(objections);
    }
    let mut plan = prepared.plan;
    let most = |of: fn(&crate::alertmanager::route::Options) -> Duration| {
        reached.iter().map(|one| of(&one.options)).max().unwrap_or_default()
    };
    let grouping = Grouping {
        wait: most(|options| options.group_wait),
        interval: most(|options| options.group_interval),
    };
    plan.prediction.grouping = grouping;
    plan.prediction_as_written.grouping = grouping;
    let routes: Vec<_> = routes.iter().map(|(one, labels)| (one.clone(), labels)).collect();
    plan.routing = Some(Routing::of(&routes).by(ground.configurations.first().copied()));
    let silent = if reached.is_empty() {
        Some("Prometheus drops the alert by its alert_relabel_configs".to_owned())
    } else {
        arrival::silent(ground.configurations.first().copied(), &reached)
    };
    Ok(Approved {
        plan,
        exposed: prepared.exposed,
        mark,
        receivers: reached.iter().map(|one| one.receiver().to_owned()).collect(),
        integrations: arrival::integrations(ground.configurations.iter().copied(), &reached),
        silent,
        natural,
        seen_by,
    })
}

/// What tells the drill's instances of the alert from real ones.
fn marked(touched: &Touched, verdict: &Verdict) -> Result<Labels, String> {
    let Verdict::Apart(label) = verdict else { return Ok(Labels::new()) };
    let values: BTreeSet<String> =
        touched.results().iter().map(|labels| labels.get(label).cloned().unwrap_or_default()).collect();
    match values.iter().collect::<Vec<_>>().as_slice() {
        [value] if !value.is_empty() => Ok(Labels::from([(label.clone(), (*value).clone())])),
        _ => Err(format!(
            "the drill's series have several values of {label}, so that its alerts could not be told from real ones"
        )),
    }
}

/// The labels of the alerts that a rule makes of the drill's series.
fn results(
    live: &LiveRule,
    touched: &Touched,
    drilled: Option<(&AlertPlan, &Wishes<'_>)>,
) -> Result<Vec<Labels>, String> {
    if let Some((label, _)) = live.labels.iter().find(|(_, value)| value.contains("{{")) {
        return Err(format!("its label {label} is a template, so that its route cannot be computed"));
    }
    if let Some(known) = drilled.and_then(|(plan, wishes)| plan.firing_labels(wishes)) {
        return Ok(known);
    }
    if touched.apart.as_ref().is_none_or(|apart| !apart.exact) {
        return Err("the labels of its alerts cannot be computed from its expression".to_owned());
    }
    let labelled = touched.results().into_iter().map(|mut labels| {
        labels.extend(live.labels.clone());
        labels.insert("alertname".to_owned(), live.name.clone());
        labels.retain(|_, value| !value.is_empty());
        labels
    });
    Ok(labelled.collect())
}
