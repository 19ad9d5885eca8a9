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
const OBJECT_WORDS: [&str; 28] = [
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
    "policy",
    "relation",
    "role",
    "schema",
    "sequence",
    "subdirectory",
    "table",
    "type",
    "view",
];

/// How PostgreSQL's translations quote, where they do not do it as the original does.
const OTHER_QUOTES: [char; 12] = ['»', '«', '„', '“', '”', '‘', '’', '‚', '‹', '›', '「', '」'];

/// A server's message with everything taken out that may be a row's value: what stands in double quotes
/// stays only as the name of an object. Only the first line is kept (DETAIL and CONTEXT carry whole rows).
///
/// A server that speaks another language quotes in other ways (»4111«): nothing of it is kept from there on.
///
/// A value may hold quotes and newlines of its own, and nothing tells where it ends: what stands behind one is kept
/// only where the message has no other quote and no other line.
#[must_use]
pub(crate) fn message_template(message: &str) -> String {
    let mut kept = String::new();
    let mut rest = message;
    while let Some((before, quoted)) = rest.split_once('"') {
        if before.contains('\n') || before.contains(OTHER_QUOTES) {
            break;
        }
        kept.push_str(before);
        let word = before.trim_end().rsplit([' ', '(']).next().unwrap_or_default();
        let is_name = OBJECT_WORDS.contains(&word.to_ascii_lowercase().as_str());
        match quoted.split_once('"') {
            Some((name, after)) if is_name && !name.contains('\n') => {
                kept.push_str(&format!("\"{name}\""));
                rest = after;
            }
            Some((value, after)) if !(value.contains('\n') || after.contains(['"', '\n'])) => {
                kept.push_str("\"…\"");
                rest = after;
            }
            _ => {
                kept.push_str("\"…\"");
                return without_bytes(&kept);
            }
        }
    }
    let rest = rest.lines().next().unwrap_or_default();
    match rest.split_once(OTHER_QUOTES) {
        Some((before, _)) => kept.push_str(&format!("{before}\"…\"")),
        None => kept.push_str(rest),
    }
    without_bytes(&kept)
}

/// `invalid byte sequence for encoding "UTF8": 0xe4 0x72` shows bytes of a row.
fn without_bytes(message: &str) -> String {
    let is_byte = |word: &&str| {
        word.strip_prefix("0x")
            .is_some_and(|digits| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if !message.split(' ').any(|word| is_byte(&word)) {
        return message.to_owned();
    }
    message.split(' ').map(|word| if is_byte(&word) { "0x…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// A server's message, told by its SQLSTATE and its CONTEXT: what code in the database raises may hold values anywhere,
/// and may bear any code.
#[must_use]
pub(crate) fn refusal_template(code: &str, message: &str, context: &str) -> String {
    let of_other_language = context.contains("PL/") && !context.contains("PL/pgSQL");
    if code.starts_with("P0") || context.contains(" at RAISE") || of_other_language {
        return "code in the database raised an error (its words may hold values)".to_owned();
    }
    message_template(message)
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
            (
                "value \"4111\" is out of range for type integer",
                "value \"…\" is out of range for type integer",
            ),
            // Values with quotes and newlines of their own.
            (
                "invalid input syntax for type integer: \"{\"card\": \"4111\"}\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            ("malformed array literal: \"{\"a\",4111\"", "malformed array literal: \"…\""),
            (
                "invalid input syntax for type integer: \"a\" table \"4111\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            (
                "invalid input syntax for type integer: \"a\"4111\nb\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            ("invalid input value for enum type: \"4111\"", "invalid input value for enum type: \"…\""),
            (
                "invalid byte sequence for encoding \"UTF8\": 0x34 0x31",
                "invalid byte sequence for encoding \"UTF8\": 0x… 0x…",
            ),
            // Of other languages.
            (
                "ungültige Eingabesyntax für Typ integer: »x4111x«",
                "ungültige Eingabesyntax für Typ integer: \"…\"",
            ),
            (
                "syntaxe en entrée invalide pour le type integer : « \"4111\" »",
                "syntaxe en entrée invalide pour le type integer : \"…\"",
            ),
            ("неверный синтаксис для типа integer: \"4111\"", "неверный синтаксис для типа integer: \"…\""),
            (
                "new row violates row-level security policy \"p\" for table \"t\"",
                "new row violates row-level security policy \"p\" for table \"t\"",
            ),
        ] {
            assert_eq!(message_template(given), kept);
        }
    }

    #[test]
    fn what_code_in_the_database_raises_is_not_said_whatever_its_code() {
        let hidden = "code in the database raised an error (its words may hold values)";
        for (code, context) in [
            ("P0001", ""),
            ("23514", "PL/pgSQL function shop.check_card(text) line 3 at RAISE\nCOPY cards, line 1"),
            ("XX000", "PL/Perl function \"check_card\""),
        ] {
            assert_eq!(refusal_template(code, "card 4111 is bad", context), hidden);
        }
        let context = "PL/pgSQL function shop.f() line 3 at SQL statement";
        assert_eq!(refusal_template("22012", "division by zero", context), "division by zero");
    }

    proptest::proptest! {
        /// Whatever the value is, nothing of it is told.
        #[test]
        fn no_value_is_told(before in "[\"a-c\n ]{0,6}", after in "[\"a-c\n: ]{0,12}") {
            for message in [
                format!("invalid input syntax for type integer: \"{before}4111{after}\""),
                format!("value \"{before}4111{after}\" is out of range for type integer"),
                format!("column \"x\" is of type y but \"{before}4111{after}\""),
            ] {
                proptest::prop_assert!(!message_template(&message).contains("4111"), "{}", message_template(&message));
            }
        }
    }
}
