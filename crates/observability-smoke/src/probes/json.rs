//! A body as JSON. A name that stands twice in one object is allowed by RFC 8259, and its value is whatever a reader makes
//! of it: most take the last, some the first. What that changes is found here. Knows nothing of assertions.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::config::JsonPath;

/// A document as the two kinds of readers see it.
#[derive(Debug)]
pub(super) struct Document {
    last_wins: Value,
    first_wins: Value,
}

impl Document {
    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong with it, in words that go on from "a body".
    pub(super) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let wrong = |error: serde_json::Error| {
            // serde_json has no kind for it. RFC 8259 lets a reader set limits to numbers.
            if error.to_string().starts_with("number out of range") {
                "with a number too large to be read (beyond 1.8e308)"
            } else {
                "that is no JSON"
            }
        };
        let last_wins = serde_json::from_slice(body).map_err(wrong)?;
        let FirstWins(first_wins) = serde_json::from_slice(body).map_err(wrong)?;
        Ok(Self { last_wins, first_wins })
    }

    /// The document as most read it.
    pub(super) const fn value(&self) -> &Value {
        &self.last_wins
    }

    /// Whether the path leads some readers to other values than others.
    pub(super) fn is_ambiguous_at(&self, path: &JsonPath) -> bool {
        path.find(&self.last_wins) != path.find(&self.first_wins)
    }
}

/// A document in which the first of the values of one name counts.
struct FirstWins(Value);

impl<'de> Deserialize<'de> for FirstWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = FirstWins;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<FirstWins, E> {
        Ok(FirstWins(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<FirstWins, E> {
        Ok(FirstWins(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FirstWins, E> {
        Ok(FirstWins(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<FirstWins, E> {
        Ok(FirstWins(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FirstWins, E> {
        Ok(FirstWins(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<FirstWins, E> {
        Ok(FirstWins(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FirstWins, A::Error> {
        let mut all = Vec::new();
        while let Some(FirstWins(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(FirstWins(Value::Array(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FirstWins, A::Error> {
        let mut all = Map::new();
        while let Some((name, FirstWins(value))) = members.next_entry::<String, _>()? {
            all.entry(name).or_insert(value);
        }
        Ok(FirstWins(Value::Object(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_matters_where_a_path_leads_over_it() {
        for (body, path, ambiguous) in [
            (r#"{"status":"down","status":"up"}"#, "$.status", true),
            (r#"{"status":"up","status":"up"}"#, "$.status", false),
            (r#"{"status":"up","other":1,"other":2}"#, "$.status", false),
            (r#"{"a":{"status":"down"},"a":{"status":"up"}}"#, "$.a.status", true),
            (r#"{"a":{"status":"down"},"a":{}}"#, "$.a.status", true),
            (r#"{"a":[{"b":1.5,"b":-1},null,true]}"#, "$.a[1]", false),
            (r#"{"a":[{"b":1.5,"b":-1},null,true]}"#, "$..b", true),
        ] {
            let document = Document::read(body.as_bytes()).unwrap();
            let path: JsonPath = serde_json::from_value(path.into()).unwrap();
            assert_eq!(document.is_ambiguous_at(&path), ambiguous, "{body} {path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn without_such_names_both_readers_see_the_same(
            texts in proptest::collection::vec(".{0,5}", 0..5), number: f64, whole: u64, below: i64
        ) {
            let body = serde_json::json!({"texts": texts, "number": number, "whole": whole, "below": [below, null, true]});
            let document = Document::read(body.to_string().as_bytes()).unwrap();
            proptest::prop_assert_eq!(document.value(), &document.first_wins);
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_called_so() {
        let said = |body: &str| Document::read(body.as_bytes()).unwrap_err();
        assert!(said(r#"{"status":"up","x":1e400}"#).starts_with("with a number too large"));
        assert_eq!(said("<html>"), "that is no JSON");
    }
}
