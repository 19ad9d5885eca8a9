//! `explain`: why a gate is as it is. Each rule, each item, what counts and what does not, what would open the gate,
//! and when an open one closes by itself. Pure.

use std::{collections::BTreeSet, fmt::Write as _, slice};

use jiff::{SignedDuration, Timestamp};

use super::{
    artefacts::Page,
    gate::{Decision, Question, decide},
    policy::{Gate, target_date},
    tracker::{GateRule, Item, Status},
};
use crate::record::{
    Finding, Outcome, Verdict,
    v1::{self, Record},
};

/// The answer for people, and the worst verdict.
pub(super) fn explain(question: Question<'_>, gates: &[Gate]) -> (String, Verdict) {
    let decisions = decide(question, gates);
    let texts = gates.iter().zip(&decisions).map(|(gate, decision)| of_gate(question, gate, decision));
    let text = texts.collect::<Vec<_>>().join("\n");
    (text, Verdict::worst(decisions.iter().map(Decision::verdict)))
}

fn of_gate(question: Question<'_>, gate: &Gate, decision: &Decision) -> String {
    let mut out = String::new();
    let against: Vec<_> = decision.findings.iter().filter(|finding| stands_against(finding)).collect();
    let at = question.now.strftime("%Y-%m-%d %H:%M UTC");
    let _ = match against.len() {
        0 => writeln!(
            out,
            "The {} gate is {} as of {at}: nothing stands in its way.",
            gate.name,
            decision.word()
        ),
        1 => writeln!(
            out,
            "The {} gate is {} as of {at}: one thing stands in its way.",
            gate.name,
            decision.word()
        ),
        many => writeln!(
            out,
            "The {} gate is {} as of {at}: {many} things stand in its way.",
            gate.name,
            decision.word()
        ),
    };
    for rule in &gate.rules {
        of_rule(question, gate, rule, decision, &mut out);
    }
    if against.is_empty() {
        match next_end(question, gate) {
            Some((end, what)) => {
                let _ =
                    writeln!(out, "\nBy itself it closes on {}: {what}.", end.strftime("%Y-%m-%d %H:%M UTC"));
            }
            None => out.push_str("\nNothing that it stands on ends by itself.\n"),
        }
    } else {
        out.push_str("\nWhat would open it:\n");
        remedies(gate, &against, &mut out);
    }
    out
}

/// What to do, each thing once, and where.
fn remedies(gate: &Gate, against: &[&Finding], out: &mut String) {
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for finding in against {
        let subject = finding.subject.strip_prefix(&gate.name).unwrap_or(&finding.subject);
        // `item 1 (SLO and Alert Pack)` stands above in full.
        let short = subject.trim_start_matches(": ").split(" (").next().unwrap_or_default();
        let place = format!("{short}, {}", place(finding));
        match told.iter_mut().find(|(remedy, _)| *remedy == finding.remedy) {
            Some((_, places)) => places.push(place),
            None => told.push((&finding.remedy, vec![place])),
        }
    }
    for (index, (remedy, places)) in told.iter().enumerate() {
        let _ = writeln!(out, "{:>3}. {remedy}", index + 1);
        places.iter().for_each(|place| {
            let _ = writeln!(out, "       {place}");
        });
    }
}

fn of_rule(question: Question<'_>, gate: &Gate, rule: &GateRule, decision: &Decision, out: &mut String) {
    let _ = writeln!(out, "\nRule in {}, line {}: {}", gate.source, rule.line, rule.text);
    let Ok(meaning) = &rule.meaning else {
        for finding in decision.findings.iter().filter(|finding| finding.subject.contains(&rule.text)) {
            let _ = writeln!(out, "  ? {}", finding.observed);
        }
        return;
    };
    for number in meaning.items.iter().cloned().flatten() {
        let Some(item) = question.tracker.items.iter().find(|item| item.number == number) else {
            let _ = writeln!(out, "  ✕ item {number}: the tracker has no such item");
            continue;
        };
        let name = item.name();
        let of_item: Vec<_> =
            decision.findings.iter().filter(|finding| finding.subject.ends_with(&name)).collect();
        let holds = !of_item.iter().any(|finding| stands_against(finding));
        let _ = writeln!(out, "  {} {name}, {}", if holds { "✓" } else { "✕" }, facts(question, item));
        for finding in &of_item {
            let sign = match finding.outcome {
                Outcome::Failed => "✕",
                Outcome::Inconclusive => "?",
                _ if finding.observed == "met" => continue,
                _ => "·",
            };
            let _ = writeln!(out, "      {sign} {}: {}", place(finding), finding.observed);
        }
        if meaning.status == Status::Done {
            standings(question, item, out);
        }
    }
}

