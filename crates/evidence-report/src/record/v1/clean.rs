//! Texts as the record keeps them: without control characters, and not too long.

const MAXIMUM_TEXT: usize = 1_000;
const MAXIMUM_DETAIL: usize = 8 * 1024;

/// A text on one line, without control characters, and not too long.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAXIMUM_TEXT));
    for (count, char) in text.trim().chars().enumerate() {
        if count == MAXIMUM_TEXT {
            line.push('…');
            break;
        }
        line.push(if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') { ' ' } else { char });
    }
    line
}

/// The last part of a longer text, from the beginning of a line where that is possible.
pub(super) fn last_part(text: &str) -> String {
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|char| if char.is_control() && char != '\n' && char != '\t' { ' ' } else { char })
        .collect();
    if clean.len() <= MAXIMUM_DETAIL {
        return clean.trim_end().to_owned();
    }
    let mut start = clean.len() - MAXIMUM_DETAIL;
    while !clean.is_char_boundary(start) {
        start += 1;
    }
    let part = &clean[start..];
    let from_line = part.find('\n').map_or(part, |at| &part[at + 1..]);
    format!("[the first {} bytes are left out]\n{}", clean.len() - from_line.len(), from_line.trim_end())
}

/// Like [`one_line`], with the blanks at the beginning kept.
pub(super) fn chart_line(line: &str) -> String {
    line.trim_end().chars().take(200).map(|char| if char.is_control() { ' ' } else { char }).collect()
}
