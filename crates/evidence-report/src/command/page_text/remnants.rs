//! What a template leaves behind: words and placeholders that somebody meant to replace.

use std::collections::BTreeSet;

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

/// A placeholder is a few words long.
const LONGEST_NAME: usize = 60;

/// Whether HTML has such an element.
pub(super) fn is_element(name: &str) -> bool {
    HTML.contains(&format!(" {} ", name.to_ascii_lowercase()))
}

/// The elements with a name of their own (`<my-element>`) that a page closes, found in one pass.
pub(super) fn closed_elements(text: &str) -> BTreeSet<String> {
    let names = text.match_indices("</").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?];
        (name.contains('-') && rest[name.len()..].starts_with('>')).then(|| name.to_owned())
    });
    names.collect()
}

/// What stands in the prose of a page, each with its line. Whatever is no prose is blank.
pub(super) fn of_prose(prose: &str) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for (line, words) in (1_u32..).zip(prose.lines()) {
        let explains_a_format = words.to_lowercase().contains("format");
        for remnant in REMNANTS {
            let stands = words.match_indices(remnant).any(|(at, _)| {
                let before = words[..at].chars().next_back();
                let after = words[at + remnant.len()..].chars().next();
                ![before, after].into_iter().flatten().any(|c| c.is_alphanumeric() || c == '_')
            });
            if stands && !(remnant == "YYYY-MM-DD" && explains_a_format) {
                found.push((remnant.to_owned(), line));
            }
        }
        found.extend(placeholders(words).map(|told| (told.to_owned(), line)));
    }
    found
}

/// `<owner_name>` where markdown leaves it as text.
fn placeholders(words: &str) -> impl Iterator<Item = &str> {
    words.match_indices('<').filter_map(|(at, _)| {
        // No further than a name is long: a line may be as long as a file.
        let mut near = words.as_bytes()[at + 1..].iter().take(LONGEST_NAME + 1);
        let end = near.position(|byte| *byte == b'>')? + at + 1;
        let inner = &words[at + 1..end];
        let is_name = inner.starts_with(|c: char| c.is_alphabetic())
            && inner.ends_with(|c: char| c.is_alphanumeric() || c == '.')
            && inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/'));
        is_name.then(|| &words[at..=end])
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::Outline;

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

    #[test]
    fn a_long_page_is_read_in_one_pass() {
        let begun = Instant::now();
        for text in [
            format!("x {}", "<".repeat(400_000)),
            "<a ".repeat(50_000),
            (0..20_000).map(|number| format!("x <a-b{number}> y\n")).collect(),
        ] {
            let _ = remnants(&text);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
