//! Delta lists (RFC 5280, 5.2.4): which list a delta changes, and what both say together. Whether signatures hold is
//! known already.

use crate::stores::{RevocationList, distribution_point::Issuing};

/// The number of a list (5.2.3): as long as one likes, and they grow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    length: usize,
    digits: String,
}

/// What a list says about its place among the others of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    number: Option<Number>,
    /// For a delta list: the oldest list that it may be joined to.
    base: Option<Number>,
    scope: Result<Issuing, String>,
}

impl Number {
    fn of(digits: &str) -> Self {
        let digits = digits.trim_start_matches('0').to_owned();
        Self { length: digits.len(), digits }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.digits.is_empty() { "0" } else { &self.digits })
    }
}

impl Place {
    pub(super) fn of(list: &RevocationList) -> Self {
        let number = |digits: &Option<String>| digits.as_deref().map(Number::of);
        Self { number: number(&list.number), base: number(&list.base), scope: list.scope.clone() }
    }

    /// The number of the oldest list that this delta may be joined to.
    pub(super) fn base(&self) -> Option<&Number> {
        self.base.as_ref()
    }

    /// Whether this list may be joined by that delta: it is at least the delta's base and no newer than the delta, and
    /// both speak for the same certificates.
    pub(super) fn may_be_joined_by(&self, delta: &Self) -> bool {
        match (&self.number, &self.base, &delta.base, &delta.number) {
            (Some(own), None, Some(base), Some(number)) => {
                base <= own && own <= number && self.scope.is_ok() && self.scope == delta.scope
            }
            _ => false,
        }
    }

    /// Which of two deltas is newer.
    pub(super) fn newer_last(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::distribution_point::Kind;

    fn place(number: Option<&str>, base: Option<&str>, scope: Option<Kind>) -> Place {
        let scope = Ok(Issuing { only: scope.into_iter().collect(), ..Issuing::default() });
        Place { number: number.map(Number::of), base: base.map(Number::of), scope }
    }

    #[test]
    fn a_delta_joins_the_lists_between_its_base_and_itself() {
        let delta = place(Some("0100"), Some("fe"), None);
        for (number, fits) in
            [("fd", false), ("fe", true), ("00ff", true), ("100", true), ("101", false), ("1fe", false)]
        {
            assert_eq!(place(Some(number), None, None).may_be_joined_by(&delta), fits, "{number}");
        }
        assert!(!place(None, None, None).may_be_joined_by(&delta), "a list without a number");
        assert!(
            !place(Some("ff"), None, Some(Kind::Users)).may_be_joined_by(&delta),
            "for other certificates"
        );
        assert!(!place(Some("ff"), Some("fe"), None).may_be_joined_by(&delta), "a delta joins no delta");
        assert!(!place(Some("ff"), None, None).may_be_joined_by(&place(Some("100"), None, None)));
    }
}
