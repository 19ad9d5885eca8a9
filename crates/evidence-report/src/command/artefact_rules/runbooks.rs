//! Rule `runbooks`: the index and the folder agree in both directions, and every runbook has its headings, its
//! owner and a review that is not past its cadence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{FIELDS, RUNBOOK_HEADINGS, RUNBOOK_INDEX, RUNBOOK_REVIEW},
    material::{Observed, Page, Period, day, is_blank, normalised},
    when_due::Due,
};
use crate::record::Finding;

/// The runbook index and the folder agree, and every runbook is complete.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct RunbooksRule {
    /// The page that links to every runbook.
    index: String,
    /// The runbooks, as a glob from the root, such as `doc/operations/runbooks/*.md`.
    runbooks: String,
    /// Headings that every runbook has.
    #[serde(default)]
    headings: Vec<String>,
    /// How old a runbook's `Reviewed: DAY` may be, such as `180d`.
    review_every: Period,
}

impl RunbooksRule {
    /// Whether it names headings.
    pub(super) fn asks_for_headings(&self) -> bool {
        !self.headings.is_empty()
    }

    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.index, &self.runbooks]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let mut findings = match observed.page(&self.index) {
            Ok(index) => self.agreement(&index, observed.paths(&self.runbooks)),
            Err(finding) => vec![*finding],
        };
        for path in observed.paths(&self.runbooks) {
            match observed.page(path) {
                Ok(page) => {
                    findings.extend(self.headings(path, &page));
                    findings.extend(self.review(path, &page, as_of));
                }
                Err(finding) => findings.push(*finding),
            }
        }
        findings
    }

    /// Both directions: what the index links to, and what is there.
    fn agreement(&self, index: &Page, there: &[String]) -> Vec<Finding> {
        if there.is_empty() {
            let finding = RUNBOOK_INDEX.failed(&self.runbooks).expected("runbooks").observed("no file fits");
            return vec![finding.at(&self.index, None)];
        }
        let mut linked: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (link, line) in &index.links {
            if let Some(path) = resolved(&self.index, link).filter(|path| self.is_of_folder(path)) {
                linked.entry(path).or_default().push(*line);
            }
        }
        let mut findings = Vec::new();
        for path in there {
            let finding = match linked.get(path).map(Vec::as_slice) {
                None => RUNBOOK_INDEX.failed(path).observed("the index has no link to it").at(path, None),
                Some([line]) => RUNBOOK_INDEX.passed(path).observed("linked").at(&self.index, Some(*line)),
                Some([first, second, ..]) => RUNBOOK_INDEX
                    .warned(path)
                    .observed(format!("linked twice, first in line {first}"))
                    .at(&self.index, Some(*second)),
                Some([]) => continue,
            };
            findings.push(finding.expected("one link in the index"));
        }
        for (path, lines) in linked.iter().filter(|(path, _)| !there.contains(path)) {
            findings.push(
                RUNBOOK_INDEX
                    .failed(path)
                    .expected("a runbook")
                    .observed("the index links to it, and nothing is there")
                    .at(&self.index, lines.first().copied()),
            );
        }
        findings
    }

    fn is_of_folder(&self, path: &str) -> bool {
        let folder = self.runbooks.rsplit_once('/').map_or("", |(folder, _)| folder);
        path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') || folder.is_empty())
    }

    fn headings(&self, path: &str, page: &Page) -> Vec<Finding> {
        if self.headings.is_empty() {
            return Vec::new();
        }
        let has = |wanted: &str| {
            page.headings.iter().any(|heading| normalised(&heading.text) == normalised(wanted))
        };
        let missing: Vec<_> =
            self.headings.iter().filter(|wanted| !has(wanted)).map(String::as_str).collect();
        let finding = if missing.is_empty() {
            RUNBOOK_HEADINGS.passed(path).observed("all there")
        } else {
            RUNBOOK_HEADINGS.failed(path).observed(format!("missing: {}", missing.join("; ")))
        };
        let mut findings = vec![finding.expected(self.headings.join("; ")).at(path, None)];
        let empty = page.headings.iter().filter(|heading| {
            heading.is_empty
                && self.headings.iter().any(|wanted| normalised(wanted) == normalised(&heading.text))
        });
        findings.extend(empty.map(|heading| {
            let finding = RUNBOOK_HEADINGS.failed(path).expected("text below the heading");
            finding.observed(format!("nothing below '{}'", heading.text)).at(path, Some(heading.line))
        }));
        findings
    }

    fn review(&self, path: &str, page: &Page, as_of: Timestamp) -> Vec<Finding> {
        let field = |name| page.field(name).filter(|(value, _)| !is_blank(value));
        let mut findings = Vec::new();
        if field("owner").is_none() {
            let line = page.field("owner").map(|(_, line)| line);
            findings.push(
                RUNBOOK_REVIEW
                    .failed(path)
                    .expected("a line `Owner: …`")
                    .observed("no owner")
                    .remedy("Write `Owner: ROLE` below the title.")
                    .at(path, line),
            );
        }
        let Some((text, line)) = field("reviewed") else {
            let line = page.field("reviewed").map(|(_, line)| line);
            let finding =
                RUNBOOK_REVIEW.failed(path).expected("a line `Reviewed: DAY`").observed("never reviewed");
            findings.push(finding.at(path, line));
            return findings;
        };
        findings.push(match day(text) {
            Ok(last) => {
                let warn_before = Period(self.review_every.0 / 10);
                let due = Due {
                    check: &RUNBOOK_REVIEW,
                    subject: path,
                    done: "reviewed",
                    last,
                    every: self.review_every,
                    warn_before,
                };
                due.judge(as_of).at(path, Some(line))
            }
            Err(why) => FIELDS.failed(path).expected("a day").observed(why).at(path, Some(line)),
        });
        findings
    }
}

