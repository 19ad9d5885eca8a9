//! Label selectors, as Kubernetes matches them.

use std::collections::BTreeMap;

/// The labels of a pod or a namespace.
pub(super) type Labels = BTreeMap<String, String>;

/// A label selector: all of its requirements hold. Without any it matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selector(pub(super) Vec<Requirement>);

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    pub(super) line: u32,
}

/// How it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operator {
    /// The label is there, with one of these values.
    In(Vec<String>),
    /// The label is not there, or has none of these values.
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Selector {
    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    pub(super) fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selector(key: &str, operator: Operator) -> Selector {
        Selector(vec![Requirement { key: key.into(), operator, line: 1 }])
    }

    #[test]
    fn an_absent_label_is_not_in_but_not_of_any_value() {
        let labels = Labels::from([("app".into(), "api".into())]);
        let values = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (key, operator, expected) in [
            ("app", Operator::In(values(&["api", "web"])), true),
            ("app", Operator::In(values(&["web"])), false),
            ("tier", Operator::In(values(&["", "web"])), false),
            ("app", Operator::NotIn(values(&["web"])), true),
            ("app", Operator::NotIn(values(&["api"])), false),
            ("tier", Operator::NotIn(values(&["web"])), true),
            ("app", Operator::Exists, true),
            ("tier", Operator::Exists, false),
            ("app", Operator::DoesNotExist, false),
            ("tier", Operator::DoesNotExist, true),
        ] {
            assert_eq!(selector(key, operator.clone()).matches(&labels), expected, "{key} {operator:?}");
        }
        assert!(Selector::default().matches(&Labels::new()));
    }

    proptest! {
        #[test]
        fn an_operator_and_its_opposite_part_the_world(
            labels in proptest::collection::btree_map("[ab]", "[xyz]", 0..3),
            key in "[abc]",
            values in proptest::collection::vec("[xyz]", 1..3),
        ) {
            let is_in = selector(&key, Operator::In(values.clone())).matches(&labels);
            prop_assert_eq!(selector(&key, Operator::NotIn(values)).matches(&labels), !is_in);
            let exists = selector(&key, Operator::Exists).matches(&labels);
            prop_assert_eq!(selector(&key, Operator::DoesNotExist).matches(&labels), !exists);
            prop_assert!(!is_in || exists);
        }
    }
}
