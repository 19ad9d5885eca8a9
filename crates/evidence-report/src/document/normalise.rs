//! What a formatter may change without touching the meaning: line ends, runs of blanks and of blank lines,
//! blanks beside `|`, dashes of table delimiters. Inside fences nothing.

/// A line that counts, with its number in the text (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    /// Whether it stands inside a fence (or opens or closes one).
    pub(super) fenced: bool,
}

/// The lines that count. The contents of the fence tagged `skip` are left out: they are compared as a
/// parsed record, not as text.
pub(super) fn lines(text: &str, skip: &str) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::new();
    let mut fence: Option<(usize, bool)> = None;
    for (index, raw) in text.split('\n').enumerate() {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        let ticks = raw.bytes().take_while(|&byte| byte == b'`').count();
        let mut push = |text: String, fenced| kept.push(Line { number: index + 1, text, fenced });
        match fence {
            Some((length, skipped)) => {
                if ticks >= length && raw[ticks..].trim().is_empty() {
                    fence = None;
                    push("`".repeat(ticks), true);
                } else if !skipped {
                    push(raw.to_owned(), true);
                }
            }
            None if ticks >= 3 => {
                fence = Some((ticks, raw[ticks..].trim() == skip));
                push(raw.trim_end().to_owned(), true);
            }
            None => {
                let line = unfenced(raw);
                if !line.is_empty() {
                    push(line, false);
                }
            }
        }
    }
    kept
}

/// A line outside fences: runs of blanks become one, blanks beside `|` go, a delimiter row is `|-|-|`.
fn unfenced(raw: &str) -> String {
    let mut line = String::with_capacity(raw.len());
    for word in raw.split([' ', '\t']).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.starts_with('|') {
        return line;
    }
    let line = line.replace(" |", "|").replace("| ", "|");
    let delimiter = line.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':')) && line.contains('-');
    if !delimiter {
        return line;
    }
    let cells: Vec<_> = line.split('|').map(|cell| shorten(cell, '-')).collect();
    cells.join("|")
}

/// Runs of `char` become one.
fn shorten(text: &str, char: char) -> String {
    let mut short = String::new();
    for next in text.chars() {
        if next != char || !short.ends_with(char) {
            short.push(next);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        lines(text, "skipped").into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn what_a_formatter_changes_has_no_meaning() {
        let ours = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\ntext here\n";
        let formatted = "| a   |   b |\r\n|:----|-----|\r\n| 1   |   2 |\r\n\r\n\r\ntext  here  \r\n";
        assert_eq!(texts(&formatted.replace(":-", "-")), texts(ours));
        assert_ne!(texts(formatted), texts(ours), "an alignment was not there before");
    }

    #[test]
    fn fences_compare_exactly_and_the_skipped_one_not_at_all() {
        assert_ne!(texts("```\na  b\n```"), texts("```\na b\n```"));
        assert_eq!(texts("```skipped\n{1}\n```"), texts("```skipped\n{2}\n```"));
        assert_ne!(texts("| a | b |"), texts("| a | b | c |"));
    }
}
