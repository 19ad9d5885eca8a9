//! What a drill will do, validated and complete. `--dry-run` prints it.

use std::{
    collections::BTreeSet,
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use evidence_report::run::{Settings, Usage};
use jiff::Timestamp;
use promql_parser::parser::Expr;

use super::{
    DrillError, acceleration,
    config::DrillConfig,
    derivation::{self, Question},
    fixture::{self, Given, Source},
    model::Recording,
    prediction::{Intervals, Prediction, rounded_up},
    seconds,
    selection::{RuleFile, Selected, select},
    series::Series,
};
use crate::{
    drill_command::DrillArguments,
    rules::{expression, manifest, unit_test},
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

/// A drill, complete.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How the run runs.
    pub(crate) settings: Settings,
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
    /// Between two scrapes.
    pub(crate) scrape_interval: Duration,
    /// Between two evaluations of groups that have no interval of their own.
    pub(crate) evaluation_interval: Duration,
    /// The worst case of what is drilled.
    pub(crate) prediction: Prediction,
    /// The worst case of the rule as written.
    pub(crate) prediction_as_written: Prediction,
    /// Time to notify that must be kept.
    pub(crate) objective: Option<Duration>,
    /// How far it goes.
    pub(crate) until: Until,
    /// Prometheus, where it was named.
    pub(crate) prometheus: Option<PathBuf>,
    /// Alertmanager, where it was named.
    pub(crate) alertmanager: Option<PathBuf>,
}

/// What stands in the files that were named.
#[derive(Debug)]
pub(crate) struct Files {
    /// The rule files.
    pub(crate) rules: Vec<RuleFile>,
    /// The unit tests, and their file.
    pub(crate) tests: Option<(PathBuf, Vec<unit_test::UnitTest>)>,
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// When a file cannot be read, or is not what it should be.
    pub(crate) fn read(rules: &[PathBuf], tests: Option<&Path>) -> Result<Self, crate::error::Error> {
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
        Ok(Self { rules: rules.collect::<Result<_, crate::error::Error>>()?, tests: tests.transpose()? })
    }
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
            ("--scrape-interval", arguments.scrape_interval),
            ("--evaluation-interval", arguments.evaluation_interval),
        ];
        for (flag, interval) in intervals {
            if interval < Duration::from_millis(100) {
                return Err(
                    Usage(format!("{flag}: at least 100ms, or the drill measures its own polling")).into()
                );
            }
        }
        let written = select(&files.rules, &arguments.alert)?;
        let alert = drilled(&written, arguments)?;
        let expression = promql_parser::parser::parse(&alert.rule.expression).ok();
        let subject = subject(&alert, expression.as_ref(), arguments, now);
        let mut fixture = series_for(&alert, config, files, subject.as_ref())?;
        let faster = f64::from(arguments.time_scale.unwrap_or(1));
        if let Ok(given) = fixture.as_mut()
            && given.source != Source::Derived
        {
            given.series = acceleration::series(&given.series, faster);
        }
        let series = fixture.as_ref().map_or(&[][..], |given| &given.series);
        let prediction = predict(&alert, subject.as_ref(), series, arguments);
        let prediction_as_written = if arguments.time_scale.is_some() {
            let expression = promql_parser::parser::parse(&written.rule.expression).ok();
            let subject = self::subject(&written, expression.as_ref(), arguments, now);
            let slower = acceleration::series(series, 1.0 / faster);
            predict(&written, subject.as_ref(), &slower, arguments)
        } else {
            prediction
        };
        Ok(Self {
            settings,
            written,
            alert,
            time_scale: arguments.time_scale,
            expression,
            fixture,
            scrape_interval: arguments.scrape_interval,
            evaluation_interval: arguments.evaluation_interval,
            prediction,
            prediction_as_written,
            objective: arguments.objective,
            until: arguments.until,
            prometheus: arguments.prometheus.clone(),
            alertmanager: arguments.alertmanager.clone(),
        })
    }

    /// The series, none where there are none.
    #[must_use]
    pub(crate) fn series(&self) -> &[Series] {
        self.fixture.as_ref().map_or(&[], |given| &given.series)
    }

    /// A drill that cannot end in time is refused before it starts; nothing is ever shortened silently.
    ///
    /// # Errors
    /// With the predicted figure and the ways out.
    pub(crate) fn fits(&self) -> Result<(), DrillError> {
        let predicted = self.predicted();
        if self.fixture.is_err() || predicted <= self.settings.timeout {
            return Ok(());
        }
        let mut message = format!(
            "the drill of {} would take up to {}, longer than the run's timeout of {}: fault to notification {} ({})",
            self.alert.rule.name,
            seconds(predicted.as_secs_f64()),
            seconds(self.settings.timeout.as_secs_f64()),
            seconds(self.prediction.until_notified().as_secs_f64()),
            self.prediction.sum(),
        );
        if self.until == Until::Resolved {
            let _ = write!(
                message,
                ", clearing to resolved {}",
                seconds(self.prediction.until_resolved().as_secs_f64())
            );
        }
        let minutes = (predicted.as_secs() + 30) / 60 + 1;
        let _ = write!(message, ". Give it the time: --timeout {minutes}m");
        let short = self.prediction.before_the_fault() + self.prediction.until_notified();
        if self.until == Until::Resolved && short < self.settings.timeout {
            message.push_str("; or end at the notification: --until received");
        }
        if self.time_scale.is_none()
            && let Some(by) = self.enough_acceleration()
        {
            let _ = write!(
                message,
                "; or run an accelerated copy of the rule, marked as such: --time-scale {by}"
            );
        }
        Err(DrillError::TooLong(message))
    }

    /// The least of some round factors that brings the drill well within its timeout.
    fn enough_acceleration(&self) -> Option<u32> {
        let scaled = self.prediction.until_notified() + self.prediction.until_resolved();
        let fits = |by: &u32| self.prediction.before_the_fault() + scaled / *by < self.settings.timeout / 2;
        [2, 5, 10, 20, 30, 60, 120, 300, 600, 3600].into_iter().find(fits)
    }

    /// The alert's name, and whether it is a copy.
    pub(crate) fn subject_in_words(&self) -> String {
        let name = &self.alert.rule.name;
        self.time_scale
            .map_or_else(|| name.clone(), |by| format!("{name} (accelerated copy, {by} times as fast)"))
    }

    fn predicted(&self) -> Duration {
        match self.until {
            Until::Resolved => self.prediction.whole(),
            Until::Received => self.prediction.before_the_fault() + self.prediction.until_notified(),
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
            Ok(given) => {
                let source = match given.source {
                    Source::Configuration => "given by the configuration file",
                    Source::UnitTest => "given by a unit test of promtool",
                    Source::Derived => "derived from the expression",
                };
                format!("{}, {source}", given.series.len())
            }
        }
    }

    /// The series, one a line.
    #[must_use]
    pub(crate) fn series_in_words(&self) -> String {
        let line = |one: &Series| format!("{}: {} → {}", one.name(), one.healthy, one.faulty);
        self.series().iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rule = &self.alert.rule;
        writeln!(f, "alert        {} ({}:{})", rule.name, self.alert.path.display(), rule.line)?;
        if let Some(by) = self.time_scale {
            writeln!(f, "             accelerated copy, {by} times as fast as written")?;
        }
        writeln!(f, "expression   {}", rule.expression.split_whitespace().collect::<Vec<_>>().join(" "))?;
        writeln!(f, "intervals    {}", self.intervals_in_words())?;
        writeln!(f, "series       {}", self.source_in_words())?;
        match &self.fixture {
            Err(why) => writeln!(f, "             {why}")?,
            Ok(_) => {
                self.series_in_words().lines().try_for_each(|line| writeln!(f, "             {line}"))?
            }
        }
        let until_notified = seconds(self.prediction.until_notified().as_secs_f64());
        writeln!(
            f,
            "predicted    fault to notification at most {until_notified}: {}",
            self.prediction.sum()
        )?;
        if self.until == Until::Resolved {
            let until_resolved = seconds(self.prediction.until_resolved().as_secs_f64());
            writeln!(f, "             clearing to resolved at most {until_resolved}")?;
        }
        let whole = seconds(self.predicted().as_secs_f64());
        writeln!(
            f,
            "             the whole drill at most {whole} (timeout {})",
            seconds(self.settings.timeout.as_secs_f64())
        )?;
        if let Some(objective) = self.objective {
            writeln!(f, "objective    time to notify at most {}", seconds(objective.as_secs_f64()))?;
        }
        writeln!(f, "environment  local (the embedded stack)")?;
        let evidence =
            self.settings.evidence.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
        writeln!(f, "evidence     {evidence}")
    }
}

