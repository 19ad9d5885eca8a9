//! What a log comes to: how much time passed, whatever the wall clock was set to, and one line that sums it up. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::entry::{Entry, History, Kind, Moment, Role, Success, What};

/// A wall clock that runs so far apart from the other one was set.
const STEP_MS: i64 = 2_000;

/// A log with its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story<'h> {
    pub(super) history: &'h History,
    /// From the start to when each entry was written.
    written: Vec<Duration>,
    /// From the start to what each entry tells: earlier, where it was noted later.
    pub(super) elapsed: Vec<Duration>,
    /// What the clocks did.
    pub(super) steps: Vec<String>,
}

impl<'h> Story<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        let mut written = Vec::with_capacity(history.entries.len());
        let mut steps = Vec::new();
        let mut total = 0;
        for (index, entry) in history.entries.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).map(|before| &history.entries[before]) {
                let (passed, step) = between(before, entry);
                total += passed;
                steps.extend(step);
            }
            written.push(Duration::from_millis(total));
        }
        let entries = history.entries.iter().zip(&written);
        let elapsed = entries.map(|(entry, written)| written.saturating_sub(entry.ago())).collect();
        Self { history, written, elapsed, steps }
    }

    /// The entries in the order in which things happened, each with its time from the start.
    pub(super) fn in_order(&self) -> Vec<(&'h Entry, Duration)> {
        let mut told: Vec<_> = self.history.entries.iter().zip(self.elapsed.iter().copied()).collect();
        told.sort_by_key(|(_, at)| *at);
        told
    }

    /// From the start to now, which is an entry that nobody wrote.
    pub(super) fn until(&self, now: &Entry) -> Duration {
        let since = self.history.entries.last().map_or(0, |last| between(last, now).0);
        self.length().saturating_add(Duration::from_millis(since))
    }

    /// When a moment came first.
    pub(super) fn moment(&self, wanted: Moment) -> Option<Duration> {
        let is_it = |entry: &Entry| matches!(&entry.what, What::Note { moment: Some(moment), .. } if *moment == wanted);
        self.in_order().into_iter().find(|(entry, _)| is_it(entry)).map(|(_, at)| at)
    }

    /// How much later than it came a moment was noted.
    pub(super) fn noted_later(&self, wanted: Moment) -> Duration {
        let of = |entry: &&Entry| matches!(&entry.what, What::Note { moment: Some(moment), .. } if *moment == wanted);
        self.in_order().into_iter().map(|(entry, _)| entry).find(of).map_or(Duration::ZERO, Entry::ago)
    }

    /// From the start to the last entry.
    pub(super) fn length(&self) -> Duration {
        self.written.last().copied().unwrap_or_default()
    }

    /// Who has which role in the end.
    pub(super) fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        let given = self.history.entries.iter().flat_map(|entry| match &entry.what {
            What::Start(start) => start.roles.clone(),
            What::Role(role) => vec![role.clone()],
            _ => Vec::new(),
        });
        for role in given {
            match roles.iter_mut().find(|known| known.role == role.role) {
                Some(known) => known.name = role.name,
                None => roles.push(role),
            }
        }
        roles
    }

    /// The drill in one line.
    pub(super) fn summary(&self) -> Option<Summary> {
        let start = self.history.start()?;
        Some(Summary {
            begun: self.history.entries.first()?.at,
            kind: start.kind,
            title: start.title.clone(),
            outcome: self.history.finish().map(|(_, finish)| finish.outcome),
            length: self.length(),
            recovered: self.moment(Moment::Recovered),
            follow_ups: self.history.finish().map_or(0, |(_, finish)| finish.follow_ups.len()),
        })
    }
}

/// A drill in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) begun: Timestamp,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) outcome: Option<Success>,
    pub(super) length: Duration,
    pub(super) recovered: Option<Duration>,
    pub(super) follow_ups: usize,
}

impl Summary {
    /// `2026-11-27  restore   achieved  00:42:10  Lost primary database (recovered after 00:31:02; 2 follow-ups)`
    pub(super) fn line(&self) -> String {
        let outcome = self.outcome.map_or("open", Success::word);
        let mut more = Vec::new();
        if let Some(recovered) = self.recovered {
            more.push(format!("recovered after {}", clock(recovered)));
        }
        match self.follow_ups {
            0 => {}
            1 => more.push("1 follow-up".to_owned()),
            number => more.push(format!("{number} follow-ups")),
        }
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        format!(
            "{}  {:8}  {outcome:15}  {}  {}{more}",
            self.begun.strftime("%Y-%m-%d"),
            self.kind.word(),
            clock(self.length),
            self.title
        )
    }
}

