//! Rule `load-profile`: the load test's result (own YAML or JSON, or k6's `--summary-export`) holds a number for
//! every measure of API, websocket and queue, each within its limit.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    checks::LOAD,
    material::{Node, Observed},
    some::some,
};
use crate::record::Finding;

/// What a load test measured, held against limits.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct LoadProfileRule {
    /// The result: YAML or JSON, such as k6's summary.
    results: String,
    /// The file with declared limits (pool sizes, worker concurrency), for measures with `of`.
    #[serde(default)]
    limits: Option<String>,
    /// The parts that a profile must cover.
    #[serde(default = "all_parts", deserialize_with = "some")]
    #[schemars(length(min = 1))]
    parts: Vec<String>,
    /// What must have been measured.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    measures: Vec<Measure>,
}

/// A number of the result and its limit.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Measure {
    /// `api`, `websocket` or `queue`.
    part: String,
    /// What it is, for people.
    name: String,
    /// Where it stands in the result, such as `metrics.http_reqs.rate`.
    at: String,
    /// It must not be less.
    #[serde(default)]
    at_least: Option<f64>,
    /// It must not be more.
    #[serde(default)]
    at_most: Option<f64>,
    /// The declared limit that it is held against, by its place in the file of limits, such as `db_pool.max`.
    #[serde(default)]
    of: Option<String>,
    /// The share of that limit that it may take at most.
    #[serde(default = "four_fifths", deserialize_with = "a_share")]
    share: f64,
}

fn all_parts() -> Vec<String> {
    ["api", "websocket", "queue"].map(str::to_owned).to_vec()
}

fn a_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    let is_share = share > 0.0 && share <= 1.0;
    if is_share { Ok(share) } else { Err(D::Error::custom("a share of a limit lies above 0, up to 1")) }
}

const fn four_fifths() -> f64 {
    0.8
}

impl LoadProfileRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        [Some(&self.results), self.limits.as_ref()].into_iter().flatten().map(String::as_str).collect()
    }

    pub(super) fn assess(&self, observed: &Observed) -> Vec<Finding> {
        let results = match observed.document(&self.results) {
            Ok(results) => results,
            Err(finding) => return vec![*finding],
        };
        let limits = match self.limits.as_deref().map(|path| observed.document(path)).transpose() {
            Ok(limits) => limits,
            Err(finding) => return vec![*finding],
        };
        let uncovered =
            self.parts.iter().filter(|part| !self.measures.iter().any(|measure| measure.part == **part));
        let mut findings: Vec<_> = uncovered
            .map(|part| {
                LOAD.failed(part)
                    .expected("at least one measure")
                    .observed("the policy asks for no measure of it")
                    .remedy("Add a measure of this part to the policy's rule.")
                    .at(&self.results, None)
            })
            .collect();
        findings.extend(self.measures.iter().map(|measure| self.measure(measure, &results, limits.as_ref())));
        findings
    }

    fn measure(&self, measure: &Measure, results: &Node, limits: Option<&Node>) -> Finding {
        let subject = format!("{}, {}", measure.part, measure.name);
        let bounds = match measure.bounds(limits) {
            Ok(bounds) => bounds,
            Err(why) => {
                let place = self.limits.as_ref().unwrap_or(&self.results);
                return LOAD.failed(subject).expected("a limit").observed(why).at(place, None);
            }
        };
        let expected = bounds.expected.clone();
        let Some(node) = results.at(&measure.at) else {
            let observed = format!("nothing at `{}`", measure.at);
            return LOAD.failed(subject).expected(expected).observed(observed).at(&self.results, None);
        };
        let finding = match node.number().filter(|number| number.is_finite()) {
            None => {
                LOAD.failed(subject).observed(format!("`{}` is {}, not a number", measure.at, node.kind()))
            }
            Some(number) if number < 0.0 => {
                LOAD.failed(subject).observed(format!("{number}: less than nothing was measured"))
            }
            Some(number) if bounds.hold(number) => LOAD.passed(subject).observed(number.to_string()),
            Some(number) => LOAD.failed(subject).observed(number.to_string()),
        };
        finding.expected(expected).at(&self.results, Some(node.line))
    }
}

