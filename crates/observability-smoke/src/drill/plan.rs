//! What a drill will do, validated and complete. `--dry-run` prints it.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use evidence_report::run::{Settings, Usage, why_unread};
use jiff::Timestamp;

use super::{
    DrillError,
    alert_plan::{AlertPlan, Wishes},
    config::DrillConfig,
    hooks::Hooks,
    lanes::{Footprint, lanes},
    prediction::Grouping,
    routes::Routes,
    seconds,
    selection::{Choice, Named, RuleFile, choose},
    stack::{GROUP_INTERVAL, GROUP_WAIT},
};
use crate::{
    drill_command::DrillArguments,
    rules::{manifest, unit_test},
};

/// How far a drill goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Until {
    /// To the notification; what comes after is not checked.
    Received,
    /// To the resolved notification.
    #[default]
    Resolved,
}

/// How much faster than written a copy of the rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeScale {
    /// So many times.
    By(u32),
    /// Each alert as much as it needs to be done within seconds; not at all where it needs no acceleration.
    Automatic,
}

impl FromStr for TimeScale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Automatic),
            (_, Ok(by @ 2..=100_000)) => Ok(Self::By(by)),
            _ => Err(format!("'{text}' is neither `auto` nor a number from 2 to 100000")),
        }
    }
}

/// A drill, complete.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How the run runs.
    pub(crate) settings: Settings,
    /// The alerts.
    pub(crate) alerts: Vec<AlertPlan>,
    /// Alerts that the configuration leaves out, and why.
    pub(crate) skipped: Vec<(String, String)>,
    /// Which alerts share a stack, by their place in `alerts`.
    pub(crate) lanes: Vec<Vec<usize>>,
    /// How many trials each alert gets.
    pub(crate) repeat: u32,
    /// Between two scrapes.
    pub(crate) scrape_interval: Duration,
    /// Between two evaluations of groups that have no interval of their own.
    pub(crate) evaluation_interval: Duration,
    /// Prometheus, where it was named.
    pub(crate) prometheus: Option<PathBuf>,
    /// Alertmanager, where it was named.
    pub(crate) alertmanager: Option<PathBuf>,
    /// The user's own routes, where they were given.
    pub(crate) routes: Option<Routes>,
}

/// So many embedded stacks run at once; further ones come after them.
pub(crate) const LANES_AT_ONCE: usize = 4;

/// A replay is made, and its notification delivered, within this, beside what its groups wait.
pub(super) const DELIVERY: Duration = Duration::from_secs(30);

/// The way out where the groups of Alertmanager take the time.
pub(super) const SHORTER_GROUPS: &str = "; or name a copy of the Alertmanager configuration with a shorter group_wait and \
    group_interval: all but their length is drilled with it, too";

/// What stands in the files that were named.
#[derive(Debug)]
pub(crate) struct Files {
    /// The rule files.
    pub(crate) rules: Vec<RuleFile>,
    /// The unit tests, and their file.
    pub(crate) tests: Option<(PathBuf, Vec<unit_test::UnitTest>)>,
    /// Whether series that the unit tests do not give are an error: they were named for one alert.
    pub(crate) only_tests: bool,
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// When a file cannot be read, or is not what it should be.
    pub(crate) fn read(
        rules: &[PathBuf],
        tests: Option<&Path>,
        only_tests: bool,
    ) -> Result<Self, crate::error::Error> {
        let rules = rules.iter().map(|path| {
            let groups = manifest::read(&text(path)?);
            let groups = groups.map_err(|source| DrillError::Rules { path: path.clone(), source })?;
            Ok(RuleFile { path: path.clone(), groups })
        });
        let tests = tests.map(|path| {
            let tests = unit_test::read(&text(path)?);
            let tests = tests.map_err(|source| DrillError::UnitTests { path: path.to_owned(), source })?;
            Ok::<_, crate::error::Error>((path.to_owned(), tests))
        });
        let rules = rules.collect::<Result<_, crate::error::Error>>()?;
        Ok(Self { rules, tests: tests.transpose()?, only_tests })
    }
}

