//! The names of things in a database, and how people are shown them. Pure.

use std::fmt;

/// The name of a table or sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl TableName {
    /// All large objects together.
    pub(crate) fn large_objects() -> Self {
        Self { schema: "pg_catalog".to_owned(), name: "pg_largeobject".to_owned() }
    }
}

impl fmt::Display for TableName {
    /// As one would type it: plain names bare, others quoted, control characters as escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::large_objects() {
            return f.write_str("large objects");
        }
        f.write_str(&visible(&format!("{}.{}", as_typed(&self.schema), as_typed(&self.name))))
    }
}

/// A name as one would type it: plain names bare, all others quoted. No two names look the same.
pub(crate) fn as_typed(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Control characters as escapes: a name must not break a line of the evidence.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_one_would_type_them() {
        let name = |text: &str| TableName { schema: "shop".to_owned(), name: text.to_owned() };
        assert_eq!(name("orders_2024").to_string(), "shop.orders_2024");
        assert_eq!(name("a \"b\"\nc😀").to_string(), "shop.\"a \"\"b\"\"\\nc😀\"");
        assert_eq!(TableName::large_objects().to_string(), "large objects");
    }
}