/// What a number must lie between.
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
    expected: String,
}

impl Bounds {
    fn hold(&self, number: f64) -> bool {
        self.least.is_none_or(|least| number >= least) && self.most.is_none_or(|most| number <= most)
    }
}

impl Measure {
    fn bounds(&self, limits: Option<&Node>) -> Result<Bounds, String> {
        let mut words = Vec::new();
        let mut most = self.at_most;
        words.extend(self.at_least.map(|least| format!("at least {least}")));
        words.extend(self.at_most.map(|most| format!("at most {most}")));
        if let Some(of) = &self.of {
            let limits = limits.ok_or("the rule names no file of limits")?;
            let limit = limits.at(of).ok_or_else(|| format!("no limit is declared at `{of}`"))?;
            let limit = limit.number().filter(|limit| *limit > 0.0);
            let limit = limit.ok_or_else(|| format!("the limit at `{of}` is no number above 0"))?;
            let allowed = limit * self.share;
            words.push(format!("at most {allowed} ({} % of `{of}`, {limit})", (self.share * 100.0).round()));
            most = Some(most.map_or(allowed, |most| most.min(allowed)));
        }
        if words.is_empty() {
            return Err("the measure has neither at_least, at_most nor of".to_owned());
        }
        Ok(Bounds { least: self.at_least, most, expected: words.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const RULE: &str = "results: k6.json\nlimits: limits.yaml\nmeasures:\n  - {part: api, name: requests a second, at: metrics.http_reqs.rate, at_least: 200}\n  - {part: api, name: p95, at: 'metrics.http_req_duration.p(95)', at_most: 400}\n  - {part: websocket, name: sessions, at: metrics.ws_sessions.max, at_least: 500}\n  - {part: queue, name: pool in use, at: metrics.db_pool_in_use.max, of: db_pool.max}\n";
    const K6: &str = "{\"metrics\": {\n\"http_reqs\": {\"rate\": 231.5},\n\"http_req_duration\": {\"p(95)\": 312.25},\n\"ws_sessions\": {\"max\": 500},\n\"db_pool_in_use\": {\"max\": 32}}}\n";
    const LIMITS: &str = "db_pool: {max: 40}\n";

    fn assess(rule_text: &str, k6: &str, limits: &str) -> Vec<Finding> {
        let rule: LoadProfileRule = rule(rule_text);
        rule.assess(&Observed::of_texts(&[("k6.json", k6), ("limits.yaml", limits)]))
    }

    #[test]
    fn numbers_are_held_against_limits_on_both_sides() {
        right(&assess(RULE, K6, LIMITS));
        for (from, to, part) in [
            ("231.5", "199.9", "failed load.measured k6.json:2 api, requests a second: 199.9"),
            ("312.25", "400.1", "k6.json:3 api, p95: 400.1"),
            ("\"max\": 500", "\"max\": 499", "websocket, sessions: 499"),
            ("\"max\": 32", "\"max\": 33", "queue, pool in use: 33"),
            ("\"max\": 32", "\"max\": \"32\"", "is a text, not a number"),
            ("312.25", "-1", "api, p95: -1: less than nothing"),
            (
                "ws_sessions",
                "ws",
                "failed load.measured k6.json websocket, sessions: nothing at `metrics.ws_sessions.max`",
            ),
        ] {
            one(&assess(RULE, &K6.replace(from, to), LIMITS), part);
        }
    }

    #[test]
    fn a_part_without_measure_and_a_limit_without_number_are_told() {
        let without: String =
            RULE.lines().filter(|line| !line.contains("websocket")).map(|line| format!("{line}\n")).collect();
        one(
            &assess(&without, K6, LIMITS),
            "failed load.measured k6.json websocket: the policy asks for no measure",
        );
        one(
            &assess(RULE, K6, "db_pool: {max: many}\n"),
            "failed load.measured limits.yaml queue, pool in use: the limit at `db_pool.max`",
        );
        one(&assess(&RULE.replace("limits: limits.yaml\n", ""), K6, LIMITS), "names no file of limits");
        assert_eq!(told(&assess(&RULE.replace(", at_least: 500", ""), K6, LIMITS)).len(), 1);
    }
}
