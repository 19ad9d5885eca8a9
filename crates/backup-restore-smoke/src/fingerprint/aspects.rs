//! What is said of one object: aspects such as `column id`, each with a text. Pure.
//!
//! Ten thousand tables have a hundred thousand columns, so all aspects of an object lie in one piece of memory.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use sha2::{Digest, Sha256};

/// Longer texts are kept as digests.
const LONGEST: usize = 400;

/// Ends the names of aspects that are only comparable between servers of the same major version.
const AS_PRINTED: &str = " as printed";

/// Aspects and their texts, in the order of their names. PostgreSQL's texts never contain NUL, which stands
/// after each name and each text.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Aspects(Box<str>);

/// How the text of an aspect is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// As it stands.
    Text,
    /// As a digest: long, or nobody else's business.
    Digest,
    /// A query, which the major versions print differently: as digests of its words and of its print.
    Query,
}

/// Puts the aspects of one object together.
#[derive(Debug, Default)]
pub(crate) struct Collected(Vec<(String, String)>);

impl Collected {
    pub(crate) fn add(&mut self, aspect: &str, text: &str, keep: Keep) {
        let queries = keep == Keep::Query || keep == Keep::Text && text.len() > LONGEST;
        if queries {
            self.0.push((format!("{aspect}{AS_PRINTED}"), digest(text)));
            self.0.push((aspect.to_owned(), digest(&words(text))));
        } else if keep == Keep::Digest {
            self.0.push((aspect.to_owned(), digest(text)));
        } else {
            self.0.push((aspect.to_owned(), text.to_owned()));
        }
    }

    /// Adds what was kept already.
    pub(crate) fn add_kept(&mut self, aspect: &str, text: &str) {
        self.0.push((aspect.to_owned(), text.to_owned()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(mut self) -> Aspects {
        self.0.sort();
        let mut text = String::with_capacity(self.0.iter().map(|(a, t)| a.len() + t.len() + 2).sum());
        for (aspect, said) in self.0 {
            for part in [aspect, said] {
                text.push_str(&part);
                text.push('\0');
            }
        }
        Aspects(text.into_boxed_str())
    }
}

/// A digest of which one sees that it is one.
fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex} ({} bytes)", text.len())
}

/// What is left of an expression when everything is taken out that the major versions print differently:
/// blanks, parentheses, quotes around names, and the table that a column's name begins with.
pub(crate) fn words(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut name_starts = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                // A constant stays as it is; two quotes within it are two constants, which is as good.
                kept.push(character);
                for inner in characters.by_ref() {
                    kept.push(inner);
                    if inner == '\'' {
                        break;
                    }
                }
                name_starts = kept.len();
            }
            '"' => {
                while let Some(inner) = characters.next() {
                    if inner == '"' && characters.next_if_eq(&'"').is_none() {
                        break;
                    }
                    kept.push(inner);
                }
            }
            '.' if !kept[name_starts..].is_empty()
                && !kept[name_starts..].starts_with(|c: char| c.is_ascii_digit()) =>
            {
                kept.truncate(name_starts);
            }
            '.' => kept.push('.'),
            _ if character.is_alphanumeric() || character == '_' || character == '$' => kept.push(character),
            _ => {
                if !character.is_whitespace() && character != '(' && character != ')' {
                    kept.push(character);
                }
                name_starts = kept.len();
            }
        }
    }
    kept
}

impl Aspects {
    /// Aspects and texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split_terminator('\0');
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// The aspects whose texts differ: name, text here, text there.
    pub(crate) fn differences<'a>(
        &'a self,
        other: &'a Self,
        same_major: bool,
    ) -> Vec<(&'a str, Option<&'a str>, Option<&'a str>)> {
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        let mut found = Vec::new();
        loop {
            let (aspect, here, there) = match (ours.peek().copied(), theirs.peek().copied()) {
                (None, None) => break,
                (Some((a, here)), Some((b, there))) if a == b => (a, Some(here), Some(there)),
                (Some((a, here)), Some((b, _))) if a < b => (a, Some(here), None),
                (Some((a, here)), None) => (a, Some(here), None),
                (_, Some((b, there))) => (b, None, Some(there)),
            };
            here.and_then(|_| ours.next());
            there.and_then(|_| theirs.next());
            let same = match (here, there) {
                (Some(here), Some(there)) => here == there || !same_major && words(here) == words(there),
                _ => false,
            };
            if !same && (same_major || !aspect.ends_with(AS_PRINTED)) {
                found.push((aspect, here, there));
            }
        }
        // The print of a query differs wherever its words do: said once.
        let named: Vec<_> = found.iter().map(|(aspect, ..)| *aspect).collect();
        found.retain(|(aspect, ..)| {
            aspect.strip_suffix(AS_PRINTED).is_none_or(|plain| !named.contains(&plain))
        });
        found
    }
}

