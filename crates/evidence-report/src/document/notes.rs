//! People's own words, behind the managed region: kept on regeneration, never judged.

use super::read::{ReadError, read};

/// What a regenerated file begins its notes with when there were none.
const EMPTY: &str = "\n## Notes\n\n";

/// What stands at the place where a new evidence file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// An evidence file: its notes go into the new one.
    Evidence,
    /// A page by hand: all of it goes into the new one's notes.
    ByHand,
    /// Something that cannot be taken apart without losing somebody's words: it is to be kept aside.
    Damaged(ReadError),
}

/// Looks at what stands at the place, and says how its words are kept: the text to put behind the new
/// managed region.
#[must_use]
pub fn kept(existing: Option<&str>) -> (Standing, String) {
    let Some(text) = existing.filter(|text| !text.trim().is_empty()) else {
        return (Standing::Nothing, EMPTY.to_owned());
    };
    match read(text) {
        Ok(document) if document.notes.trim().is_empty() => (Standing::Evidence, EMPTY.to_owned()),
        Ok(document) => (Standing::Evidence, document.notes),
        Err(ReadError::NoEvidence) => {
            let kept = format!("{EMPTY}The page that stood here before, written by hand:\n\n{text}");
            (Standing::ByHand, kept)
        }
        Err(error) => (Standing::Damaged(error), EMPTY.to_owned()),
    }
}
