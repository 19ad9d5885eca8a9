//! Rule `break-glass`: every opening of emergency access is closed in time, and reviewed by somebody else.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{BREAK_GLASS, FIELDS},
    material::{Cell, Observed, Period, Record, Wanted, moment, normalised, span_of},
};
use crate::record::Finding;

const LOG: Wanted = Wanted {
    key: "break_glass",
    columns: &["opened", "opened by", "reason", "closed", "closed by", "reviewed", "reviewed by"],
};

/// The log of emergency access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct BreakGlassRule {
    /// A page with a table `Opened, Opened by, Reason, Closed, Closed by, Reviewed, Reviewed by`, or YAML with a
    /// list `break_glass`. A log without entries passes.
    log: String,
    /// How long an access may be open, such as `1h`.
    open_at_most: Period,
    /// How long after its end it must have been reviewed.
    #[serde(default = "three_days")]
    review_within: Period,
}

const fn three_days() -> Period {
    Period::days(3)
}

impl BreakGlassRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.log]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match LOG.read(observed, &self.log) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        let mut findings: Vec<_> = records.iter().flat_map(|record| self.entry(record, as_of)).collect();
        if findings.is_empty() {
            let observed = match records.len() {
                0 => "no entry: nothing was opened".to_owned(),
                entries => format!("{entries} entries, all closed and reviewed"),
            };
            findings.push(
                BREAK_GLASS
                    .passed(&self.log)
                    .expected("every access closed and reviewed")
                    .observed(observed)
                    .at(&self.log, None),
            );
        }
        findings
    }

    fn entry(&self, record: &Record, as_of: Timestamp) -> Vec<Finding> {
        let opened = record.cell("opened");
        let subject =
            format!("opened {}", if opened.text.is_empty() { "at an unknown time" } else { &opened.text });
        let mut findings = record.blanks(&subject, &["opened", "opened by", "reason"]);
        let mut when = |column: &str| {
            let cell = record.cell(column);
            if cell.text.is_empty() {
                return (cell, None);
            }
            let read = moment(&cell.text);
            if let Err(why) = &read {
                let finding =
                    FIELDS.failed(format!("{subject}, {column}")).expected("a moment with its time zone");
                findings.push(finding.observed(why).at(&self.log, Some(cell.line)));
            }
            (cell, read.ok())
        };
        let (opened, closed, reviewed) = (when("opened"), when("closed"), when("reviewed"));
        let Some(opened_at) = opened.1 else { return findings };
        let judged = Judged { rule: self, record, subject: &subject };
        findings.extend(judged.not_ahead(&[&opened, &closed, &reviewed], as_of));
        findings.extend(judged.closing(opened_at, &closed, as_of));
        if let Some(closed_at) = closed.1 {
            findings.extend(judged.review(closed_at, &reviewed, as_of));
        }
        findings
    }
}

type When = (Cell, Option<Timestamp>);

struct Judged<'r> {
    rule: &'r BreakGlassRule,
    record: &'r Record,
    subject: &'r str,
}

