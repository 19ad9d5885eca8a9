//! The part of a policy that names rules: under `items`, by number, a list `rules`.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Rule, assess, observe};
use crate::record::Finding;

/// What the items of a tracker need beyond the files that they name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Policy {
    /// By the number of the item.
    #[serde(default)]
    items: BTreeMap<u32, ItemPolicy>,
}

/// What one item needs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemPolicy {
    /// Rules about its artefacts.
    rules: Vec<Rule>,
}

/// What came of the rules, by item.
#[derive(Debug, Default)]
pub(in crate::command) struct Ruled(BTreeMap<u32, Vec<Finding>>);

impl Policy {
    /// The items that the policy speaks of.
    pub(in crate::command) fn items(&self) -> impl Iterator<Item = u32> + '_ {
        self.items.keys().copied()
    }

    /// Reads what the rules name, below `root`, and judges it for the moment `as_of`.
    pub(in crate::command) fn run(&self, root: &Path, as_of: Timestamp) -> Ruled {
        let observed = observe(root, self.items.values().flat_map(|item| &item.rules));
        let items = self.items.iter();
        Ruled(items.map(|(number, item)| (*number, assess(&item.rules, &observed, as_of))).collect())
    }
}

impl Ruled {
    /// The findings about one item.
    pub(in crate::command) fn of(&self, item: u32) -> &[Finding] {
        self.0.get(&item).map_or(&[], Vec::as_slice)
    }

    /// All findings; what two items share stands once.
    pub(in crate::command) fn all(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for finding in self.0.values().flatten() {
            if !findings.contains(finding) {
                findings.push(finding.clone());
            }
        }
        findings
    }
}
