//! Whether an alert may be drilled in a real Prometheus: what its series would touch there, and whom the alerts that
//! come of it would reach. Everything is computed before anything is exposed. Pure.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    super::{
        alert_plan::{AlertPlan, Wishes},
        cluster,
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
use crate::{
    alertmanager::{
        Configuration,
        route::{Options, Reached},
    },
    rules::manifest::Rule,
};

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
    let sight = seen_by_rules(&prepared, ground, wishes, others, &mut objections);
    objections.mixing.extend(to_remote_storage(ground, &prepared.stored));
    let name = &prepared.plan.alert.rule.name;
    let mark = sight
        .mark
        .unwrap_or_else(|| Err(format!("the loaded rule {name} selects none of the drill's series")));
    let mark = mark.unwrap_or_else(|why| {
        objections.mixing.push(why);
        Labels::new()
    });
    let ways = followed(&sight.outcomes, &mark, ground, &mut objections);
    for list in [&mut objections.mixing, &mut objections.fence] {
        list.sort();
        list.dedup();
    }
    if objections != Objections::default() {
        return Err(objections);
    }
    Ok(approved(prepared, ground, mark, sight.seen_by, ways))
}

/// Whether a loaded rule is the one that is drilled.
fn is_drilled(rule: &Rule, live: &LiveRule) -> bool {
    !live.records
        && live.name == rule.name
        && rule.labels.iter().all(|(name, value)| live.labels.get(name) == Some(value))
}

/// What the loaded rules make of the series.
#[derive(Debug, Default)]
struct Sight {
    /// What every instance of the drilled alert carries, or why that cannot be told; `None` where its rule sees nothing.
    mark: Option<Result<Labels, String>>,
    /// The rules that see the series, in words.
    seen_by: Vec<String>,
    outcomes: Vec<OutcomeOfARule>,
}

/// An alert that comes of the drill.
#[derive(Debug)]
struct OutcomeOfARule {
    /// Its rule.
    title: String,
    /// Whether that is the drilled one.
    ours: bool,
    labels: Labels,
}

/// Goes through the rules that see the series.
fn seen_by_rules(
    prepared: &Prepared,
    ground: &Ground<'_>,
    wishes: &Wishes<'_>,
    others: &Others,
    objections: &mut Objections,
) -> Sight {
    let mut sight = Sight::default();
    let verdicts = judge_all(&ground.rules, &prepared.touched, others);
    for (one, verdict) in prepared.touched.iter().zip(verdicts) {
        let live = &ground.rules[one.rule];
        let (title, allowed) = (live.title(), ground.plan.allows(live));
        let ours = is_drilled(&prepared.plan.alert.rule, live);
        sight.seen_by.push(match &verdict {
            Verdict::Apart(label) => format!("{title} (kept apart by {label})"),
            Verdict::Alone => format!("{title} (nothing else is there)"),
            Verdict::Mixes(_) if allowed => format!("{title} (mixes, allowed by name)"),
            Verdict::Mixes(_) => title.clone(),
        });
        let mixes = matches!(verdict, Verdict::Mixes(_));
        if let Verdict::Mixes(why) = &verdict
            && !allowed
        {
            objections.mixing.push(format!("{title}: {why}"));
        }
        if ours {
            sight.mark = Some(marked(one, &verdict));
        }
        if live.records || (mixes && !ours) {
            continue;
        }
        match results(live, one, ours.then_some((&prepared.plan, wishes))) {
            Ok(all) => sight.outcomes.extend(all.into_iter().map(|labels| OutcomeOfARule {
                title: title.clone(),
                ours,
                labels,
            })),
            Err(_) if allowed => {}
            Err(why) => objections.fence.push(format!("{title}: {why}")),
        }
    }
    sight
}

/// What speaks against it where Prometheus sends series to remote storages.
fn to_remote_storage(ground: &Ground<'_>, stored: &[Labels]) -> Option<String> {
    match ground.scene.writes_remotely(stored) {
        Ok(true) if !ground.plan.arguments.real.allow_remote_write => Some(
            "they would be sent to a remote storage, whose rules are not known here (--allow-remote-write)"
                .to_owned(),
        ),
        Err(why) => Some(format!("what is sent to remote storage cannot be told: {why}")),
        Ok(_) => None,
    }
}

/// The ways that the drilled alert takes through the Alertmanagers.
#[derive(Debug, Default)]
struct Ways {
    reached: Vec<Reached>,
    /// Each way with the labels that take it.
    routes: Vec<(Reached, Labels)>,
    /// The alert's labels as they arrive, and without the drill's.
    natural: Labels,
}

/// Follows every alert that comes of the drill to its receivers.
fn followed(
    outcomes: &[OutcomeOfARule],
    mark: &Labels,
    ground: &Ground<'_>,
    objections: &mut Objections,
) -> Ways {
    let mut ways = Ways::default();
    for OutcomeOfARule { title, ours, labels } in outcomes {
        let sent = match ground.scene.as_sent(labels) {
            Ok(sent) => sent,
            Err(why) => {
                objections.fence.push(format!("{title}: {why}"));
                continue;
            }
        };
        for labels in &sent {
            for configuration in &ground.configurations {
                let against = fence::objections(configuration, labels, &ground.plan.receivers, ground.now);
                objections.fence.extend(against.iter().map(|why| format!("{title}: {why}")));
                if *ours {
                    let taken = configuration.route(labels, ground.now);
                    ways.routes.extend(taken.iter().map(|one| (one.clone(), labels.clone())));
                    ways.reached.extend(taken);
                }
            }
            if *ours {
                if !mark.iter().all(|(name, value)| labels.get(name) == Some(value)) {
                    let names: Vec<_> = mark.keys().cloned().collect();
                    objections.fence.push(format!(
                        "{title}: alert relabelling takes away the label {} by which the drill is known",
                        names.join(", ")
                    ));
                }
                ways.natural = labels.clone();
                ways.natural.remove(LABEL);
            }
        }
    }
    ways
}

/// The alert with its routes, and the times that these take.
fn approved(
    prepared: Prepared,
    ground: &Ground<'_>,
    mark: Labels,
    seen_by: Vec<String>,
    Ways { reached, routes, natural }: Ways,
) -> Approved {
    let mut plan = prepared.plan;
    let most =
        |of: fn(&Options) -> Duration| reached.iter().map(|one| of(&one.options)).max().unwrap_or_default();
    let grouping = Grouping {
        wait: most(|options| options.group_wait),
        interval: most(|options| options.group_interval),
    };
    plan.prediction.grouping = grouping;
    plan.prediction.settling = cluster::settled_after(
        ground.configurations.len(),
        grouping.interval,
        ground.plan.arguments.real.peer_timeout,
    );
    plan.prediction_as_written.grouping = grouping;
    let routes: Vec<_> = routes.iter().map(|(one, labels)| (one.clone(), labels)).collect();
    let first = ground.configurations.first().copied();
    plan.routing = Some(Routing::of(&routes).by(first));
    let silent = if reached.is_empty() {
        Some("Prometheus drops the alert by its alert_relabel_configs".to_owned())
    } else {
        arrival::silent(first, &reached)
    };
    Approved {
        plan,
        exposed: prepared.exposed,
        mark,
        receivers: reached.iter().map(|one| one.receiver().to_owned()).collect(),
        integrations: arrival::integrations(ground.configurations.iter().copied(), &reached),
        silent,
        natural,
        seen_by,
    }
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
