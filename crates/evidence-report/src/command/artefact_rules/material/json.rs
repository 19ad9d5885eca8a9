//! JSON (RFC 8259) as a tree with lines: strict, duplicate keys refused, bounded in depth.

use std::collections::BTreeSet;

use super::{
    Trouble,
    node::{DEEPEST, Node, Value, too_deep},
};

/// The value of a text.
///
/// # Errors
/// What is wrong, and in which line. Nothing of the text is quoted: a secret may stand there.
pub(super) fn read(text: &str) -> Result<Node, Trouble> {
    let mut reader = Reader { text, at: 0, line: 1 };
    let node = reader.value(0)?;
    reader.blanks();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("something stands behind the value")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, message: &str) -> Trouble {
        let cut = if self.at >= self.text.len() { ": the text ends here" } else { "" };
        Trouble::new(format!("{message}{cut}"), Some(self.line))
    }

    fn blanks(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.line += u32::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Trouble> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(&format!("'{}' is expected", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Node, Trouble> {
        self.blanks();
        let line = self.line;
        if depth > DEEPEST {
            return Err(too_deep(line));
        }
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node::new(line, value))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Trouble> {
        let (mut entries, mut keys) = (Vec::new(), BTreeSet::new());
        self.members(b'{', b'}', |reader| {
            let key = reader.string()?;
            if !keys.insert(key.clone()) {
                return Err(reader.wrong("a key stands twice in one object"));
            }
            reader.blanks();
            reader.expect(b':')?;
            entries.push((key, reader.value(depth + 1)?));
            Ok(())
        })?;
        Ok(Value::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Trouble> {
        let mut items = Vec::new();
        self.members(b'[', b']', |reader| {
            items.push(reader.value(depth + 1)?);
            Ok(())
        })?;
        Ok(Value::List(items))
    }

    fn members(
        &mut self,
        open: u8,
        close: u8,
        mut member: impl FnMut(&mut Self) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.expect(open)?;
        self.blanks();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            member(self)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong(&format!("',' or '{}' is expected", char::from(close)))),
            }
        }
    }

    fn string(&mut self) -> Result<String, Trouble> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find(|c: char| c == '"' || c == '\\' || c < ' ');
            let Some(end) = end else {
                self.at = self.text.len();
                return Err(self.wrong("a string has no end"));
            };
            text.push_str(&rest[..end]);
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.wrong("a control character stands in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Trouble> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at = self.at.min(self.text.len());
                return Err(self.wrong("an escape is not known"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Trouble> {
        let first = self.hex()?;
        let code = if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.hex()?;
            if !(0xDC00..0xE000).contains(&second) {
                return Err(self.wrong("half of a character stands alone"));
            }
            0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.wrong("half of a character stands alone"))
    }

    fn hex(&mut self) -> Result<u32, Trouble> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| self.wrong("four hexadecimal digits are expected"))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.wrong("four hexadecimal digits are expected"))
    }

    fn take(&mut self, of: impl Fn(u8) -> bool) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(&of) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn number(&mut self) -> Result<Value, Trouble> {
        let written = self.take(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
        // Rust reads more than JSON allows: `+1`, `1.`, `.5`, `01`.
        let whole = written.trim_start_matches('-');
        let leading = whole.len() > 1 && whole.starts_with('0') && whole.as_bytes()[1].is_ascii_digit();
        let bare =
            whole.starts_with('.') || whole.contains(".e") || whole.contains(".E") || whole.ends_with('.');
        match written.parse::<f64>() {
            Ok(number) if number.is_finite() && !leading && !bare => {
                Ok(Value::Number(number, written.to_owned()))
            }
            _ => Err(self.wrong("a number is not of JSON's form")),
        }
    }

    fn word(&mut self) -> Result<Value, Trouble> {
        match self.take(|byte| byte.is_ascii_alphabetic()) {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => Err(self.wrong("a value is expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_keep_their_lines() {
        let node =
            read("{\n \"a\": [1, -2.5e3,\n  {\"b\\u0041\": \"x\\ud83d\\ude00\\n\"}],\n \"n\": null}\n")
                .unwrap();
        let inner = node.at("a.2.bA").unwrap();
        assert_eq!((inner.text(), inner.line), (Some("x😀\n"), 3));
        assert_eq!(node.at("a.1").unwrap().number(), Some(-2500.0));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, word) in [
            ("", 1, "the text ends here"),
            ("{\n\"a\": 1,\n\"a\": 2}", 3, "twice"),
            ("[1,\n2", 2, "',' or ']'"),
            ("[1,]", 1, "a value is expected"),
            ("{a: 1}", 1, "'\"' is expected"),
            ("\"abc", 1, "no end"),
            ("\"a\nb\"", 1, "control"),
            ("\"\\ud800\"", 1, "half"),
            ("\"\\x\"", 1, "escape"),
            ("\"\\", 1, "escape"),
            ("\"\\u12", 1, "hexadecimal"),
            ("01", 1, "number"),
            ("1.", 1, "number"),
            ("+1", 1, "value"),
            ("1e999", 1, "number"),
            ("nul", 1, "value"),
            ("1 2", 1, "behind"),
        ] {
            let trouble = read(text).unwrap_err();
            assert!(trouble.message.contains(word), "{text}: {trouble:?}");
            assert_eq!(trouble.line, Some(line), "{text}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().message.contains("deeper"));
    }

    proptest! {
        #[test]
        fn it_accepts_what_serde_json_accepts(text in r#"[\[\]{}:,"a0-9.e+\\u \n-]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match read(&text) {
                Ok(_) => prop_assert!(theirs.is_ok(), "{:?}", theirs),
                Err(trouble) => prop_assert!(theirs.is_err() || trouble.message.contains("twice"), "{:?}", trouble),
            }
        }
    }
}