pub(super) fn routes(path: &Path) -> Result<Routes, DrillError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Usage(format!("reading --alertmanager-config {}: {}", path.display(), why_unread(&error)))
    })?;
    Ok(Routes::read(path.to_owned(), &text).map_err(Usage)?)
}

fn text(path: &Path) -> Result<String, crate::error::Error> {
    let read = |source| crate::error::Error::Read { path: path.to_owned(), source };
    std::fs::read_to_string(path).map_err(read)
}

impl Plan {
    /// What was asked for, from the command line, the files and the configuration. `now` is a label for
    /// series that hold a time.
    ///
    /// # Errors
    /// When it cannot be done.
    pub(crate) fn resolve(
        arguments: &DrillArguments,
        settings: Settings,
        config: &DrillConfig,
        files: &Files,
        now: Timestamp,
    ) -> Result<Self, DrillError> {
        let intervals = [
            ("--scrape-interval", arguments.scrape_interval()),
            ("--evaluation-interval", arguments.evaluation_interval()),
        ];
        for (flag, interval) in intervals {
            if interval < Duration::from_millis(100) {
                return Err(
                    Usage(format!("{flag}: at least 100ms, or the drill measures its own polling")).into()
                );
            }
        }
        if arguments.repeat > 1 && arguments.until == Until::Received {
            let why = "--repeat needs the alert to end between two trials; leave --until received out";
            return Err(Usage(why.to_owned()).into());
        }
        let wishes = Wishes {
            config,
            files,
            now,
            scrape_interval: arguments.scrape_interval(),
            evaluation_interval: arguments.evaluation_interval(),
            query_offset: Duration::ZERO,
            grouping: Grouping { wait: GROUP_WAIT, interval: GROUP_INTERVAL },
            time_scale: arguments.time_scale,
            objective: arguments.objective,
            until: arguments.until,
            run_hooks: arguments.run_hooks,
            notification_only: false,
            full_history: false,
        };
        let routes = arguments.alertmanager_config.as_ref().map(|path| routes(path)).transpose()?;
        let (mut alerts, skipped) = alerts(arguments, &wishes)?;
        if let Some(routes) = &routes {
            alerts = alerts.into_iter().map(|alert| alert.routed(routes, &wishes)).collect();
        }
        alerts.iter().try_for_each(|alert| match &alert.hooks {
            Some(hooks) => hooks.have_targets(&alert.name),
            None => Ok(()),
        })?;
        Hooks::asked_for_in_vain(arguments.run_hooks, alerts.iter().any(|alert| alert.hooks.is_some()))?;
        let lanes = shared(&alerts, routes.as_ref());
        Ok(Self {
            settings,
            alerts,
            skipped,
            lanes,
            repeat: arguments.repeat,
            scrape_interval: arguments.scrape_interval(),
            evaluation_interval: arguments.evaluation_interval(),
            prometheus: arguments.prometheus.as_ref().map(PathBuf::from),
            alertmanager: arguments.alertmanager.first().map(PathBuf::from),
            routes,
        })
    }

