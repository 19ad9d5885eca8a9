//! What a markdown page offers and owes: the anchors that links may lead to, its own links, and what a template left
//! behind. Pure; it knows no disk and no tracker.

mod links;
mod remnants;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

/// What was read of a page. Lines count from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Where a `#fragment` may lead.
    pub(super) anchors: BTreeSet<String>,
    pub(super) links: Vec<Link>,
    pub(super) remnants: Vec<(String, u32)>,
}

/// A link to something that is not outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) line: u32,
    pub(super) to: To,
}

/// Where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// A path, perhaps empty, and a fragment, both as written.
    Path { path: String, fragment: Option<String> },
    /// `[text][name]`, and the page defines no such name.
    Undefined(String),
}

impl Outline {
    /// Reads the rest of a page, before which so many lines stand: it has no front matter.
    pub(super) fn read_behind(before: usize, rest: &str) -> Self {
        let mut outline = Self::read(&format!("\n{rest}"));
        let further = u32::try_from(before).unwrap_or(u32::MAX).saturating_sub(1);
        outline.links.iter_mut().for_each(|link| link.line = link.line.saturating_add(further));
        outline.remnants.iter_mut().for_each(|(_, line)| *line = line.saturating_add(further));
        outline
    }

    pub(super) fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let undefined = RefCell::new(Vec::new());
        let mut callback = |link: BrokenLink<'_>| {
            if links::is_meant_as_link(text, &link) {
                undefined.borrow_mut().push((link.reference.to_string(), link.span.start));
            }
            None::<(CowStr<'_>, CowStr<'_>)>
        };
        let parser = Parser::new_with_broken_link_callback(text, options, Some(&mut callback));
        let mut reader = Reader {
            text,
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
            outline: Self::default(),
            heading: None,
            slugs: BTreeMap::new(),
            skipped: 0,
            prose: text.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect(),
            table: None,
            closed: remnants::closed_elements(text),
        };
        for (event, range) in parser.into_offset_iter() {
            reader.event(event, range);
        }
        let mut outline = reader.end();
        let lines = LineOf(text.match_indices('\n').map(|(at, _)| at).collect());
        let undefined = undefined.into_inner().into_iter();
        outline
            .links
            .extend(undefined.map(|(name, at)| Link { line: lines.of(at), to: To::Undefined(name) }));
        outline.links.sort_by_key(|link| link.line);
        outline.links.dedup();
        outline.remnants.sort_by_key(|(_, line)| *line);
        outline
    }
}

struct LineOf(Vec<usize>);

impl LineOf {
    fn of(&self, offset: usize) -> u32 {
        line_of(&self.0, offset)
    }
}

fn line_of(ends: &[usize], offset: usize) -> u32 {
    u32::try_from(ends.partition_point(|&end| end < offset) + 1).unwrap_or(u32::MAX)
}

/// What is known of the table that is being read.
struct Table {
    line: u32,
    rows: usize,
    within_body: bool,
    says_something: bool,
}

