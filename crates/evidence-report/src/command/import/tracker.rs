//! `import tracker`: the text of a tracker as a browser copies it, back into the markdown that `check` and `gate`
//! read. Copying loses the code spans: each stands at the beginning of a line of its own, and what followed it is
//! glued to its end. Pure: text comes in, markdown and what could not be placed come out.

mod plain;

use std::fmt::Write as _;

/// The marks that web pages put behind headings.
const ANCHOR: char = '¶';

/// The keys of an item, in any case.
const KEYS: [&str; 5] = ["status", "owner", "target", "scope", "evidence"];

const STATUS: [&str; 3] = ["in_progress", "open", "done"];

/// What came of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// The tracker as markdown.
    pub markdown: String,
    /// How many items it has.
    pub items: usize,
    /// What could not be placed with certainty, and in which line of the text.
    pub unplaced: Vec<(u32, String)>,
}

/// One bullet, with the pieces that its lines brought.
#[derive(Debug, Default)]
struct Bullet {
    line: u32,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Preamble,
    Item,
    Gating,
}

/// Reads the flattened text of a tracker; `None` where it has no item.
#[must_use]
pub fn read(text: &str) -> Option<Placed> {
    let mut reader = Reader {
        placed: Placed::default(),
        section: Section::Preamble,
        list: None,
        bullet: None,
        titled: false,
    };
    if plain::is_plain(text) {
        plain::with_dashes(text).iter().for_each(|(line, content)| reader.line(*line, content));
    } else {
        (1_u32..).zip(text.lines()).for_each(|(line, content)| reader.line(line, content.trim()));
    }
    reader.end_bullet();
    (reader.placed.items > 0).then_some(reader.placed)
}

struct Reader {
    placed: Placed,
    section: Section,
    /// Whether we are below `Scope` or `Evidence`, and which.
    list: Option<&'static str>,
    bullet: Option<Bullet>,
    titled: bool,
}

impl Reader {
    fn line(&mut self, line: u32, content: &str) {
        if content.is_empty() {
            return;
        }
        let heading = content.strip_suffix(ANCHOR).map(str::trim);
        if numbered(content.trim_end_matches(ANCHOR)) && (heading.is_some() || !content.contains(": ")) {
            return self.heading(heading.unwrap_or(content), Section::Item);
        }
        if content.trim_end_matches(ANCHOR).trim().eq_ignore_ascii_case("launch gating") {
            return self.heading("Launch Gating", Section::Gating);
        }
        if let Some(heading) = heading {
            if self.titled {
                return self.unplaced(line, content);
            }
            self.titled = true;
            return self.write(&format!("# {}\n\n", quoted(heading)));
        }
        match (self.section, content.strip_prefix("- ")) {
            (Section::Preamble, _) => self.preamble(content),
            (_, Some(bullet)) => self.begin(line, bullet),
            (_, None) => self.go_on(line, content),
        }
    }

    fn write(&mut self, text: &str) {
        self.placed.markdown.push_str(text);
    }

    fn unplaced(&mut self, line: u32, content: &str) {
        let shown: String = content.chars().take(80).collect();
        self.placed.unplaced.push((line, shown));
    }

    fn heading(&mut self, heading: &str, section: Section) {
        self.end_bullet();
        if !self.placed.markdown.is_empty() && !self.placed.markdown.ends_with("\n\n") {
            self.write("\n");
        }
        self.write(&format!("## {}\n", quoted(heading)));
        (self.section, self.list) = (section, None);
        self.placed.items += usize::from(section == Section::Item);
    }

    /// `Purpose: - One. - Two.` is a paragraph and its list.
    fn preamble(&mut self, content: &str) {
        let mut parts = content.split(" - ");
        let first = parts.next().unwrap_or_default();
        let first = match first.strip_prefix("- ") {
            Some(bullet) => format!("- {}\n", quoted(bullet)),
            // A paragraph that follows a list stands apart from it.
            None if self.placed.markdown.ends_with("\n\n") => format!("{}\n\n", quoted(first)),
            None => format!("\n{}\n\n", quoted(first)),
        };
        self.write(&first);
        for part in parts {
            self.write(&format!("- {}\n", quoted(part)));
        }
    }

    fn begin(&mut self, line: u32, text: &str) {
        self.end_bullet();
        self.bullet = Some(Bullet { line, text: quoted(text) });
    }

    /// A line that is no bullet begins with what was a code span.
    fn go_on(&mut self, line: u32, content: &str) {
        let Some(bullet) = &self.bullet else { return self.unplaced(line, content) };
        let (mine, next) = split_glued(content, self.section);
        let is_field = field(&bullet.text).is_some();
        let is_evidence = self.list == Some("evidence") && bullet.text.ends_with(':');
        let code = if is_field || is_evidence {
            Some(codes(mine))
        } else if let Some(word) = STATUS.iter().find(|word| mine.starts_with(**word)) {
            let rest = &mine[word.len()..];
            let blank = if rest.trim_start().starts_with(|c: char| c.is_alphanumeric()) { " " } else { "" };
            Some(format!("`{word}`{blank}{}", quoted(rest)))
        } else {
            None
        };
        let text = code.unwrap_or_else(|| {
            // Where the code span ended cannot be told.
            self.unplaced(line, content);
            quoted(mine)
        });
        if let Some(bullet) = &mut self.bullet {
            let _ = write!(bullet.text, " {text}");
        }
        if let Some(next) = next {
            self.begin(line, next);
        }
    }

