//! `gate TRACKER`: open, closed or undecidable, every reason with file and line. Pure.

use jiff::Timestamp;

use super::{
    artefacts::Seen,
    check,
    checks::{EVIDENCE_REQUIRED, GATE_ITEM, GATE_RULE},
    owed,
    policy::{Gate, PLACE, Required, target_date},
    tracker::{GateRule, Item, Need, Status, Tracker},
};
use crate::record::{Check, Finding, Outcome, Requirement, Verdict};

/// What is asked, and of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) tracker: &'q Tracker,
    pub(super) seen: &'q Seen,
    pub(super) required: &'q Required,
    pub(super) now: Timestamp,
}

/// What came of one gate.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) name: String,
    /// One finding for each item that meets a rule, and for each reason why one does not.
    pub(super) findings: Vec<Finding>,
}

impl Decision {
    /// The worst of its findings.
    pub(super) fn verdict(&self) -> Verdict {
        Verdict::worst(self.findings.iter().filter_map(|finding| finding.outcome.verdict()))
    }

    /// What people want to read first.
    pub(super) fn word(&self) -> &'static str {
        match self.verdict() {
            Verdict::Passed | Verdict::Warned => "OPEN",
            Verdict::Failed => "CLOSED",
            Verdict::Inconclusive => "UNDECIDABLE",
        }
    }
}

/// Says that there is no policy: the gate then asks for far less, and whoever has lost one shall see it.
pub(super) fn without_policy(required: &Required) -> Option<Finding> {
    required.policy.is_absent().then(|| {
        let why = format!(
            "there is none ({PLACE}): nobody asked which evidence the items need, of which environment and age"
        );
        EVIDENCE_REQUIRED.not_checked(Requirement::Optional, "policy", why)
    })
}

/// The decisions as a title.
pub(super) fn title(decisions: &[Decision]) -> String {
    match decisions {
        [one] => format!("The {} gate is {}", one.name, one.word()),
        several => {
            let words: Vec<_> = several.iter().map(|one| format!("{} is {}", one.name, one.word())).collect();
            format!("Gates: {}", words.join(", "))
        }
    }
}

/// Decides every one of these gates.
pub(super) fn decide(question: Question<'_>, gates: &[Gate]) -> Vec<Decision> {
    let is_one_of_several = gates.len() > 1;
    let decide = |gate: &Gate| {
        let mut findings = assess(question, gate);
        if is_one_of_several {
            for finding in &mut findings {
                finding.subject = format!("{}: {}", gate.name, finding.subject);
            }
        }
        Decision { name: gate.name.clone(), findings }
    };
    gates.iter().map(decide).collect()
}

/// One finding for each rule and for each reason.
fn assess(question: Question<'_>, gate: &Gate) -> Vec<Finding> {
    if gate.rules.is_empty() {
        return vec![
            GATE_RULE
                .inconclusive(format!("{} gate", gate.name))
                .expected("a section `## Launch Gating` with rules, or a gate with rules in the policy")
                .observed("there is none")
                .at(&gate.source, None),
        ];
    }
    let mut findings: Vec<_> = gate.rules.iter().flat_map(|rule| assess_rule(question, gate, rule)).collect();
    if gate.rules.iter().all(|rule| rule.meaning.is_ok()) {
        let understood = match gate.rules.len() {
            1 => "1 rule, understood".to_owned(),
            many => format!("{many} rules, each understood"),
        };
        let finding = GATE_RULE.passed(format!("{} gate", gate.name)).expected("rules of a known form");
        findings.push(finding.observed(understood).at(&gate.source, None));
    }
    findings
}

fn assess_rule(question: Question<'_>, gate: &Gate, rule: &GateRule) -> Vec<Finding> {
    let tracker = question.tracker;
    let meaning = match &rule.meaning {
        Ok(meaning) => meaning,
        Err(why) => {
            return vec![
                GATE_RULE
                    .inconclusive(format!("\"{}\"", rule.text))
                    .expected("a rule of a known form")
                    .observed(format!("not understood: {why}"))
                    .at(&gate.source, Some(rule.line)),
            ];
        }
    };
    let mut findings = Vec::new();
    for number in meaning.items.iter().cloned().flatten() {
        let Some(item) = tracker.items.iter().find(|item| item.number == number) else {
            findings.push(
                GATE_ITEM
                    .failed(format!("item {number}"))
                    .expected(format!("an item, as the rule \"{}\" asks", rule.text))
                    .observed("the tracker has no such item")
                    .at(&gate.source, Some(rule.line)),
            );
            continue;
        };
        let (reasons, notes) = reasons(question, item, meaning.status, &meaning.needs);
        let expected = expectation(meaning.status, &meaning.needs);
        if reasons.is_empty() {
            let met = if notes.warnings.is_empty() {
                GATE_ITEM.passed(item.name()).observed("met")
            } else {
                let observed = format!("met, with a warning: {}", notes.warnings.join("; "));
                let met = GATE_ITEM.warned(item.name()).observed(observed);
                met.remedy("Look at it before it closes the gate: check says more.")
            };
            findings.push(met.expected(&expected).at(&tracker.path, Some(item.status_line())));
        }
        findings.extend(notes.set_aside.into_iter().map(|finding| finding.expected(&expected)));
        findings.extend(reasons.into_iter().map(|reason| {
            let Reason { outcome, observed, place, remedy } = reason;
            let finding = match outcome {
                Outcome::Inconclusive => GATE_ITEM.inconclusive(item.name()),
                _ => GATE_ITEM.failed(item.name()),
            };
            let finding = finding.expected(&expected).observed(observed).remedy(remedy);
            match place {
                Place::Tracker(line) => finding.at(&tracker.path, Some(line)),
                Place::File(path, line) => finding.at(path, line),
            }
        }));
    }
    findings
}

