//! `.env` files as a map: `KEY=value` lines, comments, `export`, quotes. Nothing is expanded.

use super::{
    Trouble,
    node::{Node, Value},
};

/// The entries of a text.
///
/// # Errors
/// A line that is no entry, or a key that stands twice. Values are never quoted.
pub(super) fn read(text: &str) -> Result<Node, Trouble> {
    let mut entries: Vec<(String, Node)> = Vec::new();
    for (line, content) in (1_u32..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let content = content.strip_prefix("export ").unwrap_or(content);
        let Some((key, value)) = content.split_once('=') else {
            return Err(Trouble::new("the line is no KEY=value", Some(line)));
        };
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            return Err(Trouble::new("the line begins with no key", Some(line)));
        }
        if entries.iter().any(|(other, _)| other == key) {
            return Err(Trouble::new(format!("the key {key} stands twice"), Some(line)));
        }
        let value = value_of(value.trim()).ok_or_else(|| Trouble::new("a quote has no end", Some(line)))?;
        entries.push((key.to_owned(), Node::new(line, Value::Text(value))));
    }
    Ok(Node::new(1, Value::Map(entries)))
}

fn value_of(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let end = rest.find(quote)?;
            return Some(rest[..end].to_owned());
        }
    }
    let value = text.split(" #").next().unwrap_or_default();
    Some(value.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_what_is_none_is_told_without_its_value() {
        let node = read("# c\nA=1\nexport B='x # y'\nC=z # note\nD=\n").unwrap();
        let texts: Vec<_> =
            node.map().unwrap().iter().map(|(k, n)| (k.as_str(), n.text().unwrap())).collect();
        assert_eq!(texts, [("A", "1"), ("B", "x # y"), ("C", "z"), ("D", "")]);
        for (text, line, word) in [
            ("A=1\nhunter2\n", 2, "no KEY=value"),
            ("A=1\nA=2\n", 2, "A stands twice"),
            ("A='x\n", 1, "no end"),
            ("=x\n", 1, "no key"),
        ] {
            let trouble = read(text).unwrap_err();
            assert!(trouble.message.contains(word) && !trouble.message.contains("hunter2"), "{trouble:?}");
            assert_eq!(trouble.line, Some(line));
        }
    }
}
