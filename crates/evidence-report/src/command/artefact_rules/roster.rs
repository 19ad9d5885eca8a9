//! Rule `roster`: every rotation has a primary and another secondary, and the escalation order is complete.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::{ESCALATION, ROSTER},
    material::{Observed, Record, Wanted, normalised},
    steps::{Step, minutes, rising},
};
use crate::record::Finding;

const ROTATIONS: Wanted = Wanted { key: "roster", columns: &["rotation", "primary", "secondary"] };
const STEPS: Wanted = Wanted { key: "escalation", columns: &["after", "then"] };

/// The on-call roster and its escalation order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct RosterRule {
    /// A page with the tables `Rotation, Primary, Secondary` and `After, Then`; or YAML with the lists `roster`
    /// and `escalation`.
    file: String,
}

impl RosterRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed) -> Vec<Finding> {
        let mut findings = match ROTATIONS.read(observed, &self.file) {
            Ok(rotations) => self.rotations(&rotations),
            Err(finding) => vec![*finding],
        };
        match STEPS.read(observed, &self.file) {
            Ok(steps) => findings.extend(self.escalation(&steps)),
            Err(finding) => findings.push(*finding),
        }
        findings
    }

    fn rotations(&self, rotations: &[Record]) -> Vec<Finding> {
        if rotations.is_empty() {
            let finding = ROSTER.failed(&self.file).expected("at least one rotation").observed("none");
            return vec![finding.at(&self.file, None)];
        }
        let mut findings = Vec::new();
        for rotation in rotations {
            let name = rotation.text("rotation");
            let subject = if name.is_empty() { "a rotation without a name" } else { &name };
            let blanks = rotation.blanks(subject, &["rotation", "primary", "secondary"]);
            let (primary, secondary) = (rotation.text("primary"), rotation.text("secondary"));
            if !blanks.is_empty() {
                findings.extend(blanks);
                continue;
            }
            let same = |other: &&Record| normalised(&other.text("rotation")) == normalised(&name);
            let first = rotations.iter().find(same).filter(|first| first.line < rotation.line);
            let finding = if let Some(first) = first {
                ROSTER.failed(subject).observed(format!("it stands twice, first in line {}", first.line))
            } else if normalised(&primary) == normalised(&secondary) {
                ROSTER.failed(subject).observed(format!("both are {primary}"))
            } else {
                ROSTER.passed(subject).observed(format!("{primary}, then {secondary}"))
            };
            let finding = finding.expected("a primary, and somebody else as secondary");
            findings.push(finding.at(&self.file, Some(rotation.cell("secondary").line)));
        }
        findings
    }

    fn escalation(&self, records: &[Record]) -> Vec<Finding> {
        let expected = "primary at 0, then secondary, then somebody else; each later than the one before";
        let failed = |observed: String, line: Option<u32>| {
            ESCALATION.failed("escalation order").expected(expected).observed(observed).at(&self.file, line)
        };
        let blanks: Vec<_> =
            records.iter().flat_map(|record| record.blanks("escalation order", &["after", "then"])).collect();
        if !blanks.is_empty() {
            return blanks;
        }
        let steps: Vec<_> = (records.iter())
            .map(|record| Step {
                value: minutes(&record.text("after")),
                line: record.cell("after").line,
                text: record.text("after"),
            })
            .collect();
        let mut findings: Vec<_> = rising(&steps, "minutes")
            .into_iter()
            .map(|(line, message)| failed(message, Some(line)))
            .collect();
        if steps.first().is_some_and(|step| step.value.is_some_and(|value| value > 0.0)) {
            findings.push(failed(format!("it begins at '{}'", steps[0].text), Some(steps[0].line)));
        }
        // Who is called stands in `then`; in `after` only, after what.
        let whom: Vec<_> = records.iter().map(|record| record.text("then").to_lowercase()).collect();
        let place = |word: &str| whom.iter().position(|text| text.contains(word));
        let (primary, secondary) = (place("primary"), place("secondary"));
        let last = records.last().map(|record| record.line);
        match (primary, secondary) {
            (None, _) => findings.push(failed("nobody says `primary`".into(), last)),
            (_, None) => findings.push(failed("nobody says `secondary`".into(), last)),
            (Some(primary), Some(secondary)) if primary >= secondary => {
                findings.push(failed(
                    "the secondary is called before the primary".into(),
                    Some(records[secondary].line),
                ));
            }
            (Some(_), Some(secondary))
                if !whom[secondary + 1..].iter().any(|step| is_somebody_else(step)) =>
            {
                findings.push(failed(
                    "nobody but the two is called after the secondary: nobody decides when both are silent"
                        .into(),
                    last,
                ));
            }
            (Some(_), Some(_)) => {}
        }
        for (index, step) in whom.iter().enumerate().filter(|(_, step)| !step.trim().is_empty()) {
            if whom[..index].iter().any(|earlier| normalised(earlier) == normalised(step)) {
                let line = Some(records[index].line);
                findings.push(failed(format!("'{}' is called twice", records[index].text("then")), line));
            }
        }
        if findings.is_empty() {
            let observed = format!("{} steps", records.len());
            findings.push(
                ESCALATION
                    .passed("escalation order")
                    .expected(expected)
                    .observed(observed)
                    .at(&self.file, None),
            );
        }
        findings
    }
}

