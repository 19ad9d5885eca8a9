//! k6's end-of-test summary, in its three shapes: the one of `--summary-export`, whose thresholds say `true` where they
//! were *crossed*; the one of `handleSummary`, whose thresholds say `ok`; and the new machine-readable one, which tells
//! no thresholds and so decides nothing. Every threshold is also held against the value beside it: k6 calls a threshold
//! on nothing kept.

use std::{collections::BTreeMap, io::Read};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::told::{Account, Said, Sink, Told, Unreadable, short};
use crate::record::{Decimal, Measurement, Objective};

/// A summary is small: it holds numbers, not samples.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Groups within groups, at most.
const DEEPEST: usize = 50;

#[derive(Debug, Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Metric>,
    root_group: Option<Group>,
}

/// The summary of `--new-machine-readable-summary` (k6 1.5 and later, schema 1.0.0). It tells metrics and checks, and
/// not one threshold.
#[derive(Debug, Deserialize)]
struct Newer {
    results: Results,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Results {
    checks: Option<Checks>,
    metrics: Vec<NamedMetric>,
}

#[derive(Debug, Deserialize)]
struct Checks {
    #[serde(default)]
    results: Vec<CheckWire>,
}

#[derive(Debug, Deserialize)]
struct NamedMetric {
    name: String,
    #[serde(flatten)]
    metric: Metric,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    k6_version: Option<String>,
    generated_at: Option<jiff::Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Metric {
    #[serde(rename = "type")]
    kind: Option<String>,
    contains: Option<String>,
    /// Only in the shape of `handleSummary`.
    values: Option<Map<String, Value>>,
    thresholds: Option<BTreeMap<String, Threshold>>,
    /// In the other shape the values stand beside.
    #[serde(flatten)]
    beside: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Threshold {
    /// `--summary-export`: whether it was crossed.
    Crossed(bool),
    /// `handleSummary`.
    Kept {
        /// Whether it was kept.
        ok: bool,
    },
}

#[derive(Debug, Deserialize)]
struct Group {
    checks: Option<Many<CheckWire>>,
    groups: Option<Many<Self>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Many<T> {
    List(Vec<T>),
    ByName(BTreeMap<String, T>),
}

#[derive(Debug, Deserialize)]
struct CheckWire {
    name: String,
    passes: u64,
    fails: u64,
}

impl<T> Many<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::List(list) => list,
            Self::ByName(map) => map.into_values().collect(),
        }
    }
}

/// Reads one summary.
///
/// # Errors
/// When it is no summary of k6.
pub fn read(source: impl Read, sink: Sink<'_>) -> Result<Account, Unreadable> {
    let mut bytes = Vec::new();
    source.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| Unreadable::new(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Unreadable::new(format!(
            "it is longer than {} MiB: samples, and no summary",
            LONGEST / 1024 / 1024
        )));
    }
    if let Ok(newer) = serde_json::from_slice::<Newer>(&bytes) {
        return Ok(newer.read(sink));
    }
    let summary: Summary = serde_json::from_slice(&bytes).map_err(|error| {
        let Unreadable { why, line } = error.into();
        Unreadable {
            why: format!("it is no summary of k6 (of --summary-export or handleSummary): {why}"),
            line,
        }
    })?;
    let mut account = Account { tool: Some("k6".into()), ..Account::default() };
    let mut thresholds = 0;
    for (name, metric) in &summary.metrics {
        for (expression, threshold) in metric.thresholds.iter().flatten() {
            thresholds += 1;
            let is_idle = metric.saw_nothing() || metric.never_rose(name, &summary.metrics);
            metric.threshold(name, expression, *threshold, is_idle, sink, &mut account);
        }
    }
    if thresholds == 0 {
        account.gap("it has no threshold: k6 passes whatever happens; write thresholds into the script");
    }
    keep_main_numbers(&summary.metrics, &mut account);
    if let Some(group) = summary.root_group {
        checks(group, 0, sink, &mut account);
    }
    Ok(account)
}

