//! Runbooks: the file or page behind `runbook_url`, and its sections. Links are asked only when that is asked for,
//! one after the other, and nothing but their status is kept.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use evidence_report::record::{Finding, Requirement};
use reqwest::{Method, header::HeaderMap};

use super::{Placed, RuleFile, alerts, checks, placed};
use crate::{
    config::{Pattern, Url},
    http::{Http, ask},
};

/// What became of a runbook's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// The file's headings.
    File(Vec<String>),
    /// A link that answers.
    Answers,
    /// A link that was not to be asked.
    NotAsked,
    /// It is not there, or not usable, in words.
    Missing(String),
}

/// How pages are looked for.
pub(crate) struct Shelf<'a> {
    /// Where relative addresses begin.
    pub(crate) root: &'a Path,
    /// Asks links, where that is wanted.
    pub(crate) http: Option<&'a Http>,
    /// How long one link may take.
    pub(crate) timeout: Duration,
}

/// Looks up every address once.
pub(crate) async fn observe(files: &[RuleFile], shelf: &Shelf<'_>) -> BTreeMap<String, Page> {
    let mut pages = BTreeMap::new();
    for alert in alerts(files) {
        let Some(address) = address(&alert) else { continue };
        if !pages.contains_key(address) {
            pages.insert(address.to_owned(), shelf.page(address).await);
        }
    }
    pages
}

/// The alert's runbook_url, where it is no template.
pub(crate) fn address<'a>(alert: &Placed<'a>) -> Option<&'a str> {
    let address = alert.rule.annotations.get("runbook_url").or_else(|| alert.rule.annotations.get("runbook"));
    address.map(String::as_str).filter(|address| !address.is_empty() && !address.contains("{{"))
}

impl Shelf<'_> {
    async fn page(&self, address: &str) -> Page {
        if address.starts_with("http://") || address.starts_with("https://") {
            return match (self.http, address.parse()) {
                (_, Err(why)) => Page::Missing(why),
                (None, _) => Page::NotAsked,
                (Some(http), Ok(url)) => self.link(http, &url).await,
            };
        }
        self.file(address)
    }

    /// HEAD, and where a server does not like that, GET.
    async fn link(&self, http: &Http, url: &Url) -> Page {
        let mut last = String::new();
        for method in [Method::HEAD, Method::GET] {
            let request = http.request_following(&method, url, &HeaderMap::new());
            match ask(request, self.timeout, 16 * 1024 * 1024).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Page::Answers,
                Ok(answer) => last = format!("status {}", answer.status),
                Err(why) => last = why.to_string(),
            }
        }
        Page::Missing(last)
    }

    fn file(&self, address: &str) -> Page {
        let (name, anchor) =
            address.split_once('#').map_or((address, None), |(name, anchor)| (name, Some(anchor)));
        let name = PathBuf::from(name);
        let leaves = name.is_absolute() || name.components().any(|part| part == Component::ParentDir);
        if leaves {
            return Page::Missing("it leads out of the folder of the runbooks".to_owned());
        }
        let path = self.root.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let headings = headings(&String::from_utf8_lossy(&bytes));
                match anchor.filter(|anchor| !headings.iter().any(|heading| slug(heading) == *anchor)) {
                    Some(anchor) => Page::Missing(format!("the page has no heading #{anchor}")),
                    None => Page::File(headings),
                }
            }
            Err(error) => Page::Missing(format!("reading {}: {error}", path.display())),
        }
    }
}

/// The headings of a markdown page, outside of code.
fn headings(page: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let text = line.trim_start_matches('#');
        if !in_code && text.len() < line.len() && text.starts_with(' ') {
            found.push(text.trim().to_owned());
        }
    }
    found
}

/// The anchor that a forge makes of a heading.
fn slug(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign))
        .collect::<String>();
    kept.replace(' ', "-")
}

/// Judges each alert's runbook. Pure.
pub(crate) fn assess(
    files: &[RuleFile],
    pages: &BTreeMap<String, Page>,
    sections: &[Pattern],
) -> Vec<Finding> {
    let judge = |alert: Placed<'_>| {
        let address = address(&alert)?;
        let check = &checks::RUNBOOK;
        let expected = if sections.is_empty() { "a page" } else { "a page with the sections of a runbook" };
        let finding = match pages.get(address)? {
            Page::Missing(why) => {
                check.failed(alert.subject()).observed(format!("{}: {why}", shown(address)))
            }
            Page::NotAsked => check.not_checked(
                Requirement::Optional,
                alert.subject(),
                format!("{} is a link; --check-links asks for it", shown(address)),
            ),
            Page::Answers => check.passed(alert.subject()).observed(format!("{} answers", shown(address))),
            Page::File(headings) => {
                let lacks = |section: &&Pattern| !headings.iter().any(|heading| section.0.is_match(heading));
                let missing: Vec<_> =
                    sections.iter().filter(lacks).map(|section| section.0.as_str()).collect();
                if missing.is_empty() {
                    check.passed(alert.subject()).observed(address)
                } else {
                    let observed = format!("{address} has no section {}", missing.join(", "));
                    check.failed(alert.subject()).observed(observed)
                }
            }
        };
        Some(placed(finding.expected(expected), &alert))
    };
    alerts(files).filter_map(judge).collect()
}

/// An address without what may be a secret in it.
pub(crate) fn shown(address: &str) -> String {
    if address.contains("://") { evidence_report::run::redact::url(address) } else { address.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_with_its_sections_and_nothing_outside_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("api.md"),
            "# API\n## First five minutes\n```\n# no heading\n```\n",
        )
        .unwrap();
        let shelf = Shelf { root: folder.path(), http: None, timeout: Duration::from_secs(1) };
        let headings = vec!["API".to_owned(), "First five minutes".to_owned()];
        assert_eq!(shelf.file("api.md"), Page::File(headings.clone()));
        assert_eq!(shelf.file("api.md#first-five-minutes"), Page::File(headings));
        for wrong in ["api.md#mend", "queue.md", "../api.md", "/etc/hostname"] {
            assert!(matches!(shelf.file(wrong), Page::Missing(_)), "{wrong}");
        }
    }
}
