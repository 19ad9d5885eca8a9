//! Rule `config-diff`: environments' configurations differ only under the keys of the allow-list, risky
//! differences are approved, and nothing that is named like a secret holds one. Values that look like secrets
//! are never shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    checks::{CONFIG_APPROVAL, CONFIG_DIFFERENCE, CONFIG_SECRET, FIELDS},
    key_paths::{Leaf, fits, flatten, holds_secret, shown},
    material::{Observed, Record, Wanted, day, end_of, utc_day},
};
use crate::record::{Finding, Requirement};

const APPROVALS: Wanted = Wanted { key: "approvals", columns: &["key", "approver", "date"] };

/// Configuration per environment, held against each other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct ConfigDiffRule {
    /// From the environment to its file (YAML, JSON, TOML or .env), two at least.
    #[serde(deserialize_with = "two")]
    #[schemars(extend("minProperties" = 2))]
    environments: BTreeMap<String, String>,
    /// Keys that may differ. A key is a path such as `log.level`; `*` stands for one part, `**` for any.
    #[serde(default)]
    may_differ: Vec<String>,
    /// Keys under which a difference needs an approval record.
    #[serde(default)]
    risky: Vec<String>,
    /// A page with a table `Key, Approver, Date`, or YAML with a list `approvals`; a column `Until` ends one.
    #[serde(default)]
    approvals: Option<String>,
}

/// What differs: in every environment the value of a key, or none.
type Difference<'l> = BTreeMap<&'l str, Option<&'l Leaf>>;

/// What is held against itself never differs.
fn two<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let environments = BTreeMap::<String, String>::deserialize(deserializer)?;
    let files: BTreeSet<_> = environments.values().collect();
    if files.len() < 2 || files.len() < environments.len() {
        return Err(D::Error::custom("at least two environments, each with a file of its own"));
    }
    Ok(environments)
}

