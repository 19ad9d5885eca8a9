//! Markdown → [`Tracker`]: strictly, with positions. Paths are read from code spans and links of an item's
//! Evidence, never guessed from prose.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::{Evidence, EvidenceKind, Field, Item, Status, Tracker, rules::GateRule};

/// A text that is no tracker.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::command) enum TrackerError {
    #[error("it has no item: no heading such as `## 1) Title`")]
    NoItems,
    #[error("line {line}: item {number} stands twice; the first is in line {first}")]
    Twice { number: u32, line: u32, first: u32 },
    #[error(
        "line {line}: item {number} has a second {field}; the first is in line {first}; keep one of them"
    )]
    FieldTwice { number: u32, field: &'static str, line: u32, first: u32 },
}

/// A list item with what is written in it, its sublists apart.
#[derive(Debug, Default, Clone)]
struct Bullet {
    line: u32,
    depth: usize,
    /// The text as it is read, code spans included.
    text: String,
    codes: Vec<(String, u32)>,
    links: Vec<(String, u32)>,
    /// Whether a list stands below it.
    has_list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Other,
    Item,
    Gating,
}

impl Tracker {
    /// Reads the text of a tracker; `path` is its name in findings.
    pub(in crate::command) fn read(path: &str, text: &str) -> Result<Self, TrackerError> {
        // Editors of one system begin every text with a mark of its byte order.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = LineNumbers::of(text);
        let mut reader = Reader {
            text,
            lines: &lines,
            tracker: Self { path: path.to_owned(), items: Vec::new(), gates: Vec::new() },
            section: Section::Other,
            key: String::new(),
            heading: None,
            bullets: Vec::new(),
            paragraph: None,
            twice: None,
        };
        for (event, range) in Parser::new(text).into_offset_iter() {
            reader.event(event, range);
        }
        if let Some(twice) = reader.twice {
            return Err(twice);
        }
        let tracker = reader.tracker;
        if tracker.items.is_empty() {
            return Err(TrackerError::NoItems);
        }
        for (index, item) in tracker.items.iter().enumerate() {
            if let Some(first) = tracker.items[..index].iter().find(|other| other.number == item.number) {
                return Err(TrackerError::Twice { number: item.number, line: item.line, first: first.line });
            }
        }
        Ok(tracker)
    }
}

