//! A real fault in a real Prometheus: commands of the user's cause it and end it, the user's own exporter shows it, and
//! the alert takes its own way. Nothing of ours is exposed or posted; so nothing marks it as a drill, and everybody who
//! may be told must have been named.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use evidence_report::{
    record::{Chart, Requirement},
    run::Run,
};
use futures_util::future::{Either, select};
use tokio::sync::{Mutex, watch};

use super::{
    super::{
        alert_plan::AlertPlan,
        assess,
        checks::{FAULT_ENDED, FENCE, LEFT_OUT, LEVEL, SERIES},
        clock::Clock,
        injection::Injection,
        observation::Observation,
        prediction::Grouping,
        prometheus::Api,
        real::{
            self, arrival,
            peer::{Peer, State},
        },
        receiver::Receiver,
        routes::Routing,
        seconds,
        series::Labels,
        table, timeline,
        trial::{Arrival, Trial},
        watch::Snapshot,
    },
    LivePlan, admission, checks,
    possible::{mutes, receivers},
    reach::LiveRule,
    scene::Scene,
    throughout,
    watching::{Watched, watch as watching},
};
use crate::{alertmanager::Configuration, http::Http};

/// After a stop nobody waits longer than this for the alert's end.
const FAREWELL: Duration = Duration::from_secs(5);

/// An alert whose fault may be caused.
#[derive(Debug)]
struct Admitted {
    plan: AlertPlan,
    integrations: BTreeSet<String>,
    silent: Option<String>,
}

/// What a real Prometheus and its Alertmanagers are reached with.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) http: &'a Http,
    pub(super) scene: &'a Scene,
    pub(super) peers: &'a [Peer],
    pub(super) states: &'a [(State, Configuration)],
}