fn expectation(status: Status, needs: &[Need]) -> String {
    let mut text = match status {
        Status::Done => "done".to_owned(),
        status => format!("at least {}", status.word()),
    };
    for need in needs {
        text.push_str(match need {
            Need::Owner => ", an owner",
            Need::Target => ", a target",
            Need::DatedTarget => ", a target with a date to come",
            Need::EvidenceLinks => ", evidence links",
        });
    }
    text
}

/// Why an item does not meet a rule.
struct Reason {
    outcome: Outcome,
    observed: String,
    place: Place,
    remedy: String,
}

/// Where a reason stands.
enum Place {
    Tracker(u32),
    File(String, Option<u32>),
}

impl Reason {
    fn closed(observed: impl Into<String>, line: u32, remedy: impl Into<String>) -> Self {
        let place = Place::Tracker(line);
        Self { outcome: Outcome::Failed, observed: observed.into(), place, remedy: remedy.into() }
    }
}

/// What stands in the way, and what would, had nobody set it aside.
fn reasons(question: Question<'_>, item: &Item, status: Status, needs: &[Need]) -> (Vec<Reason>, Notes) {
    let (mut reasons, mut notes) = (Vec::new(), Notes::default());
    match item.known_status() {
        None => {
            reasons.push(Reason::closed("it has no known status", item.status_line(), "Give it a status."))
        }
        Some(is) if is < status => {
            let pending: Vec<_> =
                item.pending.iter().map(|field| field.value.trim_end_matches('.')).collect();
            let pending =
                if pending.is_empty() { String::new() } else { format!("; pending: {}", pending.join("; ")) };
            reasons.push(Reason::closed(
                format!("{}{pending}", is.word()),
                item.status_line(),
                format!("Show what is pending, then set the status to {}.", status.word()),
            ));
        }
        Some(Status::Done) => reasons.extend(pending_reasons(item)),
        Some(_) => {}
    }
    let found = Found::of(question, item, status);
    reasons.extend(found.reasons(item, &mut notes));
    for need in needs {
        reasons.extend(need_reason(question, item, *need));
    }
    (reasons, notes)
}

/// Nothing may be pending of what is done.
fn pending_reasons(item: &Item) -> impl Iterator<Item = Reason> {
    item.pending.iter().map(|field| {
        let observed = format!("done, and still pending: {}", field.value);
        Reason::closed(observed, field.line, "Show it and take the line out, or set the status back.")
    })
}

/// What was found of an item, and of which checks something had to be found.
struct Found {
    /// Of what it names, because it says that it is done: done has to be true.
    named: Vec<Finding>,
    /// Of what the policy asks of whatever has to be done.
    asked: Vec<Finding>,
    owed: Vec<&'static Check>,
}

impl Found {
    fn of(question: Question<'_>, item: &Item, status: Status) -> Self {
        let Question { tracker, seen, required, now } = question;
        let mut found = Self { named: Vec::new(), asked: Vec::new(), owed: Vec::new() };
        if item.known_status() == Some(Status::Done) {
            let of_line = |evidence| check::of_done(tracker, item, evidence, seen, now);
            found.named = item.evidence.iter().flat_map(of_line).collect();
            required.set_aside(&mut found.named, now);
            found.owed = owed::by_evidence(item, seen);
        }
        if status == Status::Done {
            found.asked = required.against(tracker, item, now);
            found.owed.extend(required.owed(item));
        }
        found
    }

