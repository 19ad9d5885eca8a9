//! Text for a terminal of so many columns: long lines go on below their own words, not at the left edge. What is piped
//! or kept is never wrapped: a line is a finding there. Pure.

/// Narrower terminals are not wrapped for: there would be a word a line.
const NARROWEST: usize = 40;

/// Where the words of a finding begin.
const WORDS: usize = 15;

/// The text with every line at most so wide, where its words allow it.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        if width < NARROWEST || visible(bare) <= width {
            out.push_str(line);
        } else {
            one(bare, width, &mut out);
            out.push_str(&line[bare.len()..]);
        }
    }
    out
}

fn one(line: &str, width: usize, out: &mut String) {
    let indent = " ".repeat(hanging(line).min(width / 2));
    let lead = line.len() - line.trim_start_matches(' ').len();
    out.push_str(&line[..lead]);
    let mut column = lead;
    for word in line[lead..].split_inclusive(' ') {
        let long = visible(word.trim_end_matches(' '));
        if column + long > width && column > indent.len().max(lead) {
            let kept = out.trim_end_matches(' ').len();
            out.truncate(kept);
            out.push('\n');
            out.push_str(&indent);
            column = indent.len();
        }
        out.push_str(word);
        column += visible(word);
    }
}

/// Where the lines that follow begin.
fn hanging(line: &str) -> usize {
    let plain = without_colour(line);
    let lead = plain.len() - plain.trim_start_matches(' ').len();
    // `  FAILED       subject: …`: the word has a column of its own.
    let is_finding =
        lead == 2 && plain.get(WORDS - 1..=WORDS).is_some_and(|edge| edge.starts_with(' ') && edge != "  ");
    if is_finding { WORDS } else { lead + 2 }
}

fn visible(text: &str) -> usize {
    without_colour(text).chars().count()
}

/// Without the sequences that `paint` writes.
fn without_colour(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_goes_on_below_its_own_words() {
        let line = "  FAILED       doc/track.md:9: item 1 (Alerts): pending: load and trigger execution [gate.item]\n";
        let told = "  FAILED       doc/track.md:9: item 1 (Alerts): pending:\n               load and trigger execution [gate.item]\n";
        assert_eq!(wrapped(line, 60), told);
        let coloured = line.replace("FAILED      ", "\x1b[1;31mFAILED      \x1b[0m");
        assert_eq!(without_colour(&wrapped(&coloured, 60)), told);
        assert_eq!(
            wrapped("CLOSED: one two three four five six seven eight nine ten eleven\n", 40),
            "CLOSED: one two three four five six\n  seven eight nine ten eleven\n"
        );
    }

    #[test]
    fn what_fits_what_cannot_be_cut_and_what_is_too_narrow_stays() {
        let path = "x".repeat(200);
        for (text, width) in
            [("short\n", 80), ("", 80), (path.as_str(), 80), ("a b c\n\nd", 40), ("a long line of words", 10)]
        {
            assert_eq!(wrapped(text, width), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_is_longer_than_it_must_be(text in "( {0,16}[a-zé]{1,12}){0,30}\n?", width in 40_usize..120) {
            let told = wrapped(&text, width);
            // A word alone in its line cannot be cut.
            let fits = |line: &str| {
                line.trim_end().chars().count() <= width || line.split_whitespace().count() == 1
            };
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            proptest::prop_assert_eq!(words(&told), words(&text));
            proptest::prop_assert!(told.lines().all(fits));
        }
    }
}