struct Reader<'t> {
    text: &'t str,
    lines: &'t LineNumbers,
    tracker: Tracker,
    section: Section,
    /// The key of the outer bullet that we are in: `Scope`, `Evidence`.
    key: String,
    heading: Option<(HeadingLevel, u32, String)>,
    bullets: Vec<Bullet>,
    /// A paragraph of the gate's section, outside of any list.
    paragraph: Option<Bullet>,
    /// The first field that an item has twice.
    twice: Option<TrackerError>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        // Where a tab indents it, an item begins with the end of the line before.
        let written = self.text.get(range.start..).unwrap_or_default();
        let blank = written.len() - written.trim_start().len();
        let line = self.lines.of_offset(range.start + blank);
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading = Some((level, line, String::new())),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::Item) => {
                // The outer bullet's own text is complete when its sublist begins: it may be its key.
                if let [.., outer] = self.bullets.as_slice()
                    && outer.depth == 0
                {
                    self.key = key_of(&outer.text).0;
                }
                if let Some(outer) = self.bullets.last_mut() {
                    outer.has_list = true;
                }
                let depth = self.bullets.len();
                self.bullets.push(Bullet { line, depth, ..Bullet::default() });
            }
            Event::End(TagEnd::Item) => {
                if let Some(bullet) = self.bullets.pop() {
                    self.end_bullet(&bullet);
                }
            }
            Event::Start(Tag::Paragraph) if self.section == Section::Gating && self.bullets.is_empty() => {
                self.paragraph = Some(Bullet { line, ..Bullet::default() });
            }
            Event::End(TagEnd::Paragraph) => {
                if let Some(paragraph) = self.paragraph.take() {
                    self.end_paragraph(&paragraph);
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                if let Some(bullet) = self.bullets.last_mut() {
                    bullet.links.push((dest_url.into_string(), line));
                }
            }
            Event::Code(code) => {
                if let Some(bullet) = self.bullets.last_mut().or(self.paragraph.as_mut()) {
                    bullet.codes.push((code.to_string(), line));
                }
                self.add_text(&code);
            }
            Event::Text(text) => self.add_text(&text),
            Event::SoftBreak | Event::HardBreak => self.add_text(" "),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        if let Some((_, _, heading)) = &mut self.heading {
            heading.push_str(text);
        } else if let Some(bullet) = self.bullets.last_mut().or(self.paragraph.as_mut()) {
            bullet.text.push_str(text);
        }
    }

    fn end_heading(&mut self) {
        let Some((level, line, text)) = self.heading.take() else { return };
        if level > HeadingLevel::H2 {
            return;
        }
        self.key.clear();
        self.section = if let Some((number, title)) = numbered(&text) {
            self.tracker.items.push(Item {
                number,
                title,
                line,
                status: None,
                owner: None,
                target: None,
                scope: Vec::new(),
                evidence: Vec::new(),
                pending: Vec::new(),
            });
            Section::Item
        } else if text.trim().eq_ignore_ascii_case("launch gating") {
            Section::Gating
        } else {
            Section::Other
        };
    }

    /// A rule need not stand in a list. What asks for nothing explains the others.
    fn end_paragraph(&mut self, paragraph: &Bullet) {
        let asks = paragraph.codes.iter().any(|(code, _)| Status::parse(code).is_some());
        if asks || paragraph.text.to_ascii_lowercase().contains("item") {
            self.tracker.gates.push(GateRule::read(&paragraph.text, &paragraph.codes, paragraph.line));
        }
    }

    fn end_bullet(&mut self, bullet: &Bullet) {
        match self.section {
            Section::Other => {}
            Section::Gating => {
                self.tracker.gates.push(GateRule::read(&bullet.text, &bullet.codes, bullet.line))
            }
            Section::Item if self.key != "scope" && self.is_pending(bullet) => self.end_pending(bullet),
            Section::Item if bullet.depth == 0 => self.end_outer_bullet(bullet),
            Section::Item if self.key == "evidence" => self.end_evidence(bullet),
            Section::Item if self.key == "scope" => self.end_scope(bullet),
            Section::Item => {}
        }
        if bullet.depth == 0 {
            self.key.clear();
        }
    }

    /// Whether a bullet says what is pending, or stands below one that does.
    fn is_pending(&self, bullet: &Bullet) -> bool {
        self.bullets.iter().chain([bullet]).any(|bullet| pending(&bullet.text).is_some())
    }

    fn end_pending(&mut self, bullet: &Bullet) {
        let Some(item) = self.tracker.items.last_mut() else { return };
        let value = match pending(&bullet.text) {
            // What is below says it.
            Some("") if bullet.has_list => return,
            Some("") => "it does not say what",
            Some(value) => value,
            None => bullet.text.trim(),
        };
        item.pending.push(Field { value: value.to_owned(), line: bullet.line });
    }

    fn end_outer_bullet(&mut self, bullet: &Bullet) {
        let Some(item) = self.tracker.items.last_mut() else { return };
        let (key, value) = key_of(&bullet.text);
        let line = bullet.line;
        let (field, place) = match key.as_str() {
            "status" => ("status", &mut item.status),
            "owner" => ("owner", &mut item.owner),
            "target" => ("target", &mut item.target),
            // Evidence may also stand on the key's own line.
            "evidence" => return self.end_evidence(bullet),
            _ => return,
        };
        if let Some(Field { line: first, .. }) = *place {
            self.twice.get_or_insert(TrackerError::FieldTwice { number: item.number, field, line, first });
        } else {
            *place = (!value.is_empty()).then_some(Field { value, line });
        }
    }

    fn end_scope(&mut self, bullet: &Bullet) {
        let Some(item) = self.tracker.items.last_mut() else { return };
        let value = unboxed(&bullet.text).to_owned();
        if bullet.text.trim().starts_with(UNTICKED) {
            item.pending.push(Field { value: value.clone(), line: bullet.line });
        }
        item.scope.push(Field { value, line: bullet.line });
    }

    fn end_evidence(&mut self, bullet: &Bullet) {
        let Some(item) = self.tracker.items.last_mut() else { return };
        let codes = bullet.codes.iter().filter_map(|(code, line)| Some((code_kind(code)?, *line)));
        let links = bullet.links.iter().filter_map(|(link, line)| Some((link_kind(link)?, *line)));
        item.evidence.extend(codes.chain(links).map(|(kind, line)| Evidence { kind, line }));
    }
}

