//! A list of targets in text: one a line, comments behind `#`. Pure; whoever calls it has read the file.

/// A word of a list, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTarget<'t> {
    /// Counts from 1.
    pub line: u32,
    /// The character on its line at which it begins, counted from 1.
    pub column: usize,
    /// What stands there.
    pub word: &'t str,
}

/// The targets of a list. A `#` begins a comment at the start of a line or behind a blank, so that a file
/// name may hold one.
#[must_use]
pub fn read_list(text: &str) -> Vec<ListedTarget<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..)
        .zip(text.lines())
        .map(|(line, content)| {
            let word = without_comment(content).trim_start();
            let column = 1 + content.chars().take_while(|character| character.is_whitespace()).count();
            ListedTarget { line, column, word: word.trim_end() }
        })
        .filter(|listed| !listed.word.is_empty())
        .collect()
}

fn without_comment(line: &str) -> &str {
    let starts_comment = |&(at, _): &(usize, &str)| line[..at].ends_with(char::is_whitespace) || at == 0;
    line.match_indices('#').find(starts_comment).map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_targets() {
        let text = "\u{feff}# shops\nshop.example:443\r\n\n   \n  api.example # the API\nfile#1.pem\n\t#x\n";
        let read: Vec<_> =
            read_list(text).into_iter().map(|listed| (listed.line, listed.column, listed.word)).collect();
        assert_eq!(read, [(2, 1, "shop.example:443"), (5, 3, "api.example"), (6, 1, "file#1.pem")]);
    }
}