impl fmt::Debug for Aspects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Aspects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (aspect, text) in self.iter() {
            map.serialize_entry(aspect, text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Aspects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> de::Visitor<'de> for Read {
            type Value = Aspects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("aspects and their texts")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Aspects, A::Error> {
                let mut collected = Collected::default();
                while let Some((aspect, text)) = map.next_entry::<String, String>()? {
                    if aspect.contains('\0') || text.contains('\0') {
                        return Err(de::Error::custom("a text with a NUL character"));
                    }
                    if collected.0.iter().any(|(known, _)| *known == aspect) {
                        return Err(de::Error::custom(format_args!("the aspect '{aspect}' stands twice")));
                    }
                    collected.0.push((aspect, text));
                }
                Ok(collected.finish())
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(aspects: &[(&str, &str, Keep)]) -> Aspects {
        let mut collected = Collected::default();
        for (aspect, text, keep) in aspects {
            collected.add(aspect, text, *keep);
        }
        collected.finish()
    }

    #[test]
    fn words_are_the_same_in_every_major_version() {
        for (fifteen, later) in [
            (
                " SELECT t.a,\n    t.b\n   FROM shop.t\n  WHERE (t.a > (1)::numeric);",
                " SELECT a,\n b\n FROM shop.t WHERE (a > (1)::numeric);",
            ),
            ("SELECT \"new\".\"a b\" FROM t", "SELECT \"a b\" FROM t"),
        ] {
            assert_eq!(words(fifteen), words(later));
        }
        for (one, other) in [
            ("a > 0.5", "a > 5"),
            ("a = 'x. y'", "a = 'x.y'"),
            ("a = 'b.c'", "a = 'c'"),
            ("SELECT a", "SELECT b"),
            ("nextval('s.a')", "nextval('t.a')"),
        ] {
            assert_ne!(words(one), words(other), "{one} {other}");
        }
    }

    #[test]
    fn a_difference_names_the_aspect() {
        let here = of(&[
            ("column a", "int", Keep::Text),
            ("column b", "int", Keep::Text),
            ("definition", "SELECT t.a", Keep::Query),
        ]);
        let there = of(&[
            ("column a", "bigint", Keep::Text),
            ("column c", "int", Keep::Text),
            ("definition", "SELECT a", Keep::Query),
        ]);
        let names =
            |same| here.differences(&there, same).iter().map(|(a, ..)| (*a).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(true), ["column a", "column b", "column c", "definition as printed"]);
        assert_eq!(names(false), ["column a", "column b", "column c"]);
        assert!(here.differences(&here, true).is_empty());
        let other = of(&[("definition", "SELECT b", Keep::Query)]);
        assert_eq!(of(&[("definition", "SELECT a", Keep::Query)]).differences(&other, true).len(), 1);
    }

    #[test]
    fn aspects_survive_the_file_and_twice_is_refused() {
        let aspects = of(&[
            ("", "", Keep::Text),
            ("a \"b\"\n", "x\ty", Keep::Text),
            ("long", &"x".repeat(500), Keep::Text),
        ]);
        let json = serde_json::to_string(&aspects).unwrap();
        assert_eq!(serde_json::from_str::<Aspects>(&json).unwrap(), aspects);
        assert!(!json.contains("xxx"));
        for refused in [r#"{"a": "1", "a": "2"}"#, r#"{"a": "\u0000"}"#, r#"{"a": 1}"#] {
            assert!(serde_json::from_str::<Aspects>(refused).is_err(), "{refused}");
        }
    }
}
