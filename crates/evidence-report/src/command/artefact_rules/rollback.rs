//! Rule `rollback`: a drilled rollback from one revision to another, within its objective, without a change of
//! the contract.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{FIELDS, ROLLBACK},
    material::{Observed, Period, Record, Wanted, moment, span_of},
    when_due::until,
};
use crate::record::Finding;

const DRILLS: Wanted = Wanted {
    key: "rollbacks",
    columns: &["from revision", "to revision", "started", "finished", "contract before", "contract after"],
};

/// The drilled rollback.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct RollbackRule {
    /// A page with a table `From revision, To revision, Started, Finished, Contract before, Contract after`, or
    /// YAML with a list `rollbacks`. The latest counts.
    file: String,
    /// How long it may take, such as `10m`.
    objective: Period,
    /// How old the latest drill may be.
    #[serde(default)]
    max_age: Option<Period>,
}

impl RollbackRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match DRILLS.read(observed, &self.file) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        if records.is_empty() {
            return vec![
                ROLLBACK
                    .failed(&self.file)
                    .expected("a drilled rollback")
                    .observed("none")
                    .at(&self.file, None),
            ];
        }
        let (mut findings, mut drills) = (Vec::new(), Vec::new());
        for record in &records {
            match self.times(record) {
                Ok((started, finished)) => drills.push((started, finished, record)),
                Err(wrong) => findings.extend(wrong),
            }
        }
        if let Some((started, finished, record)) = drills.into_iter().max_by_key(|(started, ..)| *started) {
            findings.extend(self.drill(record, started, finished, as_of));
        }
        findings
    }

    fn times(&self, record: &Record) -> Result<(Timestamp, Timestamp), Vec<Finding>> {
        let name = subject(record);
        let blanks = record.blanks(&name, DRILLS.columns);
        if !blanks.is_empty() {
            return Err(blanks);
        }
        let read = |column: &str| {
            let cell = record.cell(column);
            moment(&cell.text).map_err(|why| {
                let finding =
                    FIELDS.failed(format!("{name}, {column}")).expected("a moment with its time zone");
                vec![finding.observed(why).at(&self.file, Some(cell.line))]
            })
        };
        Ok((read("started")?, read("finished")?))
    }

    fn drill(
        &self,
        record: &Record,
        started: Timestamp,
        finished: Timestamp,
        as_of: Timestamp,
    ) -> Vec<Finding> {
        let name = subject(record);
        let expected = format!("two revisions, at most {}, the contract unchanged", self.objective);
        let failed = |observed: String, column: &str| {
            ROLLBACK
                .failed(&name)
                .expected(&expected)
                .observed(observed)
                .at(&self.file, Some(record.cell(column).line))
        };
        let mut findings = Vec::new();
        if record.text("from revision") == record.text("to revision") {
            findings.push(failed("it went back to the revision that it came from".into(), "to revision"));
        }
        let took = started.duration_until(finished);
        if took <= SignedDuration::ZERO {
            findings.push(failed("it finished before it started".into(), "finished"));
        } else if took > self.objective.0 {
            findings.push(failed(format!("it took {}", span_of(took)), "finished"));
        }
        let age = finished.duration_until(as_of);
        if age.is_negative() {
            findings.push(failed(format!("{} lies in the future", record.text("finished")), "finished"));
        }
        if let Some(allowed) = self.max_age.filter(|allowed| age > allowed.0) {
            findings.push(failed(format!("it is {} old; {allowed} are allowed", span_of(age)), "finished"));
        }
        findings.extend(contract(record).map(|why| failed(why, "contract after")));
        if findings.is_empty() {
            let observed = format!("took {}, contract unchanged", span_of(took));
            let passed = ROLLBACK.passed(&name).expected(expected).observed(observed);
            let passed = passed.at(&self.file, Some(record.line));
            findings.push(until(passed, self.max_age, finished));
        }
        findings
    }
}

fn subject(record: &Record) -> String {
    format!("{} → {}", record.text("from revision"), record.text("to revision"))
}

/// Digests are compared as such: a word such as "same" shows nothing.
fn contract(record: &Record) -> Option<String> {
    let (before, after) = (record.text("contract before"), record.text("contract after"));
    let is_digest = |text: &str| {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        (12..=128).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if let Some(word) = [&before, &after].into_iter().find(|text| !is_digest(text)) {
        return Some(format!("'{word}' is no digest"));
    }
    (!before.eq_ignore_ascii_case(&after)).then(|| "the contract's digest changed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const YAML: &str = "rollbacks:\n  - from revision: gateway@42\n    to revision: gateway@41\n    started: 2026-11-20 10:00 UTC\n    finished: 2026-11-20 10:06 UTC\n    contract before: sha256:0123456789abcdef\n    contract after: sha256:0123456789ABCDEF\n";

    fn assess(text: &str) -> Vec<Finding> {
        let rule: RollbackRule = rule("file: a.yaml\nobjective: 10m\nmax_age: 30d\n");
        rule.assess(&Observed::of_texts(&[("a.yaml", text)]), "2026-11-27T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn revisions_duration_and_contract_are_judged() {
        right(&assess(YAML));
        for (from, to, part) in [
            ("gateway@41", "gateway@42", "a.yaml:3 gateway@42 → gateway@42: it went back to the revision"),
            ("10:06", "10:10:01", "a.yaml:5 gateway@42 → gateway@41: it took 10 min"),
            ("10:06", "09:06", "it finished before it started"),
            ("89ABCDEF", "89ABCDEE", "a.yaml:7 gateway@42 → gateway@41: the contract's digest changed"),
            ("sha256:0123456789ABCDEF", "the same", "'the same' is no digest"),
            ("gateway@41", "TBD", "failed artefact.fields a.yaml:3"),
            ("10:06 UTC", "10:06", "failed artefact.fields a.yaml:5"),
            ("2026-11-20", "2026-10-20", "it is 38 d old; 30 d are allowed"),
        ] {
            one(&assess(&YAML.replace(from, to)), part);
        }
        one(&assess("rollbacks: []\n"), "none");
    }
}
