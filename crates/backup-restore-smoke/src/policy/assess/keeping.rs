//! How many backups are kept, and for how long.

use std::time::Duration;

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{
    super::{inventory::Inventory, rules::Rules},
    no_rule,
};
use crate::{
    checks::{POLICY_REDUNDANCY, POLICY_RETENTION},
    wording::{counted, seconds},
};

pub(super) fn redundancy(name: &str, rules: &Rules, seen: &Inventory) -> Option<Finding> {
    let Some(wanted) = rules.redundancy else {
        return Some(no_rule(&POLICY_REDUNDANCY, name, "redundancy (--redundancy)"));
    };
    let (full, all) = (seen.full().count() as u64, seen.backups.len() as u64);
    let enough = full >= u64::from(wanted);
    let made = if enough { POLICY_REDUNDANCY.passed(name) } else { POLICY_REDUNDANCY.failed(name) };
    let leaning = match all - full {
        0 => String::new(),
        1 => ", and 1 that leans on it".to_owned(),
        several => format!(", and {several} that lean on them"),
    };
    Some(
        made.expected(format!("at least {wanted} of those that need no other"))
            .observed(format!("{}{leaning}", counted(full, "full backup"))),
    )
}

/// Reaching too short is failed; keeping far longer than agreed is a warning.
pub(super) fn retention(name: &str, rules: &Rules, seen: &Inventory, now: Timestamp) -> Vec<Finding> {
    let Some(oldest) = seen.full().next() else {
        let expected = "a backup that needs no other";
        return vec![
            POLICY_RETENTION.failed(name).expected(expected).observed("there is none to begin from"),
        ];
    };
    let reach = Duration::try_from(now.duration_since(oldest.at)).unwrap_or_default();
    let observed = format!("{}: {}, of {:.0}", seconds(reach), oldest.label, oldest.at);
    let mut findings = Vec::new();
    match rules.retention {
        None => findings.push(no_rule(&POLICY_RETENTION, name, "retention (--retention)")),
        Some(wanted) => {
            let made =
                if reach >= wanted { POLICY_RETENTION.passed(name) } else { POLICY_RETENTION.failed(name) };
            let expected = format!("the oldest recoverable point reaches back {}", seconds(wanted));
            findings.push(made.expected(expected).observed(observed.clone()));
        }
    }
    if let Some(limit) = rules.at_most().filter(|limit| reach > *limit) {
        findings.push(
            POLICY_RETENTION
                .warned(format!("{name}: kept too long"))
                .expected(format!("nothing older than {}", seconds(limit)))
                .observed(observed)
                .remedy("Let old backups expire, or say how long they may be kept (keep_at_most, --keep-at-most)."),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::{
        super::samples::{HOUR, inventory, now},
        *,
    };

    #[test]
    fn what_leans_on_another_is_no_redundancy() {
        let rules = Rules { redundancy: Some(2), ..Rules::default() };
        let mut seen = inventory(&[(3, 1), (2, 1)]);
        assert_eq!(redundancy("x", &rules, &seen).unwrap().outcome, Outcome::Passed);
        seen.backups[1].full = false;
        let finding = redundancy("x", &rules, &seen).unwrap();
        assert_eq!(finding.outcome, Outcome::Failed);
        assert!(finding.observed.contains("1 that lean"), "{}", finding.observed);
    }

    #[test]
    fn too_short_is_failed_and_far_too_long_a_warning() {
        let rules = Rules { retention: Some(HOUR * 48), ..Rules::default() };
        let outcomes = |hours| {
            let findings = retention("x", &rules, &inventory(&[(hours, 1), (1, 1)]), now());
            findings.iter().map(|finding| finding.outcome).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(47), [Outcome::Failed]);
        assert_eq!(outcomes(48), [Outcome::Passed]);
        assert_eq!(outcomes(97), [Outcome::Passed, Outcome::Warned]);
        let longer = Rules { keep_at_most: Some(HOUR * 200), ..rules.clone() };
        assert_eq!(retention("x", &longer, &inventory(&[(97, 1)]), now()).len(), 1);
    }
}
