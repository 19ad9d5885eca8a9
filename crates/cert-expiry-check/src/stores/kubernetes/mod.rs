//! Kubernetes objects as `kubectl get … -o json` prints them: a list, one object, or several documents in a
//! row. They are read from a stream, one object at a time, so that ten thousand Secrets need no more memory
//! than one. Of a private key nothing is kept.

mod object;
mod stream;
#[cfg(test)]
mod tests;
mod values;

use std::{
    cell::Cell,
    fmt,
    io::{self, BufRead},
};

use serde::de::DeserializeSeed;

use self::{
    object::Raw,
    stream::{Document, LARGEST_OBJECT, Metered, Missing},
};
use super::{Content, Passwords};

/// One object of a document.
#[derive(Debug)]
pub struct Object {
    /// What it is, as Kubernetes writes it, such as `Secret`.
    pub kind: String,
    /// What people call it: `secret shop/shop-tls`.
    pub place: String,
    /// What in it holds certificates, or should.
    pub values: Vec<Value>,
    /// Whether this reader knows where objects of this kind keep certificates.
    pub known: bool,
}

/// A value of an object that holds certificates, or should.
#[derive(Debug)]
pub struct Value {
    /// Its name in the object, such as `tls.crt`.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Whether a certificate in the open beside it makes this one dispensable: a key store that was made from
    /// it.
    pub is_copy: bool,
    /// Whether something relies on a certificate here: the `tls.crt` of a TLS Secret, a `caBundle`.
    pub must_hold_certificates: bool,
}

/// What broke the reading of a document, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, counted from 1; none where nothing stands at all.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: usize,
    /// Why, without a word of what stands there.
    pub reason: String,
}

/// Reads every object of every document, and hands each over as it comes, until `take` wants no more. Key
/// stores inside them are opened with the passwords.
///
/// # Errors
/// When the text breaks off, ends before the last page of a list, or is none of this kind; what came before has been handed over.
pub fn read(
    mut reader: impl BufRead,
    passwords: &Passwords,
    take: &mut dyn FnMut(Object) -> bool,
) -> Result<(), Broken> {
    let mut take = |raw: Raw, kind: &str| take(raw.into_object(kind, passwords));
    // PowerShell writes a byte order mark; what cannot be read is told below.
    if reader.fill_buf().is_ok_and(|begin| begin.starts_with(b"\xef\xbb\xbf")) {
        reader.consume(3);
    }
    let left = Cell::new(LARGEST_OBJECT);
    let mut json = serde_json::Deserializer::from_reader(Metered { reader, left: &left });
    let mut missing = Missing::new();
    loop {
        left.set(LARGEST_OBJECT);
        match json.end() {
            Ok(()) => {
                return missing.into_values().next().map_or(Ok(()), |missing| Err(Broken::paged(&missing)));
            }
            Err(error) if error.is_io() => return Err(Broken::from(error)),
            Err(_) => {}
        }
        let document = Document { take: &mut take, left: &left, missing: &mut missing };
        match document.deserialize(&mut json) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(Broken::from(error)),
        }
    }
}

impl Broken {
    fn paged(missing: &str) -> Self {
        let reason = format!("{missing}: it is one page of a list that goes on (metadata.continue)");
        Self { line: None, column: 0, reason }
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let reason = match error.classify() {
            Category::Eof => "it ends in the middle".to_owned(),
            // The parser's words name what is missing, never what stands there.
            Category::Syntax => {
                let words = error.to_string();
                words.split(" at line ").next().unwrap_or_default().to_owned()
            }
            // These words would repeat a value.
            Category::Data => "something else than a Kubernetes object stands there".to_owned(),
            Category::Io => {
                let (line, column) = (error.line(), error.column());
                let reason = io::Error::from(error).to_string();
                return Self { line: u32::try_from(line).ok(), column, reason };
            }
        };
        Self { line: u32::try_from(error.line()).ok(), column: error.column(), reason }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}, column {}: {}", self.column, self.reason),
            None => f.write_str(&self.reason),
        }
    }
}
