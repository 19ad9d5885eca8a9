//! Rule `correlation-trace`: one correlation id, found in every required system, in order of time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{AUDIT_TRACE, FIELDS},
    material::{Observed, Period, Record, Wanted, moment, normalised, span_of},
    some::some,
    when_due::until,
};
use crate::record::Finding;

const TRACE: Wanted = Wanted { key: "trace", columns: &["time", "system", "correlation id", "event"] };

/// A sample investigation's trace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct CorrelationTraceRule {
    /// A page with a table `Time, System, Correlation id, Event`, or YAML with a list `trace`.
    file: String,
    /// The systems in which the id must be found.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    systems: Vec<String>,
    /// How old the trace may be, by its last event.
    #[serde(default)]
    max_age: Option<Period>,
}

impl CorrelationTraceRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match TRACE.read(observed, &self.file) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        let mut findings: Vec<_> =
            records.iter().flat_map(|record| record.blanks("trace", TRACE.columns)).collect();
        findings.extend(self.ids(&records));
        findings.extend(self.systems(&records));
        findings.extend(self.times(&records, as_of));
        if findings.is_empty() {
            let observed = format!("{} events in {} systems", records.len(), self.systems.len());
            let passed = AUDIT_TRACE.passed("trace").expected("one id through every system");
            let passed = passed.observed(observed).at(&self.file, None);
            let last = records.iter().filter_map(|record| moment(&record.text("time")).ok()).max();
            findings.push(match last {
                Some(last) => until(passed, self.max_age, last),
                None => passed,
            });
        }
        findings
    }

    fn failed(&self, subject: &str, expected: &str, observed: String, line: Option<u32>) -> Finding {
        AUDIT_TRACE.failed(subject).expected(expected).observed(observed).at(&self.file, line)
    }

    fn ids(&self, records: &[Record]) -> Option<Finding> {
        let mut ids: BTreeMap<String, u32> = BTreeMap::new();
        for record in records {
            let cell = record.cell("correlation id");
            if !cell.text.is_empty() {
                ids.entry(cell.text).or_insert(cell.line);
            }
        }
        match ids.len() {
            0 => Some(self.failed("correlation id", "one id", "none".into(), None)),
            1 => None,
            number => {
                let line = ids.values().max().copied();
                Some(self.failed("correlation id", "one id", format!("{number} different ones"), line))
            }
        }
    }

    fn systems<'s>(&'s self, records: &'s [Record]) -> impl Iterator<Item = Finding> + 's {
        let seen: Vec<_> = records.iter().map(|record| normalised(&record.text("system"))).collect();
        let absent = self.systems.iter().filter(move |system| !seen.contains(&normalised(system)));
        absent.map(|system| {
            self.failed(system, "the id in this system", "no event of it in the trace".into(), None)
        })
    }

    fn times(&self, records: &[Record], as_of: Timestamp) -> Vec<Finding> {
        let (mut findings, mut last): (Vec<Finding>, Option<Timestamp>) = (Vec::new(), None);
        for record in records {
            let cell = record.cell("time");
            if cell.text.is_empty() {
                continue;
            }
            let at = match moment(&cell.text) {
                Ok(at) => at,
                Err(why) => {
                    let finding =
                        FIELDS.failed("trace, time").expected("a moment with its time zone").observed(why);
                    findings.push(finding.at(&self.file, Some(cell.line)));
                    continue;
                }
            };
            let system = record.text("system");
            if last.is_some_and(|before| at < before) {
                let observed = format!("{} is earlier than the event before", cell.text);
                findings.push(self.failed(&system, "events in order of time", observed, Some(cell.line)));
            } else if at > as_of {
                findings.push(self.failed(
                    &system,
                    "an event of the past",
                    format!("{} lies in the future", cell.text),
                    Some(cell.line),
                ));
            }
            last = last.max(Some(at));
        }
        if let (Some(allowed), Some(last)) = (self.max_age, last) {
            let age = last.duration_until(as_of);
            if age > allowed.0 {
                let observed = format!("its last event is {} old", span_of(age));
                findings.push(self.failed("trace", &format!("not older than {allowed}"), observed, None));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const PAGE: &str = "| Time | System | Correlation id | Event |\n|---|---|---|---|\n| 2026-11-20T10:00:00.120Z | api | `c-81` | request |\n| 2026-11-20T10:00:00.120Z | Queue | `c-81` | enqueued |\n| 2026-11-20T10:00:02Z | audit log | `c-81` | written |\n";

    fn assess(text: &str) -> Vec<Finding> {
        let rule: CorrelationTraceRule = rule("file: a.md\nsystems: [API, queue, audit-log]\nmax_age: 30d\n");
        rule.assess(&Observed::of_texts(&[("a.md", text)]), "2026-11-27T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn one_id_through_every_system_in_order() {
        right(&assess(PAGE));
        for (from, to, part) in [
            ("| Queue |", "| Broker |", "failed audit.trace a.md queue: no event of it"),
            ("`c-81` | enqueued", "`c-82` | enqueued", "a.md:4 correlation id: 2 different ones"),
            ("10:00:02Z", "09:59:59Z", "a.md:5 audit log: 2026-11-20T09:59:59Z is earlier"),
            ("10:00:02Z", "10:00:02", "failed artefact.fields a.md:5"),
            ("| enqueued |", "| – |", "'event' says nothing"),
            ("2026-11-20T10:00:02Z", "2026-12-20T10:00:02Z", "lies in the future"),
        ] {
            one(&assess(&PAGE.replace(from, to)), part);
        }
        one(&assess(&PAGE.replace("2026-11-20", "2026-10-20")), "its last event is 38 d old");
        assert_eq!(told(&assess("| Time | System | Correlation id | Event |\n|---|---|---|---|\n")).len(), 4);
    }
}
