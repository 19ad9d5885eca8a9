//! Times of the day, the week, the month and the year in which a route is silent, or in which alone it speaks.
//! A named interval is a list of these; it holds an instant when one of them does.

use jiff::{Timestamp, tz::TimeZone};

/// A span of numbers, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first.
    pub(crate) first: i16,
    /// The last.
    pub(crate) last: i16,
}

impl Span {
    fn holds(self, number: i16) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

/// Where the times are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A zone that we know.
    Zone(TimeZone),
    /// A zone that this machine does not know, or the local time of Alertmanager's machine.
    Unknown(String),
}

/// An element of a named interval. What is not given holds always; a list that is given and empty never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeInterval {
    /// Minutes of the day, the last one not in it.
    pub(crate) times: Option<Vec<Span>>,
    /// Days of the week, 0 is Sunday.
    pub(crate) weekdays: Option<Vec<Span>>,
    /// Days of the month, from 1; from the end, from -1.
    pub(crate) days_of_month: Option<Vec<Span>>,
    /// Months, from 1.
    pub(crate) months: Option<Vec<Span>>,
    /// Years.
    pub(crate) years: Option<Vec<Span>>,
    /// Where.
    pub(crate) place: Place,
}

impl TimeInterval {
    /// Whether it holds the instant; `None` where its place is not known.
    #[must_use]
    pub(crate) fn holds(&self, at: Timestamp) -> Option<bool> {
        let Place::Zone(zone) = &self.place else { return None };
        let local = zone.to_datetime(at);
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        let weekday = i16::from(local.weekday().to_sunday_zero_offset());
        let (day, length) = (i16::from(local.day()), i16::from(local.date().days_in_month()));
        let any = |spans: &Option<Vec<Span>>, holds: &dyn Fn(&Span) -> bool| {
            spans.as_ref().is_none_or(|spans| spans.iter().any(holds))
        };
        Some(
            any(&self.times, &|span| (span.first..span.last).contains(&minute))
                && any(&self.days_of_month, &|span| within_month(*span, day, length))
                && any(&self.months, &|span| span.holds(i16::from(local.month())))
                && any(&self.weekdays, &|span| span.holds(weekday))
                && any(&self.years, &|span| span.holds(local.year())),
        )
    }
}

/// Days from the end are counted in this month; what lies outside of it is drawn to its borders.
fn within_month(span: Span, day: i16, length: i16) -> bool {
    let counted = |number: i16| if number < 0 { length + number + 1 } else { number };
    let (first, last) = (counted(span.first), counted(span.last));
    first <= length && (first.clamp(-length, length)..=last.clamp(-length, length)).contains(&day)
}

/// Whether one of the elements holds the instant; `None` where that hangs on a place that is not known.
#[must_use]
pub(crate) fn any_holds(intervals: &[TimeInterval], at: Timestamp) -> Option<bool> {
    let mut known = true;
    for interval in intervals {
        match interval.holds(at) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = false,
        }
    }
    known.then_some(false)
}

/// Reads `HH:MM` into minutes; the day ends at `24:00`.
pub(super) fn minute(text: &str) -> Result<i16, String> {
    let wrong = || format!("'{text}' is no time of day; write it as 09:30, at most 24:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i16>().ok()).flatten().ok_or_else(wrong)
    };
    match (two(hour)?, two(minute)?) {
        (24, 0) => Ok(24 * 60),
        (hour @ 0..=23, minute @ 0..=59) => Ok(hour * 60 + minute),
        _ => Err(wrong()),
    }
}

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn span(text: &str, one: impl Fn(&str) -> Option<i16>) -> Result<Span, String> {
    let lower = text.to_lowercase();
    let (first, last) = lower.split_once(':').unwrap_or((&lower, &lower));
    let wrong = || format!("'{text}' is no value or range of this list");
    Ok(Span { first: one(first).ok_or_else(wrong)?, last: one(last).ok_or_else(wrong)? })
}

fn rising(text: &str, span: Span) -> Result<Span, String> {
    if span.first > span.last { Err(format!("the range '{text}' ends before it begins")) } else { Ok(span) }
}

fn position(names: &[&str], name: &str) -> Option<i16> {
    names.iter().position(|known| *known == name).and_then(|index| i16::try_from(index).ok())
}

/// Reads `monday` or `monday:friday`.
pub(super) fn weekdays(text: &str) -> Result<Span, String> {
    rising(text, span(text, |name| position(&WEEKDAYS, name))?)
}

/// Reads `may`, `5` or `may:august`.
pub(super) fn months(text: &str) -> Result<Span, String> {
    let month = |name: &str| position(&MONTHS, name).map(|index| index + 1).or_else(|| name.parse().ok());
    rising(text, span(text, month)?)
}

/// Reads `2026` or `2026:2028`.
pub(super) fn years(text: &str) -> Result<Span, String> {
    rising(text, span(text, |year| year.parse().ok())?)
}

