//! The drill in a real Prometheus: series of ours, scraped by a job of the user's, make the rule fire that it has
//! loaded, and the alert takes its way through the real Alertmanagers. Real series and real people stand beside it, so
//! that everything it would touch is computed before anything is exposed.
//!
//! * [`plan`]: what was asked for. `scene`: what Prometheus says of itself.
//! * [`apart`], [`relabel`], [`reach`], [`approve`]: who would see the series, and whom the alerts would reach. Pure.
//! * `course`, `watching`: one alert after the other, from exposing its series to their end.
//! * [`remains`]: what a killed drill leaves.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use evidence_report::{
    record::{Chart, Check, Finding, Requirement},
    run::Run,
};
use jiff::Timestamp;

use super::{
    alert_plan::AlertPlan,
    assess,
    checks::{FENCE, LEFT_OUT, LEVEL, LOADED, PEER},
    clock::Clock,
    observation::{Cause, Observation},
    plan::Until,
    prometheus::Api,
    real::{
        self,
        peer::{Peer, State},
    },
    receiver::Receiver,
    seconds,
    series::Labels,
    table, timeline,
};
use crate::{
    alertmanager::Configuration,
    backends::rule_drift,
    config::Url,
    http::{Http, Trust},
    rules::duration::parse as parse_duration,
};

mod apart;
mod approve;
pub(crate) mod checks;
mod course;
mod plan;
mod reach;
mod relabel;
pub(crate) mod remains;
mod scene;
mod watching;

use approve::{Approved, Ground, Objections, approve, prepare};
use course::{Course, Outcome};
pub(crate) use plan::LivePlan;
use scene::Scene;

/// The value of the drill's label on the target itself, for the series that Prometheus makes of every scrape.
const STANDING: &str = "standing";

/// Finding a target in a file takes Prometheus some seconds.
const STARTING: Duration = Duration::from_secs(6);

