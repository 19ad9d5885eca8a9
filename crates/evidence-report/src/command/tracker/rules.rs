//! The rules of the section Launch Gating, read from their sentences. What is not understood stays a rule:
//! it leaves the gate undecidable, and is never skipped.

use std::ops::RangeInclusive;

use super::Status;

/// A rule of the launch gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct GateRule {
    pub(in crate::command) text: String,
    pub(in crate::command) line: u32,
    /// `Err` says why the sentence is not understood.
    pub(in crate::command) meaning: Result<Meaning, String>,
}

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Meaning {
    pub(in crate::command) items: Vec<RangeInclusive<u32>>,
    /// At least this status.
    pub(in crate::command) status: Status,
    pub(in crate::command) needs: Vec<Need>,
}

/// What an item needs besides its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum Need {
    Owner,
    /// A timeline is the milestone that the item names as its target.
    Target,
    /// A target with a date, which has not gone by.
    DatedTarget,
    EvidenceLinks,
}

impl GateRule {
    pub(super) fn read(text: &str, codes: &[(String, u32)], line: u32) -> Self {
        Self { text: text.trim().to_owned(), line, meaning: meaning(text, codes) }
    }
}

fn meaning(text: &str, codes: &[(String, u32)]) -> Result<Meaning, String> {
    let lower = text.to_ascii_lowercase();
    let items = items(&lower)?;
    let statuses: Vec<_> = codes.iter().filter_map(|(code, _)| Status::parse(code)).collect();
    let [status] = statuses.as_slice() else {
        return Err(format!("it names {} statuses in backticks, not one", statuses.len()));
    };
    if ["not ", "unless", "except", " or "].iter().any(|word| lower.contains(word)) {
        return Err("it has a negation, an exception or an alternative".into());
    }
    let needs = match lower.split_once(" with ") {
        Some((_, list)) => needs(list)?,
        None => Vec::new(),
    };
    Ok(Meaning { items, status: *status, needs })
}

/// `items 1-5, 7 and 9` → 1..=5, 7..=7, 9..=9.
fn items(lower: &str) -> Result<Vec<RangeInclusive<u32>>, String> {
    let Some((_, rest)) = lower.split_once("items ").or_else(|| lower.split_once("item ")) else {
        return Err("it names no items".into());
    };
    let mut items = Vec::new();
    for word in rest.split([' ', ',']).filter(|word| !word.is_empty()) {
        let Some(range) = range(word) else {
            if word == "and" {
                continue;
            }
            break;
        };
        items.push(range);
    }
    if items.is_empty() { Err("it names no item's number".into()) } else { Ok(items) }
}

fn range(word: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = word.split_once(['-', '–']).unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

fn needs(list: &str) -> Result<Vec<Need>, String> {
    list.split([',', '.'])
        .flat_map(|part| part.split(" and "))
        .map(|part| part.trim().trim_start_matches("and ").trim())
        .filter(|part| !part.is_empty())
        .map(|part| match part {
            "owner" | "owners" | "an owner" => Ok(Need::Owner),
            "timeline" | "timelines" | "a timeline" | "target" | "targets" => Ok(Need::Target),
            "evidence links" | "evidence link" | "evidence" => Ok(Need::EvidenceLinks),
            other => Err(format!("it asks for '{other}', which is not known")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Meaning, String> {
        let codes: Vec<_> = text.split('`').skip(1).step_by(2).map(|code| (code.to_owned(), 1)).collect();
        GateRule::read(&text.replace('`', ""), &codes, 1).meaning
    }

    #[test]
    fn the_two_sentences_of_the_tracker_are_understood() {
        let first = read("Public launch requires items 1-5 to be `done`.").unwrap();
        assert_eq!(first, Meaning { items: vec![1..=5], status: Status::Done, needs: vec![] });
        let second =
            read("Items 6-10 must be at least `in_progress` with owners, timeline, and evidence links.")
                .unwrap();
        assert_eq!(second.items, [6..=10]);
        assert_eq!(second.needs, [Need::Owner, Need::Target, Need::EvidenceLinks]);
        assert_eq!(read("Items 1, 3 and 5-6 `open`").unwrap().items, [1..=1, 3..=3, 5..=6]);
    }

    #[test]
    fn what_is_not_understood_says_why() {
        for (text, why) in [
            ("Everybody is happy.", "no items"),
            ("Items 1-5 are good.", "0 statuses"),
            ("Items 1-5 `done` or `open`.", "2 statuses"),
            ("Items 1-5 need not be `done`.", "negation"),
            ("Items 1-5 `done` with cake.", "cake"),
            ("Items five `done`.", "number"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