/// Status, owner, target.
fn facts(question: Question<'_>, item: &Item) -> String {
    let status = item.known_status().map_or("no status", Status::word);
    let owner = item.owner.as_ref().map_or("nobody", |owner| owner.value.as_str());
    let target = item.target.as_ref().map_or_else(
        || "no target".to_owned(),
        |target| match target_date(item, &question.required.policy) {
            Some(end) => format!("{} ({})", target.value, end.strftime("%Y-%m-%d")),
            None => target.value.clone(),
        },
    );
    format!("{status}; {owner}; {target}")
}

/// What each evidence file of the item stands for, and until when.
fn standings(question: Question<'_>, item: &Item, out: &mut String) {
    let mut told = BTreeSet::new();
    for file in item.paths().flat_map(|evidence| &question.seen.artefact(evidence).files) {
        let Page::Evidence { record: Some(record), .. } = &file.page else { continue };
        if !told.insert(&file.path) {
            continue;
        }
        let own = Record::time(&record.valid_until);
        let until = question.required.end_of(item, &file.path, question.now).map_or(own, |end| end.min(own));
        let _ = writeln!(
            out,
            "      · {}: {} in {}, finished {}, valid until {}",
            file.path,
            record.verdict,
            record.environment,
            record.finished,
            v1::rfc3339(until)
        );
    }
}

fn stands_against(finding: &Finding) -> bool {
    matches!(finding.outcome.verdict(), Some(Verdict::Failed | Verdict::Inconclusive))
}

fn place(finding: &Finding) -> String {
    match &finding.location {
        Some(location) => match location.line {
            Some(line) => format!("{}:{line}", location.path),
            None => location.path.clone(),
        },
        None => finding.subject.clone(),
    }
}

/// The first moment after which the gate is no longer open, because something ends that it stands on: evidence, a
/// waiver, a milestone, a cadence. What ends without closing it is nothing to tell.
fn next_end(question: Question<'_>, gate: &Gate) -> Option<(Timestamp, String)> {
    let mut ends: Vec<(Timestamp, Option<String>)> = Vec::new();
    for meaning in gate.rules.iter().filter_map(|rule| rule.meaning.as_ref().ok()) {
        let asked = |item: &&Item| meaning.items.iter().any(|range| range.contains(&item.number));
        for item in question.tracker.items.iter().filter(asked) {
            ends.extend(ends_of(question, item, meaning.status));
        }
    }
    let waivers = question.required.policy.waivers.iter().filter(|waiver| waiver.holds_at(question.now));
    ends.extend(waivers.map(|waiver| (waiver.until(), Some(format!("the waiver of {waiver} ends")))));
    ends.retain(|(end, _)| *end > question.now);
    ends.sort();
    ends.dedup_by_key(|(end, _)| *end);
    ends.into_iter().find_map(|(end, what)| {
        let why = closed_after(question, gate, end)?;
        Some((end, what.unwrap_or(why)))
    })
}

/// Why the gate, asked again a second later, is no longer open; `None` where it is.
fn closed_after(question: Question<'_>, gate: &Gate, moment: Timestamp) -> Option<String> {
    let now = moment.checked_add(SignedDuration::from_secs(1)).ok()?;
    let required = question.required.at(now);
    let later = Question { required: &required, now, ..question };
    let decisions = decide(later, slice::from_ref(gate));
    let against = decisions.iter().flat_map(|decision| &decision.findings).find(|one| stands_against(one))?;
    Some(format!("{}: {}", against.subject, against.observed))
}

fn ends_of(question: Question<'_>, item: &Item, status: Status) -> Vec<(Timestamp, Option<String>)> {
    let mut ends = Vec::new();
    if status == Status::Done {
        for file in item.paths().flat_map(|evidence| &question.seen.artefact(evidence).files) {
            if let Page::Evidence { record: Some(record), .. } = &file.page {
                let what = format!("the evidence {} ends", file.path);
                ends.push((Record::time(&record.valid_until), Some(what)));
            }
        }
        ends.extend(question.required.ends(item, question.now));
    } else if let Some(end) = target_date(item, &question.required.policy) {
        ends.push((end, Some(format!("the target of {} has gone by", item.name()))));
    }
    ends
}