/// Drills the alerts of the plan, one after the other; what is seen goes into `run`.
pub(crate) async fn observe(plan: &LivePlan<'_>, run: &Run) {
    run.owes(checks::OF_LIVE);
    let level = LEVEL.not_checked(
        Requirement::Optional,
        "your exporter and the alert's own route",
        format!("level of proof: {}", assess::LEVEL_IN_A_REAL_ONE),
    );
    run.finding(level);
    for (name, reason) in &plan.skipped {
        run.finding(LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    let http = match Http::new(if plan.url.0.scheme() == "https" { Trust::System } else { Trust::Nobody }) {
        Ok(http) => http,
        Err(error) => {
            return run
                .finding(checks::PROMETHEUS.inconclusive(plan.url.to_string()).observed(error.to_string()));
        }
    };
    run.progress().phase("asking Prometheus for its rules, its scrape job and its Alertmanagers");
    let job = &plan.arguments.real.drill_job;
    let brings_target = plan.targets_file.is_some();
    let scene = match run.stop().guard(scene::ask(&http, &plan.url, &plan.headers, job, brings_target)).await
    {
        Ok(Ok(scene)) => scene,
        Ok(Err(why)) => {
            let finding = checks::PROMETHEUS.failed(plan.url.to_string()).expected("an answer");
            return run.finding(finding.observed(format!("nothing was exposed: {why}")));
        }
        Err(_) => return,
    };
    run.fact("Prometheus", &scene.version);
    run.fact("Configuration of Prometheus", &scene.digest);
    let Some((peers, states)) = alertmanagers(plan, &http, &scene, run).await else { return };
    let Some(ready) = ready(plan, &http, &scene, &states, run).await else { return };
    let clock = Clock::start();
    let receiver = match plan.arguments.real.listen {
        None => None,
        Some(address) => match Receiver::start(clock, Some(address)).await {
            Ok(receiver) => Some(receiver),
            Err(error) => {
                let why = format!("nothing was exposed: listening on {address}: {error}");
                let finding = FENCE.inconclusive("our webhook").observed(why);
                return run
                    .finding(finding.remedy("Choose an address of this machine that nobody listens on."));
            }
        },
    };
    let api = Api::real(&http, &plan.url, &plan.headers);
    let starts = RefCell::new(BTreeSet::from([scene.started.clone()]));
    let mut seen: Vec<(&Approved, Outcome)> = Vec::new();
    for approved in &ready {
        let course = Course {
            run,
            plan,
            approved,
            api: &api,
            http: &http,
            peers: &peers,
            receiver: receiver.as_ref(),
            clock,
            id: run.id(),
            starts: &starts,
        };
        let mut outcome = course.run().await;
        as_sent(&scene, &mut outcome.rounds);
        seen.push((approved, outcome));
    }
    let all: Vec<&Observation> = seen.iter().flat_map(|(_, outcome)| &outcome.rounds).collect();
    let starts = starts.into_inner();
    run.finding(throughout(plan, &scene, &all, &starts, &api).await);
    real::throughout(run, &peers, &states).await;
    show(&seen, run);
}

/// The Alertmanagers that Prometheus sends to, and what they say of themselves; `None` when one may not be asked, does
/// not answer, or has another configuration than the rest.
async fn alertmanagers(
    plan: &LivePlan<'_>,
    http: &Http,
    scene: &Scene,
    run: &Run,
) -> Option<(Vec<Peer>, Vec<(State, Configuration)>)> {
    let refused = |finding: Finding, why: String| {
        run.finding(finding.observed(format!("nothing was exposed: {why}")));
        None
    };
    if scene.alertmanagers.is_empty() {
        let finding = PEER.failed(plan.url.to_string()).expected("an Alertmanager to send alerts to");
        return refused(
            finding,
            "Prometheus sends its alerts to nobody: it has discovered no Alertmanager".to_owned(),
        );
    }
    let (mut peers, mut states) = (Vec::new(), Vec::new());
    for text in &scene.alertmanagers {
        let base = ["/api/v2/alerts", "/api/v1/alerts"]
            .iter()
            .find_map(|end| text.strip_suffix(end))
            .unwrap_or(text);
        let finding = || FENCE.inconclusive("alertmanager").expected("an Alertmanager that may be drilled");
        let url: Url = match base.parse() {
            Ok(url) => url,
            Err(why) => return refused(finding(), format!("where Prometheus sends its alerts: {why}")),
        };
        let allowed = plan.config.targets.iter().chain(&plan.arguments.real.allow_target);
        if let Err(why) = real::may_be_drilled(&url, allowed) {
            return refused(finding(), format!("Prometheus sends its alerts to {why}"));
        }
        let peer = Peer { url, http: http.clone(), headers: plan.headers.clone() };
        let subject = peer.url.to_string();
        let Ok(asked) = run.stop().guard(peer.state()).await else { return None };
        match asked {
            Err(why) => return refused(PEER.failed(subject).expected("an answer"), why.to_string()),
            Ok(mut state) => match std::mem::replace(&mut state.configuration, Err(String::new())) {
                Err(why) => return refused(FENCE.inconclusive(subject), why),
                Ok(configuration) => {
                    run.fact(format!("Alertmanager {}", peer.url), &state.version);
                    run.fact(format!("Configuration of {}", peer.url), &configuration.digest);
                    states.push((state, configuration));
                    peers.push(peer);
                }
            },
        }
    }
    match real::differing(&peers, &states) {
        Some(finding) => {
            run.finding(finding);
            None
        }
        None => Some((peers, states)),
    }
}

/// The alerts that may be drilled; `None` when one may not, and then none is.
async fn ready(
    plan: &LivePlan<'_>,
    http: &Http,
    scene: &Scene,
    states: &[(State, Configuration)],
    run: &Run,
) -> Option<Vec<Approved>> {
    let (job, target) = match scraped(plan, scene) {
        Ok(found) => found,
        Err(why) => {
            let finding = checks::SCRAPE_JOB.inconclusive(&plan.arguments.real.drill_job);
            run.finding(
                finding
                    .expected("a job that scrapes the drill")
                    .observed(format!("nothing was exposed: {why}")),
            );
            return None;
        }
    };
    let scrape = scene.targets.first().and_then(|target| parse_duration(&target.scrape_interval).ok());
    let scrape = scrape.or_else(|| job.interval()).unwrap_or(Duration::from_secs(60));
    let in_words: Vec<_> = target.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    run.fact(
        "Scrape job",
        format!("{}, every {}, {}", job.job_name, seconds(scrape.as_secs_f64()), in_words.join(", ")),
    );
    let wishes = plan.wishes(scrape, scene.evaluation_interval());
    let alerts = match plan.alerts(&wishes) {
        Ok(alerts) => alerts,
        Err(error) => {
            run.finding(checks::RULE_LOADED.inconclusive("the alerts").observed(error.to_string()));
            return None;
        }
    };
    let ground = Ground {
        plan,
        scene,
        job,
        target,
        target_is_new: scene.targets.is_empty(),
        rules: scene.rules(),
        configurations: states.iter().map(|(_, configuration)| configuration).collect(),
        id: run.id(),
        now: Timestamp::now(),
    };
    let (mut approved, mut refused) = (Vec::new(), false);
    for alert in alerts {
        run.findings(assess::before(&alert));
        if alert.fixture.is_err() {
            run.findings(assess::not_reached(&alert, "there are no series for it"));
            continue;
        }
        match one(plan, http, &ground, &wishes, &alert, run).await {
            Some(one) => approved.push(one),
            None => {
                refused = true;
                run.findings(assess::not_reached(&alert, "nothing was exposed"));
            }
        }
    }
    let whole =
        STARTING + approved.iter().map(|one| duration(&one.plan, plan.arguments.repeat)).sum::<Duration>();
    let fits = whole <= plan.settings.timeout;
    if !refused && !approved.is_empty() {
        run.progress().note(format!("the whole drill takes at most {}", seconds(whole.as_secs_f64())));
        run.finding(in_time(plan, &approved, whole, fits));
    }
    if refused || !fits {
        for one in &approved {
            run.findings(assess::not_reached(&one.plan, "nothing was exposed"));
        }
        return None;
    }
    Some(approved)
}

/// One alert: its rule is the one that is loaded, its series mix with no others, its alerts reach nobody else.
async fn one(
    plan: &LivePlan<'_>,
    http: &Http,
    ground: &Ground<'_>,
    wishes: &super::alert_plan::Wishes<'_>,
    alert: &AlertPlan,
    run: &Run,
) -> Option<Approved> {
    let name = &alert.name;
    let differences: Vec<String> = alert
        .written
        .loaded
        .iter()
        .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
        .flat_map(|(group, rule)| rule_drift::of_rule(group, rule, &ground.scene.groups))
        .collect();
    let expected = "loaded as the file has it";
    if !differences.is_empty() {
        let finding = checks::RULE_LOADED.failed(name).expected(expected);
        run.finding(finding.observed(format!("nothing was exposed: {}", differences.join("; "))));
        return None;
    }
    run.finding(checks::RULE_LOADED.passed(name).expected(expected).observed("the same"));
    let prepared = match prepare(alert.clone(), ground) {
        Ok(prepared) => prepared,
        Err(why) => {
            let finding = checks::SCRAPE_JOB.inconclusive(name).expected("series stored as they are exposed");
            run.finding(finding.observed(format!("nothing was exposed: {why}")));
            return None;
        }
    };
    run.finding(
        checks::SCRAPE_JOB
            .passed(name)
            .expected("series stored as they are exposed")
            .observed("computed: the same"),
    );
    let asked = prepared.touched.iter().filter(|one| !one.by_the_drills_label());
    let asked = asked.flat_map(|one| one.selectors.iter().map(|(selector, _)| selector));
    let others = match run.stop().guard(scene::others(http, &plan.url, &plan.headers, asked)).await {
        Ok(Ok(others)) => others,
        Ok(Err(why)) => {
            let finding = checks::MIXING.inconclusive(name);
            run.finding(finding.observed(format!("nothing was exposed: asking for the real series: {why}")));
            return None;
        }
        Err(_) => return None,
    };
    let allowed = plan.receivers.iter().cloned().collect::<Vec<_>>().join(", ");
    let reach = format!("only these receivers: {allowed}");
    let apart = "no other rule mixes them with real series";
    match approve(prepared, ground, wishes, &others) {
        Ok(approved) => {
            let receivers: Vec<_> = approved.receivers.iter().cloned().collect();
            run.finding(FENCE.passed(name).expected(reach).observed(receivers.join(", ")));
            let seen = format!("seen by {}", approved.seen_by.join(", "));
            run.finding(checks::MIXING.passed(name).expected(apart).observed(seen));
            if let Some(configuration) = ground.configurations.first() {
                run.finding(real::real_route(name, configuration, &approved.natural, ground.now));
            }
            Some(approved)
        }
        Err(Objections { mixing, fence }) => {
            refuse(run, &checks::MIXING, name, apart, &mixing);
            refuse(run, &FENCE, name, &reach, &fence);
            None
        }
    }
}

fn refuse(run: &Run, check: &'static Check, name: &str, expected: &str, objections: &[String]) {
    if objections.is_empty() {
        let reason = "nothing was exposed, for another reason";
        return run.finding(check.not_checked(Requirement::Required, name, reason).remedy(""));
    }
    let observed = format!("nothing was exposed: {}", objections.join("; "));
    run.finding(check.inconclusive(name).expected(expected).observed(observed));
}

/// The drill's job, and the labels of its target.
fn scraped<'a>(plan: &LivePlan<'_>, scene: &'a Scene) -> Result<(&'a scene::Job, Labels), String> {
    let name = &plan.arguments.real.drill_job;
    let job = scene.job(name).ok_or_else(|| format!("Prometheus has no scrape job {name}"))?;
    match (scene.targets.as_slice(), &plan.targets_file) {
        ([target], None) => Ok((job, target.labels.clone())),
        ([], None) => Err(format!(
            "the job {name} has no target: give it one, or let the drill write it with --targets-file FILE, a file of its \
             file_sd_configs"
        )),
        ([], Some(_)) => {
            let own = Labels::from([(real::LABEL.to_owned(), STANDING.to_owned())]);
            let target = job.target(&plan.expose.to_string(), &own)?;
            Ok((
                job,
                target.ok_or_else(|| {
                    format!("the relabel_configs of the job {name} drop the drill's target")
                })?,
            ))
        }
        (targets, _) => Err(format!(
            "the job {name} has {} targets already; a drill needs one, or none with --targets-file",
            targets.len()
        )),
    }
}

/// The longest that the trials of an alert can take, and its series to be forgotten.
fn duration(alert: &AlertPlan, repeat: u32) -> Duration {
    let prediction = &alert.prediction;
    let rounds = alert.one_trial() * repeat + prediction.range * repeat.saturating_sub(1);
    let phase = prediction.intervals.scrape.max(prediction.intervals.evaluation) * repeat;
    let ending = match alert.until {
        Until::Resolved => prediction.intervals.scrape,
        Until::Received => prediction.until_resolved(),
    };
    prediction.before_the_fault() + prediction.intervals.recording + rounds + phase + ending
}

fn in_time(plan: &LivePlan<'_>, approved: &[Approved], whole: Duration, fits: bool) -> Finding {
    let timeout = plan.settings.timeout;
    let slowest = approved.iter().max_by_key(|one| one.plan.one_trial());
    let which = slowest.map_or(String::new(), |one| {
        let prediction = &one.plan.prediction;
        let notified = seconds(prediction.until_notified().as_secs_f64());
        format!("; {}: fault to notification at most {notified} ({})", one.plan.name, prediction.sum())
    });
    let subject = "the whole drill";
    let expected = format!("at most {}", seconds(timeout.as_secs_f64()));
    let observed = format!("at most {}{which}", seconds(whole.as_secs_f64()));
    if fits {
        return checks::DURATION.passed(subject).expected(expected).observed(observed);
    }
    let minutes = (whole.as_secs() + 30) / 60 + 1;
    let remedy = format!(
        "Give it the time with --timeout {minutes}m, end at the notification with --until received, or drill an accelerated \
         copy on the embedded stack."
    );
    checks::DURATION
        .inconclusive(subject)
        .expected(expected)
        .observed(format!("nothing was exposed: {observed}"))
        .remedy(remedy)
}

/// Says what was seen.
fn show(seen: &[(&Approved, Outcome)], run: &Run) {
    for (approved, outcome) in seen {
        conclude(approved, outcome, run);
    }
    if let [(approved, outcome)] = seen {
        let alert = &approved.plan;
        let decisive = assess::decisive(&outcome.rounds);
        let shown = decisive.and_then(|seen| timeline::timeline(&alert.name, seen, &alert.prediction));
        if let Some(timeline) = shown {
            run.timeline(timeline);
        }
    }
    let rows: Vec<_> =
        seen.iter().map(|(approved, outcome)| (&approved.plan, outcome.rounds.as_slice())).collect();
    run.chart(Chart { title: "Alerts, in seconds after the fault".to_owned(), lines: table::table(&rows) });
}

/// What Alertmanager is sent has passed the alert relabelling: that is what a notification is held against.
fn as_sent(scene: &Scene, rounds: &mut [Observation]) {
    for seen in rounds {
        if let Ok(sent) = scene.as_sent(&seen.labels)
            && let Some(labels) = sent.into_iter().next()
        {
            seen.labels = labels;
        }
    }
}

async fn throughout(
    plan: &LivePlan<'_>,
    scene: &Scene,
    rounds: &[&Observation],
    starts: &BTreeSet<String>,
    api: &Api,
) -> Finding {
    let subject = plan.url.to_string();
    let expected = "answers to the end, and is not restarted";
    let halted = rounds.iter().filter_map(|seen| seen.halted.as_ref());
    let gone = halted.clone().find(|halt| {
        halt.cause == Cause::Environment && halt.reason.starts_with("Prometheus has not answered")
    });
    let finding = if let Some(halt) = gone {
        checks::PROMETHEUS
            .failed(subject)
            .observed(format!("gone in the middle of the drill: {}", halt.reason))
    } else if !api.is_ready().await {
        checks::PROMETHEUS.failed(subject).observed("it does not answer any more")
    } else if let Some(again) = starts.iter().find(|start| **start != scene.started) {
        checks::PROMETHEUS
            .warned(subject)
            .observed(format!("restarted in the middle of the drill, at {again}"))
    } else {
        checks::PROMETHEUS.passed(subject).observed("it did")
    };
    finding.expected(expected)
}

fn conclude(approved: &Approved, outcome: &Outcome, run: &Run) {
    let alert = &approved.plan;
    let environment = outcome.rounds.iter().filter_map(|seen| seen.halted.as_ref());
    if let Some(halt) = environment.into_iter().find(|halt| halt.cause == Cause::Environment) {
        // Said once, in its own words, where nothing else would say it.
        run.finding(
            LOADED
                .inconclusive(&alert.name)
                .expected("a drill that nothing outside disturbs")
                .observed(&halt.reason),
        );
    }
    run.findings(assess::after(alert, &outcome.rounds));
    let expected = "no alert of the drill is left";
    run.finding(match &outcome.left {
        None => checks::ENDED.passed(&alert.name).expected(expected).observed("none is"),
        Some(why) => checks::ENDED.inconclusive(&alert.name).expected(expected).observed(why),
    });
    for measurement in assess::measurements(alert, &outcome.rounds) {
        run.measurement(measurement);
    }
}