/// `Status: done` → (`status`, `done`).
fn key_of(text: &str) -> (String, String) {
    match text.split_once(':') {
        Some((key, value)) => (key.trim().to_ascii_lowercase(), value.trim().to_owned()),
        None => (text.trim().to_ascii_lowercase(), String::new()),
    }
}

/// `Pending: drills`, `Pending drills`, `TODO: drills` and `[ ] drills` → `drills`; `None` of what says nothing of the
/// kind.
fn pending(text: &str) -> Option<&str> {
    const WORD: &str = "pending";
    let text = text.trim();
    if let Some(rest) = text.strip_prefix(UNTICKED) {
        return Some(pending(rest).unwrap_or(rest.trim()));
    }
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(WORD));
    let word = ["TODO", "TBD", "FIXME"].into_iter().find(|word| text.starts_with(word));
    let word = word.or_else(|| begins(WORD).then_some(WORD))?;
    let rest = &text[word.len()..];
    let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
    ends.then(|| rest.trim_start_matches([':', ' ']).trim_end())
}

/// A box that nobody has ticked.
const UNTICKED: &str = "[ ]";

/// The text of a bullet without its box.
fn unboxed(text: &str) -> &str {
    let text = text.trim();
    let boxes = [UNTICKED, "[x]", "[X]"];
    boxes.iter().find_map(|one| text.strip_prefix(one)).unwrap_or(text).trim_start()
}

/// `3) Backup` or `3. Backup` → (3, `Backup`).
fn numbered(heading: &str) -> Option<(u32, String)> {
    let heading = heading.trim();
    let digits = heading.bytes().take_while(u8::is_ascii_digit).count();
    let title = heading[digits..].strip_prefix([')', '.'])?;
    Some((heading[..digits].parse().ok()?, title.trim().to_owned()))
}

/// A code span is a make command, a path (it has a slash and no blank), or neither.
fn code_kind(code: &str) -> Option<EvidenceKind> {
    let code = code.trim();
    if let Some(target) = code.strip_prefix("make ") {
        return Some(EvidenceKind::Make(target.trim().to_owned()));
    }
    let is_path = code.contains('/') && !code.contains(char::is_whitespace) && !code.contains("://");
    is_path.then(|| EvidenceKind::Path(code.to_owned()))
}

/// A link within the repository; its fragment is left out.
fn link_kind(link: &str) -> Option<EvidenceKind> {
    let path = link.split('#').next().unwrap_or_default();
    let local = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
    local.then(|| EvidenceKind::Link(path.to_owned()))
}

/// From byte offsets to line numbers.
struct LineNumbers(Vec<usize>);

impl LineNumbers {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn of_offset(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|&end| end < offset) + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACKER: &str = "# Track\n\n## 3) Backup, Restore\n- Status: `in_progress`\n- Owner: `Platform + DBA`\n- Target: `Before go-live`\n- Scope:\n  - Route to `cmd/gateway` runtime.\n- Evidence:\n  - Command: `make check`\n  - Report: `doc/a.md`, `doc/b.md`\n  - Runbooks: `doc/runbooks/*` and [one](../x.md#top)\n  - load-test scripts/results in prose\n  - Pending: restore rehearsal, `doc/not_yet.md`.\n\n## Launch Gating\n- Public launch requires items 1-5 to be `done`.\n";

    #[test]
    fn an_item_is_read_with_its_lines() {
        let tracker = Tracker::read("t.md", TRACKER).unwrap();
        let item = &tracker.items[0];
        assert_eq!((item.number, item.title.as_str(), item.line), (3, "Backup, Restore", 3));
        assert_eq!(item.status, Some(Field { value: "in_progress".into(), line: 4 }));
        assert_eq!(item.owner.as_ref().unwrap().value, "Platform + DBA");
        let evidence: Vec<_> = item.evidence.iter().map(|e| (e.kind.clone(), e.line)).collect();
        assert_eq!(
            evidence,
            [
                (EvidenceKind::Make("check".into()), 10),
                (EvidenceKind::Path("doc/a.md".into()), 11),
                (EvidenceKind::Path("doc/b.md".into()), 11),
                (EvidenceKind::Path("doc/runbooks/*".into()), 12),
                (EvidenceKind::Link("../x.md".into()), 12),
            ],
            "no path from prose, from the scope, or from what is pending"
        );
        assert_eq!(item.pending[0].line, 14);
        assert_eq!(tracker.gates.len(), 1);
    }