impl Judged<'_> {
    fn failed(&self, observed: String, line: u32) -> Finding {
        self.say(BREAK_GLASS.failed(self.subject), observed, line)
    }

    fn say(&self, finding: Finding, observed: String, line: u32) -> Finding {
        let expected = format!(
            "closed within {}, reviewed within {} after",
            self.rule.open_at_most, self.rule.review_within
        );
        finding.expected(expected).observed(observed).at(&self.rule.log, Some(line))
    }

    /// What is still to be done warns while there is time for it.
    fn while_within(&self, since: Timestamp, allowed: SignedDuration, as_of: Timestamp) -> Finding {
        let end = since.checked_add(allowed).unwrap_or(Timestamp::MAX);
        if as_of > end {
            BREAK_GLASS.failed(self.subject)
        } else {
            BREAK_GLASS.warned(self.subject).hurts_at(end)
        }
    }

    fn not_ahead(&self, all: &[&When], as_of: Timestamp) -> Vec<Finding> {
        let ahead = all.iter().filter(|(_, at)| at.is_some_and(|at| at > as_of));
        ahead.map(|(cell, _)| self.failed(format!("{} lies in the future", cell.text), cell.line)).collect()
    }

    fn closing(&self, opened: Timestamp, (cell, closed): &When, as_of: Timestamp) -> Vec<Finding> {
        let allowed = self.rule.open_at_most.0;
        let Some(closed) = *closed else {
            if !cell.text.is_empty() {
                return Vec::new();
            }
            let since = opened.duration_until(as_of);
            let observed = format!("open for {}", span_of(since));
            let finding = self.while_within(opened, allowed, as_of);
            return vec![self.say(finding, observed, self.record.line)];
        };
        let mut findings = self.record.blanks(self.subject, &["closed by"]);
        let length = opened.duration_until(closed);
        if length.is_negative() {
            findings.push(self.failed("closed before it was opened".into(), cell.line));
        } else if length > allowed {
            findings.push(self.failed(format!("was open for {}", span_of(length)), cell.line));
        }
        findings
    }

    fn review(&self, closed: Timestamp, (cell, reviewed): &When, as_of: Timestamp) -> Vec<Finding> {
        let allowed = self.rule.review_within.0;
        let Some(reviewed) = *reviewed else {
            if !cell.text.is_empty() {
                return Vec::new();
            }
            let since = closed.duration_until(as_of);
            let finding = self.while_within(closed, allowed, as_of);
            return vec![self.say(
                finding,
                format!("closed {} ago, and not reviewed", span_of(since)),
                cell.line,
            )];
        };
        let mut findings = self.record.blanks(self.subject, &["reviewed by"]);
        let after = closed.duration_until(reviewed);
        // A review that names its day alone is of that day's beginning.
        let names_its_day_alone = cell.text.trim().len() == "2026-11-02".len();
        if after.is_negative() && (!names_its_day_alone || after < SignedDuration::from_hours(-24)) {
            findings.push(self.failed("reviewed before it was closed".into(), cell.line));
        } else if after > allowed {
            findings.push(self.failed(format!("reviewed {} after it was closed", span_of(after)), cell.line));
        }
        let (opener, reviewer) = (self.record.text("opened by"), self.record.text("reviewed by"));
        if !reviewer.is_empty() && normalised(&opener) == normalised(&reviewer) {
            findings.push(self.failed(format!("{opener} opened it and reviewed it"), self.record.line));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const HEAD: &str = "| Opened | Opened by | Reason | Closed | Closed by | Reviewed | Reviewed by |\n|---|---|---|---|---|---|---|\n";
    const ENTRY: &str = "| 2026-11-02 10:00 UTC | SRE Lead | broker locked | 2026-11-02 10:40 UTC | SRE Lead | 2026-11-03 | Security |\n";

    fn assess(entries: &str, as_of: &str) -> Vec<Finding> {
        let rule: BreakGlassRule = rule("log: a.md\nopen_at_most: 1h\n");
        rule.assess(&Observed::of_texts(&[("a.md", &format!("{HEAD}{entries}"))]), as_of.parse().unwrap())
    }

    #[test]
    fn a_closed_and_reviewed_access_and_an_empty_log_pass() {
        right(&assess(ENTRY, "2026-11-27T12:00:00Z"));
        right(&assess("", "2026-11-27T12:00:00Z"));
    }

    #[test]
    fn an_open_access_warns_and_then_fails() {
        let open = "| 2026-11-02 10:00 UTC | SRE Lead | broker locked | | | | |\n";
        one(
            &assess(open, "2026-11-02T11:00:00Z"),
            "warned secrets.break_glass a.md:3 opened 2026-11-02 10:00 UTC: open for 60 min",
        );
        one(&assess(open, "2026-11-02T11:00:01Z"), "failed secrets.break_glass a.md:3");
        let unreviewed = ENTRY.replace("2026-11-03 | Security", "– | –");
        one(&assess(&unreviewed, "2026-11-05T10:40:00Z"), "warned secrets.break_glass");
        one(&assess(&unreviewed, "2026-11-05T10:40:01Z"), "failed secrets.break_glass");
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (from, to, part) in [
            ("10:40 UTC", "11:01 UTC", "was open for 61 min"),
            ("10:40 UTC", "09:40 UTC", "closed before it was opened"),
            (
                "10:40 UTC",
                "10:40",
                "failed artefact.fields a.md:3 opened 2026-11-02 10:00 UTC, closed: '2026-11-02 10:40' is no moment",
            ),
            ("broker locked", "TBD", "'reason' says nothing"),
            ("| SRE Lead | 2026-11-03", "| | 2026-11-03", "'closed by' says nothing"),
            ("2026-11-03 | Security", "2026-11-03 | sre lead", "SRE Lead opened it and reviewed it"),
            ("2026-11-03 | Security", "2026-11-03 | ?", "'reviewed by' says nothing"),
            ("2026-11-03", "2026-11-09", "reviewed 6 d after it was closed"),
            ("2026-11-03", "2026-10-03", "reviewed before it was closed"),
            ("2026-11-03", "2026-11-02 10:30 UTC", "reviewed before it was closed"),
        ] {
            one(&assess(&ENTRY.replace(from, to), "2026-11-27T12:00:00Z"), part);
        }
        one(
            &assess(&ENTRY.replace("2026-11-03", "2026-12-03"), "2026-11-27T12:00:00Z")
                .into_iter()
                .take(1)
                .collect::<Vec<_>>(),
            "lies in the future",
        );
    }
}
