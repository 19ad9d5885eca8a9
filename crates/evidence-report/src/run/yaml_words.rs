//! What is wrong with a YAML file, in words for who wrote it. The library speaks to programmers: of its options, of
//! events, of Rust's types.

use std::{borrow::Cow, fmt};

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::redact;

/// What is wrong with a YAML text, and where: its place first, then the words, and no line of the text.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use evidence_report::run::YamlProblem;
///
/// let read = serde_saphyr::from_str::<BTreeMap<String, String>>("alert: one\nalert: two\n");
/// let problem = YamlProblem::from(&read.unwrap_err());
/// assert_eq!(problem.to_string(), "line 2, column 1: the key 'alert' stands twice (one has to go)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlProblem {
    /// Counting from 1.
    pub line: u64,
    /// Counting from 1.
    pub column: u64,
    /// What is wrong. A secret that stands in a key or a value is taken out.
    pub message: String,
}

impl From<&Error> for YamlProblem {
    fn from(error: &Error) -> Self {
        let place = error.location();
        let said = plain(error);
        // The place stands before the words already.
        let words = said.split(" at line ").next().unwrap_or_default().trim_end_matches(',');
        Self {
            line: place.map_or(1, |place| place.line()),
            column: place.map_or(1, |place| place.column()),
            message: redact::text(words),
        }
    }
}

impl fmt::Display for YamlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// What is wrong, and where; without the lines around it, in which a secret may stand.
pub(super) fn plain(error: &Error) -> String {
    error.without_snippet().render_with_formatter(&Plain)
}

struct Plain;

impl MessageFormatter for Plain {
    fn format_message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        match error {
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key '{key}' stands twice (one has to go),").into()
            }
            Error::DuplicateMappingKey { key: None, .. } => "a key stands twice (one has to go),".into(),
            Error::MultipleDocuments { .. } => {
                "a second document begins (`---`); one file holds one of them".into()
            }
            Error::Unexpected { expected: "mapping start", .. } => {
                "keys with their values are expected here (`key: value`)".into()
            }
            Error::Unexpected { expected: "sequence start", .. } => {
                "a list is expected here (`- …`, or `[…]`)".into()
            }
            Error::Unexpected { expected: "string scalar" | "scalar", .. } => {
                "one value is expected here, no list and no keys".into()
            }
            Error::InvalidScalar { ty, .. } => needed(ty),
            Error::InvalidBooleanStrict { .. } => needed("boolean"),
            Error::UnknownAnchor { .. } => "the alias (`*…`) stands for no anchor (`&…`) before it".into(),
            Error::Budget { .. }
            | Error::AliasReplayCounterOverflow { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. } => {
                "too large or too complex to be read (a quarter of a million values, 64 levels); if it is right, divide it".into()
            }
            Error::NullIntoString { .. } => "nothing stands here; a value is expected".into(),
            other => UserMessageFormatter.format_message(other),
        }
    }
}

/// What has to stand where a value of this type of ours is read.
fn needed(kind: &str) -> Cow<'static, str> {
    match kind.as_bytes() {
        [b'u', b'0'..=b'9', ..] | b"usize" => "a whole number that is not negative is expected here".into(),
        [b'i', b'0'..=b'9', ..] | b"isize" => "a whole number is expected here".into(),
        [b'f', b'0'..=b'9', ..] | b"floating point" => "a number is expected here".into(),
        b"boolean" | b"bool" => "`true` or `false` is expected here".into(),
        _ => format!("invalid {kind}").into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Config {
        #[serde(default)]
        map: BTreeMap<String, String>,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        number: Option<i64>,
        #[serde(default)]
        share: Option<f64>,
        #[serde(default)]
        yes: Option<bool>,
    }

    #[test]
    fn nothing_of_the_library_is_told() {
        let cases = [
            ("map: {a: b, a: c}\n", "the key 'a' stands twice (one has to go), at line 1, column 13"),
            ("map: {}\n---\nmap: {}\n", "a second document begins (`---`); one file holds one of them"),
            ("map: [a]\n", "keys with their values are expected here (`key: value`) at line 1, column 6"),
            ("list: {a: b}\n", "a list is expected here (`- …`, or `[…]`) at line 1, column 7"),
            ("map:\n  a: [b]\n", "one value is expected here, no list and no keys at line 2, column 6"),
            ("list: [-1]\n", "a whole number that is not negative is expected here at line 1, column 8"),
            ("number: 1.5\n", "a whole number is expected here at line 1, column 9"),
            ("share: much\n", "a number is expected here at line 1, column 8"),
            ("yes: please\n", "`true` or `false` is expected here at line 1, column 6"),
            ("map: *other\n", "the alias (`*…`) stands for no anchor (`&…`) before it at line 1, column 6"),
            ("map: {a: ~}\n", "nothing stands here; a value is expected at line 1, column 10"),
            ("other: 1\n", "unknown field `other`, expected one of map, list, number, share, yes at line 1"),
        ];
        for (text, told) in cases {
            let said = plain(&serde_saphyr::from_str::<Config>(text).unwrap_err());
            assert!(said.starts_with(told), "{text}: {said}");
        }
    }

    #[test]
    fn the_place_can_stand_before_the_words() {
        let said = |text| YamlProblem::from(&serde_saphyr::from_str::<Config>(text).unwrap_err()).to_string();
        assert_eq!(
            said("map: {a: b, a: c}\n"),
            "line 1, column 13: the key 'a' stands twice (one has to go)"
        );
        assert_eq!(
            said("list:\n- 1\n- -1\n"),
            "line 3, column 3: a whole number that is not negative is expected here"
        );
        assert!(!said("list: {a: b}\nmap: hunter2\n").contains("hunter2"));
    }

    #[test]
    fn a_file_that_grows_without_end_when_it_is_read_is_refused() {
        let mut text = "map: {}\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
        for n in 1..9 {
            let aliases = vec![format!("*x{}", n - 1); 10].join(", ");
            text += &format!("x{n}: &x{n} [{aliases}]\n");
        }
        let said = plain(&serde_saphyr::from_str::<serde_json::Value>(&text).unwrap_err());
        assert!(said.contains("too large or too complex") && !said.contains("Options"), "{said}");
    }
}
