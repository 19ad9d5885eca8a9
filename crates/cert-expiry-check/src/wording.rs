//! How moments, spans of time and foreign text are put into words. Pure.

use jiff::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span in its two largest units: `3 d 4 h`, `21 d`, `45 min`, `12 s`. Beyond 100 days only the days.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (large, small) = match seconds {
        DAY.. => ((DAY, "d"), (HOUR, "h")),
        HOUR.. => ((HOUR, "h"), (MINUTE, "min")),
        MINUTE.. => ((MINUTE, "min"), (1, "s")),
        _ => return format!("{seconds} s"),
    };
    let whole = seconds / large.0;
    let rest = seconds % large.0 / small.0;
    if rest == 0 || (large.1 == "d" && whole >= 100) {
        format!("{whole} {}", large.1)
    } else {
        format!("{whole} {} {rest} {}", large.1, small.1)
    }
}

/// How far `at` lies from `now`: `in 3 d 4 h`, `3 d 4 h ago`, `now`.
#[must_use]
pub fn distance(now: Timestamp, at: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(seconds.unsigned_abs())),
        _ => format!("{} ago", span(seconds.unsigned_abs())),
    }
}

/// A moment to the minute: `2026-11-26 23:02 UTC`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A day: `2026-11-26`.
#[must_use]
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Foreign text on one line, fit for a terminal: control characters and those that turn the direction of
/// writing are escaped, and what is longer than `limit` characters is cut.
#[must_use]
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit * 4));
    for (index, character) in text.chars().enumerate() {
        if index == limit {
            shown.push('…');
            break;
        }
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

fn is_harmless(character: char) -> bool {
    let turns_direction = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !character.is_control() && !turns_direction
}

/// Bytes in hexadecimal digits, two for each.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(number.into(), 16).unwrap_or('0');
    let mut text = String::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| text.extend([digit(byte >> 4), digit(byte & 0xf)]));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hexadecimal(&[0, 9, 0x1f, 0xff]), "00091fff");
        assert_eq!(hexadecimal(&[]), "");
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h"),
            (8640, "2 h 24 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"),
            (273_600, "3 d 4 h"),
            (21 * 86_400, "21 d"),
            (99 * 86_400 + 3600, "99 d 1 h"),
            (100 * 86_400 + 3600, "100 d"),
            (3650 * 86_400, "3650 d"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn distances_say_which_way_they_lie() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        assert_eq!(distance(now, at(273_600)), "in 3 d 4 h");
        assert_eq!(distance(now, at(-273_600)), "3 d 4 h ago");
        assert_eq!(distance(now, now), "now");
        assert_eq!(moment(now), "2027-01-15 08:00 UTC");
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mred\n", 80), "a\\u{1b}[31mred\\n");
        assert_eq!(printable("\u{202e}evil", 80), "\\u{202e}evil");
        assert_eq!(printable("Prüfstelle 認証", 80), "Prüfstelle 認証");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
