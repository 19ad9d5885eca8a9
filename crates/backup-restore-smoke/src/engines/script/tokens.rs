//! The words of one SQL statement. Pure, and forgiving: what it cannot read it passes over.

/// A word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or plain name, in lower case.
    Word(String),
    /// A quoted name, without its quotes.
    Name(String),
    /// A text constant (without quotes, doubled ones undone).
    Text(String),
    /// Anything else: one character.
    Sign(u8),
}

impl Token {
    /// A word.
    pub(crate) fn word(word: &str) -> Self {
        Self::Word(word.to_owned())
    }

    /// Whether it is this word.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Word(word) if word == wanted)
    }

    /// The name that it stands for, where it may be one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// One word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The word.
    pub(crate) token: Token,
    /// Its bytes in the statement.
    pub(crate) range: std::ops::Range<usize>,
}

/// The words of a statement.
pub(crate) fn tokens(statement: &[u8]) -> Vec<Token> {
    placed(statement).into_iter().map(|placed| placed.token).collect()
}

/// The words of a statement, with their places.
pub(crate) fn placed(statement: &[u8]) -> Vec<Placed> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < statement.len() {
        let start = at;
        let rest = &statement[at..];
        let byte = rest[0];
        let token = if rest.starts_with(b"--") {
            at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with(b"/*") {
            at += position(rest, b"*/").map_or(rest.len(), |end| end + 2);
            continue;
        } else if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte == b'\'' || byte == b'"' {
            let (text, used) = quoted(rest, byte, false);
            at += used;
            if byte == b'"' { Token::Name(text) } else { Token::Text(text) }
        } else if matches!(rest, [b'e' | b'E', b'\'', ..]) {
            let (text, used) = quoted(&rest[1..], b'\'', true);
            at += used + 1;
            Token::Text(text)
        } else if let Some(tag) = dollar(rest) {
            let end = position(&rest[tag..], &rest[..tag]).map_or(rest.len(), |end| end + 2 * tag);
            at += end;
            Token::Text(String::new())
        } else if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 {
            let is_word =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80;
            let length = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
            at += length;
            Token::Word(String::from_utf8_lossy(&rest[..length]).to_lowercase())
        } else {
            at += 1;
            Token::Sign(byte)
        };
        found.push(Placed { token, range: start..at.min(statement.len()) });
    }
    found
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The inside of what is quoted, and how long it is with its quotes.
fn quoted(rest: &[u8], quote: u8, escaping: bool) -> (String, usize) {
    let mut text = Vec::new();
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' if escaping && at + 1 < rest.len() => {
                text.push(rest[at + 1]);
                at += 2;
            }
            byte if byte == quote && rest.get(at + 1) == Some(&quote) => {
                text.push(quote);
                at += 2;
            }
            byte if byte == quote => {
                at += 1;
                break;
            }
            byte => {
                text.push(byte);
                at += 1;
            }
        }
    }
    (String::from_utf8_lossy(&text).into_owned(), at)
}

/// How long `$tag$` is, where the bytes begin with one.
fn dollar(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'$' {
        return None;
    }
    let end = rest[1..].iter().position(|&byte| byte == b'$')? + 1;
    let name = &rest[1..end];
    let fits = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
    (fits && name.first().is_none_or(|byte| !byte.is_ascii_digit())).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_texts_are_told_apart() {
        assert_eq!(
            tokens(b"ALTER ROLE \"we\"\"ird\" PASSWORD E'it\\'s' -- x\n $$a'b$$ ;"),
            [
                Token::word("alter"),
                Token::word("role"),
                Token::Name("we\"ird".into()),
                Token::word("password"),
                Token::Text("it's".into()),
                Token::Text(String::new()),
                Token::Sign(b';'),
            ]
        );
    }
}
