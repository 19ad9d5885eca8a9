//! YAML as trees: several documents, lines kept, duplicate keys refused, bounded in depth, size and aliases.
//! The events of the parser are joined without recursion: however deep a text is, the stack is not.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::{
    Trouble,
    node::{DEEPEST, Node, Value, too_deep},
};
use crate::run::redact;

/// How many values a text may hold, aliases counted as often as they are taken.
const MOST: usize = 1_000_000;

/// The documents of a text; one that holds nothing is left out.
///
/// # Errors
/// What is wrong, and in which line. Nothing of the text around it is quoted: a secret may stand there.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Trouble> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            Trouble::new(redact::text(&error.info()), Some(line_of(error.marker().line())))
        })?;
        builder.event(event, span)?;
    }
    Ok(builder.documents)
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

/// What was read so far.
#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Built>,
    values: usize,
}

/// A value that is complete.
#[derive(Clone)]
struct Built {
    node: Node,
    /// How many values it holds, itself included.
    size: usize,
    /// How many levels.
    height: usize,
}

/// A list or map whose end has not come.
struct Open {
    line: u32,
    anchor: usize,
    size: usize,
    height: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    entries: Vec<(String, Node)>,
    keys: BTreeSet<String>,
    /// The key whose value comes next.
    key: Option<String>,
    /// What stands behind `<<`.
    merged: Vec<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Trouble> {
        let line = line_of(span.start.line());
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::SequenceStart(_, anchor, _) => self.open(line, anchor, Kind::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => self.open(line, anchor, Kind::Map(Map::default()))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { line, anchor, size, height, kind }) = self.open.pop() {
                    let node = Node::new(line, kind.close(line)?);
                    self.add(Built { node, size, height }, anchor)?;
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.values += 1;
                let value = match scalar(&text, style, tag.as_deref()) {
                    Value::Null => Value::Null,
                    // A key is what is written, also where it looks like a number or like `yes`.
                    _ if self.expects_key() => Value::Text(text.into_owned()),
                    value => value,
                };
                let node = Node::new(line, value);
                self.add(Built { node, size: 1, height: 0 }, anchor)?;
            }
            Event::Alias(id) => {
                // Within what it stands for the anchor is not complete yet.
                let Some(built) = self.anchors.get(&id) else {
                    return Err(Trouble::new("an alias stands for itself", Some(line)));
                };
                self.values = self.values.saturating_add(built.size);
                self.bounded(built.height, line)?;
                let mut built = built.clone();
                built.node.line = line;
                self.add(built, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Map(Map { key: None, .. }), .. }))
    }

    fn bounded(&self, height: usize, line: u32) -> Result<(), Trouble> {
        if self.open.len() + height > DEEPEST {
            return Err(too_deep(line));
        }
        if self.values > MOST {
            return Err(Trouble::new(format!("it holds more than {MOST} values"), Some(line)));
        }
        Ok(())
    }

    fn open(&mut self, line: u32, anchor: usize, kind: Kind) -> Result<(), Trouble> {
        self.values += 1;
        self.bounded(1, line)?;
        self.open.push(Open { line, anchor, size: 1, height: 1, kind });
        Ok(())
    }

    fn add(&mut self, built: Built, anchor: usize) -> Result<(), Trouble> {
        self.bounded(built.height, built.node.line)?;
        if anchor > 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let Built { node, size, height } = built;
        match self.open.last_mut() {
            None if node.value == Value::Null => {}
            None => self.documents.push(node),
            Some(open) => {
                open.size = open.size.saturating_add(size);
                open.height = open.height.max(height + 1);
                match &mut open.kind {
                    Kind::List(items) => items.push(node),
                    Kind::Map(map) => map.add(node)?,
                }
            }
        }
        Ok(())
    }
}