/// A link of the page at `from`, as a path from the root; `None` of what leads elsewhere.
fn resolved(from: &str, link: &str) -> Option<String> {
    let path = link.split(['#', '?']).next().filter(|path| !path.is_empty() && !path.contains("://"))?;
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const INDEX: &str =
        "# Index\n\n| Symptom | Runbook |\n|---|---|\n| slow | [api](runbooks/api.md#mend) |\n";
    const API: &str =
        "# API\n\n- Owner: SRE\n- Reviewed: 2026-10-01\n\n## First\nlook\n\n## Mend\nroll back\n";

    fn assess(index: &str, runbooks: &[(&str, &str)], as_of: &str) -> Vec<Finding> {
        let rule: RunbooksRule = rule(
            "index: doc/index.md\nrunbooks: doc/runbooks/*.md\nheadings: [First, Mend]\nreview_every: 90d\n",
        );
        let mut texts = vec![("doc/index.md", index)];
        texts.extend(runbooks);
        let paths: Vec<_> = runbooks.iter().map(|(path, _)| *path).collect();
        let observed = Observed::of_texts(&texts).with_pattern("doc/runbooks/*.md", &paths);
        rule.assess(&observed, as_of.parse().unwrap())
    }

    #[test]
    fn a_complete_set_passes_and_ages() {
        let set = [("doc/runbooks/api.md", API)];
        right(&assess(INDEX, &set, "2026-11-27T12:00:00Z"));
        one(&assess(INDEX, &set, "2026-12-28T00:00:00Z"), "warned runbook.review doc/runbooks/api.md:4");
        one(
            &assess(INDEX, &set, "2026-12-31T00:00:00Z"),
            "failed runbook.review doc/runbooks/api.md:4 doc/runbooks/api.md: reviewed 2026-10-01, due 2026-12-30: over for",
        );
    }

    #[test]
    fn index_and_folder_are_compared_in_both_directions() {
        let now = "2026-11-27T12:00:00Z";
        let set = [("doc/runbooks/api.md", API), ("doc/runbooks/queue.md", API)];
        one(
            &assess(INDEX, &set, now),
            "failed runbook.indexed doc/runbooks/queue.md doc/runbooks/queue.md: the index has no link",
        );
        let dead = INDEX.to_owned() + "| gone | [old](./runbooks/old.md) |\n";
        one(
            &assess(&dead, &set[..1], now),
            "failed runbook.indexed doc/index.md:6 doc/runbooks/old.md: the index links to it",
        );
        let twice = INDEX.to_owned() + "| again | [api](runbooks/api.md) |\n";
        one(
            &assess(&twice, &set[..1], now),
            "warned runbook.indexed doc/index.md:6 doc/runbooks/api.md: linked twice, first in line 5",
        );
        one(&assess(INDEX, &[], now), "no file fits");
    }

    #[test]
    fn what_a_runbook_lacks_is_told_with_its_line() {
        let now = "2026-11-27T12:00:00Z";
        for (from, to, part) in [
            (
                "## Mend",
                "## Other",
                "failed runbook.headings doc/runbooks/api.md doc/runbooks/api.md: missing: Mend",
            ),
            ("roll back\n", "\n", "doc/runbooks/api.md:9 doc/runbooks/api.md: nothing below 'Mend'"),
            ("- Owner: SRE\n", "", "no owner"),
            ("Owner: SRE", "Owner: TBD", "runbooks/api.md:3 doc/runbooks/api.md: no owner"),
            ("- Reviewed: 2026-10-01\n", "", "never reviewed"),
            (
                "2026-10-01",
                "October",
                "failed artefact.fields doc/runbooks/api.md:4 doc/runbooks/api.md: 'October' is no day",
            ),
            ("2026-10-01", "2027-10-01", "a day that has not come"),
        ] {
            one(&assess(INDEX, &[("doc/runbooks/api.md", &API.replace(from, to))], now), part);
        }
        assert_eq!(told(&assess(INDEX, &[("doc/runbooks/api.md", "x\n")], now)).len(), 3);
    }

    #[test]
    fn links_are_resolved_from_the_page() {
        for (link, path) in [
            ("runbooks/a.md", Some("doc/runbooks/a.md")),
            ("./a.md#x", Some("doc/a.md")),
            ("../a.md", Some("a.md")),
            ("../../a.md", None),
            ("https://example.org/a.md", None),
            ("#x", None),
        ] {
            assert_eq!(resolved("doc/index.md", link).as_deref(), path, "{link}");
        }
    }
}