/// The alert as written, or its accelerated copy.
fn drilled(written: &Selected, arguments: &DrillArguments) -> Result<Selected, DrillError> {
    let Some(by) = arguments.time_scale else { return Ok(written.clone()) };
    let copy =
        acceleration::accelerate(written, by, arguments.scrape_interval, arguments.evaluation_interval);
    Ok(copy.map_err(Usage)?)
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
        }
    }
}

fn subject<'a>(
    alert: &Selected,
    expression: Option<&'a Expr>,
    arguments: &DrillArguments,
    now: Timestamp,
) -> Option<Subject<'a>> {
    let recording = |rule: &manifest::Rule| {
        let expression = promql_parser::parser::parse(&rule.expression).ok()?;
        Some(Recording { name: rule.name.clone(), labels: rule.labels.clone(), expression })
    };
    let evaluation = alert.interval.unwrap_or(arguments.evaluation_interval);
    Some(Subject {
        expression: expression?,
        recordings: alert.recordings().map(recording).collect::<Option<_>>()?,
        shown: shown_labels(&alert.rule),
        scrape: arguments.scrape_interval.as_secs_f64(),
        evaluation: evaluation.as_secs_f64(),
        hold: rounded_up(alert.rule.hold, evaluation).as_secs_f64(),
        epoch: now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64(),
    })
}