impl Map {
    /// A key, or the value of the key before.
    fn add(&mut self, node: Node) -> Result<(), Trouble> {
        match self.key.take() {
            Some(key) if key == "<<" => self.merged.push(node),
            Some(key) => self.entries.push((key, node)),
            None => {
                let line = Some(node.line);
                let key = node.words().filter(|_| node.value != Value::Null);
                let key = key.ok_or_else(|| Trouble::new(format!("a key is {}", node.kind()), line))?;
                if !self.keys.insert(key.clone()) {
                    return Err(Trouble::new(format!("the key '{key}' stands twice in one map"), line));
                }
                self.key = Some(key);
            }
        }
        Ok(())
    }
}

impl Kind {
    /// The value; what a map merges stands behind its own keys, and never over them.
    fn close(self, line: u32) -> Result<Value, Trouble> {
        let Map { mut entries, mut keys, merged, .. } = match self {
            Self::List(items) => return Ok(Value::List(items)),
            Self::Map(map) => map,
        };
        let sources = merged.into_iter().flat_map(|node| match node.value {
            Value::List(items) => items,
            value => vec![Node::new(node.line, value)],
        });
        for source in sources {
            let Value::Map(more) = source.value else {
                return Err(Trouble::new("`<<` merges something that is no map", Some(line)));
            };
            entries.extend(more.into_iter().filter(|(key, _)| keys.insert(key.clone())));
        }
        Ok(Value::Map(entries))
    }
}

/// In small letters, in capitals, or with a capital at the beginning.
fn is_one_of(text: &str, words: &[&str]) -> bool {
    let as_written = |word: &str| {
        let (first, rest) = word.split_at(1);
        text == word || text == word.to_uppercase() || text == format!("{}{rest}", first.to_uppercase())
    };
    text.len() <= 5 && words.iter().any(|word| as_written(word))
}

/// A scalar, by the core schema of YAML 1.2, and with the booleans of YAML 1.1, which Kubernetes still takes.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    if style != ScalarStyle::Plain || tag.is_some() {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        _ if is_one_of(text, &["true", "yes", "on", "y"]) => Value::Bool(true),
        _ if is_one_of(text, &["false", "no", "off", "n"]) => Value::Bool(false),
        _ => number(text)
            .map_or_else(|| Value::Text(text.to_owned()), |number| Value::Number(number, text.to_owned())),
    }
}

