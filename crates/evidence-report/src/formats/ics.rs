//! A calendar (iCalendar, RFC 5545): one event for each date that somebody should not miss. Every event keeps
//! its identity when only its date moves, so that a calendar that reads the next run's file moves it.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::Setting;
use crate::{
    document::hex,
    record::{Deadline, Report, v1::one_line},
};

/// Longest line in octets, without its line end (RFC 5545, 3.1).
const LINE: usize = 75;

/// How many lines of a description are kept.
const DESCRIBED: usize = 20;

/// How long before its end somebody is reminded, at most; what lives for less is reminded of in its last part.
const REMINDER: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let mut calendar = Calendar(String::new());
    calendar.line("BEGIN:VCALENDAR");
    calendar.line("VERSION:2.0");
    calendar.line(&format!("PRODID:-//ops-smoke//{} {}//EN", report.tool.name, report.tool.version));
    calendar.line("CALSCALE:GREGORIAN");
    calendar.line("METHOD:PUBLISH");
    calendar.line(&format!("X-WR-CALNAME:{}", escaped(&report.run.title)));
    let mut deadlines: Vec<_> = report.deadlines.iter().collect();
    deadlines.sort_by(|a, b| (a.at, &a.key, &a.title).cmp(&(b.at, &b.key, &b.title)));
    let mut known = HashMap::new();
    for deadline in deadlines {
        let uid = uid(report, deadline, &mut known);
        event(&mut calendar, report, setting, deadline, &uid);
    }
    calendar.line("END:VCALENDAR");
    calendar.0
}

/// Two deadlines of one key would replace each other: the later ones are numbered.
fn uid(report: &Report, deadline: &Deadline, known: &mut HashMap<String, u32>) -> String {
    let text = [report.tool.name, report.run.environment.word(), &deadline.key].join("\0");
    let digest = hex(&Sha256::digest(text.as_bytes()))[..32].to_owned();
    let times = known.entry(digest.clone()).or_insert(0);
    *times += 1;
    let number = if *times == 1 { String::new() } else { format!("-{times}") };
    format!("{digest}{number}@{}", report.tool.name)
}

fn event(calendar: &mut Calendar, report: &Report, setting: &Setting, deadline: &Deadline, uid: &str) {
    calendar.line("BEGIN:VEVENT");
    calendar.line(&format!("UID:{uid}"));
    calendar.line(&format!("DTSTAMP:{}", time(report.run.finished)));
    calendar.line(&format!("DTSTART:{}", time(deadline.at)));
    calendar.line(&format!("SUMMARY:{}", escaped(&deadline.title)));
    calendar.line(&format!("DESCRIPTION:{}", description(report, setting, deadline)));
    calendar.line("TRANSP:TRANSPARENT");
    // Nobody is reminded of what is over.
    let left = deadline.at.duration_since(report.run.finished);
    if left > SignedDuration::ZERO {
        let before = REMINDER.min(left / 2).as_mins().max(1);
        calendar.line("BEGIN:VALARM");
        calendar.line("ACTION:DISPLAY");
        calendar.line(&format!("DESCRIPTION:{}", escaped(&deadline.title)));
        calendar.line(&format!("TRIGGER:-PT{before}M"));
        calendar.line("END:VALARM");
    }
    calendar.line("END:VEVENT");
}

fn description(report: &Report, setting: &Setting, deadline: &Deadline) -> String {
    let mut lines: Vec<_> = deadline.lines.iter().take(DESCRIBED).map(|line| one_line(line)).collect();
    if deadline.lines.len() > DESCRIBED {
        lines.push(format!("and {} more", deadline.lines.len() - DESCRIBED));
    }
    let seen = report.run.finished.strftime("%Y-%m-%d %H:%M UTC");
    lines.push(format!("Seen by {} in {} on {seen}.", report.tool.name, report.run.environment));
    if let Some(evidence) = &setting.evidence {
        lines.push(format!("Evidence: {evidence}"));
    }
    let lines: Vec<_> = lines.iter().map(|line| escaped(line)).collect();
    lines.join("\\n")
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value (3.3.11), on one line.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,")
}

/// Content lines with their line ends; longer ones are folded between characters (3.1).
struct Calendar(String);

impl Calendar {
    fn line(&mut self, line: &str) {
        let mut room = LINE;
        for char in line.chars() {
            if char.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(char);
            room -= char.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}
