//! Rule `audit-export`: as many rows exported as counted, period after period without a gap, the last one recent.

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{AUDIT_EXPORT, FIELDS},
    material::{Observed, Period, Record, Wanted, day},
    when_due::Due,
};
use crate::record::Finding;

const EXPORTS: Wanted = Wanted { key: "exports", columns: &["from", "to", "counted", "exported"] };

/// The log of the audit log's exports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct AuditExportRule {
    /// A page with a table `From, To, Counted, Exported` (days, both included), or YAML with a list `exports`.
    file: String,
    /// How long ago the last exported day may lie, such as `35d`.
    every: Period,
}

/// One export, understood.
struct Export<'r> {
    record: &'r Record,
    name: String,
    from: Date,
    to: Date,
}

impl AuditExportRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match EXPORTS.read(observed, &self.file) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        let (mut findings, mut exports) = (Vec::new(), Vec::new());
        for record in &records {
            match self.export(record) {
                Ok((export, count)) => {
                    exports.push(export);
                    findings.push(count);
                }
                Err(wrong) => findings.extend(wrong),
            }
        }
        exports.sort_by_key(|export| export.from);
        findings.extend(exports.windows(2).filter_map(|pair| self.join(&pair[0], &pair[1])));
        findings.push(match exports.iter().max_by_key(|export| export.to) {
            Some(last) => {
                let warn_before = Period(self.every.0 / 10);
                let subject = "last exported day";
                Due {
                    check: &AUDIT_EXPORT,
                    subject,
                    done: "exported up to",
                    last: last.to,
                    every: self.every,
                    warn_before,
                }
                .judge(as_of)
                .at(&self.file, Some(last.record.cell("to").line))
            }
            None => AUDIT_EXPORT
                .failed(&self.file)
                .expected("at least one export")
                .observed("none")
                .at(&self.file, None),
        });
        findings
    }

    /// The export, and whether its counts agree; or what is wrong with the record.
    fn export<'r>(&self, record: &'r Record) -> Result<(Export<'r>, Finding), Vec<Finding>> {
        let name = format!("{} to {}", record.text("from"), record.text("to"));
        let blanks = record.blanks(&name, EXPORTS.columns);
        if !blanks.is_empty() {
            return Err(blanks);
        }
        let wrong = |column: &str, why: String| {
            let finding = FIELDS.failed(format!("{name}, {column}")).expected("a day, or a number of rows");
            vec![finding.observed(why).at(&self.file, Some(record.cell(column).line))]
        };
        let days = |column: &str| day(&record.text(column)).map_err(|why| wrong(column, why));
        let rows = |column: &str| {
            let text = record.text(column);
            rows(&text).ok_or_else(|| wrong(column, format!("'{text}' is no number of rows")))
        };
        let (from, to, counted, exported) = (days("from")?, days("to")?, rows("counted")?, rows("exported")?);
        let observed = format!("{exported} exported, {counted} counted");
        let finding = if to < from {
            AUDIT_EXPORT.failed(&name).observed("it ends before it begins")
        } else if counted != exported {
            let lost = counted.abs_diff(exported);
            let word = if exported < counted { "missing" } else { "too many" };
            AUDIT_EXPORT.failed(&name).observed(format!("{observed}: {lost} {word}"))
        } else if counted == 0 {
            AUDIT_EXPORT.warned(&name).observed("no rows at all: was the right store counted?")
        } else {
            AUDIT_EXPORT.passed(&name).observed(observed)
        };
        let finding = finding.expected("as many rows exported as counted").at(&self.file, Some(record.line));
        Ok((Export { record, name, from, to }, finding))
    }

    /// Whether one period follows the other without a gap.
    fn join(&self, first: &Export<'_>, second: &Export<'_>) -> Option<Finding> {
        let next = first.to.tomorrow().ok()?;
        let subject = &second.name;
        let finding = if second.from > next {
            let last = second.from.yesterday().ok()?;
            AUDIT_EXPORT.failed(subject).observed(format!("nothing was exported from {next} to {last}"))
        } else if second.from < next {
            AUDIT_EXPORT.warned(subject).observed(format!("it overlaps with {}", first.name))
        } else {
            return None;
        };
        Some(finding.expected(format!("it begins {next}")).at(&self.file, Some(second.record.line)))
    }
}

/// A number of rows, with or without separators of thousands.
fn rows(text: &str) -> Option<u64> {
    let digits: String =
        text.chars().filter(|c| !matches!(c, ' ' | ',' | '_' | '\u{a0}' | '\u{202f}')).collect();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const PAGE: &str = "| From | To | Counted | Exported |\n|---|---|---|---|\n| 2026-10-01 | 2026-10-31 | 1,018,220 | 1018220 |\n| 2026-09-01 | 2026-09-30 | 998 | 998 |\n";

    fn assess(text: &str, as_of: &str) -> Vec<Finding> {
        let rule: AuditExportRule = rule("file: a.md\nevery: 35d\n");
        rule.assess(&Observed::of_texts(&[("a.md", text)]), as_of.parse().unwrap())
    }

    #[test]
    fn counts_gaps_and_age_are_judged() {
        right(&assess(PAGE, "2026-11-27T12:00:00Z"));
        for (from, to, part) in [
            (
                "1018220",
                "1018219",
                "failed audit.export a.md:3 2026-10-01 to 2026-10-31: 1018219 exported, 1018220 counted: 1 missing",
            ),
            ("1018220", "1018221", "1 too many"),
            ("998 | 998", "0 | 0", "warned audit.export a.md:4"),
            ("2026-10-01", "2026-10-02", "nothing was exported from 2026-10-01 to 2026-10-01"),
            ("2026-10-01", "2026-09-30", "warned audit.export a.md:3 2026-09-30 to 2026-10-31: it overlaps"),
            (
                "1018220",
                "many",
                "failed artefact.fields a.md:3 2026-10-01 to 2026-10-31, exported: 'many' is no number",
            ),
            ("1018220", "-5", "'-5' is no number"),
        ] {
            let findings = assess(&PAGE.replace(from, to), "2026-11-27T12:00:00Z");
            // Without the export of October the last exported day is too old as well.
            let told = super::super::trial::told(&findings);
            assert!(told.len() == 1 || told.len() == 2 && told[1].contains("due 2026-11-04"), "{told:#?}");
            assert!(told[0].contains(part), "'{part}' in {told:#?}");
        }
        one(
            &assess(PAGE, "2026-12-06T12:00:00Z"),
            "failed audit.export a.md:3 last exported day: exported up to 2026-10-31, due 2026-12-05",
        );
        one(
            &assess("| From | To | Counted | Exported |\n|---|---|---|---|\n", "2026-11-27T12:00:00Z"),
            "none",
        );
    }
}