/// Causes the faults, one after the other; what is seen goes into `run`.
pub(super) async fn observe(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run) {
    run.owes([&FENCE, &checks::RULE_LOADED, &checks::PROMETHEUS]);
    run.finding(LEVEL.not_checked(Requirement::Optional, "the other alerts", LEVEL_OF_A_REAL_FAULT));
    for (name, reason) in &plan.skipped {
        run.finding(LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    let Some(admitted) = admitted(plan, ground, run) else { return };
    let clock = Clock::start();
    let receiver = match plan.arguments.real.listen {
        None => None,
        Some(address) => match Receiver::start(clock, Some(address)).await {
            Ok(receiver) => Some(receiver),
            Err(error) => {
                let why = format!("no fault was caused: listening on {address}: {error}");
                let finding = FENCE.inconclusive("our webhook").observed(why);
                return run
                    .finding(finding.remedy("Choose an address of this machine that nobody listens on."));
            }
        },
    };
    let api = Api::real(ground.http, &plan.url, &plan.headers);
    let starts = RefCell::new(BTreeSet::from([ground.scene.started.clone()]));
    let mut seen: Vec<(&AlertPlan, Vec<Observation>)> = Vec::new();
    for one in &admitted {
        let rounds = course(plan, ground, run, (one, &api, receiver.as_ref(), clock, &starts)).await;
        run.findings(assess::after(&one.plan, &rounds));
        for measurement in assess::measurements(&one.plan, &rounds) {
            run.measurement(measurement);
        }
        seen.push((&one.plan, rounds));
    }
    let all: Vec<&Observation> = seen.iter().flat_map(|(_, rounds)| rounds).collect();
    run.finding(throughout(plan, ground.scene, &all, &starts.into_inner(), &api).await);
    real::throughout(run, ground.peers, ground.states).await;
    if let [(alert, rounds)] = seen.as_slice()
        && let Some(seen) = assess::decisive(rounds)
        && let Some(timeline) = timeline::timeline(&alert.name, seen, &alert.prediction)
    {
        run.timeline(timeline);
    }
    let rows: Vec<_> = seen.iter().map(|(alert, rounds)| (*alert, rounds.as_slice())).collect();
    run.chart(Chart { title: "Alerts, in seconds after the fault".to_owned(), lines: table::table(&rows) });
}

/// What is proven, and what not.
const LEVEL_OF_A_REAL_FAULT: &str = "level of proof: a real fault, shown by your own exporter, scraped and evaluated by your own \
    Prometheus with the rule as it has loaded it, sent on its own route through your own Alertmanager; nothing of ours took part \
    but the webhook, where there is one. What other alerts the fault made fire is not looked at";

/// The alerts whose faults may be caused; `None` when one may not, and then none is.
fn admitted(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run) -> Option<Vec<Admitted>> {
    let scene = ground.scene;
    let wishes = plan.wishes(Duration::from_secs(60), scene.evaluation_interval());
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
    run.owes([&FAULT_ENDED]);
    Some(admitted)
}

/// One alert: it has commands and a job, its rule is the one that is loaded, and everybody who may be told was named.
fn one(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run, alert: AlertPlan) -> Option<Admitted> {
    let scene = ground.scene;
    let name = alert.name.clone();
    let refuse = |alert: &AlertPlan, finding: evidence_report::record::Finding| {
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

type With<'a> = (&'a Admitted, &'a Api, Option<&'a Receiver>, Clock, &'a RefCell<BTreeSet<String>>);

/// Takes one alert through its stages, and looks at its end.
async fn course(
    plan: &LivePlan<'_>,
    ground: &Ground<'_>,
    run: &Run,
    (one, api, receiver, clock, starts): With<'_>,
) -> Vec<Observation> {
    let alert = &one.plan;
    let Some(hooks) = &alert.hooks else { return Vec::new() };
    let rule = &alert.alert.rule;
    let mark: Labels = rule
        .labels
        .iter()
        .filter(|(_, value)| !value.contains("{{"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let fault = Injection::Hook(hooks.clone(), Mutex::new(None));
    let (into, seen) = watch::channel(Snapshot { mark: mark.clone(), ..Snapshot::default() });
    let arrival =
        Arrival { webhook: receiver, integrations: &one.integrations, silent: one.silent.as_deref() };
    let trial = Trial { plan: alert, run, clock, api, seen, fault: &fault, arrival };
    let watched = Watched {
        api,
        http: ground.http,
        url: &plan.url,
        headers: &plan.headers,
        peers: ground.peers,
        mark: &mark,
        alert: &rule.name,
        counters: receiver.is_none(),
        targets: true,
        starts,
    };
    let rounds = {
        let watching = std::pin::pin!(watching(&watched, clock, &into));
        match select(std::pin::pin!(trial.observe(plan.arguments.repeat)), watching).await {
            Either::Left((rounds, _)) => rounds,
            // It asks for ever; this is never reached.
            Either::Right(((), trials)) => trials.await,
        }
    };
    if rounds.iter().any(|seen| seen.fault.is_some()) {
        run.finding(ended(alert, &mark, api, run).await);
    }
    rounds
}

/// Whether Prometheus has ended the alert after the fault was.
async fn ended(alert: &AlertPlan, mark: &Labels, api: &Api, run: &Run) -> evidence_report::record::Finding {
    run.progress().phase(format!("{}: fault ended; waiting until the alert has", alert.name));
    let prediction = &alert.prediction;
    let worst = prediction.until_resolved() + prediction.intervals.scrape;
    let (began, expected) = (Instant::now(), "the alert has ended with the fault");
    loop {
        let patience = if run.stop().is_requested() { FAREWELL.min(worst) } else { worst + FAREWELL };
        let said = match api.active().await {
            Ok(active) => {
                let ours = |labels: &Labels| {
                    labels.get("alertname") == Some(&alert.alert.rule.name)
                        && mark.iter().all(|(name, value)| labels.get(name) == Some(value))
                };
                match active.iter().find(|one| ours(&one.labels)) {
                    None => return checks::ENDED.passed(&alert.name).expected(expected).observed("it has"),
                    Some(one) => format!("the alert is still {} in Prometheus", one.state),
                }
            }
            Err(error) => format!("Prometheus does not say whether the alert has ended: {error}"),
        };
        if began.elapsed() > patience {
            return checks::ENDED.inconclusive(&alert.name).expected(expected).observed(said).remedy(
                "Look whether the fault is really over, and at the alert in Prometheus; nothing of the drill is left there",
            );
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
