//! Asks promtool: for the expressions and templates of all rules, in one call, and for unit tests of rules.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use evidence_report::{
    record::Finding,
    run::{Run, child::find_program},
};
use regex::Regex;

use super::{Placed, RuleFile, all, checks};
use crate::{http::excerpt, rules::unit_test::Cases};

/// The promtool on PATH.
pub(crate) fn find() -> Option<PathBuf> {
    find_program("promtool")
}

/// What promtool refuses, by the number of the rule among all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    /// Expressions.
    pub(crate) expressions: BTreeMap<usize, String>,
    /// Templates, by the number of the rule and that among its [`texts`].
    pub(crate) templates: BTreeMap<(usize, usize), String>,
}

/// The texts of an alert in which actions of templates may stand.
pub(crate) fn texts<'a>(rule: &Placed<'a>) -> impl Iterator<Item = (&'a String, &'a String)> + use<'a> {
    rule.rule.annotations.iter().chain(&rule.rule.labels)
}

/// Reads every expression and every template; `None` where there is no promtool, or it does not do its work.
pub(crate) async fn judge(run: &Run, promtool: Option<&Path>, files: &[RuleFile]) -> Option<Refusals> {
    let (path, said) = (run.folder().join("asked.yml"), run.folder().join("asked.txt"));
    fs_err::write(&path, bare(files)).ok()?;
    let child = run.child(promtool?).args(["check", "rules"]).arg(&path).output_to(&said);
    let output = child.output(run.stop()).await.ok()?;
    match (output.stopped, output.status.success()) {
        (true, _) => None,
        (false, true) => Some(Refusals::default()),
        (false, false) => {
            let said = fs_err::read_to_string(&said).ok()?;
            Some(refusals(&said)).filter(|found| *found != Refusals::default())
        }
    }
}

/// The rules with their expressions and templates alone, so that no promtool is too old for the rest.
fn bare(files: &[RuleFile]) -> String {
    let rules: Vec<_> = all(files)
        .enumerate()
        .map(|(number, rule)| {
            let mut bare = serde_json::json!({ "alert": format!("r{number}"), "expr": rule.rule.expression });
            if rule.is_alert() {
                let actions = texts(&rule).enumerate().filter(|(_, (_, text))| text.contains("{{"));
                let texts: BTreeMap<_, _> =
                    actions.map(|(number, (_, text))| (format!("t{number}"), text)).collect();
                bare["annotations"] = serde_json::json!(texts);
            }
            bare
        })
        .collect();
    serde_json::json!({ "groups": [{ "name": "asked", "rules": rules }] }).to_string()
}

static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let template = r#"annotation "t(?<text>\d+)": template: __alert_r\d+:(?:\d+:)*"#;
    let expression = "could not parse expression:";
    Regex::new(&format!(
        r#"group "asked", rule \d+, "r(?<rule>\d+)": (?:{template}|{expression}) (?<said>.*)$"#
    ))
    .ok()
});

fn refusals(said: &str) -> Refusals {
    let mut found = Refusals::default();
    let lines = said.lines().filter_map(|line| REFUSAL.as_ref()?.captures(line));
    for line in lines {
        let number = |name: &str| line.name(name).and_then(|number| number.as_str().parse::<usize>().ok());
        let Some(rule) = number("rule") else { continue };
        let said = excerpt(&line["said"], 300);
        match number("text") {
            Some(text) => found.templates.insert((rule, text), said),
            None => found.expressions.insert(rule, said),
        };
    }
    found
}

/// Runs a unit-test file, which is about these cases.
pub(crate) async fn unit_tests(run: &Run, promtool: Option<&Path>, path: &Path, cases: &Cases) -> Finding {
    let subject = path.display().to_string();
    let check = &checks::UNIT_TESTS;
    let Some(promtool) = promtool else {
        return check
            .inconclusive(subject)
            .observed("there is no promtool on PATH to run them")
            .remedy("apt-get install -y --no-install-recommends prometheus brings promtool");
    };
    let finding = match run.child(promtool).args(["test", "rules"]).arg(path).output(run.stop()).await {
        Ok(output) if output.stopped => check.inconclusive(&subject).observed("stopped before it was done"),
        Ok(output) if output.status.success() => {
            let missing = missing(&output.stderr);
            if missing.is_empty() {
                check.passed(&subject).observed("promtool test rules: success")
            } else {
                passed_over(&subject, &missing, missing.len() < cases.rule_files.len())
            }
        }
        Ok(output) => {
            let both = format!(
                "{} {}",
                output.stdout.replace(&format!("Unit Testing:  {subject}"), ""),
                output.stderr
            );
            check.failed(&subject).observed(excerpt(&both, 600))
        }
        Err(error) => check.inconclusive(&subject).observed(error.to_string()),
    };
    finding.expected("every test of the file passes").at(subject, None)
}

/// The rule files that promtool did not find: it passes them over with a warning.
fn missing(stderr: &str) -> Vec<&str> {
    stderr.lines().filter_map(|line| line.trim().strip_prefix("WARNING: no file match pattern ")).collect()
}

/// A case in which an alert is quiet proves nothing where its rule was not loaded.
fn passed_over(subject: &str, missing: &[&str], some: bool) -> Finding {
    let finding = if some { checks::UNIT_TESTS.warned(subject) } else { checks::UNIT_TESTS.failed(subject) };
    let what = if some { "its cases were run without" } else { "no rule was tested: there is no" };
    finding
        .observed(format!("{what} {}, which `rule_files` names", missing.join(" and ")))
        .remedy("Correct `rule_files`: promtool passes over a file that is not there. A path begins in the folder of the unit tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_found_by_its_number() {
        let stderr = "  FAILED:\n/t/asked.yml: 1:42: group \"asked\", rule 1, \"r0\": could not parse expression: 1:5: parse error: unexpected duration \"5m\"\n\
            /t/asked.yml: group \"asked\", rule 3, \"r2\": annotation \"t1\": template: __alert_r2:1: undefined variable \"$vlaue\"\n\
            /t/asked.yml: group \"asked\", rule 4, \"r3\": invalid recording rule name: a.b\n";
        let found = refusals(stderr);
        let expressions = [(0, "1:5: parse error: unexpected duration \"5m\"".to_owned())];
        assert_eq!(found.expressions, expressions.into());
        assert_eq!(found.templates, [((2, 1), "undefined variable \"$vlaue\"".to_owned())].into());
    }
}
