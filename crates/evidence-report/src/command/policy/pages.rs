//! Pages by hand that must have certain sections, each with something in it. Pure.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Policy;
use crate::{
    command::{checks::PAGE_SECTIONS, tracker::Item},
    record::Finding,
};

/// A page, and the sections that it must have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct PagePolicy {
    /// The page, from the repository's root.
    file: String,
    /// Its headings, whatever their level and case.
    sections: Vec<String>,
}

impl PagePolicy {
    pub(in crate::command) fn file(&self) -> &str {
        &self.file
    }
}

/// Why a page could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) enum Unread {
    /// This machine kept us from it.
    Ours(String),
    /// It is not what a page has to be.
    Theirs(String),
}

/// One finding a page. `read` gives a page's text; what cannot be read says why.
pub(in crate::command) fn pages(
    item: &Item,
    policy: &Policy,
    read: impl Fn(&str) -> Result<String, Unread>,
) -> Vec<Finding> {
    let pages = policy.item(item.number).map_or(&[][..], |wanted| &wanted.pages);
    pages.iter().map(|page| judge(item, page, read(&page.file))).collect()
}

fn judge(item: &Item, page: &PagePolicy, text: Result<String, Unread>) -> Finding {
    let subject = format!("{}, {}", page.file, item.name());
    let expected = format!("sections {}", page.sections.join(", "));
    let text = match text {
        Ok(text) => text,
        Err(unread) => {
            let finding = match &unread {
                Unread::Ours(_) => PAGE_SECTIONS.inconclusive(subject).remedy("Make it readable."),
                Unread::Theirs(_) => PAGE_SECTIONS.failed(subject),
            };
            let (Unread::Ours(why) | Unread::Theirs(why)) = unread;
            return finding.expected(expected).observed(why).at(&page.file, None);
        }
    };
    let sections = sections(&text);
    let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
    let lacking = page.sections.iter().find_map(|wanted| {
        match sections.iter().find(|section| same(&section.heading, wanted)) {
            None => Some((format!("no section '{wanted}'"), None)),
            Some(section) if section.is_empty => {
                Some((format!("the section '{}' is empty", section.heading), Some(section.line)))
            }
            Some(_) => None,
        }
    });
    match lacking {
        Some((observed, line)) => {
            PAGE_SECTIONS.failed(subject).expected(expected).observed(observed).at(&page.file, line)
        }
        None => PAGE_SECTIONS.passed(subject).expected(expected).observed("all there").at(&page.file, None),
    }
}

struct Section {
    heading: String,
    line: u32,
    is_empty: bool,
}

/// The sections of a page. One that holds nothing but sections of its own is as full as they are.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut in_heading = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                let line = text[..range.start].bytes().filter(|byte| *byte == b'\n').count() + 1;
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                sections.push(Section { heading: String::new(), line, is_empty: true });
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(words) | Event::Code(words) => match sections.last_mut() {
                Some(section) if in_heading => section.heading.push_str(&words),
                Some(section) if !words.trim().is_empty() => section.is_empty = false,
                _ => {}
            },
            _ => {}
        }
    }
    sections
}
