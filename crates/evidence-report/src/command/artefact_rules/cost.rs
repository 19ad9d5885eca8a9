//! Rule `cost`: every area of cost has a dashboard and thresholds that rise; the budget has an escalation.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    checks::COST,
    material::{Observed, Record, Wanted, normalised},
    some::some,
    steps::{Step, number_and_unit, percent, rising},
};
use crate::record::Finding;

const AREAS: Wanted = Wanted { key: "cost", columns: &["area", "dashboard", "warn", "page", "owner"] };
const BUDGET: Wanted = Wanted { key: "budget", columns: &["at", "then"] };

/// Cost guardrails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct CostRule {
    /// A page with the tables `Area, Dashboard, Warn, Page, Owner` and `At, Then` (percents of the budget), or
    /// YAML with the lists `cost` and `budget`.
    file: String,
    /// The areas that there must be.
    #[serde(default = "all_areas", deserialize_with = "some")]
    #[schemars(length(min = 1))]
    areas: Vec<String>,
}

fn all_areas() -> Vec<String> {
    ["compute", "storage", "egress"].map(str::to_owned).to_vec()
}

impl CostRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        vec![&self.file]
    }

    pub(super) fn assess(&self, observed: &Observed) -> Vec<Finding> {
        let mut findings = match AREAS.read(observed, &self.file) {
            Ok(records) => self.areas(&records),
            Err(finding) => vec![*finding],
        };
        match BUDGET.read(observed, &self.file) {
            Ok(records) => findings.extend(self.budget(&records)),
            Err(finding) => findings.push(*finding),
        }
        findings
    }

    fn areas(&self, records: &[Record]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for area in &self.areas {
            let own: Vec<_> = records
                .iter()
                .filter(|record| normalised(&record.text("area")) == normalised(area))
                .collect();
            if own.is_empty() {
                let finding =
                    COST.failed(area).expected("a dashboard and thresholds").observed("no row of this area");
                findings.push(finding.at(&self.file, None));
            }
            findings.extend(own.into_iter().flat_map(|record| self.area(area, record)));
        }
        findings
    }

    fn area(&self, area: &str, record: &Record) -> Vec<Finding> {
        let blanks = record.blanks(area, AREAS.columns);
        if !blanks.is_empty() {
            return blanks;
        }
        let expected = "a linked dashboard; warn below page, in the same unit";
        let (dashboard, warn, page) = (record.cell("dashboard"), record.cell("warn"), record.cell("page"));
        let failed = |observed: String, line| {
            COST.failed(area).expected(expected).observed(observed).at(&self.file, Some(line))
        };
        let mut findings = Vec::new();
        // `[cost]()` and `[cost](#)` lead nowhere.
        if !dashboard.links.iter().any(|link| link.trim_start_matches('#').trim().len() > 1) {
            findings.push(failed("the dashboard is no link".into(), dashboard.line));
        }
        match (amount(&warn.text), amount(&page.text)) {
            (Some((low, of)), Some((high, as_of))) if of == as_of && low < high => {}
            (Some((_, of)), Some((_, as_of))) if of != as_of => {
                findings.push(failed(
                    format!("'{}' and '{}' are in different units", warn.text, page.text),
                    page.line,
                ));
            }
            (Some(_), Some(_)) => {
                findings.push(failed(
                    format!("it pages at {}, and warns at {} only", page.text, warn.text),
                    page.line,
                ));
            }
            (None, _) => findings.push(failed(format!("'{}' is no threshold", warn.text), warn.line)),
            (_, None) => findings.push(failed(format!("'{}' is no threshold", page.text), page.line)),
        }
        if findings.is_empty() {
            let observed = format!("warns at {}, pages at {}", warn.text, page.text);
            findings.push(
                COST.passed(area).expected(expected).observed(observed).at(&self.file, Some(record.line)),
            );
        }
        findings
    }

    fn budget(&self, records: &[Record]) -> Vec<Finding> {
        let subject = "budget escalation";
        let blanks: Vec<_> =
            records.iter().flat_map(|record| record.blanks(subject, BUDGET.columns)).collect();
        if !blanks.is_empty() {
            return blanks;
        }
        let expected = "percents of the budget that rise to 100 or more, each with what happens then";
        let steps: Vec<_> = records
            .iter()
            .map(|record| {
                let cell = record.cell("at");
                Step { value: percent(&cell.text), line: cell.line, text: cell.text }
            })
            .collect();
        let failed = |observed: String, line| {
            COST.failed(subject).expected(expected).observed(observed).at(&self.file, line)
        };
        let mut findings: Vec<_> =
            rising(&steps, "percent").into_iter().map(|(line, why)| failed(why, Some(line))).collect();
        match steps.last().and_then(|step| step.value) {
            Some(last) if last < 100.0 => {
                findings.push(failed(format!("it ends at {last} %"), steps.last().map(|step| step.line)));
            }
            _ if findings.is_empty() => {
                let observed = format!("{} steps", steps.len());
                findings
                    .push(COST.passed(subject).expected(expected).observed(observed).at(&self.file, None));
            }
            _ => {}
        }
        findings
    }
}