impl ConfigDiffRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        self.environments.values().chain(&self.approvals).map(String::as_str).collect()
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let (mut findings, mut leaves) = (Vec::new(), BTreeMap::new());
        for (environment, path) in &self.environments {
            match observed.document(path) {
                Ok(document) => {
                    leaves.insert(environment.as_str(), flatten(&document));
                }
                Err(finding) => findings.push(*finding),
            }
        }
        findings.extend(self.secrets(&leaves));
        findings.extend(leaves.iter().filter(|(_, keys)| keys.is_empty() || keys.contains_key("")).map(
            |(environment, _)| {
                let finding = CONFIG_DIFFERENCE
                    .failed(*environment)
                    .expected("keys and values")
                    .observed("there is no key in it");
                finding.at(&self.environments[*environment], None)
            },
        ));
        if leaves.len() < self.environments.len() || leaves.len() < 2 {
            let why = "fewer than two environments, or one of them cannot be read";
            findings.push(
                CONFIG_DIFFERENCE
                    .not_checked(Requirement::Required, "environments", why)
                    .at(self.place(), None),
            );
            return findings;
        }
        let differences = differences(&leaves);
        let mut wrong = self.beyond(&differences);
        wrong.extend(self.idle(&differences));
        if wrong.is_empty() {
            let observed = format!("{} keys differ, all of them allowed", differences.len());
            wrong.push(
                CONFIG_DIFFERENCE
                    .passed(self.names())
                    .expected("differences on the allow-list only")
                    .observed(observed),
            );
        }
        findings.extend(wrong);
        findings.extend(self.approval(&differences, observed, as_of));
        findings
    }

    /// Whether it names keys under which a difference needs an approval.
    pub(super) fn names_risks(&self) -> bool {
        !self.risky.is_empty()
    }

    /// Whether approvals are read.
    pub(super) fn reads_approvals(&self) -> bool {
        self.names_risks() && self.approvals.is_some()
    }

    fn names(&self) -> String {
        self.environments.keys().cloned().collect::<Vec<_>>().join(", ")
    }

    /// The file of the first environment.
    fn place(&self) -> &str {
        self.environments.values().next().map_or("", String::as_str)
    }

    fn secrets(&self, leaves: &BTreeMap<&str, BTreeMap<String, Leaf>>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (environment, keys) in leaves {
            for (key, leaf) in keys.iter().filter(|(key, leaf)| holds_secret(key, leaf)) {
                findings.push(
                    CONFIG_SECRET
                        .failed(format!("{environment}, {key}"))
                        .expected("a reference to the secret")
                        .observed(format!("a value of {} characters stands there", leaf.text.chars().count()))
                        .at(&self.environments[*environment], Some(leaf.line)),
                );
            }
        }
        if findings.is_empty() && !leaves.is_empty() {
            let passed = CONFIG_SECRET.passed(self.names()).expected("references in place of secrets");
            findings.push(passed.observed("no key that is named like a secret holds one"));
        }
        findings
    }

    fn beyond(&self, differences: &BTreeMap<&str, Difference<'_>>) -> Vec<Finding> {
        let not_allowed =
            differences.iter().filter(|(key, _)| !self.may_differ.iter().any(|pattern| fits(pattern, key)));
        not_allowed
            .map(|(key, values)| {
                let (path, line) = self.spot(values);
                CONFIG_DIFFERENCE
                    .failed(*key)
                    .expected("the same in every environment, or on the allow-list")
                    .observed(told(key, values))
                    .at(path, line)
            })
            .collect()
    }

    /// Where the first environment that has the key has it.
    fn spot(&self, values: &Difference<'_>) -> (&str, Option<u32>) {
        let first = values.iter().find_map(|(environment, leaf)| Some((*environment, (*leaf)?.line)));
        first
            .map_or((self.place(), None), |(environment, line)| (&self.environments[environment], Some(line)))
    }

    fn idle(&self, differences: &BTreeMap<&str, Difference<'_>>) -> Vec<Finding> {
        let idle = self.may_differ.iter().filter(|pattern| !differences.keys().any(|key| fits(pattern, key)));
        idle.map(|pattern| {
            CONFIG_DIFFERENCE
                .warned(pattern)
                .expected("a difference that it allows")
                .observed("nothing under it differs: the allow-list is wider than it needs to be")
                .remedy("Take the entry out of the policy.")
                .at(self.place(), None)
        })
        .collect()
    }

    fn approval(
        &self,
        differences: &BTreeMap<&str, Difference<'_>>,
        observed: &Observed,
        as_of: Timestamp,
    ) -> Vec<Finding> {
        let risky: Vec<_> = differences
            .iter()
            .filter(|(key, _)| self.risky.iter().any(|pattern| fits(pattern, key)))
            .collect();
        if self.risky.is_empty() {
            return Vec::new();
        }
        let records = match self.approvals.as_deref().map(|path| APPROVALS.read(observed, path)) {
            Some(Ok(records)) => records,
            Some(Err(finding)) => return vec![*finding],
            None => Vec::new(),
        };
        let mut findings: Vec<_> =
            records.iter().flat_map(|record| record.blanks(&record.text("key"), APPROVALS.columns)).collect();
        let today = utc_day(as_of);
        if risky.is_empty() {
            let passed =
                CONFIG_APPROVAL.passed(self.names()).expected("an approval of each risky difference");
            findings.push(passed.observed("no risky key differs").at(self.place(), None));
        }
        for (key, values) in risky {
            let own: Vec<_> = records.iter().filter(|record| fits(&record.text("key"), key)).collect();
            let judged: Vec<_> = own.iter().map(|record| standing(record, today)).collect();
            let finding = match (judged.iter().find_map(|one| one.as_ref().ok()), judged.first()) {
                (Some(by), _) => {
                    let passed = CONFIG_APPROVAL.passed(*key).observed(format!("approved by {by}"));
                    match last_approved_day(&own, today) {
                        Some(last) => passed.hurts_at(end_of(last)),
                        None => passed,
                    }
                }
                (None, Some(Err(why))) => CONFIG_APPROVAL.failed(*key).observed(why),
                (None, _) => CONFIG_APPROVAL.failed(*key).observed("no approval record"),
            };
            let (path, line) = match own.first() {
                Some(record) => (record.path.as_str(), Some(record.line)),
                None => self.spot(values),
            };
            findings.push(finding.expected("an approval with approver and date").at(path, line));
        }
        for record in &records {
            let cell = record.cell("date");
            if let Err(why) = day(&cell.text)
                && !cell.text.is_empty()
            {
                let finding =
                    FIELDS.failed(record.text("key")).expected("the day of the approval").observed(why);
                findings.push(finding.at(&record.path, Some(cell.line)));
            }
        }
        findings
    }
}

/// Who approved and when; or why the approval does not stand.
fn standing(record: &Record, today: Date) -> Result<String, String> {
    let approver = record.text("approver");
    let on = day(&record.text("date"))?;
    if approver.is_empty() {
        return Err("the approval names nobody".to_owned());
    }
    if on > today {
        return Err(format!("approved on {on}, a day that has not come"));
    }
    let until = record.text("until");
    if !until.is_empty() && day(&until)? < today {
        return Err(format!("the approval ended {until}"));
    }
    Ok(format!("{approver}, {on}"))
}

/// The last day on which one of the approvals stands; `None` where one has no end.
fn last_approved_day(records: &[&Record], today: Date) -> Option<Date> {
    let standing = records.iter().filter(|record| standing(record, today).is_ok());
    let ends: Option<Vec<_>> = standing.map(|record| day(&record.text("until")).ok()).collect();
    ends?.into_iter().max()
}

