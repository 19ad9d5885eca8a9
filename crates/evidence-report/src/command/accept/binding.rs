//! What binds evidence to its environment: facts that the run saw, not what its flags claimed.

use std::str::FromStr;

/// A fact that has to be in the record: `system identifier=7412345678901234567`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Fact {
    /// Its name, as the record has it.
    pub(in crate::command) name: String,
    /// Its value, to the letter.
    pub(in crate::command) value: String,
}

impl FromStr for Fact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err(format!(
                "'{text}' is no fact; write NAME=VALUE, as in 'system identifier=7412345678901234567'"
            )),
        }
    }
}
