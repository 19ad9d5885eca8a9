//! The expiry timeline: one line a certificate, what ends soonest first, on a scale that shows hours and
//! years alike. Plain ASCII, so that every fixed-width font draws it straight.

use evidence_report::record::Chart;
use jiff::Timestamp;

use super::{One, Seen};
use crate::{
    assess::lifetime::Standing,
    wording::{day, distance, moment, printable},
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Where the scale is marked. Between two marks it is linear.
const MARKS: [(i64, &str); 7] = [
    (0, "now"),
    (DAY, "1 d"),
    (7 * DAY, "7 d"),
    (30 * DAY, "30 d"),
    (90 * DAY, "90 d"),
    (365 * DAY, "1 y"),
    (3650 * DAY, "10 y"),
];

/// Columns between two marks.
const STEP: usize = 7;

/// Columns of the whole scale.
const WIDTH: usize = (MARKS.len() - 1) * STEP + 1;

/// More lines are not read by anyone; the rest is counted.
const LINES: usize = 40;

/// Draws the timeline; nothing where no certificate was seen.
#[must_use]
pub fn draw(seen: &Seen, now: Timestamp) -> Option<Chart> {
    let mut drawn = seen.soonest(LINES + 1);
    let next = drawn.get(LINES).map(|next| next.certificate.validity.not_after);
    drawn.truncate(LINES);
    let first = drawn.first()?;
    let when: Vec<_> = drawn.iter().map(|one| when(one, now)).collect();
    let width = when.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("{:8}{}", "", scale())];
    for (one, when) in drawn.iter().zip(&when) {
        let line = format!("{:8}{:WIDTH$}  {when:width$}  {}", word(one.standing), bar(one, now), who(one));
        lines.push(line.trim_end().to_owned());
    }
    if let Some(next) = next {
        lines.push(format!("and {} more, the first of them on {}", seen.count() - LINES, day(next)));
    }
    if drawn.iter().any(|one| one.elsewhere() > 0) {
        lines.push("+N: seen in N more places".to_owned());
    }
    let earliest = day(first.certificate.validity.not_after);
    Some(Chart { title: format!("Expiry timeline from {} (earliest: {earliest})", moment(now)), lines })
}

fn scale() -> String {
    let mut line = String::new();
    for (index, (_, label)) in MARKS.iter().enumerate() {
        line = format!("{line:width$}{label}", width = index * STEP);
    }
    line
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Good => "ok",
        Standing::Warning => "WARNED",
        _ => "FAILED",
    }
}

/// `|====>` up to the end of the validity; dots where it has not begun; `x` where it has ended.
fn bar(one: &One, now: Timestamp) -> String {
    let validity = one.certificate.validity;
    let seconds = |at: Timestamp| at.as_second() - now.as_second();
    match one.standing {
        Standing::Expired | Standing::NeverValid => "x".to_owned(),
        _ => {
            let (begin, end) = (column(seconds(validity.not_before)), column(seconds(validity.not_after)));
            let mut bar = String::from("|");
            bar.extend((1..end).map(|column| if column < begin { '.' } else { '=' }));
            bar.push('>');
            bar
        }
    }
}

/// The column of a moment so many seconds from now.
fn column(seconds: i64) -> usize {
    if seconds <= 0 {
        return 0;
    }
    let next = MARKS.iter().position(|(mark, _)| *mark > seconds);
    let Some(next) = next.filter(|next| *next > 0) else { return WIDTH - 1 };
    let (from, to) = (MARKS[next - 1].0, MARKS[next].0);
    let share = usize::try_from((seconds - from) * STEP as i64 / (to - from)).unwrap_or(0);
    (next - 1) * STEP + share
}

fn when(one: &One, now: Timestamp) -> String {
    let validity = one.certificate.validity;
    match one.standing {
        Standing::NotYetValid => {
            format!("{}  begins {}", day(validity.not_before), distance(now, validity.not_before))
        }
        _ if validity.is_endless() => "9999-12-31  no end".to_owned(),
        _ => format!("{}  {}", day(validity.not_after), distance(now, validity.not_after)),
    }
}