    /// What stands in the way: whatever failed or is not known, and whatever nothing came of.
    fn reasons(&self, item: &Item, notes: &mut Notes) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for finding in &self.named {
            notes.add(item, finding);
            if let Some(reason) = finding_reason(item, finding) {
                reasons.push(Reason { observed: format!("done, and {}", reason.observed), ..reason });
            }
        }
        for finding in &self.asked {
            notes.add(item, finding);
            reasons.extend(finding_reason(item, finding));
        }
        let is_made =
            |check: &Check| self.named.iter().chain(&self.asked).any(|finding| finding.check.id == check.id);
        let mut lost: Vec<_> = self.owed.iter().copied().filter(|check| !is_made(check)).collect();
        lost.sort_by_key(|check| check.id);
        lost.dedup_by_key(|check| check.id);
        reasons.extend(lost.into_iter().map(|check| Reason {
            outcome: Outcome::Inconclusive,
            observed: format!("{}: the gate came to no result on it, though it owed one", check.id),
            place: Place::Tracker(item.line),
            remedy: "Run it again; if it stays, this is a fault of the tool: report it.".to_owned(),
        }));
        reasons
    }
}

/// What lets an item pass, and is told all the same.
#[derive(Debug, Default)]
struct Notes {
    /// What somebody set aside.
    set_aside: Vec<Finding>,
    /// What will stand in the way before long, or should be looked at.
    warnings: Vec<String>,
}

impl Notes {
    fn add(&mut self, item: &Item, finding: &Finding) {
        self.set_aside.extend(waived(item, finding));
        if finding.outcome == Outcome::Warned {
            let told = format!("{}: {}", subject(item, finding), finding.observed);
            if !self.warnings.contains(&told) {
                self.warnings.push(told);
            }
        }
    }
}

/// What somebody has set aside, as a reason that does not count.
fn waived(item: &Item, finding: &Finding) -> Option<Finding> {
    let waived = finding.waived.as_ref()?;
    let told = match waived.was {
        Outcome::Warned => GATE_ITEM.warned(item.name()),
        _ => GATE_ITEM.failed(item.name()),
    };
    let told = told.observed(format!("{}: {}", subject(item, finding), finding.observed));
    let told = Finding { location: finding.location.clone(), ..told };
    Some(told.waive(&waived.approver, &waived.reason, waived.until))
}

/// What a finding is about, without the item that everything here is about.
fn subject(item: &Item, finding: &Finding) -> String {
    let name = item.name();
    let subject = finding.subject.strip_suffix(&name).and_then(|subject| subject.strip_suffix(", "));
    subject.unwrap_or(&finding.subject).to_owned()
}

/// What stands against an item that must be done.
fn finding_reason(item: &Item, finding: &Finding) -> Option<Reason> {
    let outcome = match finding.outcome.verdict()? {
        Verdict::Failed => Outcome::Failed,
        Verdict::Inconclusive => Outcome::Inconclusive,
        Verdict::Passed | Verdict::Warned => return None,
    };
    let place = match &finding.location {
        Some(location) => Place::File(location.path.clone(), location.line),
        None => Place::Tracker(item.line),
    };
    let is_place = finding.location.as_ref().is_some_and(|place| place.path == finding.subject);
    let subject = if is_place { String::new() } else { format!("{}: ", subject(item, finding)) };
    Some(Reason {
        outcome,
        observed: format!("{subject}{}", finding.observed),
        place,
        remedy: finding.remedy.clone().into_owned(),
    })
}

fn need_reason(question: Question<'_>, item: &Item, need: Need) -> Option<Reason> {
    let Question { seen, required, now, .. } = question;
    let missing = match need {
        Need::Owner if item.owner.is_none() => "no owner",
        Need::Target | Need::DatedTarget if item.target.is_none() => "no target, so no timeline",
        Need::DatedTarget => return undated(item, target_date(item, &required.policy), required, now),
        Need::EvidenceLinks if item.paths().count() == 0 => "no evidence link",
        Need::EvidenceLinks if item.paths().all(|evidence| seen.artefact(evidence).files.is_empty()) => {
            "evidence links, but none of them leads to a file"
        }
        _ => return None,
    };
    Some(Reason::closed(missing, item.line, "Add it to the item."))
}

fn undated(item: &Item, end: Option<Timestamp>, required: &Required, now: Timestamp) -> Option<Reason> {
    let target = item.target.as_ref()?;
    match end {
        None => Some(Reason::closed(
            format!("its target '{}' has no date", target.value),
            target.line,
            format!("Give the milestone a date in {}.", required.policy.path),
        )),
        Some(end) if now > end && item.known_status() != Some(Status::Done) => Some(Reason::closed(
            format!("overdue: '{}' was {}", target.value, end.strftime("%Y-%m-%d")),
            target.line,
            "Finish it, or have its owner agree on a later milestone.",
        )),
        Some(_) => None,
    }
}
