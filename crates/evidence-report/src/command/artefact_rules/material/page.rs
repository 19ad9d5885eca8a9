//! A markdown page as what rules ask of it: headings, tables, links, `Name: value` lines, each with its line.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A page.
#[derive(Debug, Clone, Default)]
pub(in crate::command::artefact_rules) struct Page {
    pub(in crate::command::artefact_rules) headings: Vec<Heading>,
    pub(in crate::command::artefact_rules) tables: Vec<Table>,
    /// Where links lead, and their lines.
    pub(in crate::command::artefact_rules) links: Vec<(String, u32)>,
    /// Lines such as `Owner: SRE`, `- **Reviewed**: 2026-11-02`, outside of tables and code.
    fields: Vec<(String, String, u32)>,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command::artefact_rules) struct Heading {
    pub(in crate::command::artefact_rules) level: HeadingLevel,
    pub(in crate::command::artefact_rules) text: String,
    pub(in crate::command::artefact_rules) line: u32,
    /// Nothing stands between it and the next heading, or the end.
    pub(in crate::command::artefact_rules) is_empty: bool,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(in crate::command::artefact_rules) struct Table {
    pub(in crate::command::artefact_rules) line: u32,
    pub(in crate::command::artefact_rules) header: Vec<String>,
    /// The line of each row, and its cells.
    pub(in crate::command::artefact_rules) rows: Vec<(u32, Vec<TableCell>)>,
}

/// A cell: what is read in it, and where its links lead.
#[derive(Debug, Clone, Default)]
pub(in crate::command::artefact_rules) struct TableCell {
    pub(in crate::command::artefact_rules) text: String,
    pub(in crate::command::artefact_rules) links: Vec<String>,
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut reader =
            Reader { ends: &ends, page: Self::default(), heading: None, cell: None, row_line: 0 };
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            reader.event(event, &range);
        }
        let mut page = reader.page;
        page.fields = fields(text);
        page
    }

    /// The value of a line such as `Owner: SRE`; the name in any case.
    pub(in crate::command::artefact_rules) fn field(&self, name: &str) -> Option<(&str, u32)> {
        let name = normalised(name);
        let found = self.fields.iter().find(|(key, ..)| *key == name);
        found.map(|(_, value, line)| (value.as_str(), *line))
    }
}

/// A name as it is compared: lower case, blanks and hyphens alike.
pub(in crate::command::artefact_rules) fn normalised(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '`' | '*'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

/// Whether a value says nothing: empty, a dash, or what templates leave behind.
pub(in crate::command::artefact_rules) fn is_blank(value: &str) -> bool {
    let word = value.trim().trim_matches(['`', '*', '_', '<', '>', '[', ']', '.']).trim().to_lowercase();
    matches!(
        word.as_str(),
        "" | "-" | "–" | "—" | "?" | "…" | "n/a" | "none" | "tbd" | "todo" | "tba" | "fixme" | "xxx"
    )
}

struct Reader<'t> {
    ends: &'t [usize],
    page: Page,
    heading: Option<Heading>,
    cell: Option<TableCell>,
    row_line: u32,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        let line = u32::try_from(self.ends.partition_point(|&end| end < range.start) + 1).unwrap_or(u32::MAX);
        if self.heading.is_none()
            && matches!(
                event,
                Event::Text(_) | Event::Code(_) | Event::Html(_) | Event::Start(Tag::Image { .. })
            )
        {
            // A heading of a deeper level, with text below it, fills those above.
            let mut level = None;
            for heading in self.page.headings.iter_mut().rev() {
                if level.is_none_or(|below| heading.level < below) {
                    if !heading.is_empty {
                        break;
                    }
                    heading.is_empty = false;
                    level = Some(heading.level);
                }
            }
        }
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some(Heading { level, text: String::new(), line, is_empty: true });
            }
            Event::End(TagEnd::Heading(_)) => self.page.headings.extend(self.heading.take()),
            Event::Start(Tag::Table(_)) => self.page.tables.push(Table { line, ..Table::default() }),
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                self.row_line = line;
                if let (Event::Start(Tag::TableRow), Some(table)) = (&event, self.page.tables.last_mut()) {
                    table.rows.push((line, Vec::new()));
                }
            }
            Event::Start(Tag::TableCell) => self.cell = Some(TableCell::default()),
            Event::End(TagEnd::TableCell) => self.end_cell(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                if let Some(cell) = &mut self.cell {
                    cell.links.push(dest_url.to_string());
                }
                self.page.links.push((dest_url.into_string(), line));
            }
            Event::Text(text) | Event::Code(text) => self.add(&text),
            Event::SoftBreak | Event::HardBreak => self.add(" "),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.text.push_str(text);
        } else if let Some(cell) = &mut self.cell {
            cell.text.push_str(text);
        }
    }

    fn end_cell(&mut self) {
        let (Some(cell), Some(table)) = (self.cell.take(), self.page.tables.last_mut()) else { return };
        match table.rows.last_mut() {
            Some((_, cells)) => cells.push(cell),
            None => table.header.push(cell.text.trim().to_owned()),
        }
    }
}

fn fields(text: &str) -> Vec<(String, String, u32)> {
    let mut fenced = false;
    let mut fields = Vec::new();
    for (line, content) in (1_u32..).zip(text.lines()) {
        let content = content.trim();
        if content.starts_with("```") || content.starts_with("~~~") {
            fenced = !fenced;
        }
        if fenced || content.starts_with(['|', '#']) {
            continue;
        }
        let content = content.trim_start_matches(['-', '+', '*', '>', ' ']);
        let Some((name, value)) = content.split_once(':') else { continue };
        if name.len() <= 40 && !name.is_empty() {
            let value = value.trim().trim_start_matches("**").trim().trim_matches('`');
            fields.push((normalised(name), value.to_owned(), line));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_tables_links_and_fields_keep_their_lines() {
        let page = Page::read(
            "# A `b`\n\n- **Owner**: SRE\nReviewed: 2026-11-02\n```\nOwner: nobody\n```\n\n| Drill | Link |\n|---|---|\n| x \\| y | [a](b.md) |\n| short |\n\n> ## Quoted\n",
        );
        assert_eq!((page.headings[0].text.as_str(), page.headings[0].line), ("A b", 1));
        assert_eq!(page.field("owner"), Some(("SRE", 3)));
        assert_eq!(page.field("Reviewed"), Some(("2026-11-02", 4)));
        let table = &page.tables[0];
        assert_eq!(
            (table.line, table.header.as_slice()),
            (9, ["Drill".to_owned(), "Link".to_owned()].as_slice())
        );
        assert_eq!((table.rows[0].0, table.rows[0].1[0].text.as_str()), (11, "x | y"));
        assert_eq!(table.rows[0].1[1].links, ["b.md"]);
        assert_eq!(table.rows[1].1.len(), 2, "a short row is filled up");
        assert_eq!(page.links, [("b.md".to_owned(), 11)]);
    }

    #[test]
    fn what_says_nothing_is_known() {
        for blank in ["", " – ", "TBD", "`todo`", "<tbd>", "n/a", "?", "..."] {
            assert!(is_blank(blank), "{blank}");
        }
        for said in ["0", "SRE", "none of us knows", "2026"] {
            assert!(!is_blank(said), "{said}");
        }
    }
}