fn who(one: &One) -> String {
    let name = printable(&one.certificate.name, 40);
    let place = printable(one.place(), 60);
    match one.elsewhere() {
        0 => format!("{name} @ {place}"),
        more => format!("{name} @ {place} +{more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::{Part, Sighting, lifetime, threshold::Thresholds},
        certificate::{Certificate, Validity},
        outputs::{Keeping, Places, Sightings},
    };
    use std::sync::Arc;

    const NOW: i64 = 1_800_000_000;

    fn seen(certificates: &[(&str, i64, i64)]) -> Seen {
        sightings(certificates).close().unwrap().0
    }

    fn sightings(certificates: &[(&str, i64, i64)]) -> Sightings {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut seen = Sightings::keeping(Keeping::Everything, Places::All);
        for (index, (name, begin, end)) in certificates.iter().enumerate() {
            let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
            certificate.name = (*name).to_owned();
            certificate.validity = Validity::from_unix(NOW + begin, NOW + end);
            certificate.fingerprint = [u8::try_from(index).unwrap(); 32];
            let now = Timestamp::from_second(NOW).unwrap();
            let standing = lifetime::judge(certificate.validity, now, &Thresholds::default().leaf).standing;
            seen.take_in(
                0,
                Sighting {
                    place: format!("{name}:443"),
                    part: Part::Server,
                    certificate: Arc::new(certificate),
                    standing,
                },
            );
        }
        seen
    }

    #[test]
    fn hours_and_years_stand_on_one_scale() {
        let seen = seen(&[
            ("ten-years", -DAY, 3000 * DAY),
            ("expired", -93 * DAY, -3 * DAY - 4 * HOUR),
            ("a-day", -4 * HOUR, 20 * HOUR),
            ("short", -85 * DAY, 5 * DAY),
            ("soon", -78 * DAY, 12 * DAY),
            ("good", -30 * DAY, 60 * DAY),
            ("endless", -30 * DAY, 253_402_300_799 - NOW),
            ("future", 3 * DAY, 93 * DAY),
        ]);
        let chart = draw(&seen, Timestamp::from_second(NOW).unwrap()).unwrap();
        insta::assert_snapshot!(format!("{}\n\n{}", chart.title, chart.lines.join("\n")));
    }

    #[test]
    fn a_certificate_seen_twice_is_one_line() {
        let mut twice = sightings(&[("a", -DAY, 60 * DAY)]);
        let certificate = seen(&[("a", -DAY, 60 * DAY)]).soonest_first().next().unwrap().certificate;
        let standing = Standing::Good;
        twice.take_in(
            0,
            Sighting { place: "0-first:443".to_owned(), part: Part::Server, certificate, standing },
        );
        let chart = draw(&twice.close().unwrap().0, Timestamp::from_second(NOW).unwrap()).unwrap();
        assert_eq!(chart.lines.len(), 3);
        assert!(chart.lines[1].ends_with("a @ 0-first:443 +1"), "{}", chart.lines[1]);
        assert_eq!(chart.lines[2], "+N: seen in N more places");
    }

    #[test]
    fn the_rest_is_counted() {
        let many: Vec<_> = (0..60_i64).map(|index| ("x", -DAY, (60 + index) * DAY)).collect();
        let chart = draw(&seen(&many), Timestamp::from_second(NOW).unwrap()).unwrap();
        assert_eq!(chart.lines.len(), 1 + LINES + 1);
        assert!(chart.lines.last().unwrap().starts_with("and 20 more"));
    }

    #[test]
    fn nothing_seen_draws_nothing() {
        assert!(draw(&Seen::default(), Timestamp::from_second(NOW).unwrap()).is_none());
    }
}
