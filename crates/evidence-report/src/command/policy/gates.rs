//! Gates as rules over items. Pure.

use std::{collections::BTreeMap, ops::RangeInclusive};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::PolicyError;
use crate::command::tracker::{GateRule, MOST, Meaning, Need, Status, Tracker};

/// The name of the gate that the tracker's own sentences decide.
const OF_TRACKER: &str = "launch";

/// One rule of a gate.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GatePolicy {
    /// Item numbers and ranges, such as `1-5, 7`.
    #[schemars(with = "String")]
    items: Spanned<Numbers>,
    /// At least this status.
    status: StatusWord,
    /// What the items need besides.
    #[serde(default)]
    needs: Vec<NeedWord>,
}

/// `1-5, 7` or a single number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "items are a number, or numbers and ranges such as `1-5, 7`")]
enum Numbers {
    One(u32),
    Several(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatusWord {
    /// Whatever it is.
    Open,
    /// At least begun.
    InProgress,
    /// Done, and shown to be.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NeedWord {
    /// Somebody answers for it.
    Owner,
    /// It names a milestone.
    Target,
    /// It names a milestone that has a date, which has not gone by.
    DatedTarget,
    /// It names evidence that is there.
    EvidenceLink,
}

/// A gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Gate {
    /// Its name.
    pub(in crate::command) name: String,
    /// The file that its rules stand in.
    pub(in crate::command) source: String,
    /// Its rules.
    pub(in crate::command) rules: Vec<GateRule>,
}

impl GatePolicy {
    /// Refuses items that are no numbers.
    pub(super) fn check(&self, path: &str) -> Result<(), PolicyError> {
        let place = &self.items.referenced;
        let wrong = |message| PolicyError::Gate {
            path: path.to_owned(),
            line: place.line(),
            column: place.column(),
            message,
        };
        ranges(&self.items.value).map(drop).map_err(wrong)
    }

    fn rule(&self) -> GateRule {
        let needs: Vec<_> = self.needs.iter().map(|need| need.meaning()).collect();
        let status = self.status.meaning();
        GateRule {
            text: format!("items {}: {}", self.items.value.text(), status.word()),
            line: u32::try_from(self.items.referenced.line()).unwrap_or(0),
            meaning: ranges(&self.items.value).map(|items| Meaning { items, status, needs }),
        }
    }
}

impl Numbers {
    fn text(&self) -> String {
        match self {
            Self::One(number) => number.to_string(),
            Self::Several(text) => text.clone(),
        }
    }
}

impl StatusWord {
    const fn meaning(self) -> Status {
        match self {
            Self::Open => Status::Open,
            Self::InProgress => Status::InProgress,
            Self::Done => Status::Done,
        }
    }
}

impl NeedWord {
    const fn meaning(self) -> Need {
        match self {
            Self::Owner => Need::Owner,
            Self::Target => Need::Target,
            Self::DatedTarget => Need::DatedTarget,
            Self::EvidenceLink => Need::EvidenceLinks,
        }
    }
}

fn ranges(numbers: &Numbers) -> Result<Vec<RangeInclusive<u32>>, String> {
    let text = numbers.text();
    let wrong = || format!("'{text}' are no item numbers; write 1-5, 7");
    let one = |part: &str| part.trim().parse::<u32>().ok().filter(|number| *number <= MOST).ok_or_else(wrong);
    let parts = text.split(',').map(|part| match part.split_once('-') {
        Some((from, to)) => {
            let (from, to) = (one(from)?, one(to)?);
            if from > to { Err(wrong()) } else { Ok(from..=to) }
        }
        None => one(part).map(|number| number..=number),
    });
    parts.collect()
}

pub(super) fn gates(named: &BTreeMap<String, Vec<GatePolicy>>, path: &str, tracker: &Tracker) -> Vec<Gate> {
    if named.is_empty() {
        let rules = tracker.gates.clone();
        return vec![Gate { name: OF_TRACKER.to_owned(), source: tracker.path.clone(), rules }];
    }
    let gates = named.iter().map(|(name, rules)| Gate {
        name: name.clone(),
        source: path.to_owned(),
        rules: rules.iter().map(GatePolicy::rule).collect(),
    });
    gates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_numbers_and_ranges() {
        let read = |text: &str| ranges(&Numbers::Several(text.into()));
        assert_eq!(read("1-5, 7"), Ok(vec![1..=5, 7..=7]));
        assert_eq!(ranges(&Numbers::One(11)), Ok(vec![11..=11]));
        for wrong in ["", "a", "5-1", "1-", "1,,2", "1-4000000000"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
