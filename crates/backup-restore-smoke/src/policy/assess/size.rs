//! Whether the newest backup is large enough, and has not shrunk against those before.

use evidence_report::record::{Finding, Requirement};

use super::{
    super::{inventory::Inventory, rules::Rules},
    no_rule,
};
use crate::{
    checks::{POLICY_DROP, POLICY_SIZE},
    size::shown,
    wording::counted,
};

/// The newest is held against the median of at most so many before it.
const COMPARED: usize = 10;

pub(super) fn smallest(name: &str, rules: &Rules, seen: &Inventory) -> Option<Finding> {
    let newest = seen.newest()?;
    let Some(limit) = rules.minimum_size else {
        return Some(no_rule(&POLICY_SIZE, name, "minimum_size (--minimum-size)"));
    };
    let made = if newest.bytes >= limit { POLICY_SIZE.passed(name) } else { POLICY_SIZE.failed(name) };
    let observed = format!("{}: {} ({})", newest.label, shown(newest.bytes), seen.sizes);
    Some(made.expected(format!("at least {}", shown(limit))).observed(observed))
}

pub(super) fn drop(name: &str, rules: &Rules, seen: &Inventory) -> Option<Finding> {
    let Some(allowed) = rules.maximum_drop else {
        return Some(no_rule(&POLICY_DROP, name, "maximum_drop (--maximum-drop)"));
    };
    let (newest, before) = seen.backups.split_last()?;
    let before: Vec<_> = before.iter().rev().take(COMPARED).map(|backup| backup.bytes).collect();
    let expected = format!("at most {:.0} % smaller than the median of those before", allowed * 100.0);
    let Some(median) = median(before.clone()).filter(|median| *median > 0) else {
        let reason = "there is no backup before the newest that it could be held against";
        return Some(POLICY_DROP.not_checked(Requirement::Optional, name, reason).expected(expected));
    };
    #[expect(clippy::cast_precision_loss, reason = "a share of two sizes")]
    let share = newest.bytes as f64 / median as f64;
    let observed = format!(
        "{}: {}, {:.0} % of the median {} of {} before it",
        newest.label,
        shown(newest.bytes),
        share * 100.0,
        shown(median),
        counted(before.len() as u64, "backup")
    );
    let made = if share >= 1.0 - allowed { POLICY_DROP.passed(name) } else { POLICY_DROP.failed(name) };
    Some(made.expected(expected).observed(observed))
}

/// The middle one; of two middle ones the smaller.
fn median(mut sizes: Vec<u64>) -> Option<u64> {
    sizes.sort_unstable();
    sizes.get(sizes.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::{super::samples::inventory, *};

    fn of(sizes: &[u64]) -> Inventory {
        let ages = (1..).take(sizes.len()).collect::<Vec<_>>().into_iter().rev();
        let backups: Vec<_> = ages.zip(sizes.iter().copied()).collect();
        inventory(&backups)
    }

    #[test]
    fn the_newest_is_held_against_the_limit_and_not_the_largest() {
        let rules = Rules { minimum_size: Some(100), ..Rules::default() };
        let outcome = |sizes: &[u64]| smallest("x", &rules, &of(sizes)).unwrap().outcome;
        assert_eq!(outcome(&[5, 100]), Outcome::Passed);
        assert_eq!(outcome(&[500, 99]), Outcome::Failed);
    }

    #[test]
    fn a_drop_is_held_against_the_median_so_that_one_odd_backup_moves_nothing() {
        let rules = Rules { maximum_drop: Some(0.5), ..Rules::default() };
        let outcome = |sizes: &[u64]| drop("x", &rules, &of(sizes)).unwrap().outcome;
        assert_eq!(outcome(&[100, 100, 9000, 50]), Outcome::Passed);
        assert_eq!(outcome(&[100, 100, 9000, 49]), Outcome::Failed);
        assert_eq!(outcome(&[100, 100, 1, 100, 99]), Outcome::Passed);
        assert_eq!(outcome(&[100]), Outcome::NotChecked(Requirement::Optional));
        assert_eq!(outcome(&[0, 0, 1]), Outcome::NotChecked(Requirement::Optional));
    }
}
