//! Which other alerts became active while a real fault lasted: the fault may have caused them, or chance. They are told,
//! and judged by nobody. Pure; of their labels only the severity is told, for they are real.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{clock::Clock, prometheus::ActiveAlert, series::Labels};

/// What was seen of alerts that are not the drilled one.
#[derive(Debug, Default)]
pub(super) struct Cascade {
    /// By their labels: since when, on the drill's clock, and whether they fired.
    seen: BTreeMap<Labels, (f64, bool)>,
}

/// The other instances of one alert.
#[derive(Debug, Default)]
struct Others {
    instances: usize,
    fired: usize,
    first: f64,
}

impl Cascade {
    /// Takes what Prometheus has now; `is_ours` knows the drilled alert.
    pub(super) fn look(&mut self, active: &[ActiveAlert], clock: Clock, is_ours: impl Fn(&Labels) -> bool) {
        for one in active.iter().filter(|one| !is_ours(&one.labels)) {
            let since = clock.of(one.active_at);
            let (known, fired) = self.seen.entry(one.labels.clone()).or_insert((since, false));
            // One that ended and began again is another one.
            if since > *known {
                (*known, *fired) = (since, false);
            }
            *fired |= one.state == "firing";
        }
    }

    /// Those that became active within one of these spans (fault to end, on the drill's clock), in words. `files` are the
    /// names of the alerts in the rule files.
    pub(super) fn told(&self, spans: &[(f64, f64)], files: &BTreeSet<String>) -> String {
        let mut others: BTreeMap<(&str, &str), Others> = BTreeMap::new();
        for (labels, (since, fired)) in &self.seen {
            let Some((fault, _)) = spans.iter().find(|(fault, end)| fault <= since && since <= end) else {
                continue;
            };
            let label = |name: &str| labels.get(name).map_or("", String::as_str);
            let one = others.entry((label("alertname"), label("severity"))).or_default();
            let after = since - fault;
            one.first = if one.instances == 0 { after } else { one.first.min(after) };
            one.instances += 1;
            one.fired += usize::from(*fired);
        }
        if others.is_empty() {
            return "none".to_owned();
        }
        let words = others.iter().map(|((name, severity), one)| {
            let mut notes: Vec<String> = Vec::new();
            notes.extend((!severity.is_empty()).then(|| (*severity).to_owned()));
            notes.extend((one.instances > 1).then(|| format!("{} instances", one.instances)));
            notes.extend((!files.contains(*name)).then(|| "not in the files".to_owned()));
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            let what = if one.fired > 0 { "fired" } else { "was pending" };
            format!("{name}{notes} {what}, active {:.1} s after the fault", one.first)
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn alerts_that_became_active_within_the_fault_are_told_and_no_others() {
        let (clock, now) = (Clock::start(), Timestamp::now());
        let active = |name: &str, pod: &str, after: i64, state: &str| ActiveAlert {
            labels: [("alertname", name), ("severity", "warning"), ("pod", pod)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            state: state.to_owned(),
            active_at: now + SignedDuration::from_secs(after),
        };
        let mut cascade = Cascade::default();
        let ours = |labels: &Labels| labels["alertname"] == "Down";
        for state in ["pending", "firing", "pending"] {
            let all = [
                active("Down", "a", 12, "firing"),
                active("Slow", "a", 14, state),
                active("Slow", "b", 15, "pending"),
                active("Queue", "a", 16, "pending"),
                active("Before", "a", -60, "firing"),
                active("After", "a", 31, "firing"),
            ];
            cascade.look(&all, clock, ours);
        }
        let files = BTreeSet::from(["Slow".to_owned()]);
        assert_eq!(
            cascade.told(&[(10.0, 30.0)], &files),
            "Queue (warning, not in the files) was pending, active 6.0 s after the fault; \
             Slow (warning, 2 instances) fired, active 4.0 s after the fault"
        );
        assert_eq!(cascade.told(&[(100.0, 130.0)], &files), "none");
        assert_eq!(cascade.told(&[], &files), "none");
    }
}
