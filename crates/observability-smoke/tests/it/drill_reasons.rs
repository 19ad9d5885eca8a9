//! Why a condition stays false: one drill of many alerts, each false for a reason of its own.

use crate::support::{Run, Tool};

const RULES: &str = "groups:
- name: a
  rules:
  - {record: 'job:deep:sum', expr: 'sum by (job) (deep{env=\"prod\"})'}
  - {record: 'job:shut:sum', expr: 'sum by (job) (shut)'}
  - {alert: Recorded, expr: 'job:deep:sum > 5'}
  - {alert: RecordedWithout, expr: 'job:shut:sum{queue=\"a\"} > 5'}
  - {alert: Either, expr: 'o1 > 5 or o2 > 7'}
  - {alert: Join, expr: '(late > 5) * on (pod) group_left (team) owner_info'}
  - {alert: Both, expr: 'p1 > 5 and on (pod) p2 > 1'}
  - {alert: Sides, expr: 'r1 > r2'}
  - {alert: Gone, expr: 'absent(s1)'}
  - {alert: Guarded, expr: 't1 > 5 unless on () maintenance'}
  - {alert: Threshold, expr: 'u1 > 500 unless on () holiday'}
  - {alert: Bounds, expr: 'histogram_quantile(0.9, sum by (job) (rate(h_bucket[4s]))) > 0.5'}
  - {alert: Truth, expr: 'temperature > bool 5'}
  - {alert: Clock, expr: 'hour() == 3 and on () vector(1)'}
";

const CONFIG: &str = "drill:
  alerts:
  - {alert: Recorded, series: [{series: 'deep{env=\"staging\",job=\"j\"}', healthy: 0, faulty: 50}]}
  - {alert: RecordedWithout, series: [{series: 'shut{job=\"j\",queue=\"a\"}', healthy: 0, faulty: 50}]}
  - {alert: Either, series: [{series: o1, healthy: 0, faulty: 4}]}
  - {alert: Join, series: [{series: 'late{pod=\"x\"}', healthy: 0, faulty: 9}, {series: 'owner_info{pod=\"y\",team=\"t\"}', healthy: 1, faulty: 1}]}
  - {alert: Both, series: [{series: 'p1{pod=\"a\"}', healthy: 0, faulty: 9}, {series: 'p2{pod=\"b\"}', healthy: 5, faulty: 5}]}
  - {alert: Sides, series: [{series: r1, healthy: 0, faulty: 9}, {series: r2, healthy: 50, faulty: 50}]}
  - {alert: Gone, series: [{series: s1, healthy: 0, faulty: 9}]}
  - {alert: Guarded, series: [{series: t1, healthy: 1, faulty: 9}, {series: maintenance, healthy: 1, faulty: 1}]}
  - {alert: Threshold, series: [{series: u1, healthy: 0, faulty: 50}]}
  - {alert: Bounds, series: [{series: 'h_bucket{le=\"0.5\",job=\"j\"}', healthy: 5/s, faulty: 0/s}, {series: 'h_bucket{le=\"+Inf\",job=\"j\"}', healthy: 5/s, faulty: 5/s}]}
";

#[test]
fn the_part_that_comes_to_nothing_is_named() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    tool.write("drill.yml", CONFIG);
    let mut command = tool.command();
    command.args(["--config", "drill.yml", "drill", "--embedded", "--rules", "rules.yml", "--all"]);
    let run: Run = command.args(["--evidence", "none", "--verbose"]).output().unwrap().into();
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for (alert, says) in [
        ("Recorded", "job:deep:sum is recorded of what is not there: `deep{env=\"prod\"}` selects no series"),
        (
            "RecordedWithout",
            "`job:shut:sum{queue=\"a\"}` selects no series; recorded as job:shut:sum are {job=\"j\"}",
        ),
        ("Either", "and the rule asks for > 5; and `o2` selects no series"),
        ("Join", "no series of its two sides agree in pod: `(late > 5)` has late{"),
        ("Both", "no series of its two sides agree in pod: `p1 > 5` has p1{"),
        ("Sides", "and the rule asks for > `r2`, which is 50"),
        ("Gone", "`s1` is there: 9"),
        ("Guarded", "and `unless` takes it away, for `maintenance` is 1"),
        ("Threshold", "`u1` is 50 ("),
        ("Bounds", "(its buckets have lost the label le), although `sum by (job) (rate(h_bucket[4s]))` is "),
    ] {
        let line = run.line("FAILED", "alert.pending", &format!(" {alert}: "));
        assert!(line.contains(says), "{says}\n{line}");
    }
    let line = run.line("FAILED", "alert.quiet", "Truth");
    assert!(line.contains("> 5 by `bool`, which returns 0 instead of nothing"), "{line}");
    run.line(
        "INCONCLUSIVE",
        "alert.series",
        "Clock: series cannot be derived from the expression: the expression uses no series, only the clock",
    );
    assert!(run.stdout.contains("drill.alerts: [{alert: Clock, skip: REASON}]"), "{}", run.stdout);
}
