//! Where the series of an alert come from: the configuration file, a unit test of promtool, or the expression
//! itself. Pure.

use super::{
    DrillError,
    config::DrilledAlert,
    series::{Behaviour, Labels, Series, display},
};
use crate::rules::{
    expected::{Said, said},
    manifest::Rule,
    unit_test::{self, UnitTest},
};

/// Where series come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `drill.alerts` of the configuration file.
    Configuration,
    /// A unit test of promtool.
    UnitTest,
    /// The alert's expression.
    Derived,
    /// There are none of ours: a real fault, or an alert that is only posted.
    Hook,
}

impl Source {
    /// In words.
    #[must_use]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Configuration => "given by the configuration file",
            Self::UnitTest => "given by a unit test of promtool",
            Self::Derived => "derived from the expression",
            Self::Hook => "your own",
        }
    }
}

/// The series of one alert.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// Where they come from.
    pub(crate) source: Source,
    /// The series.
    pub(crate) series: Vec<Series>,
}

/// The series that the configuration gives for the alert, if it does.
///
/// # Errors
/// When what it gives is no series.
pub(crate) fn configured(drilled: &DrilledAlert) -> Result<Option<Given>, DrillError> {
    let wrong = |why| DrillError::Series { alert: drilled.alert.clone(), why };
    if drilled.series.is_empty() {
        return Ok(None);
    }
    let mut series: Vec<Series> = Vec::new();
    for written in &drilled.series {
        let labels = unit_test::labels(&written.series).map_err(wrong)?;
        if series.iter().any(|other| other.labels == labels) {
            return Err(wrong(format!("the series {} stands twice", written.series)));
        }
        series.push(Series {
            labels,
            healthy: written.healthy.behaviour().map_err(wrong)?,
            faulty: written.faulty.behaviour().map_err(wrong)?,
        });
    }
    if series.iter().all(|one| one.healthy == one.faulty) {
        return Err(wrong("healthy and faulty are the same: there is no fault to switch on".to_owned()));
    }
    Ok(Some(Given { source: Source::Configuration, series }))
}

/// The series of the first unit test in which the rule fires, which is one of `namesakes`: all alerts of its name. Until the fault each series stands at its first
/// value; then it takes its values, one an interval. When every series keeps its first value for ever, there
/// is no fault to switch on: then the healthy values come from a test in which the alert does not fire.
///
/// # Errors
/// A sentence that says what is missing.
pub(crate) fn from_unit_tests(tests: &[UnitTest], rule: &Rule, namesakes: &[&Rule]) -> Result<Given, String> {
    let expects = |test: &&UnitTest, fires: bool| {
        let said: Vec<Said> = test.expectations.iter().map(|case| said(case, rule, namesakes)).collect();
        let does = said.contains(&Said::Fires);
        if fires { does } else { !does && said.contains(&Said::Quiet) }
    };
    let alert = match namesakes {
        [_, _, ..] => format!("{}{}", rule.name, display(&rule.labels)),
        _ => rule.name.clone(),
    };
    let firing = tests.iter().find(|test| expects(test, true) && !test.series.is_empty());
    let firing = firing.ok_or_else(|| format!("it holds no test in which {alert} is expected to fire"))?;
    let varies = firing.series.iter().any(|one| one.values.iter().any(|value| *value != one.values[0]));
    let quiet = tests.iter().find(|test| expects(test, false) && !test.series.is_empty());
    if !varies && quiet.is_none() {
        return Err(format!(
            "the series of the test in which {alert} fires never change, so that there is no fault to switch on; let \
             them begin with a healthy value, or add a test in which it does not fire"
        ));
    }
    let interval = firing.interval.as_secs_f64();
    let mut series: Vec<Series> = firing
        .series
        .iter()
        .map(|one| Series {
            labels: one.labels.clone(),
            healthy: first(&one.values),
            faulty: Behaviour::Steps { interval, values: one.values.clone() },
        })
        .collect();
    if let Some(quiet) = quiet.filter(|_| !varies) {
        for one in &mut series {
            one.healthy = Behaviour::Absent;
        }
        for one in &quiet.series {
            let healthy = first(&one.values);
            match series.iter_mut().find(|other| other.labels == one.labels) {
                Some(other) => other.healthy = healthy,
                None => {
                    series.push(Series { labels: one.labels.clone(), healthy, faulty: Behaviour::Absent })
                }
            }
        }
    }
    Ok(Given { source: Source::UnitTest, series })
}

