//! What a markdown page offers and owes: the anchors that links may lead to, its own links, and what a template left
//! behind. Pure; it knows no disk and no tracker.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

/// Words that somebody meant to replace.
const REMNANTS: [&str; 4] = ["TODO", "TBD", "FIXME", "YYYY-MM-DD"];

/// Elements of HTML: what stands between `<` and `>` and is none of these was meant as a placeholder.
const HTML: &str = " a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas \
    caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset \
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input \
    ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noframes noscript object ol \
    optgroup option output p param picture pre progress q rp rt ruby s samp script search section select slot small \
    source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr \
    track tt u ul var video wbr circle defs ellipse g line path polygon polyline rect text tspan use ";

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
            if is_meant_as_link(text, &link) {
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

/// `[text][name]` or `[name][]`, not `table[1][2]` or `[x]`.
fn is_meant_as_link(text: &str, link: &BrokenLink<'_>) -> bool {
    let full = matches!(link.link_type, LinkType::Reference | LinkType::Collapsed)
        || text.get(link.span.clone()).is_some_and(|written| written.contains("]["));
    let before = text[..link.span.start].chars().next_back();
    let name = link.reference.trim();
    full && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ']' | ')'))
        && name.chars().filter(|c| c.is_alphabetic()).count() > 1
        && !name.starts_with('^')
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
        let slug = slug(&heading);
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
        if let Some(to) = local(to) {
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
            for (attribute, value) in attributes(&tag[name.len()..]) {
                match attribute.as_str() {
                    "id" | "name" => drop(self.outline.anchors.insert(value)),
                    "href" | "src" => self.link(&value, line),
                    _ => {}
                }
            }
            let is_html = HTML.contains(&format!(" {} ", name.to_ascii_lowercase()));
            let is_own_element = name.contains('-') && self.text.contains(&format!("</{name}>"));
            if !name.is_empty() && !is_html && !is_own_element {
                self.outline.remnants.push((format!("<{tag}>"), line));
            }
            rest = end + 1;
        }
    }

    fn end(mut self) -> Outline {
        let prose = String::from_utf8_lossy(&self.prose).into_owned();
        for (line, words) in (1_u32..).zip(prose.lines()) {
            let explains_a_format = words.to_lowercase().contains("format");
            for remnant in REMNANTS {
                let stands = words.match_indices(remnant).any(|(at, _)| {
                    let before = words[..at].chars().next_back();
                    let after = words[at + remnant.len()..].chars().next();
                    ![before, after].into_iter().flatten().any(|c| c.is_alphanumeric() || c == '_')
                });
                if stands && !(remnant == "YYYY-MM-DD" && explains_a_format) {
                    self.outline.remnants.push((remnant.to_owned(), line));
                }
            }
            self.outline.remnants.extend(placeholders(words).map(|told| (told.to_owned(), line)));
        }
        self.outline
    }
}

/// `<owner_name>` where markdown leaves it as text.
fn placeholders(words: &str) -> impl Iterator<Item = &str> {
    words.match_indices('<').filter_map(|(at, _)| {
        let end = words[at..].find('>')? + at;
        let inner = &words[at + 1..end];
        let is_name = inner.len() <= 60
            && inner.starts_with(|c: char| c.is_alphabetic())
            && inner.ends_with(|c: char| c.is_alphanumeric() || c == '.')
            && inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/'));
        is_name.then(|| &words[at..=end])
    })
}

/// A link within the repository or the page.
fn local(to: &str) -> Option<To> {
    let scheme = to.split_once(':').map(|(scheme, _)| scheme);
    let is_outside = to.starts_with("//")
        || scheme.is_some_and(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        });
    if is_outside {
        return None;
    }
    let (path, fragment) = match to.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (to, None),
    };
    let path = path.split('?').next().unwrap_or_default().to_owned();
    Some(To::Path { path, fragment })
}

/// `id="x" name=y` → pairs, names in lower case.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.trim_end().rsplit(|c: char| c.is_whitespace() || c == '"' || c == '\'').next();
        let after = after.trim_start();
        let (value, left) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            found.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        rest = left;
    }
    found
}

/// The anchor that GitHub gives a heading.
pub(super) fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        '\u{300}'..='\u{36f}' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_githubs() {
        for (heading, told) in [
            ("First five minutes", "first-five-minutes"),
            ("SLO & Alert Pack", "slo--alert-pack"),
            ("1) What's `up`?", "1-whats-up"),
            ("A_b-c", "a_b-c"),
            ("Übung – 2", "übung--2"),
            ("  x  ", "x"),
            ("🚀 Go", "-go"),
        ] {
            assert_eq!(slug(heading), told, "{heading}");
        }
    }

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

    fn remnants(text: &str) -> Vec<(String, u32)> {
        Outline::read(text).remnants
    }

    #[test]
    fn remnants_of_templates_are_found_with_their_lines() {
        let text = "# Drill\n\nDate: YYYY-MM-DD, TODO: say who\nOwner: <owner>, <your name here>, <owner_name>\n\n<fill in>\n\n| A | B |\n|---|---|\n\n| A | B |\n|---|---|\n|   |   |\n\nFIXME (TBD)\n";
        let found = remnants(text);
        let found: Vec<_> = found.iter().map(|(what, line)| (what.as_str(), *line)).collect();
        let mut expected = vec![
            ("TODO", 3),
            ("YYYY-MM-DD", 3),
            ("<owner>", 4),
            ("<your name here>", 4),
            ("<owner_name>", 4),
            ("<fill in>", 6),
            ("a table without rows", 8),
            ("a table whose rows are empty", 11),
            ("TBD", 15),
            ("FIXME", 15),
        ];
        let mut found = found;
        found.sort_unstable_by_key(|(what, line)| (*line, *what));
        expected.sort_unstable_by_key(|(what, line)| (*line, *what));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_only_looks_like_a_remnant_is_left_alone() {
        for text in [
            "`TODO` and `<owner>`\n",
            "```\nTODO <owner> YYYY-MM-DD\n```\n",
            "    TODO\n",
            "MYTODO TODOS todo TBDs\n",
            "Dates have the format YYYY-MM-DD.\n",
            "<https://example.org/a> and <a@example.org>\n",
            "a < b and c > d\n",
            "<details><summary>More</summary>x</details>\n",
            "<!-- TODO -->\n",
            "<my-element>x</my-element>\n",
            "---\ntitle: TODO\n---\n\ntext\n",
            "| A |\n|---|\n| 1 |\n",
            "| A |\n|---|\n| `x` |\n",
            "[TODO.md](a.md) links\n".replace("TODO.md", "list").as_str(),
            "line<br>\nbreak<br/>\n",
        ] {
            assert_eq!(remnants(text), [], "{text}");
        }
    }
}
