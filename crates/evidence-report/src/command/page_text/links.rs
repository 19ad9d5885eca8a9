//! How links and what they lead to are written in markdown and HTML: addresses, attributes, the anchors of headings.

use pulldown_cmark::{BrokenLink, LinkType};

use super::To;

/// `[text][name]` or `[name][]`, not `table[1][2]` or `[x]`.
pub(super) fn is_meant_as_link(text: &str, link: &BrokenLink<'_>) -> bool {
    let full = matches!(link.link_type, LinkType::Reference | LinkType::Collapsed)
        || text.get(link.span.clone()).is_some_and(|written| written.contains("]["));
    let before = text[..link.span.start].chars().next_back();
    let name = link.reference.trim();
    full && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ']' | ')'))
        && name.chars().filter(|c| c.is_alphabetic()).count() > 1
        && !name.starts_with('^')
}

/// A link within the repository or the page.
pub(super) fn local(to: &str) -> Option<To> {
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
pub(super) fn attributes(tag: &str) -> Vec<(String, String)> {
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
}
