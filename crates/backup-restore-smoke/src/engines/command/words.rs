//! Commands of the user's as lists of words with placeholders. No shell ever sees them: a placeholder is replaced
//! inside its own word, whatever stands in its value. Pure.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use evidence_report::run::redact;
use serde::Serialize;

/// A command: a program and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Words(Vec<String>);

/// What a placeholder stands for.
pub(super) type Values<'a> = [(&'static str, &'a Path)];

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is empty: write a program and its arguments as a list")]
    Empty,
    #[error("the program itself cannot hold a placeholder")]
    ProgramVaries,
    #[error("{{{0}}} means nothing there; known are {known}", known = .1.join(", "))]
    Unknown(String, Vec<String>),
    #[error("{{{0}}} is missing: the command could not know it")]
    Missing(&'static str),
    #[error(
        "an argument looks like a password or a key, and arguments can be read by everybody on the machine; hand it over \
         in a file or in the environment"
    )]
    Secret,
}

impl Words {
    /// Reads a command in which these placeholders must stand, and these may.
    ///
    /// # Errors
    /// When it is not such a command.
    pub(crate) fn read(
        words: &[String],
        required: &[&'static str],
        allowed: &[&'static str],
        relative_to: &Path,
    ) -> Result<Self, Refused> {
        let [program, arguments @ ..] = words else { return Err(Refused::Empty) };
        if program.is_empty() {
            return Err(Refused::Empty);
        }
        if placeholders(program).next().is_some() {
            return Err(Refused::ProgramVaries);
        }
        let known = || required.iter().chain(allowed);
        let found: Vec<_> = arguments.iter().flat_map(|word| placeholders(word)).collect();
        if let Some(other) = found.iter().find(|name| !known().any(|known| known == *name)) {
            let listed = known().map(|name| format!("{{{name}}}")).collect();
            return Err(Refused::Unknown((*other).to_owned(), listed));
        }
        if let Some(missing) = required.iter().find(|name| !found.contains(name)) {
            return Err(Refused::Missing(missing));
        }
        if redact::arguments(arguments) != arguments {
            return Err(Refused::Secret);
        }
        let mut words = words.to_vec();
        // With a folder in it, a program stands where the configuration file does.
        if program.contains('/') {
            words[0] = relative_to.join(program).display().to_string();
        }
        Ok(Self(words))
    }

    /// The program.
    pub(super) fn program(&self) -> PathBuf {
        self.0.first().map(PathBuf::from).unwrap_or_default()
    }

    /// The arguments, each placeholder replaced inside its word.
    pub(super) fn arguments(&self, values: &Values<'_>) -> Vec<OsString> {
        self.0.iter().skip(1).map(|word| replaced(word, values)).collect()
    }
}

fn replaced(word: &str, values: &Values<'_>) -> OsString {
    let (mut whole, mut rest) = (OsString::new(), word);
    while let Some((start, name)) = next_placeholder(rest) {
        whole.push(&rest[..start]);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => whole.push(value),
            None => whole.push(&rest[start..start + name.len() + 2]),
        }
        rest = &rest[start + name.len() + 2..];
    }
    whole.push(rest);
    whole
}

/// Where the next `{name}` begins, and its name.
fn next_placeholder(text: &str) -> Option<(usize, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, _) = text[start + 1..].split_once('}')?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        plain.then_some((start, name))
    })
}

fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (start, name) = next_placeholder(rest)?;
        rest = &rest[start + name.len() + 2..];
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Words, Refused> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Words::read(&words, &["label", "data"], &["tablespaces"], Path::new("/etc/ops"))
    }

    #[test]
    fn a_placeholder_is_replaced_inside_its_own_word() {
        let words =
            read(&["bin/fetch", "--to={data}/x", "{label}", "{tablespaces}", "{", "{}", "{A}", "a{b c}"])
                .unwrap();
        assert_eq!(words.program(), Path::new("/etc/ops/bin/fetch"));
        let hostile = Path::new("a b; $(rm -rf /) {data} '\"");
        let arguments = words.arguments(&[
            ("label", hostile),
            ("data", Path::new("/d")),
            ("tablespaces", Path::new("/t")),
        ]);
        assert_eq!(arguments, ["--to=/d/x", "a b; $(rm -rf /) {data} '\"", "/t", "{", "{}", "{A}", "a{b c}"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(read(&[]), Err(Refused::Empty));
        assert_eq!(read(&["", "{label}", "{data}"]), Err(Refused::Empty));
        assert_eq!(read(&["{data}", "{label}"]), Err(Refused::ProgramVaries));
        assert_eq!(read(&["p", "{label}"]), Err(Refused::Missing("data")));
        assert!(
            matches!(read(&["p", "{label}", "{data}", "{lable}"]), Err(Refused::Unknown(name, _)) if name == "lable")
        );
        for secret in ["--password=x", "AWS_SECRET_ACCESS_KEY=x", "WALG_LIBSODIUM_KEY=x"] {
            assert_eq!(read(&["p", "{label}", "{data}", secret]), Err(Refused::Secret), "{secret}");
        }
        assert_eq!(read(&["p", "{label}", "{data}", "s3://key:secret@host/b"]), Err(Refused::Secret));
        assert_eq!(read(&["wal-g", "{label}", "{data}"]).unwrap().program(), Path::new("wal-g"));
    }
}
