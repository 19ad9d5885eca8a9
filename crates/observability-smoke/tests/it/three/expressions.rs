//! Expressions that Prometheus 3 reads and 2.42 does not: each promtool is heard.

use super::program;
use crate::support::{Run, Tool};

const EXPRESSIONS: [(&str, &str); 4] = [
    ("time() - x > 5m", "the duration 5m as a number"),
    ("x offset 5 > 1", "the time without a unit in `offset 5`"),
    ("rate(x[300]) > 1", "the time without a unit in `[300]`"),
    ("{\"a.b\"} > 1", "the name 'a.b'"),
];

fn judged(expression: &str, path: Option<&std::path::Path>) -> Run {
    let tool = Tool::new();
    let rules = format!(
        "groups: [{{name: a, rules: [{{alert: A, expr: '{expression}', labels: {{severity: page}}, annotations: {{summary: s}}}}]}}]\n"
    );
    tool.write("r.yml", &rules);
    let mut command = tool.command();
    command.args(["rules", "r.yml", "--verbose"]);
    path.into_iter().for_each(|path| {
        command.env("PATH", path);
    });
    command.output().unwrap().into()
}

#[test]
fn a_promtool_that_is_older_warns_of_them() {
    for (expression, _) in EXPRESSIONS {
        let run = judged(expression, None);
        assert_eq!(run.code, 1, "{expression}: {}{}", run.stdout, run.stderr);
        run.line("WARNED", "rules.expression", "promtool refuses it, and Prometheus 3 does not");
    }
}

#[test]
fn a_promtool_of_prometheus_3_takes_them_and_the_older_ones_are_named() {
    let Some(promtool) = program("promtool") else { return };
    for (expression, what) in EXPRESSIONS {
        let run = judged(expression, promtool.parent());
        assert_eq!(run.code, 0, "{expression}: {}{}", run.stdout, run.stderr);
        run.line(
            "passed",
            "rules.expression",
            &format!("an older Prometheus (2.42) refuses {what} of A (page)"),
        );
    }
}