/// Whether a step calls anybody beside the primary and the secondary: it has a word that is about neither of them.
fn is_somebody_else(step: &str) -> bool {
    const OF_THE_TWO: [&str; 24] = [
        "primary",
        "secondary",
        "on",
        "call",
        "calls",
        "called",
        "oncall",
        "the",
        "a",
        "is",
        "are",
        "and",
        "or",
        "both",
        "again",
        "once",
        "more",
        "second",
        "time",
        "page",
        "paged",
        "phone",
        "phoned",
        "told",
    ];
    let mut words = step.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| !OF_THE_TWO.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const PAGE: &str = "| Rotation | Primary | Secondary |\n|---|---|---|\n| API | SRE on-call | Platform on-call |\n\n| After | Then |\n|---|---|\n| 0 minutes | primary is paged |\n| 5 minutes | secondary is paged |\n| 1 hour, SEV1 | SRE Lead is called |\n";

    fn assess(file: &str, text: &str) -> Vec<Finding> {
        let rule: RosterRule = rule(&format!("file: {file}\n"));
        rule.assess(&Observed::of_texts(&[(file, text)]))
    }

    #[test]
    fn a_page_and_a_list_pass() {
        right(&assess("a.md", PAGE));
        right(&assess(
            "a.yaml",
            "roster:\n  - {rotation: API, primary: a, secondary: b}\nescalation:\n  - {after: 0 minutes, then: primary}\n  - {after: 5 minutes, then: secondary}\n  - {after: 10 minutes, then: lead}\n",
        ));
    }

    #[test]
    fn what_is_missing_is_told_with_its_line() {
        for (from, to, part) in [
            ("Platform on-call", "–", "failed artefact.fields a.md:3 API: 'secondary' says nothing"),
            ("Platform on-call", "SRE On-Call", "failed oncall.roster a.md:3 API: both are SRE on-call"),
            ("| API | SRE on-call | Platform on-call |\n", "", "at least"),
            (
                "Platform on-call |\n",
                "Platform on-call |\n| api | Platform on-call | SRE on-call |\n",
                "failed oncall.roster a.md:4 api: it stands twice, first in line 3",
            ),
            ("| 0 minutes", "| 1 minute", "a.md:7 escalation order: it begins at '1 minute'"),
            ("5 minutes", "0 minutes", "a.md:8 escalation order: '0 minutes' is not later"),
            ("5 minutes", "soon", "a.md:8 escalation order: 'soon' is no number of minutes"),
            ("primary is", "somebody is", "nobody says `primary`"),
            ("| 1 hour, SEV1 | SRE Lead is called |\n", "", "a.md:8 escalation order: nobody but the two"),
            ("SRE Lead is called", "secondary, once more", "a.md:9 escalation order: nobody but the two"),
            (
                "SRE Lead is called",
                "SRE Lead |\n| 2 hours | sre lead",
                "a.md:10 escalation order: 'sre lead' is called twice",
            ),
            ("SRE Lead is called", "secondary |\n| 2 hours | SRE Lead joins primary and secondary", ""),
            ("secondary is", "TBD |\n| 6 minutes | secondary is", "says nothing"),
        ] {
            let findings = assess("a.md", &PAGE.replace(from, to));
            if part == "at least" {
                assert!(findings.iter().any(|finding| finding.expected.contains(part)), "{findings:?}");
            } else if part.is_empty() {
                right(&findings);
            } else if part == "says nothing" {
                one(&findings, "");
            } else {
                one(&findings, part);
            }
        }
        one(
            &assess("a.md", &PAGE.replace("After", "When")),
            "failed artefact.readable a.md:5 a.md: the table here lacks: after",
        );
    }
}
