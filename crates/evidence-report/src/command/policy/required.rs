//! What a policy asks of the items, held against what was seen: for `check`, which warns of what an item that is not
//! done still lacks, and for the gate, which lets nothing pass.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use jiff::Timestamp;

use super::{EvidencePolicy, Policy, Ruled, Ways, evidence, milestone, pages, scope};
use crate::{
    command::tracker::{EvidenceKind, Item, Status, Tracker},
    record::{Finding, Outcome},
    run::{Extent, waive},
};

/// A page by hand is a few kilobytes; more than this is none.
const LARGEST_PAGE: u64 = 4 * 1024 * 1024;

/// Everything that was seen for a policy.
#[derive(Debug, Default)]
pub(in crate::command) struct Required {
    pub(in crate::command) policy: Policy,
    pub(in crate::command) ways: Ways,
    ruled: Ruled,
    texts: BTreeMap<String, Result<String, String>>,
}

impl Required {
    /// Looks at everything that the policy names, below `root`.
    pub(in crate::command) fn observe(policy: Policy, root: &Path, as_of: Timestamp) -> Self {
        let pages = policy.items().flat_map(|(_, item)| item.pages.iter().map(|page| page.file().to_owned()));
        let texts = pages.map(|page| (page.clone(), text(&root.join(page)))).collect();
        let (ways, ruled) = (Ways::observe(root, &policy), policy.run(root, as_of));
        Self { policy, ways, ruled, texts }
    }

    /// What an item lacks or has, for `check`: the date of its target, the evidence, pages and scope of the policy.
    pub(in crate::command) fn of_item(&self, tracker: &Tracker, item: &Item, now: Timestamp) -> Vec<Finding> {
        let is_done = item.known_status() == Some(Status::Done);
        let mut findings = self.strictly(tracker, item, now);
        findings.extend(milestone(tracker, item, &self.policy, now));
        if !is_done {
            findings.iter_mut().for_each(soften);
        }
        findings.extend(self.ruled.of(item.number).iter().cloned());
        findings
    }

    /// What stands against calling an item done: without what somebody has set aside for now.
    pub(in crate::command) fn against(&self, tracker: &Tracker, item: &Item, now: Timestamp) -> Vec<Finding> {
        let mut findings = self.strictly(tracker, item, now);
        findings.extend(self.ruled.of(item.number).iter().cloned());
        self.set_aside(&mut findings, now);
        findings
    }

    /// Lays the policy's waivers over findings. Whether each is of use is told by `check`, which sees all findings.
    pub(in crate::command) fn set_aside(&self, findings: &mut [Finding], now: Timestamp) {
        let _ = waive(&self.policy.waivers, findings, now, Extent::Part);
    }

    /// When the evidence that an item needs ends.
    pub(in crate::command) fn ends(&self, item: &Item, now: Timestamp) -> Vec<(Timestamp, String)> {
        let wanted = self.policy.item(item.number).map_or(&[][..], |wanted| &wanted.evidence);
        let standing = |one: &EvidencePolicy| one.standing(&self.policy, &self.ways, now).ok();
        wanted
            .iter()
            .filter_map(|one| Some((standing(one)?.until, format!("the evidence {} ends", one.file.value))))
            .collect()
    }

    fn strictly(&self, tracker: &Tracker, item: &Item, now: Timestamp) -> Vec<Finding> {
        let named: Vec<_> = item
            .paths()
            .filter_map(|evidence| match &evidence.kind {
                EvidenceKind::Path(path) => Some(path.trim_start_matches('/').to_owned()),
                EvidenceKind::Link(_) | EvidenceKind::Make(_) => None,
            })
            .collect();
        let read = |page: &str| {
            self.texts.get(page).cloned().unwrap_or_else(|| Err("it was not looked at".to_owned()))
        };
        let mut findings = evidence(item, &self.policy, &self.ways, now);
        findings.extend(pages(item, &self.policy, read));
        findings.extend(scope(tracker, item, &self.policy, &named));
        findings
    }
}

/// What an item that is not done still lacks is no failure yet.
fn soften(finding: &mut Finding) {
    if matches!(finding.outcome, Outcome::Failed | Outcome::Inconclusive) {
        finding.outcome = Outcome::Warned;
    }
}

fn text(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        _ => error.to_string(),
    };
    let meta = std::fs::metadata(path).map_err(told)?;
    if !meta.is_file() || meta.len() > LARGEST_PAGE {
        return Err("it is no page of text".to_owned());
    }
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(LARGEST_PAGE).read_to_string(&mut text)).map_err(told)?;
    Ok(text)
}
