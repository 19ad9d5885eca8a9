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
    let (before, items, rest) = items(&lower)?;
    let statuses: Vec<_> = codes.iter().filter_map(|(code, _)| Status::parse(code)).collect();
    let [status] = statuses.as_slice() else {
        return Err(format!("it names {} statuses in backticks, not one", statuses.len()));
    };
    if ["not ", "unless", "except", " or "].iter().any(|word| lower.contains(word)) {
        return Err("it has a negation, an exception or an alternative".into());
    }
    if let Some(word) = words(before).find(|word| asks_for_something(word)) {
        return Err(format!("'{word}' stands before the items"));
    }
    let (between, list) = rest.split_once(" with ").unwrap_or((rest, ""));
    // A word that is not known may ask for something: half of a sentence is none.
    if let Some(word) = words(between).find(|word| *word != status.word() && !WORDS.contains(word)) {
        return Err(format!("'{word}' is not known"));
    }
    Ok(Meaning { items, status: *status, needs: needs(list)? })
}

/// What may stand between the items and what they need.
const WORDS: [&str; 14] = [
    "to", "be", "must", "shall", "should", "are", "is", "at", "least", "all", "each", "in", "status", "have",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';' | ':' | '`'))
        .filter(|word| !word.is_empty())
}

/// Whether a word before the items asks for more than the items do.
fn asks_for_something(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        || ["owner", "evidence", "timeline", "target", "item"].iter().any(|need| word.starts_with(need))
}

/// `launch: items 1-5, 7 and 9 to be` → `launch: `, 1..=5, 7..=7, 9..=9, `to be`.
type Split<'t> = (&'t str, Vec<RangeInclusive<u32>>, &'t str);

fn items(lower: &str) -> Result<Split<'_>, String> {
    let split = lower.split_once("items ").or_else(|| lower.split_once("item "));
    let Some((before, mut rest)) = split else { return Err("it names no items".into()) };
    let mut items = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        match (range(&rest[..end]), &rest[..end]) {
            (Some(range), _) => items.push(range),
            (None, "and") => {}
            (None, _) => break,
        }
        rest = &rest[end..];
    }
    if items.is_empty() { Err("it names no item's number".into()) } else { Ok((before, items, rest)) }
}

/// A tracker has tens of items, a large one a thousand.
pub(in crate::command) const MOST: u32 = 10_000;

fn range(word: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = word.split_once(['-', '–']).unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last <= MOST).then_some(first..=last)
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
            // Half of a sentence is none.
            ("Items 1 must be `done` and items 2 as well.", "'and' is not known"),
            ("Items 1 (and 2) to be `done`.", "'(and' is not known"),
            ("Items 1 & 2 to be `done`.", "'&' is not known"),
            ("Items 1 to 2 to be `done`.", "'2' is not known"),
            ("Items 1 to be `done` before 2027-01-01.", "'before' is not known"),
            ("Item 2 must have an owner and be `open`.", "'an' is not known"),
            ("With owners, items 1-2 `open`.", "'owners' stands before"),
            ("From 2027-01-01 on items 1-2 `open`.", "'2027-01-01' stands before"),
            ("Items 1-4000000000 must be `done`.", "number"),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
