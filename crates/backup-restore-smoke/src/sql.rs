//! Names and texts inside SQL, and messages without values. Pure.

/// An identifier, quoted so that every name is taken as it stands.
#[must_use]
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text constant. Sound because `standard_conforming_strings` is pinned on in every session of ours.
#[must_use]
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Words after which PostgreSQL quotes the *name* of an object; after any other word it may quote a value.
const OBJECT_WORDS: [&str; 26] = [
    "attribute",
    "class",
    "collation",
    "column",
    "configuration",
    "constraint",
    "database",
    "dictionary",
    "directory",
    "domain",
    "encoding",
    "extension",
    "file",
    "function",
    "index",
    "language",
    "library",
    "object",
    "parameter",
    "relation",
    "role",
    "schema",
    "sequence",
    "table",
    "type",
    "view",
];

/// A server's message with everything taken out that may be a row's value: what stands in double quotes
/// stays only as the name of an object. Only the first line is kept (DETAIL and CONTEXT carry whole rows).
#[must_use]
pub(crate) fn message_template(message: &str) -> String {
    let mut kept = String::new();
    for (index, part) in message.lines().next().unwrap_or_default().split('"').enumerate() {
        if index % 2 == 0 {
            kept.push_str(part);
            continue;
        }
        let before = kept.trim_end().rsplit([' ', '(', ':']).next().unwrap_or_default();
        let is_name = OBJECT_WORDS.contains(&before.trim_end_matches(':').to_ascii_lowercase().as_str());
        kept.push('"');
        kept.push_str(if is_name { part } else { "…" });
        kept.push('"');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_and_texts_are_quoted() {
        assert_eq!(identifier("a\"b c\n😀"), "\"a\"\"b c\n😀\"");
        assert_eq!(literal("it's \\ fine"), "'it''s \\ fine'");
    }

    #[test]
    fn values_do_not_survive_in_messages_and_names_do() {
        for (given, kept) in [
            ("relation \"shop.orders\" does not exist", "relation \"shop.orders\" does not exist"),
            (
                "invalid input syntax for type integer: \"4111 1111\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            ("permission denied for table orders", "permission denied for table orders"),
            (
                "duplicate key value violates unique constraint \"orders_pkey\"\nDETAIL:  Key (card)=(4111) exists.",
                "duplicate key value violates unique constraint \"orders_pkey\"",
            ),
            (
                "date/time field value out of range: \"1999-99-99\"",
                "date/time field value out of range: \"…\"",
            ),
        ] {
            assert_eq!(message_template(given), kept);
        }
    }
}
