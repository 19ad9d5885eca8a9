//! SARIF 2.1.0, as far as a gate needs it: which tool, whether its scan succeeded and when it ended, and each
//! result's rule, severity, level, place and suppressions. Lines of the report are kept.

use std::collections::BTreeMap;

use super::material::{Node, Trouble, unreadable};
use crate::record::Finding;

/// One run of a report.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    pub(super) tool: String,
    pub(super) line: u32,
    pub(super) succeeded: bool,
    pub(super) ended: Option<String>,
    /// Results that stand: not suppressed, not absent, of the kind that says something is wrong.
    pub(super) hits: Vec<Hit>,
    pub(super) suppressed: usize,
}

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    pub(super) rule: String,
    /// `security-severity` of the result or of its rule, 0 to 10.
    pub(super) severity: Option<f64>,
    pub(super) level: String,
    /// File and line, as the report says.
    pub(super) place: String,
    pub(super) line: u32,
}

/// The runs of a report.
///
/// # Errors
/// The finding that says why it is no SARIF 2.1.0.
pub(super) fn read(path: &str, document: &Node) -> Result<Vec<Scan>, Box<Finding>> {
    let wrong = |message: &str, line| {
        unreadable(path, "a SARIF 2.1.0 report", &Trouble { message: message.to_owned(), line })
    };
    if document.some("version").and_then(Node::text) != Some("2.1.0") {
        return Err(wrong("it does not say version 2.1.0", Some(document.line)));
    }
    let runs = document.some("runs").and_then(Node::list).unwrap_or_default();
    if runs.is_empty() {
        return Err(wrong("it has no runs", Some(document.line)));
    }
    runs.iter().map(|run| scan(run).map_err(|message| wrong(message, Some(run.line)))).collect()
}

/// What a rule says about its results.
#[derive(Debug, Clone, Default)]
struct About {
    id: String,
    severity: Option<f64>,
    level: Option<String>,
}

fn scan(run: &Node) -> Result<Scan, &'static str> {
    let tool = run.some("tool").ok_or("a run without a tool")?;
    let driver = tool.some("driver").ok_or("a tool without a driver")?;
    let name = driver.some("name").and_then(Node::text).ok_or("a driver without a name")?;
    // Results that are null: the run did not look. An empty list: it looked and found nothing.
    let results =
        run.some("results").and_then(Node::list).ok_or("a run without results: nothing was looked at")?;
    let extensions = tool.some("extensions").and_then(Node::list).unwrap_or_default();
    let known = Known::of([driver].into_iter().chain(extensions));
    let invocations = run.some("invocations").and_then(Node::list).unwrap_or_default();
    let succeeded = invocations.iter().all(|one| {
        one.some("executionSuccessful").is_none_or(|node| node.words().as_deref() == Some("true"))
    });
    let ended = invocations.iter().filter_map(|one| one.some("endTimeUtc")?.text()).next_back();
    let mut scan = Scan {
        tool: name.to_owned(),
        line: run.line,
        succeeded,
        ended: ended.map(str::to_owned),
        hits: Vec::new(),
        suppressed: 0,
    };
    for result in results {
        let word = |key: &str| result.some(key).and_then(Node::text);
        if word("kind").is_some_and(|kind| kind != "fail") || word("baselineState") == Some("absent") {
            continue;
        }
        if is_suppressed(result) {
            scan.suppressed += 1;
        } else {
            scan.hits.push(hit(result, &known));
        }
    }
    Ok(scan)
}

fn severity(node: &Node) -> Option<f64> {
    let words = node.some("properties")?.some("security-severity")?.words()?;
    // A word in place of a number is no reason to let a result pass.
    match words.to_ascii_lowercase().as_str() {
        "critical" => Some(9.0),
        "high" => Some(7.0),
        _ => words.parse::<f64>().ok().filter(|severity| severity.is_finite()),
    }
}

fn rules(component: &Node) -> Vec<About> {
    let rules = component.some("rules").and_then(Node::list).unwrap_or_default();
    let about = rules.iter().map(|rule| About {
        id: rule.some("id").and_then(Node::text).unwrap_or_default().to_owned(),
        severity: severity(rule),
        level: rule.at("defaultConfiguration.level").and_then(Node::text).map(str::to_owned),
    });
    about.collect()
}

/// Suppressed where there are suppressions and none of them is still to be decided or was turned down.
fn is_suppressed(result: &Node) -> bool {
    let suppressions = result.some("suppressions").and_then(Node::list).unwrap_or_default();
    let accepted = |one: &Node| one.some("status").is_none_or(|status| status.text() == Some("accepted"));
    !suppressions.is_empty() && suppressions.iter().all(accepted)
}

fn hit(result: &Node, known: &Known) -> Hit {
    let about = known.about(result);
    let id = result.some("ruleId").or_else(|| result.at("rule.id")).and_then(Node::text);
    let rule = id.map(str::to_owned).or_else(|| about.map(|about| about.id.clone()));
    let level = result.some("level").and_then(Node::text).map(str::to_owned);
    let level = level.or_else(|| about.and_then(|about| about.level.clone()));
    let physical = result.at("locations.0.physicalLocation");
    let part = |path: &str| physical.and_then(|place| place.at(path)).and_then(Node::words);
    let place = match (part("artifactLocation.uri"), part("region.startLine")) {
        (Some(uri), Some(line)) => format!("{uri}:{line}"),
        (Some(uri), None) => uri,
        _ => "no place told".to_owned(),
    };
    Hit {
        rule: rule.filter(|rule| !rule.is_empty()).unwrap_or_else(|| "a rule without an id".to_owned()),
        severity: severity(result).or_else(|| known.worst(about, id)),
        level: level.unwrap_or_else(|| "warning".to_owned()),
        place,
        line: result.line,
    }
}

/// The rules of a run's driver and extensions.
struct Known {
    components: Vec<Vec<About>>,
    by_id: BTreeMap<String, About>,
}

impl Known {
    fn of<'n>(components: impl Iterator<Item = &'n Node>) -> Self {
        let components: Vec<_> = components.map(rules).collect();
        let by_id = components.iter().flatten().map(|about| (about.id.clone(), about.clone())).collect();
        Self { components, by_id }
    }

    /// The severity of a result's rule: the worse, where its index and its id name two.
    fn worst(&self, about: Option<&About>, id: Option<&str>) -> Option<f64> {
        let of_id = id.and_then(|id| self.by_id.get(id)).and_then(|about| about.severity);
        [about.and_then(|about| about.severity), of_id].into_iter().flatten().reduce(f64::max)
    }

    /// The rule of a result: by its index in its component; by its id, or by the beginning of a hierarchical id.
    fn about(&self, result: &Node) -> Option<&About> {
        let number =
            |path: &str| result.at(path).and_then(Node::words).and_then(|text| text.parse::<usize>().ok());
        let component = number("rule.toolComponent.index").map_or(0, |index| index.saturating_add(1));
        let index = number("ruleIndex").or_else(|| number("rule.index"));
        if let Some(about) = index.and_then(|index| self.components.get(component)?.get(index)) {
            return Some(about);
        }
        let mut id = result.some("ruleId").or_else(|| result.at("rule.id")).and_then(Node::text);
        while let Some(part) = id {
            if let Some(about) = self.by_id.get(part) {
                return Some(about);
            }
            id = part.rsplit_once('/').map(|(parent, _)| parent);
        }
        None
    }
}
