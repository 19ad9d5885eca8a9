//! Asks promtool: for expressions that our parser does not read, and for unit tests of rules.

use std::path::{Path, PathBuf};

use evidence_report::{
    record::Finding,
    run::{Run, child::find_program},
};

use super::{Placed, checks, written::Asked};
use crate::{
    http::excerpt,
    rules::{
        manifest::{self, Group},
        unit_test::Cases,
    },
};

/// The promtool on PATH.
pub(crate) fn find() -> Option<PathBuf> {
    find_program("promtool")
}

/// What promtool says of one rule, alone in a file of the run's folder.
pub(crate) async fn ask(run: &Run, promtool: Option<&Path>, rule: &Placed<'_>) -> Asked {
    let Some(promtool) = promtool else { return Asked::Nobody };
    let group = Group {
        rules: vec![rule.rule.clone()],
        newer: std::collections::BTreeMap::new(),
        ..rule.group.clone()
    };
    let path = run.folder().join("asked.yml");
    if fs_err::write(&path, manifest::write(&[group])).is_err() {
        return Asked::Nobody;
    }
    match run.child(promtool).args(["check", "rules"]).arg(&path).output(run.stop()).await {
        Ok(output) if output.stopped => Asked::Nobody,
        Ok(output) if output.status.success() => Asked::Right { by: "promtool".to_owned() },
        Ok(output) => {
            let said = excerpt(&said(&output.stderr, &path), 300);
            Asked::Wrong { said, by: "promtool".to_owned() }
        }
        Err(_) => Asked::Nobody,
    }
}

/// Without the path of our own file.
fn said(stderr: &str, path: &Path) -> String {
    stderr.replace(&format!("{}: ", path.display()), "").replace("FAILED:", "")
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
