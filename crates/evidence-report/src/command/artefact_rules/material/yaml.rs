//! YAML as trees: several documents, lines kept, duplicate keys refused, bounded in depth, size and aliases.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::{
    Trouble,
    node::{DEEPEST, Node, Value},
};
use crate::run::redact;

/// The documents of a text; one that holds nothing is left out.
///
/// # Errors
/// What is wrong, and in which line. Nothing of the text around it is quoted: a secret may stand there.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Trouble> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            flow_nesting_limit: DEEPEST,
            max_nodes: 1_000_000,
            max_events: 4_000_000,
        },
    };
    let documents: Vec<Node> = serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let line = error.location().and_then(|place| u32::try_from(place.line()).ok());
        Trouble::new(redact::text(&error.without_snippet().to_string()), line.filter(|line| *line > 0))
    })?;
    Ok(documents.into_iter().filter(|document| document.value != Value::Null).collect())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self::new(u32::try_from(spanned.referenced.line()).unwrap_or(0), spanned.value))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "the text keeps what the number loses")]
        Ok(Value::Number(value as f64, value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "the text keeps what the number loses")]
        Ok(Value::Number(value as f64, value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value, value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut nodes: Vec<(String, Node)> = Vec::new();
        while let Some((key, node)) = entries.next_entry::<String, Node>()? {
            nodes.push((key, node));
        }
        Ok(Value::Map(nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_lines_and_documents_stay_apart() {
        let documents = read("---\na: 1\nb: [x, true, ~, 0.5]\n---\n---\nc:\n  d: 2026-11-02\n").unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].entry("b").unwrap().list().unwrap().len(), 4);
        let date = documents[1].at("c.d").unwrap();
        assert_eq!((date.text(), date.line), (Some("2026-11-02"), 7));
    }

    #[test]
    fn what_is_hostile_is_refused_with_its_line() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let steps: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
            let alias = format!("*a{},", n - 1).repeat(10);
            format!("{text}a{n}: &a{n} [{alias}]\n")
        });
        for (name, text) in [
            ("twice", "a: 1\na: 2\n"),
            ("cut", "a: [1, 2\n"),
            ("quote", "a: \"x\n"),
            ("tab", "a:\n\t- x\n"),
            ("deep flow", &deep),
            ("deep block", &steps),
            ("bomb", &bomb),
            ("alias", "a: *nothing\n"),
        ] {
            let trouble = read(text).unwrap_err();
            assert!(!trouble.message.is_empty(), "{name}");
        }
        assert_eq!(read("a: 1\nb: 2\na: 2\n").unwrap_err().line, Some(3));
        let trouble = read("password: hunter2\nb: 'x\n").unwrap_err();
        assert!(!trouble.message.contains("hunter2"), "{trouble:?}");
    }
}
