//! Every series of an exposition, in eight bytes each. It is asked only where a family was torn apart, or shares a name
//! with another: of a family that was left nothing else is known.

use super::fingerprint::ByFingerprint;

/// The series so far, by their fingerprints.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// A list is cheap to write, and what is asked for is built from it once.
    listed: Vec<u64>,
    known: Option<ByFingerprint<()>>,
}

impl Past {
    /// Takes a series that was not seen before, as far as its family knows.
    pub(super) fn note(&mut self, series: u64) {
        match &mut self.known {
            Some(known) => {
                known.insert(series, ());
            }
            None => self.listed.push(series),
        }
    }

    /// Whether it was seen before, anywhere in the text.
    pub(super) fn holds(&mut self, series: u64) -> bool {
        let listed = &mut self.listed;
        let known = self
            .known
            .get_or_insert_with(|| std::mem::take(listed).into_iter().map(|series| (series, ())).collect());
        known.contains_key(&series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_before_and_after_the_first_question_is_known() {
        let mut past = Past::default();
        past.note(1);
        past.note(2);
        assert!(past.holds(1) && past.holds(2) && !past.holds(3));
        past.note(3);
        assert!(past.holds(3) && past.holds(1) && !past.holds(4));
    }
}
