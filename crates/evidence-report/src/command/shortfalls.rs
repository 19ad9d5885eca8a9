//! What falls short in the files that a tracker names, beyond being there: scripts that cannot be started, files
//! that do not parse, links that lead nowhere, remnants of templates. Pure.

use std::{collections::BTreeSet, path::Path};

use super::{
    artefacts::{File, Seen},
    checks::{EXECUTABLE, LINK_TARGET, PARSES, REMNANT},
    link_targets::LinkTarget,
    page_text::{Link, To},
    paths::{LEADS_OUT, percent_decoded},
    tracker::{Evidence, EvidenceKind, Item, Status, Tracker},
};
use crate::record::{Check, Finding};

/// The files that an item names which is done.
pub(super) fn of_done_items<'s>(tracker: &Tracker, seen: &'s Seen) -> BTreeSet<&'s str> {
    let done = tracker.items.iter().filter(|item| item.known_status() == Some(Status::Done));
    let files = done.flat_map(Item::paths).flat_map(|evidence| &seen.artefact(evidence).files);
    files.map(|file| file.path.as_str()).collect()
}

/// What is to be said about one file; `done` where an item that is done rests on it.
pub(super) fn of_file(file: &File, seen: &Seen, done: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(executable(file, done));
    findings.extend(parses(file));
    let Some(outline) = &file.outline else { return findings };
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let own = match seen.targets.of_file(&file.path) {
        Some(LinkTarget::There(anchors)) => anchors.as_ref(),
        _ => None,
    };
    let place = Place { path: &file.path, folder: Some(folder), own };
    findings.extend(links(&place, &outline.links, seen, done));
    findings.extend(remnants(file, &outline.remnants, done));
    findings
}

/// What is to be said about the tracker's own links. What is evidence is judged as evidence.
pub(super) fn of_tracker(tracker: &Tracker, seen: &Seen) -> Vec<Finding> {
    let place =
        Place { path: &tracker.path, folder: seen.folder.as_deref(), own: Some(&seen.tracker.anchors) };
    links(&place, own_links(tracker, seen), seen, false)
}

/// The tracker's links that are no evidence.
pub(super) fn own_links<'s>(tracker: &'s Tracker, seen: &'s Seen) -> impl Iterator<Item = &'s Link> {
    let evidence: Vec<&Evidence> = tracker.items.iter().flat_map(Item::paths).collect();
    let is_evidence = move |link: &Link| {
        let To::Path { path, fragment } = &link.to else { return false };
        let same = |evidence: &&Evidence| {
            evidence.line == link.line && matches!(&evidence.kind, EvidenceKind::Link(link) if link == path)
        };
        let there = seen.folder.as_deref().and_then(|folder| seen.targets.of(folder, path));
        let is_about_anchor = fragment.is_some() && matches!(there, Some(LinkTarget::There(_)));
        !is_about_anchor && evidence.iter().any(same)
    };
    seen.tracker.links.iter().filter(move |link| !is_evidence(link))
}

fn executable(file: &File, done: bool) -> Option<Finding> {
    let finding = match (file.executable?, done) {
        (true, _) => EXECUTABLE.passed(&file.path).observed("executable"),
        (false, done) => shortfall(&EXECUTABLE, &file.path, done)
            .observed("not executable")
            .remedy(format!("Make it executable: chmod +x {}; check --fix does it.", file.path)),
    };
    Some(finding.expected("a script that can be started").at(&file.path, None))
}

fn parses(file: &File) -> Option<Finding> {
    let form = file.form.as_ref()?;
    let (finding, line) = match &form.trouble {
        None => (PARSES.passed(&file.path).observed("it parses"), None),
        Some((why, line)) => (PARSES.failed(&file.path).observed(why), *line),
    };
    Some(finding.expected(form.name).at(&file.path, line))
}

