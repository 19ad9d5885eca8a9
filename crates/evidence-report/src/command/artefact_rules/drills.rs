//! Rule `drills`: the calendar has every kind of drill, executed not too long ago and planned ahead, and no
//! planned day has passed without its drill.

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{DRILL_EXECUTED, DRILL_PLANNED, FIELDS},
    material::{Observed, Period, Record, Wanted, day, end_of, utc_day},
    some::some,
    when_due::Due,
};
use crate::record::Finding;

const DRILLS: Wanted =
    Wanted { key: "drills", columns: &["drill", "kind", "planned", "executed", "outcome"] };

/// The calendar of drills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct DrillsRule {
    /// A page with a table `Drill, Kind, Planned, Executed, Outcome`, or YAML with a list `drills`.
    file: String,
    /// The kinds that there must be.
    #[serde(default = "both_kinds", deserialize_with = "some")]
    #[schemars(length(min = 1))]
    kinds: Vec<String>,
    /// How long ago the last drill of a kind may lie.
    #[serde(default = "half_a_year")]
    every: Period,
}

fn both_kinds() -> Vec<String> {
    vec!["tabletop".to_owned(), "restore".to_owned()]
}

const fn half_a_year() -> Period {
    Period::days(183)
}

/// An entry of a calendar, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Planned {
    pub(in crate::command) drill: String,
    pub(in crate::command) kind: String,
    pub(in crate::command) planned: Option<Date>,
    pub(in crate::command) executed: Option<Date>,
    pub(in crate::command) path: String,
    pub(in crate::command) line: u32,
}

/// A drill whose days can be read.
struct Drill<'r> {
    record: &'r Record,
    planned: Option<Date>,
    executed: Option<Date>,
}

impl DrillsRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match DRILLS.read(observed, &self.file) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        let today = utc_day(as_of);
        let (mut findings, mut drills) = (Vec::new(), Vec::new());
        for record in &records {
            findings.extend(record.blanks(&record.text("drill"), &["drill", "kind"]));
            let (planned, executed) = (read(record, "planned"), read(record, "executed"));
            match (planned, executed) {
                (Ok(planned), Ok(executed)) => drills.push(Drill { record, planned, executed }),
                (planned, executed) => {
                    findings.extend([planned.err(), executed.err()].into_iter().flatten().map(|f| *f))
                }
            }
        }
        findings.extend(drills.iter().flat_map(|drill| self.one(drill, today)));
        findings.extend(self.kinds.iter().flat_map(|kind| self.kind(kind, &drills, as_of, today)));
        findings
    }

    /// The entries that can be read; what cannot is told by `assess`.
    pub(super) fn calendar(&self, observed: &Observed) -> Vec<Planned> {
        let records = DRILLS.read(observed, &self.file).unwrap_or_default();
        let days = |record: &Record| Some((read(record, "planned").ok()?, read(record, "executed").ok()?));
        let readable = records.iter().filter_map(|record| Some((record, days(record)?)));
        let entries = readable.map(|(record, (planned, executed))| Planned {
            drill: record.text("drill"),
            kind: record.text("kind"),
            planned,
            executed,
            path: self.file.clone(),
            line: record.line,
        });
        entries.filter(|entry| entry.planned.or(entry.executed).is_some()).collect()
    }

    /// What is to be said about one drill by itself.
    fn one(&self, drill: &Drill<'_>, today: Date) -> Vec<Finding> {
        let subject = drill.record.text("drill");
        match (drill.planned, drill.executed) {
            (None, None) => {
                let finding =
                    DRILL_PLANNED.failed(subject).expected("a day").observed("neither planned nor executed");
                vec![finding.at(&self.file, Some(drill.record.line))]
            }
            (Some(planned), None) if planned < today => {
                let finding = DRILL_EXECUTED.failed(subject).expected("executed, or planned anew");
                let observed = format!("planned for {planned}, and not executed");
                vec![finding.observed(observed).at(&self.file, Some(drill.record.cell("planned").line))]
            }
            (Some(planned), None) => {
                let finding = DRILL_EXECUTED.passed(subject).expected("executed, or planned anew");
                let finding = finding.observed(format!("planned for {planned}")).hurts_at(end_of(planned));
                vec![finding.at(&self.file, Some(drill.record.cell("planned").line))]
            }
            (_, Some(_)) => drill.record.blanks(&subject, &["outcome"]),
        }
    }

    fn kind(&self, kind: &str, drills: &[Drill<'_>], as_of: Timestamp, today: Date) -> [Finding; 2] {
        let is = |drill: &&Drill<'_>| {
            let kinds = drill.record.text("kind").to_lowercase();
            kinds.split([',', '/']).any(|word| word.trim() == kind.to_lowercase())
        };
        let of_kind: Vec<_> = drills.iter().filter(is).collect();
        let last = of_kind
            .iter()
            .filter_map(|drill| Some((drill.executed?, drill.record)))
            .max_by_key(|(day, _)| *day);
        let executed = match last {
            Some((last, record)) => {
                let warn_before = Period(self.every.0 / 10);
                Due {
                    check: &DRILL_EXECUTED,
                    subject: kind,
                    done: "executed",
                    last,
                    every: self.every,
                    warn_before,
                }
                .judge(as_of)
                .at(&self.file, Some(record.cell("executed").line))
            }
            None => DRILL_EXECUTED
                .failed(kind)
                .expected(format!("executed within {}", self.every))
                .observed("never executed")
                .at(&self.file, of_kind.first().map(|drill| drill.record.line)),
        };
        let ahead = of_kind.iter().filter(|drill| drill.executed.is_none());
        let next = ahead.filter_map(|drill| drill.planned.filter(|day| *day >= today)).min();
        let planned = match next {
            Some(next) => DRILL_PLANNED.passed(kind).observed(format!("next {next}")).hurts_at(end_of(next)),
            None => DRILL_PLANNED.failed(kind).observed("no day ahead"),
        };
        [executed, planned.expected("a day ahead").at(&self.file, None)]
    }
}

