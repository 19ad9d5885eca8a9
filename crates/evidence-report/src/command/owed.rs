//! What `check` and the gate owe of a tracker: the checks of which something has to be said, by what the tracker and the
//! policy name and by what kind of file was found. Pure.

use super::{
    artefacts::{File, Page, Seen},
    checks::{
        CONSISTENT, EXECUTABLE, FRESH, GATE_ITEM, GATE_RULE, LINK_TARGET, LINKS, MAKE_TARGET, OWNER, PARSES,
        PENDING, PRESENT, REMNANT, STATUS, TARGET, TRACKED, VERDICT,
    },
    policy::{Gate, Required},
    shortfalls,
    tracker::{Evidence, EvidenceKind, Item, Status, Tracker},
};
use crate::record::Check;

/// Of a tracker that is checked.
pub(super) fn by_check(tracker: &Tracker, seen: &Seen, required: &Required) -> Vec<&'static Check> {
    let mut owed = Vec::new();
    for item in &tracker.items {
        owed.extend([&STATUS, &OWNER, &TARGET, &LINKS]);
        owed.extend((item.known_status() == Some(Status::Done)).then_some(&PENDING));
        for evidence in &item.evidence {
            owed.extend(of_evidence(evidence, seen));
            owed.extend((!seen.artefact(evidence).files.is_empty()).then_some(&TRACKED));
        }
        owed.extend(required.owed(item));
        owed.extend(required.owed_date(item));
    }
    owed.extend(shortfalls::own_links(tracker, seen).next().map(|_| &LINK_TARGET));
    owed
}

/// Of a gate.
pub(super) fn by_gates(gates: &[Gate]) -> Vec<&'static Check> {
    let meanings = gates.iter().flat_map(|gate| &gate.rules).filter_map(|rule| rule.meaning.as_ref().ok());
    let items = meanings.flat_map(|meaning| &meaning.items).next();
    [&GATE_RULE].into_iter().chain(items.map(|_| &GATE_ITEM)).collect()
}

/// Of what an item names, before a gate believes that it is done.
pub(super) fn by_evidence(item: &Item, seen: &Seen) -> Vec<&'static Check> {
    item.evidence.iter().flat_map(|evidence| of_evidence(evidence, seen)).collect()
}

/// Of one line under an item's evidence.
fn of_evidence(evidence: &Evidence, seen: &Seen) -> Vec<&'static Check> {
    if matches!(evidence.kind, EvidenceKind::Make(_)) {
        return vec![&MAKE_TARGET];
    }
    let files = &seen.artefact(evidence).files;
    [&PRESENT].into_iter().chain(files.iter().flat_map(of_file)).collect()
}

fn of_file(file: &File) -> Vec<&'static Check> {
    let mut owed: Vec<&'static Check> = match &file.page {
        Page::Evidence { record: Some(_), .. } => vec![&CONSISTENT, &VERDICT, &FRESH],
        Page::Evidence { record: None, .. } | Page::ByHand => vec![&CONSISTENT],
        Page::Later(_) => vec![&VERDICT],
        Page::Other => Vec::new(),
    };
    if let Page::Evidence { chain: Some(trouble), .. } = &file.page {
        owed.push(trouble.check);
    }
    owed.extend(file.executable.map(|_| &EXECUTABLE));
    owed.extend(file.form.as_ref().map(|_| &PARSES));
    if let Some(outline) = &file.outline {
        owed.push(&REMNANT);
        owed.extend((!outline.links.is_empty()).then_some(&LINK_TARGET));
    }
    owed
}
