//! What a replay will do, validated and complete. `--dry-run` prints it.

use std::{fmt::Write, path::PathBuf, time::Duration};

use evidence_report::run::{Settings, Usage};
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        DrillError,
        alert_plan::{AlertPlan, Level, Wishes},
        config::DrillConfig,
        fixture::{Source, as_scraped},
        plan::{DELIVERY, Files, SHORTER_GROUPS, Until, alerts, describe, routes},
        prediction::Grouping,
        routes::Routes,
        seconds,
        series::{Behaviour, Labels, Series},
        stack::{GROUP_INTERVAL, GROUP_WAIT},
    },
    span::Span,
};
use crate::{drill_command::DrillArguments, rules::manifest::Group};

/// A replay lies so long in the past, that its end is no future: five weeks, so that hour and weekday are today's.
const AGO: SignedDuration = SignedDuration::from_hours(5 * 7 * 24);

/// The most samples that one alert may take: some 160 MB of text while its blocks are made.
const MOST_SAMPLES: u64 = 2_000_000;

/// The most samples that Prometheus may go through for one alert: about two minutes of one core.
const MOST_WORK: u64 = 30_000_000_000;

/// An alert that is replayed.
#[derive(Debug)]
pub(crate) struct Replayable {
    /// The alert, as findings speak of it.
    pub(super) plan: AlertPlan,
    /// Its times, or why it cannot be replayed.
    pub(super) span: Result<Span, String>,
}

impl Replayable {
    /// Its series as a scrape would store them.
    pub(super) fn stored(&self) -> Vec<(Labels, Series)> {
        self.plan.series().iter().map(|one| (as_scraped(&one.labels), one.clone())).collect()
    }
}

/// A replay of alerts.
#[derive(Debug)]
pub(crate) struct ReplayPlan {
    pub(crate) settings: Settings,
    pub(super) alerts: Vec<Replayable>,
    pub(super) skipped: Vec<(String, String)>,
    /// The moment of the fault, for all of them.
    pub(super) fault: Timestamp,
    pub(super) prometheus: Option<PathBuf>,
    pub(super) alertmanager: Option<PathBuf>,
    pub(super) routes: Option<Routes>,
}

impl ReplayPlan {
    /// What was asked for; `now` decides which weekday and hour the replay has.
    ///
    /// # Errors
    /// When it cannot be done, or would take too much.
    pub(crate) fn resolve(
        arguments: &DrillArguments,
        settings: Settings,
        config: &DrillConfig,
        files: &Files,
        now: Timestamp,
    ) -> Result<Self, DrillError> {
        if arguments.repeat > 1 {
            let why = "--repeat measures by chance at which phase of the intervals the fault falls; a replay has none: leave \
                       it out";
            return Err(Usage(why.to_owned()).into());
        }
        for (flag, interval) in [
            ("--scrape-interval", arguments.scrape_interval()),
            ("--evaluation-interval", arguments.evaluation_interval()),
        ] {
            if interval < Duration::from_secs(1) {
                return Err(Usage(format!("{flag}: at least 1s in a replay")).into());
            }
        }
        let whole_seconds = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let fault = whole_seconds - AGO;
        // No command makes the fault of a replay, and none of its rules is accelerated.
        let mut config = config.clone();
        for own in &mut config.alerts {
            (own.fault, own.time_scale) = (None, None);
        }
        let wishes = Wishes {
            config: &config,
            files,
            now: fault,
            scrape_interval: arguments.scrape_interval(),
            evaluation_interval: arguments.evaluation_interval(),
            query_offset: Duration::ZERO,
            grouping: Grouping { wait: GROUP_WAIT, interval: GROUP_INTERVAL },
            time_scale: None,
            objective: arguments.objective,
            until: arguments.until,
            run_hooks: false,
            notification_only: false,
            full_history: true,
        };
        let routes = arguments.alertmanager_config.as_ref().map(|path| routes(path)).transpose()?;
        let (plans, skipped) = alerts(arguments, &wishes)?;
        let replayable = |plan: AlertPlan| -> Result<Replayable, DrillError> {
            let mut plan = at_its_own_interval(plan, &wishes)?;
            plan.level = Level::Replay;
            if let Some(routes) = &routes {
                plan = plan.routed(routes, &wishes);
            }
            if let Ok(span) = Span::of(&plan) {
                plan = plan.after_a_fault_of(span.cleared - span.fault, &wishes);
            }
            let span = plan.fixture.as_ref().map_err(Clone::clone).and_then(|_| span(&plan));
            Ok(Replayable { plan, span })
        };
        let alerts: Vec<Replayable> = plans.into_iter().map(replayable).collect::<Result<_, _>>()?;
        delivered_in_time(&alerts, settings.timeout)?;
        Ok(Self {
            alerts,
            settings,
            skipped,
            fault,
            prometheus: arguments.prometheus.as_ref().map(PathBuf::from),
            alertmanager: arguments.alertmanager.first().map(PathBuf::from),
            routes,
        })
    }
}

