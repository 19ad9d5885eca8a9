//! Whether a real fault may be caused: its alert has commands and a job, its rule is the one that is loaded, it ends in
//! time, and everybody who may be told was named. Nothing is caused here.

use std::{collections::BTreeSet, time::Duration};

use evidence_report::{record::Finding, run::Run};

use super::{
    super::{
        alert_plan::{AlertPlan, Wishes},
        assess,
        checks::{FENCE, SERIES},
        cluster,
        prediction::Grouping,
        real::{self, arrival},
        routes::Routing,
        seconds,
        series::Labels,
    },
    LivePlan, admission, checks,
    fault::Ground,
    possible::{mutes, receivers},
    reach::LiveRule,
    scene::Scene,
};

/// An alert whose fault may be caused.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) plan: AlertPlan,
    pub(super) integrations: BTreeSet<String>,
    pub(super) silent: Option<String>,
}

/// The alerts whose faults may be caused; `None` when one may not, and then none is.
pub(super) fn admitted(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run) -> Option<Vec<Admitted>> {
    let scene = ground.scene;
    let wishes = Wishes {
        query_offset: scene.query_offset(),
        ..plan.wishes(Duration::from_secs(60), scene.evaluation_interval())
    };
    let alerts = match plan.alerts(&wishes) {
        Ok(alerts) => alerts,
        Err(error) => {
            run.finding(checks::RULE_LOADED.inconclusive("the alerts").observed(error.to_string()));
            return None;
        }
    };
    let (mut admitted, mut refused) = (Vec::new(), false);
    for alert in alerts {
        match one(plan, ground, run, alert) {
            Some(one) => admitted.push(one),
            None => refused = true,
        }
    }
    let whole: Duration =
        admitted.iter().map(|one| admission::duration(&one.plan, plan.arguments.repeat)).sum();
    let timeout = plan.settings.timeout;
    if !refused {
        let expected = format!("at most {}", seconds(timeout.as_secs_f64()));
        let observed = format!("at most {}", seconds(whole.as_secs_f64()));
        if whole <= timeout {
            run.finding(checks::DURATION.passed("the whole drill").expected(expected).observed(observed));
        } else {
            refused = true;
            let minutes = (whole.as_secs() + 30) / 60 + 1;
            run.finding(
                checks::DURATION
                    .inconclusive("the whole drill")
                    .expected(expected)
                    .observed(format!("no fault was caused: {observed}"))
                    .remedy(format!("Give it the time with --timeout {minutes}m, or end at the notification with --until received.")),
            );
        }
    }
    if refused {
        for one in &admitted {
            run.findings(assess::not_reached(&one.plan, "no fault was caused"));
        }
        return None;
    }
    Some(admitted)
}

/// One alert: it has commands and a job, its rule is the one that is loaded, and everybody who may be told was named.
fn one(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run, alert: AlertPlan) -> Option<Admitted> {
    let scene = ground.scene;
    let name = alert.name.clone();
    let refuse = |alert: &AlertPlan, finding: Finding| {
        run.finding(finding);
        run.findings(assess::not_reached(alert, "no fault was caused"));
        None
    };
    let Some(hooks) = &alert.hooks else {
        let why =
            "it has no `fault` in the configuration: drill it alone, with --expose and without --run-hooks";
        return refuse(
            &alert,
            SERIES.inconclusive(&name).expected("commands that cause its fault and end it").observed(why),
        );
    };
    let jobs: Vec<_> =
        hooks.scrape.iter().map(|scrape| (scrape.job.clone(), scene.job(&scrape.job))).collect();
    if jobs.is_empty() || jobs.iter().any(|(_, job)| job.is_none()) {
        let missing: Vec<_> =
            jobs.iter().filter(|(_, job)| job.is_none()).map(|(name, _)| name.as_str()).collect();
        let why = if missing.is_empty() {
            "no fault was caused: the configuration does not say under `scrape` by which job Prometheus sees it".to_owned()
        } else {
            format!("no fault was caused: Prometheus has no scrape job {}", missing.join(", "))
        };
        let remedy = "Name the job under `scrape` of the alert in the configuration: scrape: [{job: api}].";
        let finding =
            checks::SCRAPE_JOB.inconclusive(&name).expected("the jobs that scrape what the fault changes");
        return refuse(&alert, finding.observed(why).remedy(remedy));
    }
    let scrape = jobs.iter().filter_map(|(_, job)| job.and_then(|job| job.interval())).max();
    let differences = admission::differences(&alert, scene);
    let finding = checks::RULE_LOADED.failed(&name).expected("loaded as the file has it");
    if !differences.is_empty() {
        return refuse(&alert, finding.observed(format!("no fault was caused: {}", differences.join("; "))));
    }
    run.finding(checks::RULE_LOADED.passed(&name).expected("loaded as the file has it").observed("the same"));
    let objections = objections(plan, ground, &alert);
    let allowed = plan.receivers.iter().cloned().collect::<Vec<_>>().join(", ");
    let expected = format!("whatever the fault makes fire, only these receivers: {allowed}");
    if !objections.is_empty() {
        let observed = format!("no fault was caused: {}", objections.join("; "));
        let finding = FENCE.inconclusive(&name).expected(expected).observed(observed);
        return refuse(&alert, finding.remedy(REMEDY));
    }
    let known = known(scene, &alert.alert.rule.labels, &alert.alert.rule.name);
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (_, configuration) in ground.states {
        told.extend(receivers(configuration, &known));
    }
    let observed = told.iter().cloned().collect::<Vec<_>>().join(", ");
    run.finding(FENCE.passed(&name).expected(expected).observed(format!("this alert: {observed}")));
    Some(routed(plan, ground, alert, &known, scrape))
}

