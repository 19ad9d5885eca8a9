//! TOML as a tree with lines. Its library bounds the depth.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Trouble,
    node::{Node, Value},
};

/// The table of a text.
///
/// # Errors
/// What is wrong, and in which line. Nothing of the text is quoted: a secret may stand there.
pub(super) fn read(text: &str) -> Result<Node, Trouble> {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| line_of(&ends, span.start));
        Trouble::new(error.message().to_owned(), line)
    })?;
    let line = line_of(&ends, table.span().start);
    Ok(Node::new(line, map(table.get_ref(), &ends)))
}

fn line_of(ends: &[usize], offset: usize) -> u32 {
    u32::try_from(ends.partition_point(|&end| end < offset) + 1).unwrap_or(u32::MAX)
}

fn map(table: &DeTable<'_>, ends: &[usize]) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let mut node = node(value, ends);
        // A table that stands under several headings has no one place: its key's is the better one.
        node.line = line_of(ends, key.span().start);
        (key.get_ref().to_string(), node)
    });
    Value::Map(entries.collect())
}

fn node(value: &Spanned<DeValue<'_>>, ends: &[usize]) -> Node {
    let line = line_of(ends, value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
            |_| Value::Text(number.to_string()),
            |whole| {
                #[expect(clippy::cast_precision_loss, reason = "the text keeps what the number loses")]
                Value::Number(whole as f64, whole.to_string())
            },
        ),
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(value) if value.is_finite() => Value::Number(value, value.to_string()),
            _ => Value::Text(number.to_string()),
        },
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(item, ends)).collect()),
        DeValue::Table(table) => map(table, ends),
    };
    Node::new(line, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_lines_and_what_is_wrong_has_one() {
        let node = read("a = 0x10\n[b]\nd = 2026-11-02\n[[c]]\nx = 1.5\n[[c]]\nx = [true, 'y']\n").unwrap();
        assert_eq!(node.at("a").unwrap().number(), Some(16.0));
        let date = node.at("b.d").unwrap();
        assert_eq!((date.text(), date.line), (Some("2026-11-02"), 3));
        assert_eq!(node.at("c.1.x.1").unwrap().line, 7);
        for (text, line) in [("a = 1\na = 2\n", 2), ("a = 1\nb = [1,\n", 2), ("password = hunter2\n", 1)] {
            let trouble = read(text).unwrap_err();
            assert_eq!(trouble.line, Some(line), "{text}: {trouble:?}");
            assert!(!trouble.message.contains("hunter2"), "{trouble:?}");
        }
        assert!(read(&format!("a = {}", "[".repeat(50_000))).is_err());
    }
}
