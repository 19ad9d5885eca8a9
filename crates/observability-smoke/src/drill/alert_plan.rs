//! What a drill does with one alert: its rule or an accelerated copy, its series or hooks, and the delay to
//! expect. Pure.

use std::{collections::BTreeSet, time::Duration};

use evidence_report::run::Usage;
use jiff::Timestamp;
use promql_parser::parser::Expr;

use super::{
    DrillError, acceleration,
    config::{DrillConfig, DrilledAlert},
    derivation::{self, Question},
    fixture::{self, Given, Source},
    hooks::Hooks,
    model::Recording,
    plan::{Files, TimeScale, Until},
    prediction::{Grouping, Intervals, Prediction, rounded_up},
    replay::reach_of,
    routes::{Routes, Routing},
    seconds,
    selection::Selected,
    series::Series,
    time_scale::{FACTORS, accelerated, scale},
};
use crate::rules::{
    expected::{Said, said},
    expression,
    manifest::{Kind, Rule},
};

/// How much a drill proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The alert was posted to Alertmanager: nothing is said about its rule.
    Notification,
    /// Series in blocks were asked for what the rule returns, over its whole `for` and windows; the notification was
    /// delivered by the embedded stack.
    Replay,
    /// Series of a fixture were scraped by a real Prometheus, which evaluated the rule.
    Fixture,
    /// A real fault was caused, and seen by the user's own exporter.
    Fault,
}

impl Level {
    /// One or two words, for a table.
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Notification => "notification only",
            Self::Replay => "replayed",
            Self::Fixture => "fixture series",
            Self::Fault => "real fault",
        }
    }
}

/// One alert of a drill, complete.
#[derive(Debug, Clone)]
pub(crate) struct AlertPlan {
    /// What it is called in findings: its name, with its severity where the name stands twice.
    pub(crate) name: String,
    /// The alert as its file has it.
    pub(crate) written: Selected,
    /// The alert that is drilled, and what Prometheus loads for it: as written, or its accelerated copy.
    pub(crate) alert: Selected,
    /// How many times as fast the copy runs, where one was asked for.
    pub(crate) time_scale: Option<u32>,
    /// Its expression, where promql-parser understands it.
    pub(crate) expression: Option<Expr>,
    /// Its series, or why there are none.
    pub(crate) fixture: Result<Given, String>,
    /// The commands that make its real fault, where they were asked for.
    pub(crate) hooks: Option<Hooks>,
    /// How much its drill proves.
    pub(crate) level: Level,
    /// Between two scrapes.
    pub(crate) scrape_interval: Duration,
    /// The worst case of what is drilled.
    pub(crate) prediction: Prediction,
    /// The worst case of the rule as written.
    pub(crate) prediction_as_written: Prediction,
    /// Time to notify that must be kept.
    pub(crate) objective: Option<Duration>,
    /// How far it goes.
    pub(crate) until: Until,
    /// Where it goes by the user's own routes, where the embedded Alertmanager has them.
    pub(crate) routing: Option<Routing>,
}

/// What holds for every alert of a drill.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes<'a> {
    pub(crate) config: &'a DrillConfig,
    pub(crate) files: &'a Files,
    /// A label for series that hold a time.
    pub(crate) now: Timestamp,
    pub(crate) scrape_interval: Duration,
    pub(crate) evaluation_interval: Duration,
    /// How far back groups look that do not say so themselves.
    pub(crate) query_offset: Duration,
    pub(crate) grouping: Grouping,
    pub(crate) time_scale: Option<TimeScale>,
    pub(crate) objective: Option<Duration>,
    pub(crate) until: Until,
    /// Whether hooks may run.
    pub(crate) run_hooks: bool,
    /// Whether the alert is only posted: its rule takes no part.
    pub(crate) notification_only: bool,
    /// Whether the series were healthy for as long as the rule looks back, when the fault comes.
    pub(crate) full_history: bool,
}

