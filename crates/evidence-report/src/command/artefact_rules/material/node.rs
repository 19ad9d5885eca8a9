//! A tree of values that keeps the line of each: what YAML, JSON, TOML and .env files have in common.

use super::Trouble;

/// How deep a tree may be. Whoever walks it may do so by recursion.
pub(super) const DEEPEST: usize = 64;

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::command::artefact_rules) struct Node {
    pub(in crate::command::artefact_rules) line: u32,
    pub(in crate::command::artefact_rules) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::command::artefact_rules) enum Value {
    Null,
    Bool(bool),
    /// A number, and how it is written.
    Number(f64, String),
    Text(String),
    List(Vec<Node>),
    /// Keys in the order of the file, each once.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) const fn new(line: u32, value: Value) -> Self {
        Self { line, value }
    }

    /// The entry of a map.
    pub(in crate::command::artefact_rules) fn entry(&self, key: &str) -> Option<&Self> {
        self.map()?.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entry of a map; one that is null counts as none.
    pub(in crate::command::artefact_rules) fn some(&self, key: &str) -> Option<&Self> {
        self.entry(key).filter(|node| node.value != Value::Null)
    }

    /// What stands at a path such as `metrics.http_reqs.rate` or `runs.0.tool`.
    pub(in crate::command::artefact_rules) fn at(&self, path: &str) -> Option<&Self> {
        // A key may itself contain a dot: the longest key that fits is taken first.
        if path.is_empty() {
            return Some(self);
        }
        if let Value::List(items) = &self.value {
            let (index, rest) = path.split_once('.').unwrap_or((path, ""));
            return items.get(index.parse::<usize>().ok()?)?.at(rest);
        }
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        ends.collect::<Vec<_>>().into_iter().rev().find_map(|end| {
            let rest = path.get(end + 1..).unwrap_or("");
            self.entry(&path[..end])?.at(rest)
        })
    }

    pub(in crate::command::artefact_rules) fn map(&self) -> Option<&[(String, Self)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(in crate::command::artefact_rules) fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(in crate::command::artefact_rules) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::command::artefact_rules) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(number, _) => Some(*number),
            _ => None,
        }
    }

    /// What a scalar says in words; `None` of lists and maps. Null says nothing.
    pub(in crate::command::artefact_rules) fn words(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some(String::new()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(_, text) | Value::Text(text) => Some(text.clone()),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What kind of value it is, for people.
    pub(in crate::command::artefact_rules) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(..) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The trouble of a tree that is too deep.
pub(super) fn too_deep(line: u32) -> Trouble {
    Trouble::new(format!("it is nested deeper than {DEEPEST} levels"), Some(line))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;

    #[test]
    fn a_path_leads_through_maps_and_lists_and_keys_with_dots() {
        let node = yaml::read("a:\n  b.c:\n    - x: 1\n    - y: 2\n  b: {d: 3}\n").unwrap().remove(0);
        assert_eq!(node.at("a.b.c.1.y").unwrap().number(), Some(2.0));
        assert_eq!(node.at("a.b.c.1.y").unwrap().line, 4);
        assert_eq!(node.at("a.b.d").unwrap().number(), Some(3.0));
        for none in ["a.b.c.2", "a.x", "a.b.d.e", "a.b.c.-1", "a..b"] {
            assert!(node.at(none).is_none(), "{none}");
        }
    }
}
