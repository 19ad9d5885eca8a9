//! What a policy asks of the items, held against what was seen: for `check`, which warns of what an item that is not
//! done still lacks, and for the gate, which lets nothing pass.

use std::{collections::BTreeMap, io::ErrorKind, path::Path, sync::Arc};

use jiff::Timestamp;

use super::{EvidencePolicy, ItemPolicy, Policy, Ruled, Unread, Ways, evidence, milestone, pages, scope};
use crate::{
    command::{
        artefact_rules::{Observed, Planned},
        checks::{EVIDENCE_REQUIRED, PAGE_SECTIONS, SCOPE_COVERED, TARGET_DATE},
        paths::{LEADS_OUT, inside, read_regular},
        tracker::{EvidenceKind, Item, Status, Tracker},
    },
    record::{Check, Finding, Outcome},
    run::{Extent, waive},
};

/// Everything that was seen for a policy.
#[derive(Debug, Default, Clone)]
pub(in crate::command) struct Required {
    pub(in crate::command) policy: Arc<Policy>,
    pub(in crate::command) ways: Arc<Ways>,
    /// What the rules read.
    observed: Arc<Observed>,
    ruled: Ruled,
    texts: Arc<BTreeMap<String, Result<String, Unread>>>,
}

impl Required {
    /// Looks at everything that the policy names, below `root`.
    pub(in crate::command) fn observe(policy: Policy, root: &Path, as_of: Timestamp) -> Self {
        let pages = policy.items().flat_map(|(_, item)| item.pages.iter().map(|page| page.file().to_owned()));
        let texts = pages.map(|page| (page.clone(), text(root, &page))).collect();
        let ways = Arc::new(Ways::observe(root, &policy));
        let observed = Arc::new(policy.observe(root));
        let ruled = policy.judge(&observed, as_of);
        Self { policy: Arc::new(policy), ways, observed, ruled, texts: Arc::new(texts) }
    }

    /// The same as it is judged at another moment; nothing is looked at again.
    pub(in crate::command) fn at(&self, moment: Timestamp) -> Self {
        Self { ruled: self.policy.judge(&self.observed, moment), ..self.clone() }
    }

    /// The calendars of drills that the policy's rules read.
    pub(in crate::command) fn calendar(&self) -> &[Planned] {
        &self.ruled.calendar
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

    /// The checks of which something has to be said of an item, by the policy.
    pub(in crate::command) fn owed(&self, item: &Item) -> Vec<&'static Check> {
        let wanted = self.policy.item(item.number);
        let asked = |has: fn(&ItemPolicy) -> bool| wanted.is_some_and(has);
        let table = [
            (asked(|wanted| !wanted.evidence.is_empty()), &EVIDENCE_REQUIRED),
            (asked(|wanted| !wanted.pages.is_empty()), &PAGE_SECTIONS),
            (!item.scope.is_empty() && asked(|wanted| !wanted.scope.is_empty()), &SCOPE_COVERED),
        ];
        let of_policy = table.into_iter().filter(|(asked, _)| *asked).map(|(_, check)| check);
        of_policy.chain(self.ruled.owed_of(item.number).iter().copied()).collect()
    }

    /// The same of the date of its target, which only `check` tells.
    pub(in crate::command) fn owed_date(&self, item: &Item) -> Option<&'static Check> {
        let dated = !self.policy.file.milestones.is_empty() && item.target.is_some();
        dated.then_some(&TARGET_DATE)
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

    /// When something may end that an item needs, and what where it has a name: its evidence, and whatever its rules
    /// judge by the day.
    pub(in crate::command) fn ends(&self, item: &Item, now: Timestamp) -> Vec<(Timestamp, Option<String>)> {
        let of_evidence = self
            .standings(item, now)
            .map(|(one, until)| (until, Some(format!("the evidence {} ends", one.file.value))));
        let of_rules = self.ruled.of(item.number).iter().filter_map(|finding| {
            let end = finding.hurts_at.or(finding.waived.as_ref().map(|waived| waived.until))?;
            Some((end, None))
        });
        of_evidence.chain(of_rules).collect()
    }

    /// When the policy lets evidence of an item end; `None` of what the policy does not name.
    pub(in crate::command) fn end_of(&self, item: &Item, file: &str, now: Timestamp) -> Option<Timestamp> {
        self.standings(item, now).filter(|(one, _)| one.file.value == file).map(|(_, until)| until).min()
    }

    fn standings(&self, item: &Item, now: Timestamp) -> impl Iterator<Item = (&EvidencePolicy, Timestamp)> {
        let wanted = self.policy.item(item.number).map_or(&[][..], |wanted| &wanted.evidence);
        wanted
            .iter()
            .filter_map(move |one| Some((one, one.standing(&self.policy, &self.ways, now).ok()?.until)))
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
            self.texts
                .get(page)
                .cloned()
                .unwrap_or_else(|| Err(Unread::Ours("it was not looked at".to_owned())))
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

/// The text of a page. Nothing outside of the root is read.
fn text(root: &Path, page: &str) -> Result<String, Unread> {
    let root = std::fs::canonicalize(root).map_err(|error| Unread::Ours(error.to_string()))?;
    let path = inside(Path::new(""), page).ok_or_else(|| Unread::Theirs(LEADS_OUT.to_owned()))?;
    let real = std::fs::canonicalize(root.join(path)).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Theirs("it is not there".to_owned()),
        _ => Unread::Ours(error.to_string()),
    })?;
    if !real.starts_with(&root) {
        return Err(Unread::Theirs(LEADS_OUT.to_owned()));
    }
    let (bytes, _) = read_regular(&real).map_err(|error| match error.kind() {
        ErrorKind::Unsupported => Unread::Theirs("it is no page of text".to_owned()),
        _ => Unread::Ours(error.to_string()),
    })?;
    String::from_utf8(bytes).map_err(|_| Unread::Theirs("it is not UTF-8".to_owned()))
}
