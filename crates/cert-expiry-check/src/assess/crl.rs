//! Whether a revocation list is still fresh. A list that has ended is dangerous both ways: strict clients refuse
//! every certificate of its issuer, lenient ones let in what was revoked since.

use evidence_report::record::Finding;

use super::Basis;
use crate::{
    checks::CRL_FRESHNESS,
    stores::RevocationList,
    wording::{distance, moment, span},
};

/// Clocks differ by so many seconds without harm.
const SKEW: i64 = 300;

/// Judges a list by its own dates.
#[must_use]
pub fn judge(place: &str, list: &RevocationList, basis: &Basis) -> Finding {
    let (now, issuer) = (basis.now, &list.issuer);
    let made = format!("made {}, {}", moment(list.this_update), distance(now, list.this_update));
    if list.this_update.as_second() > now.as_second() + SKEW {
        return CRL_FRESHNESS
            .failed(place)
            .expected("a list that was made in the past")
            .observed(format!("{} is from the future: {made}", described(list)))
            .remedy(format!("Compare the clock of '{issuer}' with the one here: clients refuse such a list."))
            .hurts_at(now);
    }
    let Some(next) = list.next_update else {
        return CRL_FRESHNESS
            .warned(place)
            .expected("a date by which the next list is there")
            .observed(format!("{}, {made}, does not say when the next one comes", described(list)))
            .remedy(format!(
                "Have '{issuer}' name the next update: RFC 5280 asks for it, and clients rely on it."
            ));
    };
    let period = u64::try_from(next.as_second() - list.this_update.as_second()).unwrap_or(0);
    // Issuers renew a list shortly before its end, so that a tenth of its period is the usual rest.
    let wanted = basis.thresholds.leaf.warning.seconds(period).min(period / 10);
    let left = next.as_second() - now.as_second();
    let dates = format!("{}, {}", moment(next), distance(now, next));
    let period = span(period);
    let finding = if left < 0 {
        CRL_FRESHNESS
            .failed(place)
            .observed(format!("{} ended {dates} (period {period})", described(list)))
            .remedy(format!(
                "Fetch the current list of '{issuer}' at once, and see why the last fetch did not."
            ))
    } else if left.unsigned_abs() < wanted {
        CRL_FRESHNESS
            .warned(place)
            .observed(format!("{} ends {dates} (period {period})", described(list)))
            .remedy(format!("Fetch the current list of '{issuer}' before {}.", moment(next)))
    } else {
        CRL_FRESHNESS.passed(place).observed(format!("{} ends {dates} (period {period})", described(list)))
    };
    finding.expected(format!("{} or more left", span(wanted))).hurts_at(next)
}

/// `the list of 'Root', number 1f, with 3 certificates`.
fn described(list: &RevocationList) -> String {
    let kind = if list.is_delta { "delta list" } else { "list" };
    let number = list.number.as_ref().map_or_else(String::new, |number| format!(", number {number}"));
    let count = match list.revoked {
        1 => "1 certificate".to_owned(),
        many => format!("{many} certificates"),
    };
    format!("the {kind} of '{}'{number}, with {count}", list.issuer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assess::chain::Roots, stores::distribution_point::Issuing};
    use evidence_report::record::Outcome;
    use jiff::{SignedDuration, Timestamp};

    const NOW: i64 = 1_800_000_000;
    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    /// A list that was made so many seconds ago, and ends in so many.
    fn judged(age: i64, left: Option<i64>) -> Finding {
        let now = Timestamp::from_second(NOW).unwrap();
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        let list = RevocationList {
            der: Vec::new(),
            issuer: "Root".to_owned(),
            issuer_der: Vec::new(),
            number: Some("1f".to_owned()),
            this_update: at(-age),
            next_update: left.map(at),
            revoked: 1,
            is_delta: false,
            base: None,
            scope: Ok(Issuing::default()),
        };
        judge("root.crl", &list, &Basis::new(now, Roots::new("none", [])))
    }

    #[test]
    fn a_list_is_judged_by_what_is_left_of_its_period() {
        use Outcome::{Failed, Passed, Warned};
        for (age, left, expected) in [
            (DAY, Some(6 * DAY), Passed),
            (7 * DAY - 17 * HOUR, Some(17 * HOUR), Passed),
            (7 * DAY - 16 * HOUR, Some(16 * HOUR), Warned),
            (7 * DAY, Some(0), Warned),
            (7 * DAY + 1, Some(-1), Failed),
            (345 * DAY, Some(21 * DAY), Passed),
            (345 * DAY, Some(21 * DAY - 1), Warned),
            (HOUR, Some(9 * HOUR / 10), Passed),
            (-SKEW, Some(DAY), Passed),
            (-SKEW - 1, Some(DAY), Failed),
            (400 * DAY, None, Warned),
            // It ends before it begins.
            (DAY, Some(-2 * DAY), Failed),
        ] {
            let finding = judged(age, left);
            assert_eq!(finding.outcome, expected, "made {age} s ago, {left:?} s left: {finding:?}");
        }
    }

    #[test]
    fn the_words_name_issuer_number_and_dates() {
        let finding = judged(8 * DAY, Some(-DAY));
        assert_eq!(
            finding.observed,
            "the list of 'Root', number 1f, with 1 certificate ended 2027-01-14 08:00 UTC, 1 d ago (period 7 d)"
        );
    }
}
