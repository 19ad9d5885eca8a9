//! What came of the rules about the items' artefacts.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;

use super::Policy;
use crate::{
    command::artefact_rules::{Judged, Observed, Planned, assess, calendar, observe},
    record::{Check, Finding},
};

/// What came of the rules, by item.
#[derive(Debug, Default, Clone)]
pub(in crate::command) struct Ruled {
    of_items: BTreeMap<u32, Judged>,
    /// The calendars of drills.
    pub(in crate::command) calendar: Vec<Planned>,
}

impl Policy {
    /// Reads what the rules name, below `root`.
    pub(in crate::command) fn observe(&self, root: &Path) -> Observed {
        observe(root, self.items().flat_map(|(_, item)| &item.rules))
    }

    /// Judges what was read for the moment `as_of`.
    pub(in crate::command) fn judge(&self, observed: &Observed, as_of: Timestamp) -> Ruled {
        let judged = self.items().map(|(number, item)| (number, assess(&item.rules, observed, as_of)));
        let rules = self.items().flat_map(|(_, item)| &item.rules);
        Ruled { of_items: judged.collect(), calendar: calendar(rules, observed) }
    }
}

impl Ruled {
    /// The findings about one item.
    pub(in crate::command) fn of(&self, item: u32) -> &[Finding] {
        self.of_items.get(&item).map_or(&[], |judged| judged.findings.as_slice())
    }

    /// The checks that the rules of one item owe.
    pub(in crate::command) fn owed_of(&self, item: u32) -> &[&'static Check] {
        self.of_items.get(&item).map_or(&[], |judged| judged.owed.as_slice())
    }
}
