//! What has to hold before anything is exposed: the Alertmanagers may be drilled and agree, the job scrapes the drill,
//! every alert may be drilled, and all of them in time.

use std::time::Duration;

use evidence_report::{
    record::{Check, Finding, Requirement},
    run::Run,
};
use jiff::Timestamp;

use super::{
    super::{
        alert_plan::{AlertPlan, Wishes},
        assess,
        checks::{FENCE, PEER},
        plan::Until,
        real::{
            self, dead,
            peer::{Peer, State},
        },
        seconds,
        series::Labels,
    },
    LivePlan, STANDING, STARTING,
    approve::{Approved, Ground, Objections, approve, prepare},
    checks,
    returning::Dead,
    scene::{self, Scene},
};
use crate::{
    alertmanager::Configuration, backends::rule_drift, config::Url, http::Http, probes::reading::counted,
    rules::duration::parse as parse_duration,
};

/// The Alertmanagers that Prometheus sends to, and what they say of themselves.
#[derive(Debug)]
pub(super) struct Alertmanagers {
    /// Those that answer.
    pub(super) peers: Vec<Peer>,
    pub(super) states: Vec<(State, Configuration)>,
    /// Those that do not, and may be dead by the user's word.
    pub(super) dead: Vec<Dead>,
}

/// Asks them; `None` when one may not be asked, does not answer although it must, or has another configuration than the
/// rest.
pub(super) async fn alertmanagers(
    plan: &LivePlan<'_>,
    http: &Http,
    scene: &Scene,
    run: &Run,
) -> Option<Alertmanagers> {
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
    let (mut peers, mut states, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    let may_be_dead = &plan.arguments.real.allow_dead_peer;
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
            Err(why) => {
                run.finding(dead::no_answer(&peer.url, &why, may_be_dead, "nothing was exposed"));
                if !dead::may_be_dead(&peer.url, may_be_dead) {
                    return None;
                }
                silent.push(peer);
            }
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
        None => {
            // Where none answers, nothing can be computed.
            let digest = &states.first()?.1.digest;
            let dead = silent.into_iter().map(|peer| Dead { peer, digest: digest.clone() }).collect();
            Some(Alertmanagers { peers, states, dead })
        }
    }
}

/// The alerts that may be drilled; `None` when one may not, and then none is.
pub(super) async fn ready(
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
    let wishes =
        Wishes { query_offset: scene.query_offset(), ..plan.wishes(scrape, scene.evaluation_interval()) };
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
    wishes: &Wishes<'_>,
    alert: &AlertPlan,
    run: &Run,
) -> Option<Approved> {
    let name = &alert.name;
    let differences = differences(alert, ground.scene);
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

/// In what the rule, and those that it stands on, are loaded otherwise than the file has them.
pub(super) fn differences(alert: &AlertPlan, scene: &Scene) -> Vec<String> {
    let rules = alert.written.loaded.iter();
    let rules = rules.flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    rules.flat_map(|(group, rule)| rule_drift::of_rule(group, rule, &scene.groups)).collect()
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
        (targets, None) => Err(format!("the job {name} has {} targets; a drill needs one", targets.len())),
        (targets, Some(file)) => Err(format!(
            "the job {name} has {} already, and {} is to give it its only one; that of a drill which has just ended goes \
             within seconds: then try again",
            counted(targets.len() as u64, "target", "targets"),
            file.display()
        )),
    }
}

/// The longest that the trials of an alert can take, and its series to be forgotten.
pub(super) fn duration(alert: &AlertPlan, repeat: u32) -> Duration {
    let prediction = &alert.prediction;
    let between = prediction.range.max(prediction.settling);
    let rounds = alert.one_trial() * repeat + between * repeat.saturating_sub(1) + prediction.settling;
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
