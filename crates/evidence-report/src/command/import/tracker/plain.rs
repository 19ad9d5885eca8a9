//! The other way in which a tracker's page becomes text: copied from a page that draws its bullets, every bullet is a
//! line of its own, and neither dashes nor code spans are left. It is brought into the form that the reader knows:
//! `- Status:` and, in the next line, what was a code span. Pure.

use super::{Section, field, numbered};

/// What browsers write for a bullet, where they write anything.
const BULLETS: [char; 6] = ['•', '◦', '▪', '‣', '·', '○'];

/// Whether the text is of this kind: fields of items, and not one dash before any.
pub(super) fn is_plain(text: &str) -> bool {
    let fields = || text.lines().map(str::trim);
    fields().any(|line| bullet(line).starts_with("Status:")) && !fields().any(|line| line.starts_with("- "))
}

/// Line by line, with as many lines as before: numbers stay right.
pub(super) fn with_dashes(text: &str) -> Vec<(u32, String)> {
    let (mut section, mut list) = (Section::Preamble, None);
    let mut lines = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let content = bullet(line.trim());
        let heading = content.trim_end_matches('¶').trim();
        if numbered(heading) && !heading.contains(": ") {
            (section, list) = (Section::Item, None);
            lines.push((number, format!("{heading}¶")));
        } else if heading.eq_ignore_ascii_case("launch gating") {
            section = Section::Gating;
            lines.push((number, format!("{heading}¶")));
        } else if lines.is_empty() && !content.is_empty() {
            lines.push((number, format!("{heading}¶")));
        } else if section == Section::Preamble || content.is_empty() {
            lines.push((number, content.to_owned()));
        } else {
            if let (Section::Item, Some(key)) = (section, field(content)) {
                list = Some(key);
            }
            lines.extend(dashed(content, section, list).into_iter().map(|line| (number, line)));
        }
    }
    lines
}

fn bullet(line: &str) -> &str {
    line.trim_start_matches(BULLETS).trim_start()
}

/// One bullet: its words, and what was a code span below them.
fn dashed(content: &str, section: Section, list: Option<&str>) -> Vec<String> {
    if section == Section::Gating {
        return rule(content);
    }
    let Some((label, value)) = content.split_once(':') else { return vec![format!("- {content}")] };
    let value = value.trim();
    let is_field = field(content).is_some();
    let is_pending = label.trim().eq_ignore_ascii_case("pending");
    // Of evidence only what can be nothing but code: a path from the root, or a target of make.
    let is_code = list == Some("evidence") && !is_pending && (paths(value) || value.starts_with("make "));
    if value.is_empty() || !(is_field || is_code) {
        return vec![format!("- {content}")];
    }
    vec![format!("- {label}:"), value.to_owned()]
}

/// `a/b.md, c/d.md`
fn paths(value: &str) -> bool {
    value.split(',').map(str::trim).all(|part| part.contains('/') && !part.contains(char::is_whitespace))
}

/// A rule, each state at the beginning of a line: there the reader finds what was a code span.
fn rule(content: &str) -> Vec<String> {
    let mut lines = vec!["-".to_owned()];
    for word in content.split_whitespace() {
        let is_state = super::STATUS.contains(&word.trim_end_matches(['.', ',', ';']));
        match lines.last_mut() {
            Some(line) if !is_state => line.push_str(&format!(" {word}")),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{
        import::tracker::read,
        tracker::{EvidenceKind, Status, Tracker},
    };

    const COPIED: &str = "Ship Track\nPurpose: make it run.\n\n1) Alerts\n• Status: in_progress\n• Owner: Ops + Data\n• Target: Before beta\n• Scope:\n◦ Alerts for the API.\n• Evidence:\n◦ Check command: make evidence\n◦ Report: ops/a.md, ops/b.md\n◦ Note: see the wiki\n◦ Pending: drill; load\n2) Cost\nStatus: done\nOwner: Money\nEvidence:\nPending: links.\nLaunch Gating\nLaunch requires items 1-1 to be done.\nItems 2-2 must be at least in_progress with owners, timeline, and evidence links.\n";

    #[test]
    fn what_was_copied_without_dashes_reads_as_the_tracker_that_it_was() {
        assert!(is_plain(COPIED));
        assert!(!is_plain("1) A¶\n- Status:\ndone\n"));
        let placed = read(COPIED).unwrap();
        let tracker = Tracker::read("t.md", &placed.markdown).unwrap();
        let first = &tracker.items[0];
        assert_eq!(first.known_status(), Some(Status::InProgress), "{}", placed.markdown);
        assert_eq!(first.owner.as_ref().unwrap().value, "Ops + Data");
        let evidence: Vec<_> = first.evidence.iter().map(|evidence| evidence.kind.clone()).collect();
        assert_eq!(
            evidence,
            [
                EvidenceKind::Make("evidence".into()),
                EvidenceKind::Path("ops/a.md".into()),
                EvidenceKind::Path("ops/b.md".into()),
            ]
        );
        assert_eq!(first.pending[0].value, "drill; load");
        assert_eq!(tracker.items[1].known_status(), Some(Status::Done));
        assert!(
            tracker.gates.len() == 2 && tracker.gates.iter().all(|gate| gate.meaning.is_ok()),
            "{}",
            placed.markdown
        );
        assert_eq!(placed.unplaced, Vec::<(u32, String)>::new());
    }
}
