//! What a command printed, as far as it is kept: whole lines, and the last of them. Pure.

use crate::{
    record::v1::one_line,
    run::{Mask, redact},
};

/// An output that is as long as what is kept of one (64 KiB) was cut: its first line may begin in the middle of a
/// secret, whose name nobody sees any more.
const CUT: usize = 64 * 1024;

/// So much of the last line is shown.
const SHOWN: usize = 160;

/// The output without a line whose beginning was cut off.
pub(super) fn whole_lines(text: &str) -> &str {
    match text.find('\n') {
        _ if text.len() < CUT => text,
        Some(end) => &text[end + 1..],
        None => "",
    }
}

/// The last line that the first of these outputs with any words said, without secrets.
pub(super) fn last_words(outputs: &[&str], mask: &Mask) -> String {
    let Some(output) = outputs.iter().find(|output| !output.trim().is_empty()) else { return String::new() };
    // Masked as a whole: a private key has many lines.
    let shown = redact::text(&mask.text(output));
    let line = shown.lines().rev().map(one_line).find(|line| !line.trim().is_empty()).unwrap_or_default();
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", line[..at].trim()),
        None => line.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_its_beginning_is_not_kept() {
        assert_eq!(whole_lines("password=x\ny\n"), "password=x\ny\n");
        let cut = format!("cret\n{}", "y".repeat(CUT));
        assert_eq!(whole_lines(&cut).len(), CUT);
        assert_eq!(whole_lines(&"x".repeat(CUT)), "", "one line without an end tells nothing");
    }

    #[test]
    fn the_last_words_are_those_of_the_first_output_that_has_any() {
        let words = |outputs: &[&str]| last_words(outputs, &Mask::default());
        assert_eq!(words(&["", "one\ntwo\n\n"]), "two");
        assert_eq!(words(&["refused\n", "fine\n"]), "refused");
        assert!(!words(&["\u{1b}[31mred\u{1b}[0m password=hunter2\n"]).contains("hunter2"));
        assert_eq!(words(&[" \n", ""]), "");
        assert!(words(&[&"é".repeat(500)]).chars().count() <= SHOWN + 1);
    }
}