fn remnants(file: &File, remnants: &[(String, u32)], done: bool) -> Vec<Finding> {
    let expected = "nothing of a template";
    let Some((_, first)) = remnants.first() else {
        return vec![
            REMNANT.passed(&file.path).expected(expected).observed("none found").at(&file.path, None),
        ];
    };
    // A page that nobody filled in is one shortfall, not fifty.
    let told: Vec<_> = remnants.iter().take(5).map(|(what, line)| format!("{what} in line {line}")).collect();
    let more = match remnants.len().saturating_sub(told.len()) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let finding = shortfall(&REMNANT, &file.path, done).observed(format!("{}{more}", told.join(", ")));
    vec![finding.expected(expected).at(&file.path, Some(*first))]
}

/// Where a link is written.
struct Place<'p> {
    path: &'p str,
    /// The folder from the root; `None` where it lies outside.
    folder: Option<&'p Path>,
    /// The anchors of the page itself.
    own: Option<&'p BTreeSet<String>>,
}

fn links<'l>(
    place: &Place<'_>,
    links: impl IntoIterator<Item = &'l Link>,
    seen: &Seen,
    done: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut whole = 0;
    for link in links {
        let (written, wrong) = match &link.to {
            To::Undefined(name) => {
                (format!("[{name}]"), Some(Wrong::new("the page does not define where it leads")))
            }
            To::Path { path, fragment } => {
                let written = match fragment {
                    Some(fragment) => format!("{path}#{fragment}"),
                    None => path.clone(),
                };
                (written, wrong(place, path, fragment.as_deref(), seen))
            }
        };
        let Some(wrong) = wrong else {
            whole += 1;
            continue;
        };
        let finding = match wrong.is_ours {
            true => LINK_TARGET.inconclusive(&written).remedy("Make it readable."),
            false => shortfall(&LINK_TARGET, &written, done),
        };
        let finding = finding.expected("a link that leads somewhere").observed(wrong.told);
        findings.push(finding.at(place.path, Some(link.line)));
    }
    if whole > 0 && findings.is_empty() {
        let finding = LINK_TARGET.passed(place.path).expected("links that lead somewhere");
        findings.push(finding.observed(format!("{whole} links")).at(place.path, None));
    }
    findings
}

struct Wrong {
    told: String,
    /// Our own environment kept us from looking.
    is_ours: bool,
}

impl Wrong {
    fn new(told: impl Into<String>) -> Self {
        Self { told: told.into(), is_ours: false }
    }
}

/// What is wrong with a link; `None` where it leads somewhere.
fn wrong(place: &Place<'_>, path: &str, fragment: Option<&str>, seen: &Seen) -> Option<Wrong> {
    let anchors = if path.is_empty() {
        place.own
    } else {
        let folder = match place.folder {
            Some(folder) => folder,
            None if path.starts_with('/') => Path::new(""),
            None => return Some(Wrong::new(LEADS_OUT)),
        };
        match seen.targets.of(folder, path) {
            None | Some(LinkTarget::LeadsOut) => return Some(Wrong::new(LEADS_OUT)),
            Some(LinkTarget::Missing(None)) => return Some(Wrong::new("nothing there")),
            Some(LinkTarget::Missing(Some(meant))) => {
                return Some(Wrong::new(format!("nothing there; {meant} is: did you mean that?")));
            }
            Some(LinkTarget::Unreadable(why)) => return Some(Wrong { told: why.clone(), is_ours: true }),
            Some(LinkTarget::There(anchors)) => anchors.as_ref(),
        }
    };
    let (fragment, anchors) = (percent_decoded(fragment?), anchors?);
    let is_known = fragment.is_empty() || fragment == "top" || anchors.contains(&fragment);
    if is_known || anchors.contains(fragment.trim_start_matches("user-content-")) {
        return None;
    }
    let meant = anchors.iter().find(|anchor| anchor.to_lowercase() == fragment.to_lowercase());
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean #{meant}?"));
    Some(Wrong::new(format!("no heading and no id #{fragment} there{meant}")))
}

/// Of an item that is done it fails; as long as somebody works on it, it warns.
fn shortfall(check: &'static Check, subject: &str, done: bool) -> Finding {
    if done { check.failed(subject) } else { check.warned(subject) }
}