impl Newer {
    fn read(self, sink: Sink<'_>) -> Account {
        let metadata = self.metadata;
        let version = metadata.as_ref().and_then(|metadata| metadata.k6_version.as_deref());
        let mut account = Account {
            tool: Some(
                version.map_or_else(|| "k6".to_owned(), |version| short(&format!("k6 {version}"), 60)),
            ),
            made_at: metadata.as_ref().and_then(|metadata| metadata.generated_at),
            ..Account::default()
        };
        account.gap(
            "it is k6's new machine-readable summary, which tells no thresholds; import the one that k6 writes \
             without --new-machine-readable-summary, or capture k6 itself: its exit code tells (99: crossed)",
        );
        let metrics = self.results.metrics.into_iter().map(|named| (named.name, named.metric)).collect();
        keep_main_numbers(&metrics, &mut account);
        let made = self.results.checks.into_iter().flat_map(|checks| checks.results);
        made.for_each(|check| check.tell(sink, &mut account));
        account
    }
}

/// A check does not decide over a run of k6; a threshold on `checks` does.
fn checks(group: Group, depth: usize, sink: Sink<'_>, account: &mut Account) {
    for check in group.checks.into_iter().flat_map(Many::into_vec) {
        check.tell(sink, account);
    }
    if depth < DEEPEST {
        group
            .groups
            .into_iter()
            .flat_map(Many::into_vec)
            .for_each(|group| checks(group, depth + 1, sink, account));
    }
}

/// Comparison of a threshold (k6 knows these).
const SIGNS: [&str; 7] = ["<=", ">=", "===", "!=", "==", "<", ">"];

impl Metric {
    fn value(&self, name: &str) -> Option<f64> {
        let values = self.values.as_ref().unwrap_or(&self.beside);
        let found = values.get(name).or_else(|| match name {
            // A rate and a gauge have one value, which each shape names differently.
            "rate" | "value" => values.get("value").or_else(|| values.get("rate")),
            _ => None,
        });
        found.and_then(Value::as_f64).filter(|value| value.is_finite())
    }

    fn threshold(
        &self,
        name: &str,
        expression: &str,
        told: Threshold,
        is_idle: bool,
        sink: Sink<'_>,
        account: &mut Account,
    ) {
        let kept = match told {
            Threshold::Crossed(crossed) => !crossed,
            Threshold::Kept { ok } => ok,
        };
        let subject = format!("{name}: {expression}");
        let parts = split(expression);
        let value = parts.and_then(|(aggregate, ..)| self.value(aggregate));
        let seen = value
            .map_or_else(|| "no value".to_owned(), |value| Decimal::new(value, self.digits()).to_string());
        let told = match (kept, parts.zip(value)) {
            (false, _) => Told::new(Said::Failed, &subject, &format!("crossed: {seen}")),
            (true, Some(((_, sign, limit), value))) if !holds(value, sign, limit) => {
                Told::new(Said::Failed, &subject, &format!("k6 says kept, the value says not: {seen}"))
            }
            (true, _) if is_idle => {
                Told::new(Said::Undecided, &subject, "k6 says kept, and nothing was measured")
            }
            (true, _) => Told::new(Said::Passed, &subject, &format!("kept: {seen}")),
        };
        sink(told);
        if let Some(((aggregate, sign, limit), value)) = parts.zip(value) {
            account.measurements.push(held_against(
                self.measured(name, aggregate, value),
                sign,
                Decimal::new(limit, self.digits()),
            ));
        }
    }

    fn saw_nothing(&self) -> bool {
        let none = |names: &[&str]| names.iter().all(|name| self.value(name) == Some(0.0));
        none(&["passes", "fails"]) || self.value("count") == Some(0.0)
    }

    /// Whether a trend is zero in everything, so that k6 shows what it shows of a trend without samples. A phase of
    /// requests may be that short (no TLS in plain HTTP); the whole of a request never is.
    fn never_rose(&self, name: &str, all: &BTreeMap<String, Self>) -> bool {
        let is_flat = ["avg", "min", "max"].iter().all(|stat| self.value(stat) == Some(0.0));
        let is_phase = name.starts_with("http_req_") && !name.starts_with("http_req_duration");
        let has_requests =
            || all.get("http_reqs").and_then(|all| all.value("count")).is_some_and(|n| n > 0.0);
        is_flat && !(is_phase && !name.contains('{') && has_requests())
    }