impl AlertPlan {
    /// What is done with this alert.
    ///
    /// # Errors
    /// When what was asked for cannot be done.
    pub(crate) fn resolve(name: String, written: Selected, wishes: &Wishes<'_>) -> Result<Self, DrillError> {
        let own = wishes.config.of(&written.rule);
        let time_scale = scale(&written, own, wishes);
        let alert = match time_scale {
            None => written.clone(),
            Some(by) => accelerated(&written, by, wishes).map_err(Usage)?,
        };
        let expression = expression::shallow(&alert.rule.expression);
        let subject = subject(&alert, expression.as_ref(), wishes);
        let hooks = match own.and_then(|own| own.fault.as_ref()) {
            Some(fault) if wishes.run_hooks => Some(Hooks::from_config(fault, own)?),
            _ => None,
        };
        let mut fixture = if hooks.is_some() || wishes.notification_only {
            Ok(Given { source: Source::Hook, series: Vec::new() })
        } else {
            series_for(&written.rule, own, wishes, subject.as_ref())?
        };
        let faster = f64::from(time_scale.unwrap_or(1));
        if let Ok(given) = fixture.as_mut()
            && given.source != Source::Derived
        {
            given.series = acceleration::series(&given.series, faster);
        }
        let series = fixture.as_ref().map_or(&[][..], |given| &given.series);
        let prediction = predict(&alert, subject.as_ref(), series, wishes);
        let prediction_as_written = if time_scale.is_some() {
            let expression = expression::shallow(&written.rule.expression);
            // In earnest the windows are full of healthy samples when a fault comes.
            let wishes = &Wishes { full_history: true, ..*wishes };
            let subject = self::subject(&written, expression.as_ref(), wishes);
            let slower = acceleration::series(series, 1.0 / faster);
            predict(&written, subject.as_ref(), &slower, wishes)
        } else {
            prediction
        };
        let level = match (wishes.notification_only, &hooks) {
            (true, _) => Level::Notification,
            (false, Some(_)) => Level::Fault,
            (false, None) => Level::Fixture,
        };
        Ok(Self {
            name,
            written,
            alert,
            time_scale,
            expression,
            fixture,
            hooks,
            level,
            scrape_interval: wishes.scrape_interval,
            prediction,
            prediction_as_written,
            objective: own.and_then(|own| own.objective.map(|objective| objective.0)).or(wishes.objective),
            until: wishes.until,
            routing: None,
        })
    }

    /// The series, none where there are none.
    #[must_use]
    pub(crate) fn series(&self) -> &[Series] {
        self.fixture.as_ref().map_or(&[], |given| &given.series)
    }

    /// The alert on an Alertmanager with these routes.
    #[must_use]
    pub(crate) fn routed(mut self, routes: &Routes, wishes: &Wishes<'_>) -> Self {
        let labels = self.firing_labels(wishes).unwrap_or_default();
        let known = !labels.is_empty();
        let (mut routing, grouping) = routes.routing(labels, wishes.now);
        if !known {
            routing.silent = None;
        }
        self.prediction.grouping = grouping;
        self.prediction_as_written.grouping = grouping;
        self.routing = Some(routing);
        self
    }

    /// The alert after a fault that lasts so long: when it has recovered from it is predicted anew.
    #[must_use]
    pub(crate) fn after_a_fault_of(mut self, lasts: Duration, wishes: &Wishes<'_>) -> Self {
        if let Some(subject) = subject(&self.alert, self.expression.as_ref(), wishes)
            && !self.series().is_empty()
        {
            let recovery = derivation::recovery(&subject.question(), self.series(), lasts.as_secs_f64());
            self.prediction.recovery = recovery.and_then(whole);
        }
        self
    }

    /// The alert's name, and whether it is a copy.
    #[must_use]
    pub(crate) fn subject_in_words(&self) -> String {
        let name = &self.name;
        self.time_scale
            .map_or_else(|| name.clone(), |by| format!("{name} (accelerated copy, {by} times as fast)"))
    }

    /// From the fault to the end of one trial, at worst.
    #[must_use]
    pub(crate) fn one_trial(&self) -> Duration {
        match self.until {
            Until::Resolved => self.prediction.until_notified() + self.prediction.until_resolved(),
            Until::Received => self.prediction.until_notified(),
        }
    }

