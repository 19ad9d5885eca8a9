//! `check TRACKER`: does every item hold what it says? Pure: what was seen comes in, findings come out.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    artefacts::{Artefact, File, NoGit, Page, Seen},
    checks::{
        CONSISTENT, FRESH, LINKS, MAKE_TARGET, OWNER, PENDING, PRESENT, STATUS, TARGET, TRACKED, VERDICT,
    },
    makefile::Target,
    policy::Required,
    shortfalls,
    tracker::{Evidence, EvidenceKind, Field, Item, Status, Tracker},
};
use crate::record::{
    Check, Finding, Requirement, Verdict,
    v1::{self, Record},
};

/// Everything that is to be said about a tracker.
pub(super) fn assess(tracker: &Tracker, seen: &Seen, required: &Required, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A file that several items name is judged once, where it is named first.
    let mut judged = BTreeSet::new();
    let done = shortfalls::of_done_items(tracker, seen);
    for item in &tracker.items {
        findings.extend(fields(tracker, item));
        for evidence in &item.evidence {
            findings.push(named(tracker, item, evidence, seen));
            let artefact = seen.artefact(evidence);
            for file in artefact.files.iter().filter(|file| judged.insert(file.path.clone())) {
                let of_file = tracked(file).into_iter().chain(page(file, now));
                findings.extend(of_file.map(|finding| finding.at(&tracker.path, Some(evidence.line))));
                findings.extend(shortfalls::of_file(file, seen, done.contains(file.path.as_str())));
            }
        }
        for finding in required.of_item(tracker, item, now) {
            // Two items may share a rule.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings.extend(shortfalls::of_tracker(tracker, seen));
    findings.extend(seen.git.as_ref().map(|why| untold(tracker, why)));
    findings
}

/// Everything that is to be said about what one line of a done item names, for whoever has to rely on it.
pub(super) fn of_done(
    tracker: &Tracker,
    item: &Item,
    evidence: &Evidence,
    seen: &Seen,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = vec![named(tracker, item, evidence, seen)];
    for file in &seen.artefact(evidence).files {
        let of_file = tracked(file).into_iter().chain(page(file, now));
        findings.extend(of_file.map(|one| one.at(&tracker.path, Some(evidence.line))));
        findings.extend(shortfalls::of_file(file, seen, true));
    }
    findings
}

/// What git tracks is not known.
fn untold(tracker: &Tracker, why: &NoGit) -> Finding {
    let finding = match why {
        NoGit::NoRepository => {
            let why = "there is no git repository";
            TRACKED.not_checked(Requirement::Optional, &tracker.path, why)
        }
        NoGit::Trouble(why) => TRACKED
            .inconclusive(&tracker.path)
            .observed(format!("git does not say what it tracks: {why}"))
            .remedy("Mend what git says, and check again."),
    };
    finding.expected("tracked by git").at(&tracker.path, None)
}

fn fields(tracker: &Tracker, item: &Item) -> Vec<Finding> {
    let status = match (&item.status, item.known_status()) {
        (_, Some(status)) => STATUS.passed(item.name()).observed(status.word()),
        (Some(field), None) => STATUS.failed(item.name()).observed(format!("'{}'", field.value)),
        (None, None) => STATUS.failed(item.name()).observed("no status"),
    };
    let mut findings = vec![
        status.expected("open, in_progress or done").at(&tracker.path, Some(item.status_line())),
        present(tracker, item, &OWNER, item.owner.as_ref()),
        present(tracker, item, &TARGET, item.target.as_ref()),
    ];
    let paths = item.paths().count();
    let links = if paths == 0 {
        LINKS.failed(item.name()).observed("no path and no link under Evidence")
    } else {
        LINKS.passed(item.name()).observed(format!("{paths} named"))
    };
    findings.push(links.expected("at least one path or link").at(&tracker.path, Some(item.line)));
    if item.known_status() == Some(Status::Done) {
        let line = item.pending.first().map_or(item.line, |field| field.line);
        let pending = match item.pending.first() {
            Some(field) => {
                PENDING.failed(item.name()).observed(format!("done, and pending: {}", field.value))
            }
            None => PENDING.passed(item.name()).observed("nothing pending"),
        };
        findings.push(pending.expected("nothing pending").at(&tracker.path, Some(line)));
    }
    findings
}

fn present(tracker: &Tracker, item: &Item, check: &'static Check, field: Option<&Field>) -> Finding {
    let finding = match field {
        Some(field) => check.passed(item.name()).observed(&field.value),
        None => check.failed(item.name()).observed("none"),
    };
    let line = field.map_or(item.line, |field| field.line);
    finding.expected("one").at(&tracker.path, Some(line))
}

/// Whether what an item names is there.
fn named(tracker: &Tracker, item: &Item, evidence: &Evidence, seen: &Seen) -> Finding {
    let (text, artefact) = match &evidence.kind {
        EvidenceKind::Make(target) => {
            let finding = make_target(&format!("make {target}, {}", item.name()), seen.make_target(target));
            return finding.expected("a make target").at(&tracker.path, Some(evidence.line));
        }
        EvidenceKind::Path(path) | EvidenceKind::Link(path) => (path, seen.artefact(evidence)),
    };
    existence(text, item, artefact).at(&tracker.path, Some(evidence.line))
}

fn make_target(subject: &str, target: Option<&Target>) -> Finding {
    match target {
        Some(Target::Rule(place)) => MAKE_TARGET.passed(subject).observed(format!("a rule in {place}")),
        Some(Target::OnlyPhony) => {
            MAKE_TARGET.failed(subject).observed("declared .PHONY, and no rule for it")
        }
        Some(Target::Missing(why)) => MAKE_TARGET.failed(subject).observed(why),
        Some(Target::NotUnderstood(why)) => MAKE_TARGET
            .inconclusive(subject)
            .observed(format!("not understood: {why}"))
            .remedy("Write a rule with the target's own name; make is not run to find it."),
        None => MAKE_TARGET.inconclusive(subject).observed("not looked at"),
    }
}

fn existence(text: &str, item: &Item, artefact: &Artefact) -> Finding {
    let subject = format!("{text}, {}", item.name());
    let expected = "a file that is not empty";
    let empty = artefact.files.iter().find(|file| file.bytes == 0);
    if let Some(wrong) = &artefact.wrong {
        let remedy = "Name a regular file of the repository.";
        return PRESENT.failed(subject).observed(wrong).remedy(remedy).expected(expected);
    }
    if let Some(meant) = &artefact.meant {
        let told = format!("nothing there; {meant} is: did you mean that?");
        return PRESENT
            .failed(subject)
            .observed(told)
            .remedy("Correct the case of the path.")
            .expected(expected);
    }
    let finding = match (&artefact.trouble, artefact.files.as_slice(), empty) {
        (Some(trouble), ..) => PRESENT.inconclusive(subject).observed(trouble).remedy("Make it readable."),
        (None, [], _) => PRESENT.failed(subject).observed("nothing there"),
        (None, _, Some(file)) => PRESENT.failed(subject).observed(format!("{} is empty", file.path)),
        (None, [file], None) => PRESENT.passed(subject).observed(format!("{} bytes", file.bytes)),
        (None, files, None) => PRESENT.passed(subject).observed(format!("{} files", files.len())),
    };
    finding.expected(expected)
}

fn tracked(file: &File) -> Option<Finding> {
    let finding = match file.tracked? {
        true => TRACKED.passed(&file.path).observed("tracked"),
        false => TRACKED.warned(&file.path).observed("git does not track it"),
    };
    Some(finding.expected("tracked by git"))
}

fn page(file: &File, now: Timestamp) -> Vec<Finding> {
    match &file.page {
        Page::Other => Vec::new(),
        Page::ByHand => {
            vec![CONSISTENT.not_checked(
                Requirement::Optional,
                &file.path,
                "present, unverified: a page by hand holds no record",
            )]
        }
        Page::Later(why) => {
            let remedy = "Ask for a later day; if this is today, look at the clocks of both machines.";
            vec![VERDICT.failed(&file.path).expected("a run until then").observed(why).remedy(remedy)]
        }
        Page::Evidence { verification, record, chain } => {
            let mut findings = vec![(**verification).clone()];
            findings.extend(chain.as_deref().cloned());
            if let Some(record) = record {
                findings.push(verdict(&file.path, record));
                findings.push(freshness(&file.path, record, now));
            }
            findings
        }
    }
}

/// What the evidence itself says.
pub(super) fn verdict(path: &str, record: &Record) -> Finding {
    let observed = format!("{} in {}, finished {}", record.verdict, record.environment, record.finished);
    let finding = match record.verdict {
        Verdict::Passed => VERDICT.passed(path),
        Verdict::Warned => VERDICT.warned(path),
        Verdict::Inconclusive => VERDICT.inconclusive(path),
        Verdict::Failed => VERDICT.failed(path),
    };
    finding.expected("PASSED").observed(observed)
}

/// Failed past its validity; warned in the last fifth of it.
fn freshness(path: &str, record: &Record, now: Timestamp) -> Finding {
    let (finished, until) = (Record::time(&record.finished), Record::time(&record.valid_until));
    let validity = until.duration_since(finished);
    let left = until.duration_since(now);
    let observed = format!("valid until {}", v1::rfc3339(until));
    let finding = if left.is_negative() || left.is_zero() {
        FRESH.failed(path).observed(format!("no longer: {observed}"))
    } else if left < validity / 5 {
        FRESH.warned(path).observed(format!("not for long: {observed}")).hurts_at(until)
    } else {
        FRESH.passed(path).observed(observed)
    };
    finding.expected("still valid")
}