    #[test]
    fn a_page_without_items_and_an_item_that_stands_twice_are_told() {
        assert_eq!(Tracker::read("t.md", "# Hello\n"), Err(TrackerError::NoItems));
        let twice = "## 1) A\n## 2) B\n## 1) C\n";
        assert_eq!(Tracker::read("t.md", twice), Err(TrackerError::Twice { number: 1, line: 3, first: 1 }));
        let twice = "## 4) A\n- Status: `open`\n- Owner: `x`\n- Status: `done`\n";
        let told = TrackerError::FieldTwice { number: 4, field: "status", line: 4, first: 2 };
        assert_eq!(Tracker::read("t.md", twice), Err(told), "neither of them wins");
    }

    #[test]
    fn what_is_pending_is_found_wherever_and_however_it_is_written() {
        let cases: [(&str, &[(&str, u32)]); 15] = [
            ("- Evidence:\n  - Pending: drills.\n", &[("drills.", 4)]),
            ("- Evidence:\n\t- **Pending** (staging): drills\n", &[("(staging): drills", 4)]),
            ("- Evidence:\n  - Pending staging drills\n", &[("staging drills", 4)]),
            ("- Evidence:\n  - Pending:\n    - `doc/a.md`\n    - b\n", &[("doc/a.md", 5), ("b", 6)]),
            ("- Evidence:\n  - Pending:\n", &[("it does not say what", 4)]),
            ("- Pending: drills\n", &[("drills", 3)]),
            ("- pending:\n  - `doc/a.md`\n", &[("doc/a.md", 4)]),
            ("- Scope:\n  - Pending invoices: shown.\n", &[]),
            ("- Evidence:\n  - TODO: drills, `doc/a.md`\n", &[("drills, doc/a.md", 4)]),
            ("- Evidence:\n  - TBD\n  - Todo list of the team\n", &[("it does not say what", 4)]),
            ("- Evidence:\n  - [ ] drills: `doc/a.md`\n  - [x] roster\n", &[("drills: doc/a.md", 4)]),
            ("- Evidence:\n  - [ ] Pending: drills\n", &[("drills", 4)]),
            ("- Scope:\n  - [ ] Alerts\n  - [x] Runbooks\n  - TODO lists are shown\n", &[("Alerts", 4)]),
            ("- Evidence:\n  - TODOs are kept elsewhere\n", &[]),
            ("- Evidence:\n  - <!-- Pending: x --> Pending-free: yes\n", &[]),
        ];
        for (text, told) in cases {
            let tracker = Tracker::read("t.md", &format!("## 1) A\n- Status: `done`\n{text}")).unwrap();
            let item = &tracker.items[0];
            let pending: Vec<_> = item.pending.iter().map(|one| (one.value.as_str(), one.line)).collect();
            assert_eq!(pending, told, "{text}");
            assert_eq!(item.evidence, [], "{text}");
        }
    }

    #[test]
    fn a_mark_of_the_byte_order_and_line_ends_of_another_system_are_no_matter() {
        let text = TRACKER.trim_start_matches("# Track\n\n").replace('\n', "\r\n");
        let tracker = Tracker::read("t.md", &format!("\u{feff}{text}")).unwrap();
        assert_eq!((tracker.items[0].line, tracker.items[0].evidence[0].line), (1, 8));
        assert_eq!(tracker.items[0].known_status(), Some(Status::InProgress));
    }

    #[test]
    fn a_rule_outside_of_a_list_is_a_rule_and_what_explains_is_none() {
        let text = "## 1) A\n\n## Launch Gating\nWhat has to be there.\n\nItems 1 must be `done`.\n\n- Items 1 `open`\n";
        let tracker = Tracker::read("t.md", text).unwrap();
        let rules: Vec<_> = tracker.gates.iter().map(|rule| (rule.line, rule.meaning.is_ok())).collect();
        assert_eq!(rules, [(6, true), (8, true)]);
    }
}