struct Reader<'t> {
    text: &'t str,
    ends: Vec<usize>,
    outline: Outline,
    heading: Option<String>,
    /// How often a slug was given away.
    slugs: BTreeMap<String, u32>,
    /// How deep in what is no prose: code blocks, front matter, autolinks.
    skipped: u32,
    /// The page with blanks for everything that is no prose.
    prose: Vec<u8>,
    table: Option<Table>,
    /// The elements of the page's own that it closes.
    closed: BTreeSet<String>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let line = line_of(&self.ends, range.start);
        match event {
            Event::Start(Tag::Heading { id, .. }) => {
                self.outline.anchors.extend(id.map(CowStr::into_string));
                self.heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::CodeBlock(_) | Tag::MetadataBlock(_)) => self.skipped += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::MetadataBlock(_)) => self.skipped -= 1,
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                if matches!(link_type, LinkType::Autolink | LinkType::Email) {
                    self.skipped += 1;
                } else {
                    self.link(&dest_url, line);
                    self.says_something();
                }
            }
            Event::End(TagEnd::Link) => {
                self.skipped = self.skipped.saturating_sub(u32::from(self.text[range].starts_with('<')));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                self.link(&dest_url, line);
                self.says_something();
            }
            Event::Start(Tag::Table(_)) => {
                self.table = Some(Table { line, rows: 0, within_body: false, says_something: false });
            }
            Event::Start(Tag::TableRow) => {
                if let Some(table) = &mut self.table {
                    (table.rows, table.within_body) = (table.rows + 1, true);
                }
            }
            Event::End(TagEnd::Table) => self.end_table(),
            Event::Text(words) => {
                if let Some(heading) = &mut self.heading {
                    heading.push_str(&words);
                }
                if !words.trim().is_empty() {
                    self.says_something();
                }
                if self.skipped == 0 && range.end <= self.prose.len() {
                    self.prose[range.clone()].copy_from_slice(&self.text.as_bytes()[range]);
                }
            }
            Event::Code(words) => {
                if let Some(heading) = &mut self.heading {
                    heading.push_str(&words);
                }
                self.says_something();
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut self.heading {
                    heading.push(' ');
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, range.start),
            _ => {}
        }
    }

    fn says_something(&mut self) {
        if let Some(table) = self.table.as_mut().filter(|table| table.within_body) {
            table.says_something = true;
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        if !table.says_something {
            let what = if table.rows == 0 { "a table without rows" } else { "a table whose rows are empty" };
            self.outline.remnants.push((what.to_owned(), table.line));
        }
    }

    fn end_heading(&mut self) {
        let Some(heading) = self.heading.take() else { return };
        let slug = links::slug(&heading);
        let mut unique = slug.clone();
        while self.slugs.contains_key(&unique) {
            let given = self.slugs.entry(slug.clone()).or_default();
            *given += 1;
            unique = format!("{slug}-{given}");
        }
        self.slugs.insert(unique.clone(), 0);
        self.outline.anchors.insert(unique);
    }

    fn link(&mut self, to: &str, line: u32) {
        if let Some(to) = links::local(to) {
            self.outline.links.push(Link { line, to });
        }
    }

    /// Ids and links of HTML; and what is no HTML at all.
    fn html(&mut self, html: &str, start: usize) {
        if html.starts_with("<!--") || html.starts_with("<!") || html.starts_with("<?") {
            return;
        }
        let mut rest = 0;
        while let Some(at) = html[rest..].find('<').map(|at| rest + at) {
            let Some(end) = html[at..].find('>').map(|end| at + end) else { return };
            let tag = &html[at + 1..end];
            let line = line_of(&self.ends, start + at);
            let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            for (attribute, value) in links::attributes(&tag[name.len()..]) {
                match attribute.as_str() {
                    "id" | "name" => drop(self.outline.anchors.insert(value)),
                    "href" | "src" => self.link(&value, line),
                    _ => {}
                }
            }
            if !name.is_empty() && !remnants::is_element(&name) && !self.closed.contains(&name) {
                self.outline.remnants.push((format!("<{tag}>"), line));
            }
            rest = end + 1;
        }
    }

    fn end(mut self) -> Outline {
        self.outline.remnants.extend(remnants::of_prose(&String::from_utf8_lossy(&self.prose)));
        self.outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_headings_duplicates_and_html_ids() {
        let page =
            Outline::read("# A\n# A\n## A-1\n## A\n<a name=\"x\"></a>\n\n<div id=y>z</div>\n\nB\n===\n");
        let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a", "a-1", "a-1-1", "a-2", "b", "x", "y"]);
    }

    fn links(text: &str) -> Vec<(u32, String)> {
        let told = |to| match to {
            To::Path { path, fragment } => format!("{path}#{}", fragment.unwrap_or_default()),
            To::Undefined(name) => format!("[{name}]"),
        };
        Outline::read(text).links.into_iter().map(|link| (link.line, told(link.to))).collect()
    }

    #[test]
    fn links_are_read_and_outside_ones_are_not() {
        let text = "[a](x.md#y?z) ![b](i.png)\n[c](https://x/y) <https://x> [d](mailto:x@y)\n[e][ref] [f][gone] a[xy][zz]\n<img src='p.png'> <a href=\"#top\">\n\n`[g](no.md)` [x] [ ](e%20f.md?raw=1)\n\n```\n[h](no.md)\n```\n\n[ref]: r.md\n";
        let told: Vec<_> = links(text);
        let told: Vec<_> = told.iter().map(|(line, to)| (*line, to.as_str())).collect();
        let expected = [
            (1, "x.md#y?z"),
            (1, "i.png#"),
            (3, "r.md#"),
            (3, "[gone]"),
            (4, "p.png#"),
            (4, "#top"),
            (6, "e%20f.md#"),
        ];
        assert_eq!(told, expected);
    }
}