/// A day; `None` where nothing stands.
fn read(record: &Record, column: &str) -> Result<Option<Date>, Box<Finding>> {
    let cell = record.cell(column);
    if cell.text.is_empty() {
        return Ok(None);
    }
    day(&cell.text).map(Some).map_err(|why| {
        let finding =
            FIELDS.failed(format!("{}, {column}", record.text("drill"))).expected("a day, or nothing");
        Box::new(finding.observed(why).at(&record.path, Some(cell.line)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const PAGE: &str = "| Drill | Kind | Planned | Executed | Outcome |\n|---|---|---|---|---|\n| Lost database | restore, live | 2026-10-10 | 2026-10-12 | 41 min |\n| Silent provider | Tabletop | 2026-11-01 | 2026-11-01 | two follow-ups |\n| Lost region | restore | 2027-01-12 | – | – |\n| Expired CA | tabletop | 2026-11-27 | | |\n";

    fn assess(text: &str, as_of: &str) -> Vec<Finding> {
        let rule: DrillsRule = rule("file: a.md\nevery: 90d\n");
        rule.assess(&Observed::of_texts(&[("a.md", text)]), as_of.parse().unwrap())
    }

    #[test]
    fn both_kinds_executed_and_planned_pass_until_a_planned_day_is_over() {
        right(&assess(PAGE, "2026-11-27T23:59:59Z"));
        let next = told(&assess(PAGE, "2026-11-28T00:00:00Z"));
        assert_eq!(
            next,
            [
                "failed drill.executed a.md:6 Expired CA: planned for 2026-11-27, and not executed",
                "failed drill.planned a.md tabletop: no day ahead",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_told() {
        let now = "2026-11-20T12:00:00Z";
        for (from, to, part) in [
            ("| 2026-10-12 | 41 min |", "| | |", "failed drill.executed"),
            ("41 min", "TBD", "failed artefact.fields a.md:3 Lost database: 'outcome' says nothing"),
            ("2026-10-12", "2026-12-12", "a day that has not come"),
            ("2026-10-12", "Q4", "failed artefact.fields a.md:3 Lost database, executed: 'Q4' is no day"),
            ("| 2027-01-12 |", "| |", "neither planned nor executed"),
            ("Tabletop", "table", "failed drill.executed a.md:6 tabletop: never executed"),
            (
                "2026-10-12",
                "2026-07-12",
                "failed drill.executed a.md:3 restore: executed 2026-07-12, due 2026-10-10",
            ),
        ] {
            let told = told(&assess(&PAGE.replacen(from, to, 1), now));
            assert!(told.iter().any(|line| line.contains(part)), "'{part}' in {told:#?}");
        }
        one(&assess("no table\n", now), "failed artefact.readable a.md a.md: no such table");
    }
}
