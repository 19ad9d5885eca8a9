//! Whether an answer is what was expected. Pure; values are said only where that was asked for.

use evidence_report::record::Finding;

use super::config::{Assertion, Expect, Kind};
use crate::{
    checks::RESTORE_ASSERTIONS,
    connection::{QueryFailure, Row},
    size,
    wording::{counted, seconds},
};

/// An answer may have so many bytes: a larger one would only take our memory.
pub(super) const ANSWER_TAKEN: u64 = 4 << 20;

/// A value that is expected may have so many, far below what an answer may have.
pub(super) const EXPECTED_AT_MOST: usize = 1 << 20;

/// What the copy answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// So many rows; one more than expected stands for any number more.
    Rows(u64),
    /// The first two rows.
    Content(Vec<Row>),
    /// More than is taken ([`ANSWER_TAKEN`]), and nothing of it was kept: no value that can be expected is as large.
    TooLarge,
}

/// Whether values of rows may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    Hidden,
    Shown,
}

impl Expect {
    /// In words; a value only where it may be said.
    pub(crate) fn words(&self, values: Values) -> String {
        match self {
            Self::Empty => "no row".to_owned(),
            Self::True => "one row, true".to_owned(),
            Self::Rows(count) => format!("exactly {}", counted(*count, "row")),
            Self::AtLeast(count) => format!("at least {}", counted(*count, "row")),
            Self::Value(value) if values == Values::Shown => format!("one row, '{value}'"),
            Self::Value(_) => "one row, the value of the configuration".to_owned(),
        }
    }

    /// So many rows have to be seen until it can be decided.
    pub(crate) fn rows_needed(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(1),
            Self::Rows(count) => Some(count.saturating_add(1)),
            Self::AtLeast(count) => Some(*count),
            Self::True | Self::Value(_) => None,
        }
    }

    /// Whether the answer is so, and what was seen.
    pub(crate) fn holds(&self, answer: &Answer, values: Values) -> (bool, String) {
        match (self, answer) {
            (Self::Empty, Answer::Rows(count)) => (*count == 0, seen(*count, 1)),
            (Self::Rows(wanted), Answer::Rows(count)) => {
                (count == wanted, seen(*count, wanted.saturating_add(1)))
            }
            (Self::AtLeast(wanted), Answer::Rows(count)) => (count >= wanted, seen(*count, *wanted)),
            (Self::True, Answer::Content(rows)) => one_value(rows, "t", values),
            (Self::Value(wanted), Answer::Content(rows)) => one_value(rows, wanted, values),
            (_, Answer::TooLarge) => (false, format!("an answer of more than {}", size::shown(ANSWER_TAKEN))),
            _ => (false, "an answer of another kind".to_owned()),
        }
    }
}

fn seen(count: u64, looked_for: u64) -> String {
    match count >= looked_for && looked_for > 0 {
        true => format!("at least {}", counted(count, "row")),
        false => counted(count, "row"),
    }
}

fn one_value(rows: &[Row], wanted: &str, values: Values) -> (bool, String) {
    match rows {
        [] => (false, "no row".to_owned()),
        [row] if row.len() == 1 => match row[0].as_deref() {
            Some(value) if value == wanted => (true, "it is so".to_owned()),
            Some(value) if values == Values::Shown => (false, format!("'{value}'")),
            Some(_) => (false, "another value (--show-values shows it)".to_owned()),
            None => (false, "NULL".to_owned()),
        },
        [row] => (false, counted(row.len() as u64, "column")),
        _ => (false, "more than one row".to_owned()),
    }
}

/// The finding of an answer.
pub(crate) fn of_answer(assertion: &Assertion, answer: &Answer, values: Values) -> Finding {
    let (holds, observed) = assertion.expect.holds(answer, values);
    let made = match (holds, assertion.kind) {
        (true, _) => RESTORE_ASSERTIONS.passed(&assertion.name),
        (false, Kind::Mandatory) => RESTORE_ASSERTIONS.failed(&assertion.name),
        (false, Kind::Advisory) => RESTORE_ASSERTIONS.warned(&assertion.name),
    };
    placed(made.expected(assertion.expect.words(values)).observed(observed), assertion, None)
}