    /// The least of some round factors that brings a trial well within `limit`.
    #[must_use]
    pub(crate) fn enough_acceleration(&self, limit: Duration) -> Option<u32> {
        let kept = self.in_groups();
        let scaled =
            (self.prediction.until_notified() + self.prediction.until_resolved()).saturating_sub(kept);
        let fits = |by: &u32| self.prediction.before_the_fault() + kept + scaled / *by < limit / 2;
        FACTORS.into_iter().find(fits)
    }

    /// How long its notifications wait in their groups: no copy of the rule and no replay shortens that.
    #[must_use]
    pub(crate) fn in_groups(&self) -> Duration {
        let grouping = self.prediction.grouping;
        match self.until {
            Until::Received => grouping.wait,
            Until::Resolved => grouping.wait + grouping.interval,
        }
    }

    /// The intervals, in words.
    #[must_use]
    pub(crate) fn intervals_in_words(&self) -> String {
        let own = match self.alert.interval {
            Some(_) => " (the group's own)",
            None => "",
        };
        format!(
            "scrape {}, evaluation {}{own}, `for` {}",
            seconds(self.scrape_interval.as_secs_f64()),
            seconds(self.prediction.intervals.evaluation.as_secs_f64()),
            seconds(self.alert.rule.hold.as_secs_f64()),
        )
    }

    /// Where the series come from, in words.
    #[must_use]
    pub(crate) fn source_in_words(&self) -> String {
        match &self.fixture {
            Err(_) => "none".to_owned(),
            Ok(given) => match given.source {
                Source::Hook if self.hooks.is_some() => {
                    "your exporter's own, the fault made by a hook".to_owned()
                }
                Source::Hook => "none: the alert is posted as it stands".to_owned(),
                source => format!("{}, {}", given.series.len(), source.words()),
            },
        }
    }

    /// The series, one a line.
    #[must_use]
    pub(crate) fn series_in_words(&self) -> String {
        let line = |one: &Series| format!("{}: {} → {}", one.name(), one.healthy, one.faulty);
        self.series().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The labels with which the alert fires, as far as the model can tell: those of the elements that its
    /// expression returns while the fault lasts, with the rule's own. `None` where it cannot.
    #[must_use]
    pub(crate) fn firing_labels(&self, wishes: &Wishes<'_>) -> Option<Vec<super::series::Labels>> {
        let subject = subject(&self.alert, self.expression.as_ref(), wishes)?;
        let elements = derivation::firing(&subject.question(), self.series())?;
        let labelled = elements.into_iter().map(|mut labels| {
            labels.remove("__name__");
            labels.extend(self.alert.rule.labels.clone());
            labels.insert("alertname".to_owned(), self.alert.rule.name.clone());
            labels
        });
        Some(labelled.collect())
    }
}

/// What is asked of the model about the alert; `None` when promql-parser does not understand an expression.
struct Subject<'a> {
    expression: &'a Expr,
    recordings: Vec<Recording>,
    shown: BTreeSet<String>,
    scrape: f64,
    evaluation: f64,
    hold: f64,
    epoch: f64,
    history: f64,
}

impl Subject<'_> {
    fn question(&self) -> Question<'_> {
        Question {
            expression: self.expression,
            recordings: &self.recordings,
            shown: self.shown.clone(),
            scrape: self.scrape,
            evaluation: self.evaluation,
            hold: self.hold,
            epoch: self.epoch,
            history: self.history,
        }
    }
}

fn subject<'a>(alert: &Selected, expression: Option<&'a Expr>, wishes: &Wishes<'_>) -> Option<Subject<'a>> {
    let recording = |rule: &Rule| {
        let expression = expression::shallow(&rule.expression)?;
        Some(Recording { name: rule.name.clone(), labels: rule.labels.clone(), expression })
    };
    let evaluation = alert.interval.unwrap_or(wishes.evaluation_interval);
    Some(Subject {
        expression: expression?,
        recordings: alert.recordings().map(recording).collect::<Option<_>>()?,
        shown: shown_labels(&alert.rule),
        scrape: wishes.scrape_interval.as_secs_f64(),
        evaluation: evaluation.as_secs_f64(),
        hold: rounded_up(alert.rule.hold, evaluation).as_secs_f64(),
        epoch: wishes.now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64(),
        history: if wishes.full_history { reach_of(alert).unwrap_or_default().as_secs_f64() } else { 0.0 },
    })
}