/// What is replayed takes no time, but its notifications wait in their groups.
fn delivered_in_time(alerts: &[Replayable], timeout: Duration) -> Result<(), DrillError> {
    let replayed = alerts.iter().filter(|one| one.span.is_ok()).map(|one| &one.plan);
    let Some(slowest) = replayed.max_by_key(|plan| plan.in_groups()) else { return Ok(()) };
    let (wait, interval) = (slowest.prediction.grouping.wait, slowest.prediction.grouping.interval);
    let whole = slowest.in_groups() + DELIVERY;
    if whole <= timeout {
        return Ok(());
    }
    let ending = match slowest.until {
        Until::Received => String::new(),
        Until::Resolved => {
            format!(", until it is resolved group_interval {}", seconds(interval.as_secs_f64()))
        }
    };
    Err(DrillError::TooLong(format!(
        "the notification of {} would take up to {}, longer than the run's timeout of {}: group_wait {}{ending}. Give it the \
         time: --timeout {}m{SHORTER_GROUPS}",
        slowest.name,
        seconds(whole.as_secs_f64()),
        seconds(timeout.as_secs_f64()),
        seconds(wait.as_secs_f64()),
        whole.as_secs() / 60 + 1,
    )))
}

/// Series of a unit test have one value an interval of the test, and no more.
fn at_its_own_interval(plan: AlertPlan, wishes: &Wishes<'_>) -> Result<AlertPlan, DrillError> {
    let Ok(given) = &plan.fixture else { return Ok(plan) };
    let of_test = given.series.iter().find_map(|one| match one.faulty {
        Behaviour::Steps { interval, .. } => Duration::try_from_secs_f64(interval).ok(),
        _ => None,
    });
    match of_test.filter(|_| given.source == Source::UnitTest) {
        Some(interval) if interval != wishes.scrape_interval && interval >= Duration::from_secs(1) => {
            let wishes = Wishes { scrape_interval: interval, ..*wishes };
            AlertPlan::resolve(plan.name, plan.written, &wishes)
        }
        _ => Ok(plan),
    }
}

fn span(plan: &AlertPlan) -> Result<Span, String> {
    // The labels of a group, null here, stand in its rules.
    let left_out = |group: &Group| -> Vec<_> {
        let there = group.newer.iter().filter(|(_, value)| !value.is_null());
        there.map(|(key, _)| key.clone()).collect()
    };
    let mut groups = plan.alert.loaded.iter().map(|group| (group, left_out(group)));
    if let Some((group, keys)) = groups.find(|(_, keys)| !keys.is_empty()) {
        return Err(format!("the group {} has {}, which is not replayed", group.name, keys.join(" and ")));
    }
    bounded(plan, Span::of(plan)?)
}

/// A replay that would fill the disk or take for ever is not begun; told are the intervals at which it would be.
pub(super) fn bounded(plan: &AlertPlan, span: Span) -> Result<Span, String> {
    let series = plan.series().len();
    let samples = span.samples().saturating_mul(u64::try_from(series).unwrap_or(u64::MAX));
    let work = span.work(series);
    let (what, by) = if samples > MOST_SAMPLES {
        (format!("write {samples} samples, and {MOST_SAMPLES} is the most"), samples / MOST_SAMPLES + 1)
    } else if work > MOST_WORK {
        let enough = (2..).find(|by| work / (by * by) <= MOST_WORK).unwrap_or(2);
        (format!("have Prometheus go through {work} samples, and {MOST_WORK} is the most"), enough)
    } else {
        return Ok(span);
    };
    let coarser = |interval: Duration| {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        format!("{}s", interval.saturating_mul(by).as_secs())
    };
    Err(format!(
        "its replay over {} would {what}; nothing is shortened silently: give coarser intervals, --scrape-interval {} \
         --evaluation-interval {}",
        in_days(span.end),
        coarser(span.step),
        coarser(span.evaluation),
    ))
}

/// A long time as people say it.
#[must_use]
pub(super) fn in_days(time: Duration) -> String {
    let all = time.as_secs_f64();
    match all {
        all if all >= 86_400.0 => format!("{:.1} days", all / 86_400.0),
        all if all >= 7_200.0 => format!("{:.1} hours", all / 3600.0),
        all if all >= 120.0 => format!("{:.1} minutes", all / 60.0),
        all => seconds(all),
    }
}

impl std::fmt::Display for ReplayPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = self.alerts.len() == 1;
        for alert in &self.alerts {
            let plan = &alert.plan;
            if one {
                describe(f, plan)?;
            }
            let mut line = String::new();
            match &alert.span {
                Ok(span) => {
                    let after =
                        if plan.until == Until::Resolved { span.end - span.cleared } else { Duration::ZERO };
                    let _ = write!(
                        line,
                        "{} healthy, {} of the fault, {} cleared; a sample every {}, evaluated every {}",
                        in_days(span.fault),
                        in_days(span.cleared - span.fault),
                        in_days(after),
                        seconds(span.step.as_secs_f64()),
                        seconds(span.evaluation.as_secs_f64()),
                    );
                }
                Err(why) => line.push_str(why),
            }
            if one {
                writeln!(f, "replayed     {line}")?;
            } else {
                writeln!(f, "{}: {}; {line}", plan.name, plan.source_in_words())?;
            }
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "left out     {name}: {reason}")?;
        }
        writeln!(f, "fault at     {}", self.fault)?;
        writeln!(f, "environment  local (blocks and servers of our own)")?;
        let evidence =
            self.settings.evidence.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
        writeln!(f, "evidence     {evidence}")
    }
}