    fn end_bullet(&mut self) {
        let Some(Bullet { line, text }) = self.bullet.take() else { return };
        if self.section == Section::Gating {
            return self.write(&format!("- {text}\n"));
        }
        if let Some(key) = field(&text) {
            self.list = matches!(key, "scope" | "evidence").then_some(key);
            return self.write(&format!("- {text}\n"));
        }
        if self.list.is_some() {
            self.write(&format!("  - {text}\n"));
        } else {
            self.unplaced(line, &text);
        }
    }
}

/// `3) Title`.
fn numbered(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && (rest.starts_with(") ") || rest.starts_with(". "))
}

/// The key of an item's own bullet: `Owner:`, `Owner: …`.
fn field(text: &str) -> Option<&'static str> {
    let (key, _) = text.split_once(':')?;
    KEYS.into_iter().find(|known| key.trim().eq_ignore_ascii_case(known))
}

/// `doc/a.md - Report:` → (`doc/a.md`, `Report:`); a dash within words stays.
fn split_glued(content: &str, section: Section) -> (&str, Option<&str>) {
    let found = content.match_indices(" - ").find(|(at, dash)| {
        let next = &content[at + dash.len()..];
        let is_key = next.split_once(':').is_some_and(|(key, _)| !key.contains(['.', '`']));
        is_key || (section == Section::Gating && content[..*at].ends_with('.'))
    });
    match found {
        Some((at, dash)) => (content[..at].trim_end(), Some(content[at + dash.len()..].trim_start())),
        None => (content, None),
    }
}

/// `a.md,b.md` → "`a.md`, `b.md`"; a comma within a value that holds blanks stays.
fn codes(text: &str) -> String {
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let are_paths = parts.iter().all(|part| part.contains('/') && !part.contains(char::is_whitespace));
    let code = |part: &str| format!("`{}`", part.replace('`', "'"));
    if are_paths { parts.into_iter().map(code).collect::<Vec<_>>().join(", ") } else { code(text) }
}

/// Words that must stay words: nothing of them becomes markup.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if matches!(c, '`' | '[' | ']' | '<' | '\\' | '*') {
            quoted.push('\\');
        }
        if !c.is_control() {
            quoted.push(c);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::tracker::{EvidenceKind, Status, Tracker};

    const FLAT: &str = "Ship Track (beside the features)¶\nPurpose: - Make it run. - Show that it does.\nStatus values:\n- open\n- done\n1) Alerts¶\n- Status:\nin_progress - Owner:\nOps + Data - Target:\nBefore beta - Scope:\n- Alerts for the API.\n- Route to\ncmd/edgeruntime.\n- Evidence:\n- Check command:\nmake evidence - Report:\nops/a.md,ops/b.md - Runbooks:\nops/runbooks/* - Pending: drill; load - and more.\n2) Cost¶\n- Status:\ndone - Owner:\nMoney - Evidence:\n- Pending: links.\nLaunch Gating¶\n- Launch requires items 1-1 to be\ndone. - Items 2-2 must be at least\nin_progresswith owners, timeline, and evidence links.\n";

    const MARKDOWN: &str = "# Ship Track (beside the features)

Purpose:

- Make it run.
- Show that it does.

Status values:

- open
- done

## 1) Alerts
- Status: `in_progress`
- Owner: `Ops + Data`
- Target: `Before beta`
- Scope:
  - Alerts for the API.
  - Route to cmd/edgeruntime.
- Evidence:
  - Check command: `make evidence`
  - Report: `ops/a.md`, `ops/b.md`
  - Runbooks: `ops/runbooks/*`
  - Pending: drill; load - and more.

## 2) Cost
- Status: `done`
- Owner: `Money`
- Evidence:
  - Pending: links.

## Launch Gating
- Launch requires items 1-1 to be `done`.
- Items 2-2 must be at least `in_progress` with owners, timeline, and evidence links.
";

    #[test]
    fn what_was_flattened_reads_as_the_tracker_that_it_was() {
        let placed = read(FLAT).unwrap();
        assert_eq!(placed.markdown, MARKDOWN);
        assert_eq!(placed.unplaced, [(13, "cmd/edgeruntime.".to_owned())]);
        let tracker = Tracker::read("t.md", &placed.markdown).unwrap();
        let first = &tracker.items[0];
        assert_eq!(first.known_status(), Some(Status::InProgress));
        assert_eq!(first.owner.as_ref().unwrap().value, "Ops + Data");
        assert_eq!(first.target.as_ref().unwrap().value, "Before beta");
        let evidence: Vec<_> = first.evidence.iter().map(|evidence| evidence.kind.clone()).collect();
        assert_eq!(
            evidence,
            [
                EvidenceKind::Make("evidence".into()),
                EvidenceKind::Path("ops/a.md".into()),
                EvidenceKind::Path("ops/b.md".into()),
                EvidenceKind::Path("ops/runbooks/*".into()),
            ]
        );
        assert_eq!(first.pending[0].value, "drill; load - and more.");
        assert_eq!(tracker.items[1].known_status(), Some(Status::Done));
        assert_eq!(tracker.gates.len(), 2);
        assert!(tracker.gates.iter().all(|gate| gate.meaning.is_ok()), "{:?}", tracker.gates);
    }

    #[test]
    fn what_is_no_tracker_is_none_and_markup_stays_words() {
        assert_eq!(read("Hello\n- Status:\ndone\n"), None);
        let placed = read("1) A `x` <b>¶\n- Status:\ndo`ne\nstray\n").unwrap();
        assert_eq!(placed.markdown, "## 1) A \\`x\\` \\<b>\n- Status: `do'ne` `stray`\n");
        let placed = read("1) A¶\nstray\n- stray too\n").unwrap();
        assert_eq!(placed.unplaced, [(2, "stray".to_owned()), (3, "stray too".to_owned())]);
    }
}