    /// A drill that cannot end in time is refused before it starts; nothing is ever shortened silently.
    ///
    /// # Errors
    /// With the predicted figure and the ways out.
    pub(crate) fn fits(&self) -> Result<(), DrillError> {
        let predicted = self.predicted();
        if predicted <= self.settings.timeout {
            return Ok(());
        }
        let drilled = || self.alerts.iter().filter(|alert| alert.fixture.is_ok());
        let Some(slowest) = drilled().max_by_key(|alert| alert.one_trial()) else { return Ok(()) };
        let prediction = &slowest.prediction;
        let whose = match drilled().count() {
            1 => format!("the drill of {}", slowest.name),
            more => format!("the drill of {more} alerts"),
        };
        let mut message = format!(
            "{whose} would take up to {}, longer than the run's timeout of {}: fault to notification {} ({})",
            seconds(predicted.as_secs_f64()),
            seconds(self.settings.timeout.as_secs_f64()),
            seconds(prediction.until_notified().as_secs_f64()),
            prediction.sum(),
        );
        if drilled().count() > 1 {
            let _ = write!(message, " for {}", slowest.name);
        }
        if slowest.until == Until::Resolved {
            let _ = write!(
                message,
                ", clearing to resolved {}",
                seconds(prediction.until_resolved().as_secs_f64())
            );
        }
        let minutes = (predicted.as_secs() + 30) / 60 + 1;
        let _ = write!(message, ". Give it the time: --timeout {minutes}m");
        let short = prediction.before_the_fault() + prediction.until_notified();
        if slowest.until == Until::Resolved && self.repeat == 1 && short < self.settings.timeout {
            message.push_str("; or end at the notification: --until received");
        }
        if slowest.time_scale.is_none() && slowest.enough_acceleration(self.settings.timeout).is_some() {
            let by = match drilled().count() {
                1 => slowest.enough_acceleration(self.settings.timeout).map(|by| by.to_string()),
                _ => Some("auto".to_owned()),
            };
            if let Some(by) = by {
                let what =
                    if by == "auto" { "copies of the slow rules" } else { "an accelerated copy of the rule" };
                let _ = write!(message, "; or run {what}, marked as such: --time-scale {by}");
            }
        }
        if slowest.in_groups() + DELIVERY < self.settings.timeout {
            message.push_str("; or replay it un-shortened over blocks, within seconds: --replay");
        } else {
            message.push_str(SHORTER_GROUPS);
        }
        Err(DrillError::TooLong(message))
    }

    /// The whole drill, at worst: lanes run side by side, so many at once.
    #[must_use]
    pub(crate) fn predicted(&self) -> Duration {
        let of = |lane: &Vec<usize>| {
            let alerts = || lane.iter().map(|index| &self.alerts[*index]);
            let before = alerts().map(|alert| alert.prediction.before_the_fault()).max().unwrap_or_default();
            let trial = alerts().map(AlertPlan::one_trial).max().unwrap_or_default();
            before + trial * self.repeat + Duration::from_secs(1)
        };
        self.lanes.chunks(LANES_AT_ONCE).map(|wave| wave.iter().map(of).max().unwrap_or_default()).sum()
    }
}

/// Which alerts share a stack, by their place: those with series that do not disturb each other.
pub(super) fn shared(alerts: &[AlertPlan], routes: Option<&Routes>) -> Vec<Vec<usize>> {
    let (places, footprints): (Vec<usize>, Vec<Footprint>) = alerts
        .iter()
        .enumerate()
        .filter(|(_, alert)| alert.fixture.is_ok())
        .map(|(place, alert)| (place, Footprint::of(alert)))
        .unzip();
    let disturb = |one: usize, other: usize| {
        routes.is_some_and(|routes| routes.disturb(&alerts[places[one]], &alerts[places[other]]))
    };
    let lanes = lanes(&footprints, &disturb).into_iter();
    lanes.map(|lane| lane.into_iter().map(|place| places[place]).collect()).collect()
}

type Chosen = (Vec<AlertPlan>, Vec<(String, String)>);

/// The alerts that were named, or all; without those that the configuration leaves out of all.
pub(super) fn alerts(arguments: &DrillArguments, wishes: &Wishes<'_>) -> Result<Chosen, DrillError> {
    let choice = match (arguments.all, arguments.alert.as_slice()) {
        (true, []) => Choice::All,
        (false, names @ [_, ..]) => Choice::Named(names),
        (true, _) => return Err(Usage("--all and --alert exclude each other".to_owned()).into()),
        (false, []) => {
            let why = "say which alerts to drill: --alert NAME, more than once if you like, or --all";
            return Err(Usage(why.to_owned()).into());
        }
    };
    for (index, own) in wishes.config.alerts.iter().enumerate() {
        if wishes.config.alerts[..index].iter().any(|before| before.alert == own.alert) {
            return Err(DrillError::Series { alert: own.alert.clone(), why: "it stands twice".to_owned() });
        }
        Named::parse(&own.alert).map_err(|why| DrillError::Series { alert: own.alert.clone(), why })?;
    }
    let (mut plans, mut skipped) = (Vec::new(), Vec::new());
    for (name, selected) in choose(&wishes.files.rules, choice)? {
        let own = wishes.config.of(&selected.rule);
        match own.and_then(|own| own.skip.clone()).filter(|_| arguments.all) {
            Some(reason) => skipped.push((name, reason)),
            None => plans.push(AlertPlan::resolve(name, selected, wishes)?),
        }
    }
    if arguments.all {
        let why = "drill.alerts in the configuration names it, and the rule files have no such alert";
        skipped.extend(in_vain(wishes).map(|name| (name, why.to_owned())));
    }
    Ok((plans, skipped))
}

