//! What came of the rules about the items' artefacts.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;

use super::Policy;
use crate::{
    command::artefact_rules::{Planned, assess, calendar, observe},
    record::Finding,
};

/// What came of the rules, by item.
#[derive(Debug, Default)]
pub(in crate::command) struct Ruled {
    findings: BTreeMap<u32, Vec<Finding>>,
    /// The calendars of drills.
    pub(in crate::command) calendar: Vec<Planned>,
}

impl Policy {
    /// Reads what the rules name, below `root`, and judges it for the moment `as_of`.
    pub(in crate::command) fn run(&self, root: &Path, as_of: Timestamp) -> Ruled {
        let observed = observe(root, self.items().flat_map(|(_, item)| &item.rules));
        let findings = self.items().map(|(number, item)| (number, assess(&item.rules, &observed, as_of)));
        let rules = self.items().flat_map(|(_, item)| &item.rules);
        Ruled { findings: findings.collect(), calendar: calendar(rules, &observed) }
    }
}

impl Ruled {
    /// The findings about one item.
    pub(in crate::command) fn of(&self, item: u32) -> &[Finding] {
        self.findings.get(&item).map_or(&[], Vec::as_slice)
    }
}