/// What to do where somebody else might be told.
const REMEDY: &str = "Allow by --allow-receiver whoever may be told, and tell them before; or --allow-rule GROUP/NAME for an \
    alert that the fault surely does not make fire; or --allow-muting where real alerts may be muted meanwhile.";

/// The alert with its route and the intervals of its job.
fn routed(
    plan: &LivePlan<'_>,
    ground: &Ground<'_>,
    mut alert: AlertPlan,
    known: &Labels,
    scrape: Option<Duration>,
) -> Admitted {
    let configuration = ground.states.first().map(|(_, configuration)| configuration);
    let reached: Vec<_> = configuration.map(|one| one.route(known, plan.now)).unwrap_or_default();
    let most = |of: fn(&crate::alertmanager::route::Options) -> Duration| {
        reached.iter().map(|one| of(&one.options)).max().unwrap_or_default()
    };
    let grouping = Grouping {
        wait: most(|options| options.group_wait),
        interval: most(|options| options.group_interval),
    };
    for prediction in [&mut alert.prediction, &mut alert.prediction_as_written] {
        prediction.grouping = grouping;
        prediction.settling =
            cluster::settled_after(ground.states.len(), grouping.interval, plan.arguments.real.peer_timeout);
        prediction.intervals.scrape = scrape.unwrap_or(prediction.intervals.scrape);
    }
    alert.scrape_interval = alert.prediction.intervals.scrape;
    let ways: Vec<_> = reached.iter().map(|one| (one.clone(), known)).collect();
    let routing = Routing::of(&ways).by(configuration);
    // Other labels may take other routes: only where all is known it can be said that nobody is told.
    let sure = configuration.is_some_and(|one| receivers(one, known).len() == 1);
    let silent = sure.then(|| arrival::silent(configuration, &reached)).flatten();
    alert.routing = sure.then_some(routing);
    let integrations = match configuration {
        Some(one) => receivers(one, known)
            .iter()
            .filter_map(|name| one.receiver(name))
            .flat_map(|receiver| receiver.integrations.keys().cloned())
            .collect(),
        None => BTreeSet::new(),
    };
    Admitted { plan: alert, integrations, silent }
}

/// The labels of an alert that do not hang on its series. What relabelling makes of them is not gone into: then nothing
/// is known.
fn known(scene: &Scene, labels: &Labels, name: &str) -> Labels {
    if scene.relabels_alerts() {
        return Labels::new();
    }
    let mut known: Labels = labels
        .iter()
        .filter(|(_, value)| !value.contains("{{"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    known.insert("alertname".to_owned(), name.to_owned());
    // Only series that a drill exposes carry it.
    known.entry(real::LABEL.to_owned()).or_default();
    known
}

/// Why the fault may not be caused: of the drilled alert, and of every other that it could make fire.
fn objections(plan: &LivePlan<'_>, ground: &Ground<'_>, alert: &AlertPlan) -> Vec<String> {
    let rule = &alert.alert.rule;
    let drilled = |live: &LiveRule| {
        live.name == rule.name && rule.labels.iter().all(|(n, v)| live.labels.get(n) == Some(v))
    };
    let mut against: Vec<String> = Vec::new();
    for live in ground.scene.rules().iter().filter(|live| !live.records) {
        if plan.allows(live) && !drilled(live) {
            continue;
        }
        let known = known(ground.scene, &live.labels, &live.name);
        for (_, configuration) in ground.states {
            let others: Vec<_> = receivers(configuration, &known)
                .into_iter()
                .filter(|receiver| !plan.receivers.contains(receiver))
                .collect();
            if !others.is_empty() {
                against.push(format!(
                    "{} may reach {}, not on the allow-list, where the fault makes it fire",
                    live.title(),
                    others.join(", ")
                ));
            }
            if drilled(live) && !plan.arguments.real.allow_muting {
                let muted = mutes(configuration, &known).into_iter();
                against
                    .extend(muted.map(|rule| format!("{} could mute real alerts, by {rule}", live.title())));
            }
        }
    }
    against.sort();
    against.dedup();
    against
}