    /// A share is told more exactly than a time: 0.0003 is not nothing.
    fn digits(&self) -> usize {
        let is_share = self.kind.as_deref() == Some("rate") || self.value("passes").is_some();
        if is_share { 5 } else { 3 }
    }

    fn measured(&self, name: &str, aggregate: &str, value: f64) -> Measurement {
        let (metric, tags) = name.split_once('{').unwrap_or((name, ""));
        let unit = match (self.contains.as_deref(), self.kind.as_deref(), aggregate) {
            (_, _, "count") => "",
            (Some("time"), ..) => "ms",
            (Some("data"), _, "rate") => "B/s",
            (Some("data"), ..) => "B",
            (_, Some("rate"), _) => "",
            (_, _, "rate") if self.value("count").is_some() => "1/s",
            _ if metric.ends_with("_duration") => "ms",
            _ => "",
        };
        let measurement =
            Measurement::new(short(&format!("k6_{metric}"), 100), Decimal::new(value, self.digits()), unit);
        let measurement = measurement.label("stat", short(aggregate, 30));
        match tags.trim_end_matches('}') {
            "" => measurement,
            tags => measurement.label("tags", short(tags, 200)),
        }
    }
}

/// What the threshold asks for, where a measurement can show it.
fn held_against(measurement: Measurement, sign: &str, limit: Decimal) -> Measurement {
    match sign {
        "<" | "<=" => measurement.objective(Objective::AtMost(limit)),
        ">" | ">=" => measurement.objective(Objective::AtLeast(limit)),
        _ => measurement,
    }
}

impl CheckWire {
    fn tell(&self, sink: Sink<'_>, account: &mut Account) {
        let subject = format!("check {}", self.name);
        let total = self.passes.saturating_add(self.fails);
        match (self.fails, total) {
            (_, 0) => account.gap(format!("the check {} was never made", self.name)),
            (0, _) => sink(Told::new(Said::Passed, &subject, &format!("{total} of {total} passed"))),
            (fails, _) => sink(Told::new(Said::Warned, &subject, &format!("{fails} of {total} failed"))),
        }
    }
}

/// What a load profile is made of, whether thresholds ask for it or not.
fn keep_main_numbers(metrics: &BTreeMap<String, Metric>, account: &mut Account) {
    let main = [
        ("http_reqs", "rate"),
        ("http_req_duration", "p(95)"),
        ("http_req_failed", "rate"),
        ("iterations", "count"),
        ("ws_sessions", "count"),
        ("vus_max", "value"),
    ];
    for (name, aggregate) in main {
        let Some(metric) = metrics.get(name) else { continue };
        let Some(value) = metric.value(aggregate) else { continue };
        let measurement = metric.measured(name, aggregate, value);
        let is_known =
            |known: &Measurement| known.metric == measurement.metric && known.labels == measurement.labels;
        if !account.measurements.iter().any(is_known) {
            account.measurements.push(measurement);
        }
    }
}

/// `p(95)<500` → (`p(95)`, `<`, 500).
fn split(expression: &str) -> Option<(&str, &str, f64)> {
    let (at, sign) = SIGNS
        .iter()
        .filter_map(|sign| Some((expression.find(sign)?, *sign)))
        .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())))?;
    let (aggregate, rest) = expression.split_at(at);
    Some((aggregate.trim(), sign, rest[sign.len()..].trim().parse().ok()?))
}

#[expect(clippy::float_cmp, reason = "k6 compares just so")]
fn holds(value: f64, sign: &str, limit: f64) -> bool {
    match sign {
        "<" => value < limit,
        "<=" => value <= limit,
        ">" => value > limit,
        ">=" => value >= limit,
        "!=" => value != limit,
        _ => value == limit,
    }
}
