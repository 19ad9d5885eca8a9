//! One condition on one label, as Alertmanager judges it: a missing label is empty, and a regular expression
//! must match the whole value. Knows nothing of how matchers are written: that is `matcher_text`.

use std::fmt;

use regex::Regex;

use super::{Labels, matcher_text};

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

impl Operator {
    /// As it is written.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

/// A condition on one label.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    /// The label.
    pub(crate) name: String,
    /// How it is compared.
    pub(crate) operator: Operator,
    /// With what.
    pub(crate) value: String,
    /// The value as a regular expression over the whole label.
    whole: Option<Regex>,
}

/// Two are equal when they are written alike.
impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.operator, &self.value) == (&other.name, other.operator, &other.value)
    }
}

impl Matcher {
    /// A condition.
    ///
    /// # Errors
    /// When a regular expression is none.
    pub(crate) fn new(name: &str, operator: Operator, value: &str) -> Result<Self, String> {
        let whole = match operator {
            Operator::Equal | Operator::NotEqual => None,
            Operator::Matches | Operator::MatchesNot => {
                // The pattern alone first: `)(` must not become right by what stands around it.
                let wrong = |_| format!("the value of {name} is no regular expression that is understood");
                Regex::new(value).map_err(wrong)?;
                Some(Regex::new(&format!("^(?:{value})$")).map_err(wrong)?)
            }
        };
        Ok(Self { name: name.to_owned(), operator, value: value.to_owned(), whole })
    }

    /// Whether the condition holds for these labels.
    #[must_use]
    pub(crate) fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let found = self.whole.as_ref().map_or(value == self.value, |regex| regex.is_match(value));
        match self.operator {
            Operator::Equal | Operator::Matches => found,
            Operator::NotEqual | Operator::MatchesNot => !found,
        }
    }

    /// Reads one or more conditions as Alertmanager reads an element of `matchers`.
    ///
    /// # Errors
    /// A sentence that says what is wrong; of the text only what is no value.
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, String> {
        matcher_text::parse(text)
    }
}

/// Whether all conditions hold.
#[must_use]
pub(crate) fn all_hold(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.holds(labels))
}

/// As Alertmanager writes it; a name with signs of the syntax in it stands in quotes.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.contains(matcher_text::is_reserved) {
            format!("\"{}\"", escaped(&self.name))
        } else {
            self.name.clone()
        };
        write!(f, "{name}{}\"{}\"", self.operator.text(), escaped(&self.value))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

/// Conditions in one pair of braces, as `amtool` shows them; none are `{}`.
#[must_use]
pub(crate) fn in_braces(matchers: &[Matcher]) -> String {
    let words: Vec<_> = matchers.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_missing_label_is_an_empty_one_and_a_pattern_matches_the_whole() {
        for (text, given, holds) in [
            ("a=b", &[("a", "b")][..], true),
            ("a=b", &[("a", "B")], false),
            ("a=\"\"", &[], true),
            ("a!=b", &[], true),
            ("a!=\"\"", &[], false),
            ("a=~b", &[("a", "bb")], false),
            ("a=~b|c", &[("a", "c")], true),
            ("a=~\"b|cd\"", &[("a", "bd")], false),
            ("a=~\".*\"", &[], true),
            ("a=~\".+\"", &[], false),
            ("a!~b", &[("a", "bb")], true),
            ("a!~\"b+\"", &[("a", "bb")], false),
            ("a=~\"(?i)crit\"", &[("a", "CRIT")], true),
            ("a=~\".*\"", &[("a", "x\ny")], false),
        ] {
            let matchers = Matcher::parse(text).unwrap();
            assert_eq!(all_hold(&matchers, &labels(given)), holds, "{text} {given:?}");
        }
        assert!(Matcher::new("a", Operator::Matches, "(").is_err());
        assert!(Matcher::new("a", Operator::Matches, ")(").is_err());
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for (name, value) in [("a", "b"), ("a", "say \"x\"\\n\n"), ("a b", "ü"), ("größe", "")] {
            let matcher = Matcher::new(name, Operator::NotEqual, value).unwrap();
            assert_eq!(Matcher::parse(&matcher.to_string()).unwrap(), [matcher]);
        }
    }
}
