//! The policy: what a tracker cannot say of itself, as data. Milestones have dates, environments are bound to facts,
//! items need evidence, gates are rules over items, and somebody may have decided to live with something for a
//! while. Reading it is all that happens here; it is judged by the pure parts beside.

mod day;
mod evidence;
mod gates;
mod milestone;
mod pages;
mod place;
mod required;
mod ruled;
mod scope;

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use day::{as_of, last_moment};
use evidence::evidence;
use evidence::{EvidencePolicy, Ways};
pub(super) use gates::Gate;
use milestone::milestone;
pub(super) use milestone::target_date;
use pages::{Unread, pages};
pub(super) use required::Required;
use ruled::Ruled;
use scope::scope;

use super::{artefact_rules::Rule, tracker::Tracker};
use crate::{
    record::{Environment, v1::Label},
    run::{ConfigError, Usage, Waiver, WaiverConfig, fits, read_config},
};

/// What stands in a policy file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyFile {
    /// The last day of each milestone that the tracker's targets name, such as `Before public beta: 2027-01-15`.
    milestones: BTreeMap<String, day::Day>,
    /// What a run must have seen to count for an environment.
    environments: BTreeMap<Environment, EnvironmentPolicy>,
    /// What the items need, by their number.
    items: BTreeMap<u32, ItemPolicy>,
    /// Gates by name. Without any, the sentences of the tracker's section Launch Gating decide.
    gates: BTreeMap<String, Vec<gates::GatePolicy>>,
    /// What somebody has decided to live with for a while.
    waivers: Vec<WaiverConfig>,
    /// How long before evidence ends it is warned of, such as `7d`; otherwise in the last fifth of its time.
    warn_before: Option<day::Span>,
}

/// What tells one environment from the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvironmentPolicy {
    /// Facts as records have them, by name, each with the values that it may have; `*` stands for any characters. A
    /// record holds at least one of them, and none with another value.
    facts: BTreeMap<String, Values>,
}

/// One value, or several of which each will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a fact is text, or a list of texts; a number stands in quotes: \"7412345678901234567\""
)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// What one item needs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ItemPolicy {
    /// Evidence that must be there, verify and pass.
    pub(super) evidence: Vec<EvidencePolicy>,
    /// Pages by hand, and the sections that they must have.
    pub(super) pages: Vec<pages::PagePolicy>,
    /// Which evidence covers which bullet of the item's scope.
    pub(super) scope: Vec<scope::ScopePolicy>,
    /// Rules about the item's artefacts.
    pub(super) rules: Vec<Rule>,
}

/// A policy that can be followed.
#[derive(Debug, Default)]
pub(super) struct Policy {
    file: PolicyFile,
    /// Its path, as the user named it.
    pub(super) path: String,
    /// What is set aside.
    pub(super) waivers: Vec<Waiver>,
}

/// Where policies are looked for in a repository.
pub(super) const PLACE: &str = "ops/tracker-policy.yaml";

impl Policy {
    /// Reads the policy that was named, or the one of the repository; none, where there is none.
    pub(super) fn find(named: Option<&Path>, root: &Path) -> Result<Self, PolicyError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => {
                let path = root.join(PLACE);
                // Whatever else stands there, it is not nothing: without its policy a gate asks for far less.
                if path.symlink_metadata().is_err() {
                    return place::misnamed(root).map_or_else(
                        || Ok(Self::default()),
                        |name| Err(PolicyError::Misnamed { name, place: PLACE }),
                    );
                }
                crate::run::short(&path).into()
            }
        };
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<Self, PolicyError> {
        let file: PolicyFile = read_config(path).map_err(PolicyError::of)?;
        let name = path.display().to_string();
        let waivers = file.waivers.iter().map(|waiver| Waiver::of_policy(waiver, &name));
        let waivers = waivers.collect::<Result<_, _>>()?;
        for rule in file.gates.values().flatten() {
            rule.check(&name)?;
        }
        Ok(Self { waivers, path: name, file })
    }

    /// Refuses a policy that speaks of items that the tracker does not have.
    pub(super) fn fit(&self, tracker: &Tracker) -> Result<(), PolicyError> {
        let is_there = |number: &&u32| tracker.items.iter().any(|item| item.number == **number);
        match self.file.items.keys().find(|number| !is_there(number)) {
            Some(&item) => {
                Err(PolicyError::NoItem { path: self.path.clone(), item, tracker: tracker.path.clone() })
            }
            None => Ok(()),
        }
    }

    /// Whether there is none, so that only the tracker's own words count.
    pub(super) fn is_absent(&self) -> bool {
        self.path.is_empty()
    }

    /// What an item needs; nothing where the policy is silent.
    pub(super) fn item(&self, number: u32) -> Option<&ItemPolicy> {
        self.file.items.get(&number)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = (u32, &ItemPolicy)> {
        self.file.items.iter().map(|(number, item)| (*number, item))
    }

    /// Every evidence file that it names, from the root.
    pub(super) fn evidence_files(&self) -> impl Iterator<Item = &str> {
        self.file
            .items
            .values()
            .flat_map(|item| item.evidence.iter().map(|evidence| evidence.file.value.as_str()))
    }

    /// The environment that a record counts for: the one that it names, where what the run saw says so, too. Without
    /// facts in the policy a record counts for what it claims.
    pub(super) fn counts_for(&self, claimed: Environment, facts: &[Label]) -> Result<Environment, String> {
        let Some(environment) = self.file.environments.get(&claimed) else { return Ok(claimed) };
        let mut holds_one = false;
        for (name, values) in &environment.facts {
            for fact in facts.iter().filter(|fact| fact.name == *name) {
                if !values.hold(&fact.value) {
                    return Err(format!("it claims {claimed}, and saw {name} '{}'", fact.value));
                }
                holds_one = true;
            }
        }
        if holds_one || environment.facts.is_empty() {
            return Ok(claimed);
        }
        let names: Vec<_> = environment.facts.keys().map(String::as_str).collect();
        Err(format!("it claims {claimed}, and saw nothing that shows it ({})", names.join(", ")))
    }

    /// Whether it names facts that tell this environment.
    pub(super) fn binds(&self, environment: Environment) -> bool {
        self.file.environments.get(&environment).is_some_and(|one| !one.facts.is_empty())
    }

    /// The gates, each under its name; the tracker's own where the policy has none.
    pub(super) fn gates(&self, tracker: &Tracker) -> Vec<Gate> {
        gates::gates(&self.file.gates, &self.path, tracker)
    }

    /// How long before its end evidence is warned of.
    pub(super) fn warn_before(&self) -> Option<std::time::Duration> {
        self.file.warn_before.map(|span| span.0)
    }

    /// The JSON Schema of the file.
    pub(super) fn json_schema() -> schemars::Schema {
        schemars::schema_for!(PolicyFile)
    }
}