/// A number with its unit, on either side: `EUR 900`, `900 €/day`, `80 %`.
fn amount(text: &str) -> Option<(f64, String)> {
    let plain = text.replace([',', '\u{a0}', '\u{202f}'], "");
    let start = plain.find(|c: char| c.is_ascii_digit())?;
    let unit_before = plain[..start].trim().to_lowercase();
    let (number, _) = number_and_unit(&plain[start..])?;
    let rest =
        plain[start..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim().to_lowercase();
    Some((number, format!("{unit_before}{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule};

    const PAGE: &str = "| Area | Dashboard | Warn | Page | Owner |\n|---|---|---|---|---|\n| Compute | [cost-1](https://grafana.example/d/1) | EUR 900 | EUR 1,200 | Platform |\n| storage | https://grafana.example/d/2 | 80 % | 95 % | Platform |\n| egress | [cost-3](../dash/3.json) | 40 GB/day | 60 GB/day | FinOps |\n\n| At | Then |\n|---|---|\n| 70 % | FinOps is told |\n| 100 % | the duty manager decides |\n";

    fn assess(text: &str) -> Vec<Finding> {
        let rule: CostRule = rule("file: a.md\n");
        rule.assess(&Observed::of_texts(&[("a.md", text)]))
    }

    #[test]
    fn areas_and_budget_are_judged() {
        right(&assess(PAGE));
        for (from, to, part) in [
            ("| egress |", "| other |", "failed cost.guardrails a.md egress: no row of this area"),
            ("[cost-1](https://grafana.example/d/1)", "to come", "a.md:3 Compute: the dashboard is no link"),
            ("https://grafana.example/d/1", "#", "a.md:3 Compute: the dashboard is no link"),
            ("https://grafana.example/d/1", "", "a.md:3 Compute: the dashboard is no link"),
            ("| 80 %", "| 95 %", "it pages at 95 %, and warns at 95 % only"),
            ("EUR 900", "USD 900", "'USD 900' and 'EUR 1,200' are in different units"),
            ("EUR 900", "some", "'some' is no threshold"),
            (
                "60 GB/day | FinOps",
                "60 GB/day | ",
                "failed artefact.fields a.md:5 egress: 'owner' says nothing",
            ),
            ("| 100 %", "| 60 %", ""),
            ("| 70 %", "| 100 %", "'100 %' is not later than the step before"),
            ("| 70 %", "| 70", "'70' is no number of percent"),
        ] {
            let part = part.replace("Compute", "compute");
            let findings = assess(&PAGE.replace(from, to));
            if part.is_empty() {
                assert_eq!(super::super::trial::told(&findings).len(), 2, "{findings:?}");
            } else {
                one(&findings, &part);
            }
        }
    }
}
