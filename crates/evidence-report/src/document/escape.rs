//! User text inside markdown: it is shown as it is, and never becomes markup.

/// Text in a paragraph or a table cell, on one line. Everything that could begin markup, a mention, an
/// autolink or HTML is escaped.
pub(super) fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut blank = false;
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(char) = chars.next() {
        // Between letters an underscore begins no emphasis (CommonMark 0.31, rule 2): names stay readable.
        let inside_word = before.is_some_and(char::is_alphanumeric)
            && chars.peek().is_some_and(|next| next.is_alphanumeric());
        before = Some(char);
        match char {
            '_' if inside_word => escaped.push('_'),
            _ if char.is_whitespace() || char.is_control() => {
                // One blank: runs of them are not told apart by the reader of markdown either.
                if !blank {
                    escaped.push(' ');
                }
                blank = true;
                continue;
            }
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(char);
            }
            // `@name` would notify somebody when the page is shown. A bare address becomes a link to nothing but
            // what it shows.
            '@' => escaped.push_str("&#64;"),
            // Writing direction must not be turned around for what follows.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' => {
                escaped.push_str(&format!("\\[U+{:04X}\\]", u32::from(char)));
            }
            _ => escaped.push(char),
        }
        blank = false;
    }
    escaped.trim().to_owned()
}

/// A table cell: never empty, so that every row keeps its cells.
pub(super) fn cell(text: &str) -> String {
    let text = inline(text);
    if text.is_empty() { "–".to_owned() } else { text }
}

/// A fence that is longer than any run of backticks inside, with the text between.
pub(super) fn fenced(tag: &str, text: &str) -> String {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{tag}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_user_text_is_shown_and_not_obeyed() {
        assert_eq!(
            inline("a | b `c` **d** <img> & @team"),
            "a \\| b \\`c\\` \\*\\*d\\*\\* &lt;img&gt; &amp; &#64;team"
        );
        assert_eq!(inline("  two\n\nlines  "), "two lines");
        assert_eq!(inline("a\u{202E}b"), "a\\[U+202E\\]b");
        assert_eq!(cell(" "), "–");
    }

    #[test]
    fn names_with_underscores_stay_readable() {
        assert_eq!(
            inline("recovery_time_seconds _or_ __init__"),
            "recovery_time_seconds \\_or\\_ \\_\\_init\\_\\_"
        );
    }

    #[test]
    fn a_fence_is_longer_than_what_is_inside() {
        assert_eq!(fenced("x", "a ```` b"), "`````x\na ```` b\n`````\n");
        assert_eq!(fenced("", "a"), "```\na\n```\n");
    }
}
