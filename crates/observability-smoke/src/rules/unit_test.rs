//! Reads promtool's unit-test files: the input series, and which alert is expected when.
//!
//! The format is Prometheus' own ("Unit testing for rules"); what a drill does not need is passed over.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::run::YamlProblem;
use promql_parser::{label::MatchOp, parser::Expr};
use serde::{Deserialize, de::DeserializeOwned};

use super::{duration, expression};

/// A unit-test file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitTestError {
    /// It is no YAML, or no unit-test file.
    #[error("{0}")]
    Yaml(YamlProblem),
    /// A duration, a series or a list of values is wrong.
    #[error("{0}")]
    Wrong(String),
}

/// One test of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnitTest {
    /// Time between two values of a series.
    pub(crate) interval: Duration,
    /// The series.
    pub(crate) series: Vec<InputSeries>,
    /// What is expected of which alert, when.
    pub(crate) expectations: Vec<Expectation>,
}

/// A series and its values, one an interval; `None` where it has no sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputSeries {
    /// Its labels; the metric's name is `__name__`.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its values.
    pub(crate) values: Vec<Option<f64>>,
}

/// What is expected of an alert at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// The alert.
    pub(crate) alert: String,
    /// The time since the start of the test.
    pub(crate) at: Duration,
    /// The labels of each one that fires then; none fires where this is empty.
    pub(crate) firing: Vec<BTreeMap<String, String>>,
}

/// What a unit-test file is about, its series left aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cases {
    /// The rule files that it names.
    pub(crate) rule_files: Vec<String>,
    /// What is expected of which alert.
    pub(crate) expectations: Vec<Expectation>,
}