/// Reads `1`, `-1` or `1:-1`.
pub(super) fn days_of_month(text: &str) -> Result<Span, String> {
    let span = span(text, |day| day.parse().ok())?;
    let day = |number: i16| number != 0 && (-31..=31).contains(&number);
    if !day(span.first) || !day(span.last) {
        return Err(format!("'{text}' is outside of a month; days are 1 to 31, or -31 to -1 from its end"));
    }
    // In the shortest month.
    let counted = |number: i16| if number < 0 { 28 + number } else { number };
    if (span.first < 0 && span.last > 0) || counted(span.first) > counted(span.last) {
        return Err(format!("the range '{text}' ends before it begins"));
    }
    Ok(span)
}

/// Reads the name of a zone. UTC where none is given.
pub(super) fn place(name: Option<&str>) -> Place {
    match name {
        None | Some("" | "UTC") => Place::Zone(TimeZone::UTC),
        Some(name) => jiff::tz::db()
            .get(name)
            .ok()
            .filter(|_| name != "Local")
            .map_or_else(|| Place::Unknown(name.to_owned()), Place::Zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn always() -> TimeInterval {
        TimeInterval {
            times: None,
            weekdays: None,
            days_of_month: None,
            months: None,
            years: None,
            place: place(None),
        }
    }

    fn holds(interval: &TimeInterval, at: &str) -> Option<bool> {
        interval.holds(at.parse().unwrap())
    }

    #[test]
    fn the_last_minute_is_not_in_it_and_the_last_day_is() {
        let times = Some(vec![Span { first: minute("09:00").unwrap(), last: minute("17:00").unwrap() }]);
        let interval =
            TimeInterval { times, weekdays: Some(vec![weekdays("Monday:friday").unwrap()]), ..always() };
        for (at, expected) in [
            ("2026-11-27T08:59:59Z", false),
            ("2026-11-27T09:00:00Z", true),
            ("2026-11-27T16:59:59Z", true),
            ("2026-11-27T17:00:00Z", false),
            ("2026-11-28T10:00:00Z", false),
            ("2026-11-29T10:00:00Z", false),
            ("2026-11-30T10:00:00Z", true),
        ] {
            assert_eq!(holds(&interval, at), Some(expected), "{at}");
        }
    }

    #[test]
    fn days_are_counted_from_the_end_of_each_month() {
        let last =
            |text| TimeInterval { days_of_month: Some(vec![days_of_month(text).unwrap()]), ..always() };
        for (text, at, expected) in [
            ("-1", "2026-02-28T00:00:00Z", true),
            ("-1", "2028-02-28T00:00:00Z", false),
            ("-1", "2028-02-29T00:00:00Z", true),
            ("1:-2", "2026-02-28T00:00:00Z", false),
            ("29:31", "2026-02-28T00:00:00Z", false),
            ("20:31", "2026-02-28T00:00:00Z", true),
            ("-31:-1", "2026-02-01T00:00:00Z", true),
        ] {
            assert_eq!(holds(&last(text), at), Some(expected), "{text} {at}");
        }
    }

    #[test]
    fn a_zone_moves_the_clock_and_an_unknown_one_gives_no_answer() {
        let nine = Some(vec![Span { first: 540, last: 541 }]);
        let berlin = TimeInterval { times: nine.clone(), place: place(Some("Europe/Berlin")), ..always() };
        assert_eq!(holds(&berlin, "2026-07-01T07:00:00Z"), Some(true));
        assert_eq!(holds(&berlin, "2026-12-01T08:00:00Z"), Some(true));
        assert_eq!(holds(&berlin, "2026-12-01T07:00:00Z"), Some(false));
        let nowhere = TimeInterval { place: place(Some("Nowhere/City")), ..always() };
        assert_eq!(holds(&nowhere, "2026-07-01T07:00:00Z"), None);
        let at = "2026-07-01T07:00:00Z".parse().unwrap();
        assert_eq!(any_holds(&[nowhere.clone(), always()], at), Some(true));
        assert_eq!(any_holds(&[nowhere, TimeInterval { years: Some(vec![]), ..always() }], at), None);
        assert_eq!(any_holds(&[], at), Some(false));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in ["", "9:00", "24:01", "23:60", "0900", "-1:00", "ab:cd"] {
            assert!(minute(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "32", "-32", "-1:1", "5:3", "-1:-2", "x", "1:2:3"] {
            assert!(days_of_month(wrong).is_err(), "{wrong}");
        }
        for wrong in ["mon", "friday:monday", "", "1"] {
            assert!(weekdays(wrong).is_err(), "{wrong}");
        }
        assert!(months("may:april").is_err() && years("2027:2026").is_err());
        assert_eq!(months("5:August"), Ok(Span { first: 5, last: 8 }));
    }
}
