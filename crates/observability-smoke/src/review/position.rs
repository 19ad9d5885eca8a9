//! Where a place within an expression stands in its file: the line and column that PromQL's parser names are those of
//! the expression, and YAML may have indented, quoted or folded it. Pure. What is folded has no place of its own in
//! the file, and gets none here rather than a wrong one.

use std::sync::LazyLock;

use regex::Regex;

/// A line and a column, both counted from 1.
pub(crate) type Place = (u32, u32);

static ERROR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|\s)(\d+):(\d+): parse error: (.*)$").ok());

/// The place within the expression that Prometheus' parser names in its message, and what it says of it.
pub(crate) fn named(message: &str) -> Option<(Place, &str)> {
    let found = ERROR.as_ref()?.captures(message)?;
    let number = |group: usize| found.get(group)?.as_str().parse().ok();
    Some(((number(1)?, number(2)?), found.get(3)?.as_str()))
}

/// Where a place of the expression stands in the file, whose scalar begins at `start`; of a block that is its first
/// line. The columns of `at` count bytes, as Go's do; those of the answer characters.
pub(crate) fn in_file(file: &str, start: Place, expression: &str, at: Place) -> Option<Place> {
    let expected: Vec<&str> = expression.split('\n').collect();
    let (mut row, mut before) = (index(at.0)?, index(at.1)?);
    // Behind the last line of a block: at the end of that line.
    if row > 0 && row + 1 == expected.len() && expected[row].is_empty() {
        row -= 1;
        before = expected[row].len();
    }
    let characters = |text: &str| u32::try_from(text.chars().count()).ok();
    let left = characters(expected.get(row)?.get(..before)?)?;
    let lines: Vec<&str> = file.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let indent = index(start.1)?;
    let first = *lines.get(index(start.0)?)?;
    let scalar = first.char_indices().nth(indent).map(|(from, _)| &first[from..])?;
    if let Some(quote) = scalar.chars().next().filter(|sign| ['\'', '"'].contains(sign)) {
        // What is escaped, or goes on in the next line, is found only where it reads as it is written.
        let (written, behind) = scalar[1..].split_at_checked(expression.len())?;
        let same = written == expression && behind.starts_with(quote);
        return same.then_some((start.0, start.1 + 1 + left));
    }
    for (number, expected) in expected.iter().enumerate().take(row + 1) {
        let written = match number {
            0 => Some(scalar),
            _ => lines.get(index(start.0)? + number)?.strip_prefix(&" ".repeat(indent)).or(Some("")),
        };
        written?.starts_with(expected).then_some(())?;
    }
    Some((start.0 + u32::try_from(row).ok()?, start.1 + left))
}

fn index(number: u32) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_where_yaml_leaves_the_text_as_it_is() {
        for (file, start, expression, at, place) in [
            ("- expr: sum(x", (1, 9), "sum(x", (1, 4), Some((1, 12))),
            ("- expr: sum(x  # why", (1, 9), "sum(x", (1, 6), Some((1, 14))),
            ("- {expr: 'sum(x', for: 1m}", (1, 10), "sum(x", (1, 4), Some((1, 14))),
            ("- {expr: \"sum(x\"}", (1, 10), "sum(x", (1, 1), Some((1, 11))),
            ("- expr: |\n    sum(\n      x", (2, 5), "sum(\n  x\n", (2, 3), Some((3, 7))),
            ("- expr: |\n    sum(\n      x", (2, 5), "sum(\n  x\n", (3, 1), Some((3, 8))),
            ("- expr: |\n    a\n\n    b(", (2, 5), "a\n\nb(\n", (3, 2), Some((4, 6))),
            ("- expr: |\r\n    sum(x\r\n", (2, 5), "sum(x\n", (1, 4), Some((2, 8))),
            ("- expr: >\n    sum(x", (2, 5), "sum(x\n", (1, 4), Some((2, 8))),
            // Bytes there, characters here.
            ("- expr: a{b=\"é\"} +", (1, 9), "a{b=\"é\"} +", (1, 11), Some((1, 18))),
            // Folded, escaped, gone on in the next line: no place rather than a wrong one.
            ("- expr: >\n    sum(x\n    > 1", (2, 5), "sum(x > 1\n", (1, 7), None),
            ("- expr: 'it''s'", (1, 9), "it's", (1, 4), None),
            ("- expr: \"a\\\"b\"", (1, 9), "a\"b", (1, 2), None),
            ("- expr: sum(x\n    > 1", (1, 9), "sum(x > 1", (1, 7), None),
            ("- expr: x", (1, 9), "x", (2, 1), None),
            ("- expr: x", (7, 1), "x", (1, 1), None),
            ("- expr: x", (1, 9), "x", (0, 0), None),
        ] {
            assert_eq!(in_file(file, start, expression, at), place, "{file:?} {at:?}");
        }
    }

    #[test]
    fn what_prometheus_and_promtool_name_is_read() {
        let promtool = "8:19: group \"a\", rule 1, \"A\": could not parse expression: 3:1: parse error: unclosed left parenthesis";
        assert_eq!(named(promtool), Some(((3, 1), "unclosed left parenthesis")));
        let server = "invalid parameter \"query\": 1:6: parse error: unexpected \":\"";
        assert_eq!(named(server), Some(((1, 6), "unexpected \":\"")));
        assert_eq!(named("1:2: something else"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(file in ".{0,60}", expression in ".{0,20}", line in 0_u32..5, column in 0_u32..30, at in 0_u32..4, to in 0_u32..20) {
            let _ = in_file(&file, (line, column), &expression, (at, to));
        }
    }
}