impl Values {
    fn hold(&self, value: &str) -> bool {
        match self {
            Self::One(one) => fits(one, value),
            Self::Several(several) => several.iter().any(|one| fits(one, value)),
        }
    }
}

/// A policy that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyError {
    /// It cannot be read.
    #[error("reading the policy {path}: {source}")]
    Read { path: String, source: std::io::Error },
    /// It stands beside the place where it is looked for.
    #[error("{name} would not be read: the policy is {place}; rename it, or name it with --policy")]
    Misnamed { name: String, place: &'static str },
    /// It says something that is not understood. The message holds line and column.
    #[error(
        "the policy {path} is wrong: {message}. `evidence-report policy-schema` prints what may stand in it"
    )]
    Wrong { path: String, message: String },
    /// A waiver of it cannot be followed.
    #[error(transparent)]
    Waiver(#[from] crate::run::SettingsError),
    /// It speaks of an item that is not there.
    #[error("the policy {path} speaks of item {item}, which {tracker} does not have; correct one of them")]
    NoItem { path: String, item: u32, tracker: String },
    /// A gate's rule says nothing that can be asked.
    #[error("the policy {path}, line {line}, column {column}: {message}")]
    Gate { path: String, line: u64, column: u64, message: String },
}

impl PolicyError {
    fn of(error: ConfigError) -> Self {
        match error {
            ConfigError::Read { path, source } => Self::Read { path: path.display().to_string(), source },
            ConfigError::Wrong { path, message } => Self::Wrong { path: path.display().to_string(), message },
        }
    }
}

/// A gate that nobody defined.
pub(super) fn no_gate(name: &str, gates: &[Gate]) -> Usage {
    let names: Vec<_> = gates.iter().map(|gate| gate.name.as_str()).collect();
    Usage(format!("there is no gate '{name}'; there are: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, text).unwrap();
        Policy::read(&path).unwrap()
    }

    fn fact(name: &str, value: &str) -> Label {
        Label { name: name.into(), value: value.into() }
    }

    #[test]
    fn an_environment_is_what_the_run_saw() {
        let policy = policy(
            "environments:\n  staging:\n    facts:\n      system identifier: '741'\n      hosts: ['*.staging.example', 'lb-1']\n",
        );
        let counts = |facts: &[Label]| policy.counts_for(Environment::Staging, facts);
        assert_eq!(counts(&[fact("system identifier", "741")]), Ok(Environment::Staging));
        assert_eq!(
            counts(&[fact("hosts", "api.staging.example"), fact("other", "x")]),
            Ok(Environment::Staging)
        );
        let wrong = counts(&[fact("system identifier", "741"), fact("hosts", "api.example")]).unwrap_err();
        assert_eq!(wrong, "it claims staging, and saw hosts 'api.example'");
        let none = counts(&[fact("other", "x")]).unwrap_err();
        assert_eq!(none, "it claims staging, and saw nothing that shows it (hosts, system identifier)");
        assert_eq!(policy.counts_for(Environment::Local, &[]), Ok(Environment::Local));
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let cases = [
            ("mile_stones: {}\n", "line 1"),
            ("milestones:\n  Beta: soon\n", "line 2"),
            ("items:\n  3:\n    evidence:\n      - file: a.md\n        max_age: often\n", "line 5"),
            ("gates:\n  launch:\n    - items: 1-x\n      status: done\n", "line 3"),
            ("gates:\n  launch:\n    - items: 1-2\n      status: finished\n", "line 4"),
            (
                "waivers:\n  - {check: evidence.fresh, subject: a, reason: r, approver: b, expires: 2026-12-01}\n",
                "starts",
            ),
            (
                "waivers:\n  - {check: evidence.fresh, subject: a, reason: r, approver: b, starts: 2026-01-01, expires: 2026-12-01}\n",
                "334 days",
            ),
        ];
        for (text, told) in cases {
            std::fs::write(&path, text).unwrap();
            let error = Policy::read(&path).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
