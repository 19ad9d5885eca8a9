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
    /// From the start to each entry.
    pub(super) elapsed: Vec<Duration>,
    /// What the clocks did.
    pub(super) steps: Vec<String>,
}

impl<'h> Story<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        let mut elapsed = Vec::with_capacity(history.entries.len());
        let mut steps = Vec::new();
        let mut total = 0;
        for (index, entry) in history.entries.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).map(|before| &history.entries[before]) {
                let (passed, step) = between(before, entry);
                total += passed;
                steps.extend(step);
            }
            elapsed.push(Duration::from_millis(total));
        }
        Self { history, elapsed, steps }
    }

    /// When a moment came first.
    pub(super) fn moment(&self, wanted: Moment) -> Option<Duration> {
        let found = self.history.entries.iter().position(
            |entry| matches!(&entry.what, What::Note { moment: Some(moment), .. } if *moment == wanted),
        )?;
        self.elapsed.get(found).copied()
    }

    /// From the start to the last entry.
    pub(super) fn length(&self) -> Duration {
        self.elapsed.last().copied().unwrap_or_default()
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
        if self.follow_ups > 0 {
            more.push(format!("{} follow-ups", self.follow_ups));
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
        let what = What::Note { text: "x".into(), moment: None };
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
