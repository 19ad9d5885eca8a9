//! Rule `rotation`: the log's last rotation of every class of secret, held against the class's cadence.

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{FIELDS, ROTATION},
    material::{Observed, Period, Record, Wanted, day, normalised},
    some::some,
    when_due::Due,
};
use crate::record::Finding;

const LOG: Wanted = Wanted { key: "rotations", columns: &["secret", "rotated", "by"] };

/// The log of rotations.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct RotationRule {
    /// A page with a table `Secret, Rotated, By`, or YAML with a list `rotations`.
    log: String,
    /// The classes of secrets, and how often each is rotated.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    classes: Vec<SecretClass>,
    /// How long before the end it warns.
    #[serde(default = "a_week")]
    warn_before: Period,
}

/// A class of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecretClass {
    /// Its name in the log's column `Secret`, such as `JWT signing key`.
    name: String,
    /// How often it is rotated, such as `30d`.
    cadence: Period,
}

const fn a_week() -> Period {
    Period::days(7)
}

impl RotationRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.log]
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let records = match LOG.read(observed, &self.log) {
            Ok(records) => records,
            Err(finding) => return vec![*finding],
        };
        let mut findings = Vec::new();
        let mut rotations: Vec<(&Record, Date)> = Vec::new();
        for record in &records {
            let subject = record.text("secret");
            let blanks = record.blanks(&subject, LOG.columns);
            let cell = record.cell("rotated");
            if !blanks.is_empty() {
                findings.extend(blanks);
                continue;
            }
            if !self.classes.iter().any(|class| normalised(&class.name) == normalised(&subject)) {
                findings.push(
                    ROTATION
                        .warned(&subject)
                        .expected("a class that the policy names")
                        .observed("the policy names no such class, so nobody judges its cadence")
                        .remedy("Write the class as the policy does, or add it to the policy.")
                        .at(&self.log, Some(record.line)),
                );
            }
            match day(&cell.text) {
                Ok(day) => rotations.push((record, day)),
                Err(why) => {
                    let finding = FIELDS.failed(&subject).expected("the day of the rotation").observed(why);
                    findings.push(finding.at(&self.log, Some(cell.line)));
                }
            }
        }
        findings.extend(self.classes.iter().map(|class| self.class(class, &rotations, as_of)));
        findings
    }

    fn class(&self, class: &SecretClass, rotations: &[(&Record, Date)], as_of: Timestamp) -> Finding {
        let own = rotations
            .iter()
            .filter(|(record, _)| normalised(&record.text("secret")) == normalised(&class.name));
        let Some((record, last)) = own.max_by_key(|(_, day)| *day) else {
            let finding = ROTATION.failed(&class.name).expected(format!("rotated within {}", class.cadence));
            return finding.observed("the log has no rotation of it").at(&self.log, None);
        };
        let due = Due {
            check: &ROTATION,
            subject: &class.name,
            done: "rotated",
            last: *last,
            every: class.cadence,
            warn_before: self.warn_before,
        };
        due.judge(as_of).at(&self.log, Some(record.cell("rotated").line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const LOG: &str = "# Log\n\n| Secret | Rotated | By |\n|---|---|---|\n| application secrets | 2026-06-01 | Platform |\n| JWT signing key | 2026-11-10 | Security |\n| `application secrets` | 2026-09-20 | Platform |\n";

    fn assess(text: &str, as_of: &str) -> Vec<Finding> {
        let rule: RotationRule = rule(
            "log: a.md\nclasses:\n  - {name: Application secrets, cadence: 90d}\n  - {name: JWT signing key, cadence: 30d}\n",
        );
        rule.assess(&Observed::of_texts(&[("a.md", text)]), as_of.parse().unwrap())
    }

    #[test]
    fn the_last_rotation_of_each_class_counts() {
        right(&assess(LOG, "2026-11-27T12:00:00Z"));
        one(
            &assess(LOG, "2026-12-05T12:00:00Z"),
            "warned secrets.rotation a.md:6 JWT signing key: rotated 2026-11-10, due 2026-12-10: 5 d left",
        );
        one(&assess(LOG, "2026-12-11T00:00:00Z"), "failed secrets.rotation a.md:6 JWT signing key");
    }

    #[test]
    fn a_class_without_rotation_and_entries_that_say_little_are_told() {
        let now = "2026-11-27T12:00:00Z";
        for (from, to, part) in [
            (
                "| 2026-09-20 |",
                "| 2026-02-30 |",
                "failed artefact.fields a.md:7 application secrets: '2026-02-30' is no day",
            ),
            (
                "| 2026-11-10 | Security |",
                "| 2026-11-10 | TBD |",
                "failed artefact.fields a.md:6 JWT signing key: 'By' says nothing",
            ),
            ("JWT signing key", "JWT", "the policy names no such class"),
            ("2026-11-10", "2026-12-10", "a day that has not come"),
        ] {
            let told = super::super::trial::told(&assess(&LOG.replace(from, to), now));
            assert!(
                told.iter().any(|line| line.to_lowercase().contains(&part.to_lowercase())),
                "'{part}' in {told:#?}"
            );
        }
        one(
            &assess(
                "| Secret | Rotated | By |\n|---|---|---|\n| application secrets | 2026-11-01 | x |\n",
                now,
            ),
            "failed secrets.rotation a.md JWT signing key: the log has no rotation",
        );
    }
}
