//! How old the newest backup is, and whether the interval was kept.

use std::time::Duration;

use evidence_report::record::{Finding, Requirement};
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{inventory::Inventory, rules::Rules},
    no_rule,
};
use crate::{
    checks::{POLICY_INTERVAL, POLICY_NEWEST},
    wording::{against, counted, seconds},
};

/// So far the clocks of two machines may stand apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// So many gaps are named.
const NAMED: usize = 3;

pub(super) fn newest(name: &str, rules: &Rules, seen: &Inventory, now: Timestamp) -> Option<Finding> {
    let newest = seen.newest()?;
    if newest.at > now + SKEW {
        let finding = POLICY_NEWEST.failed(name).expected("a time that is past").observed(format!(
            "{} claims to be of {:.0}, which is yet to come: its age proves nothing",
            newest.label, newest.at
        ));
        return Some(
            finding.remedy("Set the clock right; for local time in names say name_offset (--name-offset)."),
        );
    }
    let Some(limit) = rules.newest_age else {
        return Some(no_rule(&POLICY_NEWEST, name, "newest_age (--newest-age)"));
    };
    let age = age(newest.at, now);
    let made = if age <= limit { POLICY_NEWEST.passed(name) } else { POLICY_NEWEST.failed(name) };
    let observed =
        format!("{} old: {}, of {:.0} ({})", against(age, Some(limit)), newest.label, newest.at, seen.times);
    Some(made.expected(format!("at most {} old", seconds(limit))).observed(observed))
}

pub(super) fn interval(name: &str, rules: &Rules, seen: &Inventory, now: Timestamp) -> Option<Finding> {
    let Some(interval) = rules.interval else {
        return Some(no_rule(&POLICY_INTERVAL, name, "interval (--interval)"));
    };
    let (allowed, back) = (Rules::tolerated(interval), rules.looked_back(interval));
    let start = now.checked_sub(SignedDuration::try_from(back).ok()?).unwrap_or(Timestamp::MIN);
    let expected = format!("one every {} over the last {}", seconds(interval), seconds(back));
    // From the newest until now counts too, and into the window from the last one before it.
    let before = seen.backups.iter().rposition(|backup| backup.at < start).unwrap_or(0);
    let looked_at = &seen.backups[before..];
    let mut times: Vec<_> = looked_at.iter().map(|backup| backup.at.min(now)).collect();
    times.push(now);
    let gaps = times.windows(2).map(|pair| (pair[0], age(pair[0], pair[1])));
    let broken: Vec<_> = gaps.filter(|(_, gap)| *gap > allowed).collect();
    let named = broken.iter().take(NAMED).map(|(from, gap)| format!("{} from {from:.0} on", seconds(*gap)));
    let named = named.collect::<Vec<_>>().join("; ");
    Some(match (broken.len(), looked_at.len()) {
        (0, 0 | 1) => POLICY_INTERVAL
            .not_checked(Requirement::Required, name, "there is only one backup: no interval can be seen yet")
            .expected(expected)
            .remedy("Judge again when there are two; for a file that is written over, use newest_age only."),
        (0, count) => POLICY_INTERVAL.passed(name).expected(expected).observed(format!(
            "{}, none further apart than {}",
            counted(count as u64, "backup"),
            seconds(allowed)
        )),
        (count, _) => {
            let observed = format!("{} (a tenth more is allowed): {named}", counted(count as u64, "gap"));
            POLICY_INTERVAL.failed(name).expected(expected).observed(observed)
        }
    })
}

fn age(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::{
        super::samples::{HOUR, inventory, now},
        *,
    };

    #[test]
    fn the_newest_is_judged_to_the_instant_and_never_by_a_time_to_come() {
        let rules = Rules { newest_age: Some(HOUR * 26), ..Rules::default() };
        let of = |hours| newest("x", &rules, &inventory(&[(hours, 1)]), now()).unwrap().outcome;
        assert_eq!([of(26), of(27), of(-1)], [Outcome::Passed, Outcome::Failed, Outcome::Failed]);
        let silent = newest("x", &Rules::default(), &inventory(&[(1, 1)]), now()).unwrap();
        assert_eq!(silent.outcome, Outcome::NotChecked(Requirement::Optional));
    }

    fn every_day(hours: &[i64]) -> Finding {
        let rules = Rules { interval: Some(HOUR * 24), ..Rules::default() };
        let backups: Vec<_> = hours.iter().map(|hours| (*hours, 1)).collect();
        interval("x", &rules, &inventory(&backups), now()).unwrap()
    }

    #[test]
    fn gaps_between_backups_and_until_now_are_found() {
        for (hours, outcome) in [
            (vec![170, 146, 120, 98, 74, 50, 26, 2], Outcome::Passed),
            (vec![170, 146, 120, 74, 50, 26, 2], Outcome::Failed),
            (vec![146, 122, 98, 74, 50], Outcome::Failed),
            (vec![26, 2], Outcome::Passed),
            (vec![27], Outcome::Failed),
            (vec![2], Outcome::NotChecked(Requirement::Required)),
        ] {
            assert_eq!(every_day(&hours).outcome, outcome, "{hours:?}");
        }
    }

    #[test]
    fn what_a_schedule_thins_out_later_is_no_gap_and_the_edge_of_the_window_is() {
        // Weekly ones beyond the window of seven days.
        let thinned = [842, 674, 506, 338, 170, 146, 122, 98, 74, 50, 26, 2];
        assert_eq!(every_day(&thinned).outcome, Outcome::Passed);
        // The last one before the window lies three days before the first one in it.
        assert_eq!(every_day(&[218, 146, 122, 98, 74, 50, 26, 2]).outcome, Outcome::Failed);
    }
}