#[derive(Debug, Deserialize)]
struct RawFile<T> {
    #[serde(default = "Vec::new")]
    tests: Vec<T>,
    evaluation_interval: Option<String>,
    #[serde(default)]
    rule_files: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RawCases {
    #[serde(default)]
    alert_rule_test: Vec<RawExpectation>,
}

#[derive(Debug, Deserialize)]
struct RawTest {
    interval: Option<String>,
    #[serde(default)]
    input_series: Vec<RawSeries>,
    #[serde(default)]
    alert_rule_test: Vec<RawExpectation>,
}

#[derive(Debug, Deserialize)]
struct RawSeries {
    series: String,
    values: String,
}

#[derive(Debug, Deserialize)]
struct RawExpectation {
    eval_time: String,
    alertname: String,
    #[serde(default)]
    exp_alerts: Option<Vec<RawAlert>>,
}

#[derive(Debug, Deserialize)]
struct RawAlert {
    #[serde(default)]
    exp_labels: Option<BTreeMap<String, Option<String>>>,
}

/// Reads a unit-test file.
///
/// # Errors
/// When promtool would not read it either, or when it uses native histograms.
pub(crate) fn read(text: &str) -> Result<Vec<UnitTest>, UnitTestError> {
    let file: RawFile<RawTest> = parsed(text)?;
    let default = file.evaluation_interval.unwrap_or_else(|| "1m".to_owned());
    file.tests.into_iter().map(|test| unit_test(test, &default)).collect()
}

/// Reads what a unit-test file is about, also where its series are none that a drill can expose.
///
/// # Errors
/// When promtool would not read it either.
pub(crate) fn cases(text: &str) -> Result<Cases, UnitTestError> {
    let file: RawFile<RawCases> = parsed(text)?;
    let expectations = file.tests.iter().flat_map(|test| &test.alert_rule_test).map(expectation);
    Ok(Cases { expectations: expectations.collect::<Result<_, _>>()?, rule_files: file.rule_files })
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, UnitTestError> {
    serde_saphyr::from_str(text).map_err(|error| UnitTestError::Yaml((&error).into()))
}

fn expectation(raw: &RawExpectation) -> Result<Expectation, UnitTestError> {
    let labels = |alert: &RawAlert| {
        let written = alert.exp_labels.iter().flatten();
        written.map(|(name, value)| (name.clone(), value.clone().unwrap_or_default())).collect()
    };
    Ok(Expectation {
        alert: raw.alertname.clone(),
        at: time(&raw.eval_time)?,
        firing: raw.exp_alerts.iter().flatten().map(labels).collect(),
    })
}

fn unit_test(raw: RawTest, default_interval: &str) -> Result<UnitTest, UnitTestError> {
    let interval = time(raw.interval.as_deref().unwrap_or(default_interval))?;
    if interval.is_zero() {
        return Err(UnitTestError::Wrong("an interval of a test is 0".to_owned()));
    }
    let series = raw.input_series.iter().map(|series| {
        let labels = labels(&series.series).map_err(UnitTestError::Wrong)?;
        let values = values(&series.values)
            .map_err(|why| UnitTestError::Wrong(format!("values of {}: {why}", series.series)))?;
        Ok(InputSeries { labels, values })
    });
    Ok(UnitTest {
        interval,
        series: series.collect::<Result<_, _>>()?,
        expectations: raw.alert_rule_test.iter().map(expectation).collect::<Result<_, _>>()?,
    })
}

fn time(text: &str) -> Result<Duration, UnitTestError> {
    duration::parse(text).map_err(UnitTestError::Wrong)
}

/// Reads a series as it is written: `http_requests_total{code="500",job="api"}`.
///
/// # Errors
/// When it is none; a selector with `!=` or a regular expression is none.
pub(crate) fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong = |why: &str| format!("'{text}' is no series ({why}); write name{{label=\"value\"}}");
    let parsed = promql_parser::parser::parse(text).map_err(|why| wrong(&why))?;
    let Expr::VectorSelector(selector) = parsed else { return Err(wrong("it is an expression")) };
    if selector.offset.is_some() || selector.at.is_some() {
        return Err(wrong("it has an offset"));
    }
    let matchers = expression::matchers(&selector).ok_or_else(|| wrong("it joins several by `or`"))?;
    let mut labels = BTreeMap::new();
    for matcher in matchers {
        if matcher.op != MatchOp::Equal {
            return Err(wrong("a series has labels with `=` only"));
        }
        labels.insert(matcher.name, matcher.value);
    }
    if !labels.contains_key("__name__") {
        return Err(wrong("it has no name"));
    }
    labels.retain(|_, value| !value.is_empty());
    Ok(labels)
}

/// The most values that a series may have: a longer one is a mistake in `x`.
const MOST_VALUES: usize = 100_000;

/// Reads promtool's expanding notation: `1 2 _ stale 0+10x5 7x3 _x2`.
///
/// # Errors
/// When a word is none of these.
pub(crate) fn values(text: &str) -> Result<Vec<Option<f64>>, String> {
    let mut values = Vec::new();
    for word in text.split_whitespace() {
        let wrong = || format!("'{word}' is no value; write numbers, _, stale, 0+10x5 or 7x3");
        match word {
            "_" | "stale" => values.push(None),
            _ => {
                if let Ok(number) = word.parse::<f64>() {
                    values.push(Some(number));
                    continue;
                }
                let (start, times) = word.rsplit_once('x').ok_or_else(wrong)?;
                let times: usize = times.parse().map_err(|_| wrong())?;
                if values.len() + times >= MOST_VALUES {
                    return Err(format!("'{word}' makes more than {MOST_VALUES} values"));
                }
                if start == "_" {
                    values.extend(std::iter::repeat_n(None, times));
                    continue;
                }
                let (first, step) = progression(start).ok_or_else(wrong)?;
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                values.extend((0..=times).map(|index| Some(first + step * index as f64)));
            }
        }
    }
    Ok(values)
}

/// `a+b`, `a-b` or `a`: the first value and the step.
fn progression(text: &str) -> Option<(f64, f64)> {
    if let Ok(first) = text.parse() {
        return Some((first, 0.0));
    }
    // The sign that divides is the last one that is not part of an exponent or in front.
    let (at, sign) = text.char_indices().skip(1).find(|&(at, c)| {
        matches!(c, '+' | '-') && !matches!(text.as_bytes()[at - 1], b'e' | b'E' | b'+' | b'-')
    })?;
    let (first, step) = (text[..at].parse().ok()?, text[at + 1..].parse::<f64>().ok()?);
    Some((first, if sign == '-' { -step } else { step }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_expand_as_promtool_expands_them() {
        let all = |numbers: &[f64]| numbers.iter().map(|n| Some(*n)).collect::<Vec<_>>();
        assert_eq!(values("0+10x3").unwrap(), all(&[0.0, 10.0, 20.0, 30.0]));
        assert_eq!(values("-2+4x3").unwrap(), all(&[-2.0, 2.0, 6.0, 10.0]));
        assert_eq!(values("1-2x2").unwrap(), all(&[1.0, -1.0, -3.0]));
        assert_eq!(values("7x2 1e3").unwrap(), all(&[7.0, 7.0, 7.0, 1000.0]));
        assert_eq!(values("1 _x2 _ stale").unwrap(), [Some(1.0), None, None, None, None]);
        for wrong in ["one", "1+x3", "0+10", "{{schema:1}}", "0x999999999"] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_series_is_no_selector() {
        assert_eq!(labels("up{job=\"a\"}").unwrap()["job"], "a");
        assert_eq!(labels("up").unwrap().len(), 1);
        for wrong in ["up{job!=\"a\"}", "up{job=~\"a|b\"}", "up > 1", "up[5m]", "{job=\"a\"}", "up{"] {
            assert!(labels(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_unit_test_file_is_read() {
        let text = "rule_files: [a.yml]\nevaluation_interval: 1m\ntests:\n- interval: 30s\n  input_series:\n  \
            - series: 'up{job=\"api\"}'\n    values: '1x2 0x20'\n  alert_rule_test:\n  - eval_time: 10m\n    \
            alertname: Down\n    exp_alerts:\n    - exp_labels: {job: api}\n  - eval_time: 0s\n    alertname: Down\n    exp_alerts: []\n";
        let tests = read(text).unwrap();
        assert_eq!(tests[0].interval, Duration::from_secs(30));
        assert_eq!(tests[0].series[0].values.len(), 24);
        assert_eq!(tests[0].expectations[0].firing[0]["job"], "api");
        assert!(tests[0].expectations[1].firing.is_empty());
    }

    #[test]
    fn cases_are_read_where_series_are_none_that_a_drill_can_expose() {
        let text = "rule_files: [a.yml]\ntests:\n- input_series: [{series: h, values: '{{schema:1}}'}]\n  \
            alert_rule_test: [{eval_time: 1m, alertname: A, exp_alerts: [{exp_labels: {tier: 1}}, {}]}]\n";
        assert!(read(text).is_err());
        let cases = cases(text).unwrap();
        assert_eq!((cases.rule_files.len(), cases.expectations[0].firing.len()), (1, 2));
        assert_eq!(cases.expectations[0].firing[0]["tier"], "1");
    }

    #[test]
    fn a_file_that_is_none_is_told_in_plain_words() {
        for (text, says) in [
            ("tests: {a: b}\n", "line 1, column 8: a list is expected here (`- …`, or `[…]`)"),
            ("tests: []\ntests: []\n", "line 2, column 1: the key 'tests' stands twice (one has to go)"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), says);
        }
    }
}