/// The labels that the templates of a rule show: `{{ $labels.queue }}`.
fn shown_labels(rule: &manifest::Rule) -> BTreeSet<String> {
    let templates = rule.annotations.values().chain(rule.labels.values());
    let named =
        templates.flat_map(|text| text.split("$labels.").skip(1).chain(text.split(".Labels.").skip(1)));
    named
        .map(|rest| rest.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect())
        .filter(|name: &String| !name.is_empty() && !rule.labels.contains_key(name))
        .collect()
}

fn series_for(
    alert: &Selected,
    config: &DrillConfig,
    files: &Files,
    subject: Option<&Subject<'_>>,
) -> Result<Result<Given, String>, DrillError> {
    if let Some(given) = fixture::configured(config, &alert.rule.name)? {
        return Ok(Ok(given));
    }
    if let Some((path, tests)) = &files.tests {
        let given = fixture::from_unit_tests(tests, &alert.rule.name);
        return Ok(given.map_err(|why| format!("{}: {why}", path.display())));
    }
    let Some(subject) = subject else {
        return Ok(Err(
            "series cannot be derived: the expression is not understood by promql-parser".to_owned()
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
    arguments: &DrillArguments,
) -> Prediction {
    let evaluation = alert.interval.unwrap_or(arguments.evaluation_interval);
    let recording = alert
        .loaded
        .iter()
        .filter(|group| !group.rules.contains(&alert.rule))
        .map(|group| group.interval.unwrap_or(arguments.evaluation_interval))
        .sum();
    let (condition, recovery) = match subject {
        Some(subject) if !series.is_empty() => derivation::delays(&subject.question(), series),
        _ => (None, None),
    };
    let expressions = subject.iter().flat_map(|subject| {
        std::iter::once(subject.expression)
            .chain(subject.recordings.iter().map(|recording| &recording.expression))
    });
    let range = expressions.filter_map(expression::longest_range).max().unwrap_or_default();
    let span =
        |seconds: Option<f64>| seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    Prediction {
        intervals: Intervals { scrape: arguments.scrape_interval, evaluation, recording },
        condition: span(condition),
        hold: rounded_up(alert.rule.hold, evaluation),
        recovery: span(recovery),
        range,
        keep_firing: alert.rule.keep_firing,
    }
}