fn number(text: &str) -> Option<f64> {
    let whole = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            #[expect(clippy::cast_precision_loss, reason = "the text keeps what the number loses")]
            return whole(digits, radix).map(|number| number as f64);
        }
    }
    let of_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let plausible = text.bytes().all(of_number) && text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number: &f64| plausible && number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether two readers saw the same, scalars by what kind they are.
    fn agree(ours: &Node, theirs: &serde_json::Value) -> bool {
        use serde_json::Value as Json;
        match (&ours.value, theirs) {
            (Value::Null, Json::Null) => true,
            (Value::Bool(one), Json::Bool(other)) => one == other,
            (Value::Number(one, _), Json::Number(other)) => Some(*one) == other.as_f64(),
            (Value::Text(one), Json::String(other)) => one == other,
            (Value::List(ones), Json::Array(others)) => {
                ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| agree(one, other))
            }
            (Value::Map(ones), Json::Object(others)) => {
                ones.len() == others.len()
                    && ones.iter().all(|(key, one)| others.get(key).is_some_and(|other| agree(one, other)))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_saphyr_reads(text in r#"([aby1]: |- |\n|\n  |[01.-]|[xy]|'|"|\[|\]|, |\{|\}|&a |\*a|~|true|# ){0,12}"#) {
            let theirs = serde_saphyr::from_multiple::<serde_json::Value>(&text);
            match (read(&text), theirs) {
                (Ok(ours), Ok(theirs)) => {
                    let theirs: Vec<_> = theirs.into_iter().filter(|value| !value.is_null()).collect();
                    prop_assert_eq!(ours.len(), theirs.len());
                    prop_assert!(ours.iter().zip(&theirs).all(|(one, other)| agree(one, other)), "{:?} {:?}", ours, theirs);
                }
                (Err(trouble), Ok(value)) => prop_assert!(false, "{:?} {:?}", trouble, value),
                (Ok(ours), Err(error)) => prop_assert!(false, "{:?} {}", ours, error),
                (Err(_), Err(_)) => {}
            }
        }
    }

    #[test]
    fn values_keep_their_lines_and_documents_stay_apart() {
        let documents = read("---\na: 1\nb: [x, true, ~, 0.5]\n---\n---\nc:\n  d: 2026-11-02\n").unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].entry("b").unwrap().list().unwrap().len(), 4);
        let date = documents[1].at("c.d").unwrap();
        assert_eq!((date.text(), date.line), (Some("2026-11-02"), 7));
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("~", Value::Null),
            ("True", Value::Bool(true)),
            ("yes", Value::Bool(true)),
            ("oFF", Value::Text("oFF".into())),
            ("1.50", Value::Number(1.5, "1.50".into())),
            ("-7", Value::Number(-7.0, "-7".into())),
            ("0x10", Value::Number(16.0, "0x10".into())),
            ("1e3", Value::Number(1000.0, "1e3".into())),
            ("1e999", Value::Text("1e999".into())),
            ("'5'", Value::Text("5".into())),
            ("!!str 5", Value::Text("5".into())),
            ("1.2.3", Value::Text("1.2.3".into())),
            ("e", Value::Text("e".into())),
            (".nan", Value::Text(".nan".into())),
        ] {
            assert_eq!(read(&format!("a: {text}\n")).unwrap()[0].entry("a").unwrap().value, value, "{text}");
        }
    }

    #[test]
    fn aliases_and_merges_are_taken() {
        let text = "base: &b {a: 1, c: 2}\none: {<<: *b, a: 3}\ntwo: {<<: [*b, {d: 4}]}\nthree: *b\n";
        let node = read(text).unwrap().remove(0);
        for (path, number) in [("one.a", 3.0), ("one.c", 2.0), ("two.d", 4.0), ("three.a", 1.0)] {
            assert_eq!(node.at(path).and_then(Node::number), Some(number), "{path}");
        }
        assert_eq!(node.entry("three").unwrap().line, 4);
        assert!(read("a: {<<: 5}\n").is_err());
    }

    #[test]
    fn what_is_hostile_is_refused_with_its_line_on_a_small_stack() {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        let steps: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
            let alias = format!("*a{},", n - 1).repeat(10);
            format!("{text}a{n}: &a{n} [{alias}]\n")
        });
        let stairs =
            (1..900).fold("a0: &a0 [x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{}]\n", n - 1));
        for (name, text, word) in [
            ("twice", "a: 1\na: 2\n", "twice"),
            ("cut", "a: [1, 2\n", ""),
            ("quote", "a: \"x\n", ""),
            ("deep flow", &deep, ""),
            ("deep block", &steps, "deeper"),
            ("bomb", &bomb, "more than 1000000 values"),
            ("stairs", &stairs, "deeper"),
            ("alias", "a: *nothing\n", ""),
            ("itself", "a: &a [*a]\n", "itself"),
            ("key", "? [a]\n: b\n", "a key is a list"),
            ("no key", "~: b\n", "a key is nothing"),
        ] {
            let told = std::thread::scope(|scope| {
                let small = std::thread::Builder::new().stack_size(256 * 1024);
                small.spawn_scoped(scope, || read(text)).unwrap().join().unwrap()
            });
            let trouble = told.unwrap_err();
            assert!(!trouble.message.is_empty() && trouble.message.contains(word), "{name}: {trouble:?}");
        }
        assert_eq!(read("a: 1\nb: 2\na: 2\n").unwrap_err().line, Some(3));
        let trouble = read("password: hunter2\nb: 'x\n").unwrap_err();
        assert!(!trouble.message.contains("hunter2"), "{trouble:?}");
    }
}