fn first(values: &[Option<f64>]) -> Behaviour {
    values.first().copied().flatten().map_or(Behaviour::Absent, Behaviour::Constant)
}

/// The labels of a series with the ones that a scrape adds where it has none of its own.
#[must_use]
pub(crate) fn as_scraped(labels: &Labels) -> Labels {
    let mut scraped = labels.clone();
    scraped.entry("job".to_owned()).or_insert_with(|| super::stack::JOB.to_owned());
    scraped.entry("instance".to_owned()).or_insert_with(|| super::stack::INSTANCE.to_owned());
    scraped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::config::DrillConfig;

    const TESTS: &str = "tests:
- interval: 1m
  input_series:
  - {series: 'up{job=\"api\"}', values: '1 1 0x10'}
  alert_rule_test:
  - {eval_time: 1m, alertname: Down, exp_alerts: []}
  - {eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {job: api}}]}
- interval: 1m
  input_series:
  - {series: 'queue{name=\"mail\"}', values: '500x10'}
  alert_rule_test:
  - {eval_time: 5m, alertname: Full, exp_alerts: [{exp_labels: {}}]}
- interval: 1m
  input_series:
  - {series: 'queue{name=\"mail\"}', values: '5x10'}
  alert_rule_test:
  - {eval_time: 5m, alertname: Full, exp_alerts: []}
";

    fn given(tests: &[UnitTest], alert: &str) -> Result<Given, String> {
        let rule = format!("groups: [{{name: a, rules: [{{alert: {alert}, expr: up}}]}}]");
        let groups = crate::rules::manifest::read(&rule).unwrap();
        let rule = &groups[0].rules[0];
        from_unit_tests(tests, rule, &[rule])
    }

    #[test]
    fn a_unit_test_gives_the_healthy_first_value_and_then_its_values() {
        let given = given(&unit_test::read(TESTS).unwrap(), "Down").unwrap();
        assert_eq!(given.series[0].healthy, Behaviour::Constant(1.0));
        assert!(matches!(&given.series[0].faulty, Behaviour::Steps { interval, .. } if *interval == 60.0));
    }

    #[test]
    fn values_that_never_change_need_a_test_that_does_not_fire() {
        let tests = unit_test::read(TESTS).unwrap();
        let full = given(&tests, "Full").unwrap();
        assert_eq!(full.series[0].healthy, Behaviour::Constant(5.0));
        assert!(given(&tests[..2], "Full").unwrap_err().contains("no fault to switch on"));
        assert!(given(&tests, "Other").unwrap_err().contains("no test in which Other"));
    }

    #[test]
    fn of_two_alerts_of_one_name_each_gets_the_test_in_which_it_fires() {
        let text = "groups: [{name: a, rules: [{alert: A, expr: x > 5, labels: {severity: warning}}, \
            {alert: A, expr: x > 50, labels: {severity: critical}}]}]";
        let groups = crate::rules::manifest::read(text).unwrap();
        let rules: Vec<&Rule> = groups[0].rules.iter().collect();
        let warns = "tests: [{input_series: [{series: x, values: '0 7x9'}], alert_rule_test: \
            [{eval_time: 5m, alertname: A, exp_alerts: [{exp_labels: {severity: warning}}]}]}]";
        let tests = unit_test::read(warns).unwrap();
        assert!(from_unit_tests(&tests, rules[0], &rules).is_ok());
        let why = from_unit_tests(&tests, rules[1], &rules).unwrap_err();
        assert_eq!(why, "it holds no test in which A{severity=\"critical\"} is expected to fire");
    }

    #[test]
    fn configured_series_must_have_a_fault() {
        let config = |faulty: &str| -> DrillConfig {
            serde_saphyr::from_str(&format!(
                "alerts: [{{alert: A, series: [{{series: 'x{{a=\"b\"}}', healthy: 0, faulty: {faulty}}}]}}]"
            ))
            .unwrap()
        };
        let configured = |config: &DrillConfig| configured(&config.alerts[0]);
        let given = configured(&config("5/s")).unwrap().unwrap();
        assert_eq!(given.series[0].faulty, Behaviour::Growing(5.0));
        assert!(configured(&config("0")).unwrap_err().to_string().contains("no fault"));
        assert!(configured(&config("sometimes")).unwrap_err().to_string().contains("5/s"));
        let none: DrillConfig = serde_saphyr::from_str("alerts: [{alert: A, skip: no}]").unwrap();
        assert_eq!(configured(&none).unwrap(), None);
    }
}