/// How much time passed between two entries, and what the wall clock did meanwhile. On one boot of one machine the
/// clock that nobody sets tells; between machines only the wall clock can.
fn between(before: &Entry, after: &Entry) -> (u64, Option<String>) {
    let wall = after.at.as_millisecond().saturating_sub(before.at.as_millisecond());
    let same_boot = !after.boot.is_empty() && before.boot == after.boot && after.up_ms >= before.up_ms;
    if !same_boot {
        let step = (wall < 0).then(|| {
            format!(
                "entry {} of another machine, or after a restart, is {} s before entry {}",
                after.n,
                -wall / 1000,
                before.n
            )
        });
        return (u64::try_from(wall).unwrap_or(0), step);
    }
    let passed = after.up_ms - before.up_ms;
    let ahead = wall.saturating_sub(i64::try_from(passed).unwrap_or(i64::MAX));
    let step = (ahead.abs() > STEP_MS).then(|| {
        let direction = if ahead > 0 { "forward" } else { "back" };
        format!(
            "the clock was set {direction} by {} s between entries {} and {}",
            ahead.abs() / 1000,
            before.n,
            after.n
        )
    });
    (passed, step)
}

/// `01:02:03`
pub(super) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u32, at: &str, boot: &str, up_ms: u64) -> Entry {
        let what = What::Note { text: "x".into(), moment: None, ago_seconds: None };
        Entry {
            n,
            at: at.parse().unwrap(),
            boot: boot.into(),
            up_ms,
            by: "ada".into(),
            previous: String::new(),
            what,
        }
    }

    fn story(entries: Vec<Entry>) -> (Vec<u64>, Vec<String>) {
        let history = History { entries, ..History::default() };
        let story = Story::of(&history);
        (story.elapsed.iter().map(Duration::as_secs).collect(), story.steps)
    }

    #[test]
    fn a_clock_that_is_set_changes_no_duration_and_is_told() {
        let (elapsed, steps) = story(vec![
            entry(1, "2026-11-27T00:00:00Z", "b", 1_000_000),
            entry(2, "2026-11-27T01:00:10Z", "b", 1_010_000),
            entry(3, "2026-11-27T00:00:20Z", "b", 1_020_000),
            entry(4, "2026-11-27T00:00:31Z", "b", 1_030_000),
        ]);
        assert_eq!(elapsed, [0, 10, 20, 30]);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps[0].contains("forward by 3600 s between entries 1 and 2"), "{steps:?}");
        assert!(steps[1].contains("back by 3600 s"), "{steps:?}");
    }

    #[test]
    fn what_was_noted_later_stands_where_it_happened() {
        let mut late = entry(3, "2026-11-27T00:10:00Z", "b", 1_600_000);
        let text = "the pager rang".to_owned();
        late.what = What::Note { text, moment: Some(Moment::Detected), ago_seconds: Some(480) };
        assert_eq!(late.happened().to_string(), "2026-11-27T00:02:00Z");
        let entries = vec![
            entry(1, "2026-11-27T00:00:00Z", "b", 1_000_000),
            entry(2, "2026-11-27T00:05:00Z", "b", 1_300_000),
            late,
        ];
        let history = History { entries, ..History::default() };
        let story = Story::of(&history);
        assert_eq!(story.moment(Moment::Detected), Some(Duration::from_secs(120)));
        assert_eq!(story.in_order().iter().map(|(entry, _)| entry.n).collect::<Vec<_>>(), [1, 3, 2]);
        assert_eq!(story.length(), Duration::from_secs(600), "the drill is as long as it was");
        let now = entry(0, "2026-11-27T00:11:00Z", "b", 1_660_000);
        assert_eq!(story.until(&now), Duration::from_secs(660));
    }

    #[test]
    fn two_machines_are_told_apart_by_their_walls() {
        let (elapsed, steps) = story(vec![
            entry(1, "2026-11-27T00:00:00Z", "b", 1_000_000),
            entry(2, "2026-11-27T00:00:10Z", "c", 5),
            entry(3, "2026-11-27T00:00:07Z", "b", 1_011_000),
            entry(4, "2026-11-27T00:00:08Z", "b", 1_012_000),
        ]);
        assert_eq!(elapsed, [0, 10, 10, 11]);
        assert_eq!(steps.len(), 1, "{steps:?}");
    }
}