/// The finding of a refusal; `position` is the character in the query.
pub(crate) fn of_failure(
    assertion: &Assertion,
    failure: &QueryFailure,
    position: Option<usize>,
    values: Values,
) -> Finding {
    let timed_out = failure.is("57014");
    // No restore brings a query to be none, or to write.
    let is_no_query = failure.is("42601") || failure.is("25006");
    let observed = match failure {
        _ if timed_out => format!("it ran longer than {} and was ended", seconds(assertion.timeout)),
        other => other.to_string(),
    };
    let made = match assertion.kind {
        Kind::Advisory => RESTORE_ASSERTIONS.warned(&assertion.name),
        Kind::Mandatory if timed_out => RESTORE_ASSERTIONS
            .inconclusive(&assertion.name)
            .remedy("Give it more time (timeout), or a query that needs less; a fresh copy has no statistics before ANALYZE."),
        Kind::Mandatory if is_no_query => RESTORE_ASSERTIONS.inconclusive(&assertion.name),
        Kind::Mandatory => RESTORE_ASSERTIONS.failed(&assertion.name),
    };
    let made = match is_no_query {
        true => made.remedy("Mend the assertion: it has to be one query that only reads."),
        false => made,
    };
    placed(made.expected(assertion.expect.words(values)).observed(observed), assertion, position)
}

/// Says in which file, and in which line of it.
fn placed(finding: Finding, assertion: &Assertion, position: Option<usize>) -> Finding {
    let Some(file) = &assertion.file else { return finding };
    let line = position.map(|at| line_of(&assertion.sql, at));
    match line {
        Some(line) => {
            let observed = format!("line {line}: {}", finding.observed);
            finding.observed(observed).at(file.display().to_string(), Some(line))
        }
        None => finding.at(file.display().to_string(), None),
    }
}

/// The line of this character; both count from 1.
fn line_of(sql: &str, position: usize) -> u32 {
    let newlines = sql.chars().take(position.saturating_sub(1)).filter(|c| *c == '\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: &[&[Option<&str>]]) -> Answer {
        Answer::Content(
            rows.iter().map(|row| row.iter().map(|value| value.map(str::to_owned)).collect()).collect(),
        )
    }

    #[test]
    fn rows_are_counted_to_the_limit() {
        for (expect, count, holds) in [
            (Expect::Empty, 0, true),
            (Expect::Empty, 1, false),
            (Expect::Rows(3), 3, true),
            (Expect::Rows(3), 4, false),
            (Expect::Rows(3), 2, false),
            (Expect::Rows(0), 0, true),
            (Expect::AtLeast(3), 3, true),
            (Expect::AtLeast(3), 2, false),
            (Expect::AtLeast(0), 0, true),
        ] {
            assert_eq!(expect.holds(&Answer::Rows(count), Values::Hidden).0, holds, "{expect:?} {count}");
        }
        assert_eq!(Expect::Empty.holds(&Answer::Rows(1), Values::Hidden).1, "at least 1 row");
        assert_eq!(Expect::AtLeast(3).holds(&Answer::Rows(2), Values::Hidden).1, "2 rows");
    }

    #[test]
    fn a_value_is_one_row_and_one_column_and_never_said_unasked() {
        let expect = Expect::Value("42".to_owned());
        let holds = |rows: &[&[Option<&str>]], values| expect.holds(&content(rows), values);
        assert!(holds(&[&[Some("42")]], Values::Hidden).0);
        for rows in [&[][..], &[&[None][..]], &[&[Some("42"), Some("42")]], &[&[Some("42")], &[Some("42")]]] {
            assert!(!holds(rows, Values::Hidden).0, "{rows:?}");
        }
        let (held, said) = holds(&[&[Some("4111")]], Values::Hidden);
        assert!(!held && !said.contains("4111"), "{said}");
        assert_eq!(holds(&[&[Some("4111")]], Values::Shown).1, "'4111'");
        assert!(!expect.words(Values::Hidden).contains("42"));
        assert_eq!(
            expect.holds(&Answer::TooLarge, Values::Shown),
            (false, "an answer of more than 4.19 MB".to_owned())
        );
        assert!(Expect::True.holds(&content(&[&[Some("t")]]), Values::Hidden).0);
        assert!(!Expect::True.holds(&content(&[&[Some("f")]]), Values::Hidden).0);
    }

    #[test]
    fn a_position_is_a_line() {
        assert_eq!(
            [line_of("ab\ncd\n", 1), line_of("ab\ncd\n", 4), line_of("é\nx", 3), line_of("", 9)],
            [1, 2, 2, 1]
        );
    }
}