/// What the configuration says of alerts that no rule file has: of one that was renamed, for example.
fn in_vain(wishes: &Wishes<'_>) -> impl Iterator<Item = String> {
    let has = |name: &Named| {
        let groups = wishes.files.rules.iter().flat_map(|file| &file.groups);
        groups.flat_map(|group| &group.rules).any(|rule| name.is(rule))
    };
    let unknown = move |name: &&String| Named::parse(name).is_ok_and(|named| !has(&named));
    wishes.config.alerts.iter().map(|own| &own.alert).filter(unknown).cloned()
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.alerts.as_slice() {
            [one] => describe(f, one)?,
            many => {
                for alert in many {
                    list(f, alert)?;
                }
                let stacks = self.lanes.len();
                let apart = "alerts that would see each other's series run apart";
                writeln!(f, "stacks       {stacks}: {apart}")?;
            }
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "left out     {name}: {reason}")?;
        }
        if self.repeat > 1 {
            writeln!(f, "trials       {} of each alert, each at a random phase", self.repeat)?;
        }
        let whole = seconds(self.predicted().as_secs_f64());
        let timeout = seconds(self.settings.timeout.as_secs_f64());
        let before = if self.alerts.len() == 1 { "             " } else { "predicted    " };
        writeln!(f, "{before}the whole drill at most {whole} (timeout {timeout})")?;
        writeln!(f, "environment  local (the embedded stack)")?;
        let evidence =
            self.settings.evidence.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
        writeln!(f, "evidence     {evidence}")
    }
}

fn list(f: &mut std::fmt::Formatter<'_>, alert: &AlertPlan) -> std::fmt::Result {
    let copy = alert.time_scale.map_or(String::new(), |by| format!(", copy {by} times as fast"));
    let what = match &alert.fixture {
        Ok(_) => alert.source_in_words(),
        Err(why) => why.clone(),
    };
    let notified = seconds(alert.prediction.until_notified().as_secs_f64());
    writeln!(f, "{}: {what}{copy}; fault to notification at most {notified}", alert.name)
}

/// One alert, in full.
pub(super) fn describe(f: &mut std::fmt::Formatter<'_>, alert: &AlertPlan) -> std::fmt::Result {
    let rule = &alert.alert.rule;
    writeln!(f, "alert        {} ({}:{})", rule.name, alert.alert.path.display(), rule.line)?;
    if let Some(by) = alert.time_scale {
        writeln!(f, "             accelerated copy, {by} times as fast as written")?;
    }
    writeln!(f, "expression   {}", rule.expression.split_whitespace().collect::<Vec<_>>().join(" "))?;
    writeln!(f, "intervals    {}", alert.intervals_in_words())?;
    writeln!(f, "series       {}", alert.source_in_words())?;
    match &alert.fixture {
        Err(why) => writeln!(f, "             {why}")?,
        Ok(_) => alert.series_in_words().lines().try_for_each(|line| writeln!(f, "             {line}"))?,
    }
    let until_notified = seconds(alert.prediction.until_notified().as_secs_f64());
    let sum = alert.prediction.sum();
    writeln!(f, "predicted    fault to notification at most {until_notified}: {sum}")?;
    if alert.until == Until::Resolved {
        let until_resolved = seconds(alert.prediction.until_resolved().as_secs_f64());
        writeln!(f, "             clearing to resolved at most {until_resolved}")?;
    }
    if let Some(routing) = &alert.routing {
        writeln!(f, "routes to    {}", routing.receivers.join(", "))?;
        routing.silent.iter().try_for_each(|why| writeln!(f, "             nobody is told: {why}"))?;
    }
    if let Some(objective) = alert.objective {
        writeln!(f, "objective    time to notify at most {}", seconds(objective.as_secs_f64()))?;
    }
    Ok(())
}