/// The labels that the templates of a rule show: `{{ $labels.queue }}`.
fn shown_labels(rule: &Rule) -> BTreeSet<String> {
    let templates = rule.annotations.values().chain(rule.labels.values());
    let named =
        templates.flat_map(|text| text.split("$labels.").skip(1).chain(text.split(".Labels.").skip(1)));
    named
        .map(|rest| rest.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect())
        .filter(|name: &String| !name.is_empty() && !rule.labels.contains_key(name))
        .collect()
}

fn series_for(
    rule: &Rule,
    own: Option<&DrilledAlert>,
    wishes: &Wishes<'_>,
    subject: Option<&Subject<'_>>,
) -> Result<Result<Given, String>, DrillError> {
    if let Some(given) = own.map(fixture::configured).transpose()?.flatten() {
        return Ok(Ok(given));
    }
    if own.is_some_and(|own| own.fault.is_some()) {
        return Ok(Err("its fault is made by a command, and commands run only with --run-hooks".to_owned()));
    }
    let mut from_tests = None;
    if let Some((path, tests)) = &wishes.files.tests {
        let name = &rule.name;
        let rules = wishes.files.rules.iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules);
        let namesakes: Vec<_> =
            rules.filter(|other| other.kind == Kind::Alert && other.name == *name).collect();
        // One of several of a name that no case makes fire is none that the tests are about.
        let mut cases = tests.iter().flat_map(|test| &test.expectations);
        let about = match namesakes.as_slice() {
            [_, _, ..] => cases.any(|case| said(case, rule, &namesakes) == Said::Fires),
            _ => cases.any(|case| case.alert == *name),
        };
        if about || wishes.files.only_tests {
            match fixture::from_unit_tests(tests, rule, &namesakes) {
                Ok(given) => return Ok(Ok(given)),
                Err(why) => from_tests = Some(format!("{}: {why}", path.display())),
            }
        }
    }
    if let Some(why) = from_tests {
        return Ok(Err(why));
    }
    let Some(subject) = subject else {
        return Ok(Err(
            "series cannot be derived: our reader of PromQL does not understand the expression (Prometheus may)".to_owned()
        ));
    };
    let derived = derivation::derive(&subject.question());
    Ok(derived
        .map(|series| Given { source: Source::Derived, series })
        .map_err(|why| format!("series cannot be derived from the expression: {why}")))
}

fn predict(
    alert: &Selected,
    subject: Option<&Subject<'_>>,
    series: &[Series],
    wishes: &Wishes<'_>,
) -> Prediction {
    if wishes.notification_only {
        return Prediction::of_a_post(wishes.grouping);
    }
    let evaluation = alert.interval.unwrap_or(wishes.evaluation_interval);
    let recording = alert
        .loaded
        .iter()
        .filter(|group| !group.rules.contains(&alert.rule))
        .map(|group| group.interval.unwrap_or(wishes.evaluation_interval))
        .sum();
    // What a group with an offset records is as old as that, and no older for a group that looks as far back.
    let offsets = alert.loaded.iter().map(|group| group.query_offset().unwrap_or(wishes.query_offset));
    let offset = offsets.max().unwrap_or_default();
    let (condition, recovery) = match subject {
        Some(subject) if !series.is_empty() => derivation::delays(&subject.question(), series),
        _ => (None, None),
    };
    let expressions = subject.iter().flat_map(|subject| {
        std::iter::once(subject.expression)
            .chain(subject.recordings.iter().map(|recording| &recording.expression))
    });
    let range = expressions.filter_map(expression::longest_range).max().unwrap_or_default();
    Prediction {
        intervals: Intervals { scrape: wishes.scrape_interval, evaluation, recording, offset },
        grouping: wishes.grouping,
        condition: condition.and_then(whole),
        hold: rounded_up(alert.rule.hold, evaluation),
        recovery: recovery.and_then(whole),
        range,
        keep_firing: alert.rule.keep_firing,
        settling: Duration::ZERO,
    }
}

fn whole(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}