/// The keys whose values are not the same everywhere.
fn differences<'l>(
    leaves: &'l BTreeMap<&'l str, BTreeMap<String, Leaf>>,
) -> BTreeMap<&'l str, Difference<'l>> {
    let keys: BTreeSet<&str> = leaves.values().flat_map(BTreeMap::keys).map(String::as_str).collect();
    let all = keys.into_iter().map(|key| {
        let values = leaves.iter().map(|(environment, keys)| (*environment, keys.get(key)));
        (key, values.collect::<Difference<'_>>())
    });
    all.filter(|(_, values)| {
        let texts: BTreeSet<_> = values.values().map(|leaf| leaf.map(|leaf| &leaf.text)).collect();
        texts.len() > 1
    })
    .collect()
}

fn told(key: &str, values: &Difference<'_>) -> String {
    let words = values.iter().map(|(environment, leaf)| {
        let value = leaf.map_or_else(|| "absent".to_owned(), |leaf| shown(key, leaf));
        format!("{environment}: {value}")
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const RULE: &str = "environments: {production: p.yaml, staging: s.toml}\nmay_differ: [replicas, 'flags.*']\nrisky: ['flags.*']\napprovals: a.md\n";
    const PRODUCTION: &str = "replicas: 3\nlog: {level: info}\nflags: {billing: true}\nport: 8443\n";
    const STAGING: &str = "replicas = 2\nport = 8443\nlog.level = 'info'\n[flags]\nbilling = false\n";
    const APPROVALS: &str = "| Key | Approver | Date | Until |\n|---|---|---|---|\n| `flags.billing` | Security | 2026-11-01 | |\n";

    fn assess(production: &str, staging: &str, approvals: &str) -> Vec<Finding> {
        let rule: ConfigDiffRule = rule(RULE);
        let observed =
            Observed::of_texts(&[("p.yaml", production), ("s.toml", staging), ("a.md", approvals)]);
        rule.assess(&observed, "2026-11-27T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn allowed_and_approved_differences_pass_over_two_formats() {
        right(&assess(PRODUCTION, STAGING, APPROVALS));
    }

    #[test]
    fn what_differs_beyond_is_told_with_its_place() {
        one(
            &assess(&PRODUCTION.replace("info", "debug"), STAGING, APPROVALS),
            "failed config.difference p.yaml:2 log.level: production: debug, staging: info",
        );
        one(
            &assess(PRODUCTION, &STAGING.replace("port = 8443\n", ""), APPROVALS),
            "failed config.difference p.yaml:4 port: production: 8443, staging: absent",
        );
        one(
            &assess(&PRODUCTION.replace(": 3", ": 2"), STAGING, APPROVALS),
            "warned config.difference p.yaml replicas: nothing under it differs",
        );
        assert!(
            told(&assess("a: [", STAGING, APPROVALS))
                .iter()
                .any(|line| line.starts_with("failed artefact.readable p.yaml"))
        );
    }

    #[test]
    fn a_risky_difference_needs_an_approval_that_stands() {
        for (from, to, part) in [
            (
                "flags.billing",
                "flags.other",
                "failed config.approval p.yaml:3 flags.billing: no approval record",
            ),
            ("2026-11-01 |", "2026-12-01 |", "a day that has not come"),
            (
                "2026-11-01 | |",
                "2026-11-01 | 2026-11-26 |",
                "failed config.approval a.md:3 flags.billing: the approval ended 2026-11-26",
            ),
        ] {
            one(&assess(PRODUCTION, STAGING, &APPROVALS.replace(from, to)), part);
        }
        let told = told(&assess(PRODUCTION, STAGING, &APPROVALS.replace("Security", "TBD")));
        assert!(told[0].contains("names nobody") || told[1].contains("names nobody"), "{told:#?}");
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let findings = assess(
            &format!("{PRODUCTION}database: {{password: hunter2, url: 'postgres://app:hunter2@db/x'}}\n"),
            &format!("api_token = 'hunter2-b'\n{STAGING}"),
            APPROVALS,
        );
        let told = told(&findings).join("\n");
        assert!(!format!("{findings:?}").contains("hunter2"), "{told}");
        for part in [
            "failed config.secret p.yaml:5 production, database.password: a value of 7 characters",
            "failed config.secret s.toml:1 staging, api_token",
            "failed config.secret p.yaml:5 production, database.url",
            "failed config.difference p.yaml:5 database.password: production: not shown, staging: absent",
        ] {
            assert!(told.contains(part), "'{part}' in {told}");
        }
    }
}
