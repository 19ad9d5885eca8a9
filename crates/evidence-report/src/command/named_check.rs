//! A check that the user names: what a command or another tool says becomes a finding of it.
//!
//! The tool's own checks are constants. Here the name comes from the command line, once a process, before
//! anything runs; from then on it is one more row of the table, for the outputs, for the counts and for waivers.

use crate::record::{Check, Tool};

use super::checks::TOOL;

/// How a named check is written.
const FORM: &str =
    "two to five words of small letters, digits and underscores, with dots between: capacity.load";

/// Reads the id of a check that the user names.
///
/// # Errors
/// When it has another form, or is one of this tool's own.
pub(super) fn parse_id(text: &str) -> Result<String, String> {
    let is_word = |word: &str| {
        word.starts_with(|char: char| char.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let words: Vec<_> = text.split('.').collect();
    if !(2..=5).contains(&words.len()) || text.len() > 80 || !words.iter().all(|word| is_word(word)) {
        return Err(format!("'{text}' is no name of a check; write {FORM}"));
    }
    if TOOL.check(text).is_some() {
        return Err(format!("'{text}' is a check of evidence-report itself; take another name"));
    }
    Ok(text.to_owned())
}

/// What is said about a named check.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Its id, as [`parse_id`] lets it through.
    pub(super) id: String,
    /// A few words.
    pub(super) title: String,
    /// What is checked.
    pub(super) explanation: String,
    /// What to do when it does not pass.
    pub(super) remedy: String,
}

impl Named {
    /// The tool with this check in its table, and the check. It is kept until the process ends: call it once.
    pub(super) fn register(self) -> (&'static Tool, &'static Check) {
        let check: &'static Check = Box::leak(Box::new(Check {
            id: for_good(self.id),
            title: for_good(self.title),
            explanation: for_good(self.explanation),
            remedy: for_good(self.remedy),
        }));
        let checks: Vec<_> = std::iter::once(check).chain(TOOL.checks.iter().copied()).collect();
        let tool =
            Tool { name: TOOL.name, version: TOOL.version, checks: Box::leak(checks.into_boxed_slice()) };
        (Box::leak(Box::new(tool)), check)
    }
}

/// A title for who gives none: `capacity.load_api` → `Capacity load api`.
pub(super) fn title_of(id: &str) -> String {
    let words = id.replace(['.', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The default name of the evidence file of a named check: `capacity.load` → `capacity_load.md`.
pub(super) fn evidence_name(id: &str) -> &'static str {
    for_good(format!("{}.md", id.replace('.', "_")))
}

/// A text that lives as long as the process.
fn for_good(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_words_and_dots_and_is_nobody_elses() {
        for right in ["capacity.load", "security.sast", "a.b.c.d.e", "parity.dev_staging2"] {
            assert_eq!(parse_id(right).as_deref(), Ok(right));
        }
        for wrong in
            ["", "load", "capacity.", ".load", "Capacity.load", "a b.c", "a.b.c.d.e.f", "a.1b", "a./../b"]
        {
            assert!(parse_id(wrong).unwrap_err().contains("capacity.load"), "{wrong}");
        }
        assert!(parse_id("gate.item").unwrap_err().contains("itself"));
    }

    #[test]
    fn a_named_check_stands_first_in_the_table() {
        let named = Named {
            id: "capacity.load".into(),
            title: "Load".into(),
            explanation: String::new(),
            remedy: String::new(),
        };
        let (tool, check) = named.register();
        assert!(std::ptr::eq(tool.check("capacity.load").unwrap(), check));
        assert_eq!(tool.checks.len(), TOOL.checks.len() + 1);
        assert_eq!(evidence_name("capacity.load"), "capacity_load.md");
        assert_eq!(title_of("capacity.load_api"), "Capacity load api");
    }
}
