use super::*;
use crate::drill::series::Behaviour;

fn series(text: &str, healthy: Behaviour, faulty: Behaviour) -> Series {
    Series { labels: crate::rules::unit_test::labels(text).unwrap(), healthy, faulty }
}

fn world(all: &[Series]) -> World<'_> {
    World {
        series: all.iter().map(|one| (one.labels.clone(), one)).collect(),
        switches: Switches { started: -10.0, fault: Some(0.0), cleared: None },
        recordings: &[],
        scrape: 1.0,
        evaluation: 1.0,
        epoch: 1_000_000.0,
        looked_at: Cell::new(0),
    }
}

fn value(world: &World<'_>, text: &str, at: f64) -> f64 {
    match world.evaluate(&promql_parser::parser::parse(text).unwrap(), at).unwrap() {
        Value::Scalar(value) => value,
        Value::Vector(elements) => {
            assert_eq!(elements.len(), 1, "{text}: {elements:?}");
            elements[0].1
        }
    }
}

fn truth(world: &World<'_>, text: &str, at: f64) -> bool {
    world.is_true(&promql_parser::parser::parse(text).unwrap(), at).unwrap()
}

use Behaviour::{Absent, Constant, Growing};

#[test]
fn a_threshold_is_crossed_at_the_first_scrape_of_the_fault() {
    let all = [series("queue{name=\"a\"}", Constant(3.0), Constant(250.0))];
    let world = world(&all);
    assert!(!truth(&world, "queue > 100", 0.0));
    assert!(!truth(&world, "queue > 100", 0.9));
    assert!(truth(&world, "queue > 100", 1.0));
    assert!(!truth(&world, "queue{name=\"b\"} > 100", 1.0));
    assert!(truth(&world, "queue > bool 1000", 1.0));
}

#[test]
fn rates_are_extrapolated_as_prometheus_does() {
    let all = [series("c", Growing(10.0), Growing(10.0))];
    let world = world(&all);
    // 10 a second over a full window.
    assert!((value(&world, "rate(c[5s])", 0.0) - 10.0).abs() < 1e-9);
    assert!((value(&world, "increase(c[5s])", 0.0) - 50.0).abs() < 1e-9);
    assert!((value(&world, "irate(c[5s])", 0.0) - 10.0).abs() < 1e-9);
    // A window longer than the history: 10 s of growth from zero over a minute.
    assert!((value(&world, "rate(c[1m])", 0.0) - 100.0 / 60.0).abs() < 1e-9);
}

#[test]
fn ratios_of_sums_match_by_their_labels() {
    let all = [
        series("e{code=\"500\",job=\"a\"}", Growing(0.0), Growing(10.0)),
        series("e{code=\"200\",job=\"a\"}", Growing(10.0), Growing(10.0)),
    ];
    let world = world(&all);
    let ratio = "sum by (job) (rate(e{code=~\"5..\"}[4s])) / sum by (job) (rate(e[4s]))";
    assert!((value(&world, ratio, 10.0) - 0.5).abs() < 1e-9);
    assert!(value(&world, ratio, 0.0).abs() < 1e-9);
    assert!(truth(&world, "e{code=\"500\"} and on (job) e{code=\"200\"}", 0.0));
    assert!(!truth(&world, "e{code=\"500\"} unless on (job) e{code=\"200\"}", 0.0));
    let error = world.evaluate(&promql_parser::parser::parse("e / on (job) e").unwrap(), 0.0).unwrap_err();
    assert!(matches!(error, Unknown::Wrong(_)), "{error}");
}

#[test]
fn absence_histograms_and_offsets_are_known() {
    let all = [
        series("up{job=\"a\"}", Constant(1.0), Absent),
        series("b_bucket{le=\"0.1\"}", Growing(99.0), Growing(0.0)),
        series("b_bucket{le=\"0.5\"}", Growing(100.0), Growing(100.0)),
        series("b_bucket{le=\"+Inf\"}", Growing(100.0), Growing(100.0)),
    ];
    let world = world(&all);
    assert!(!truth(&world, "absent(up{job=\"a\"})", 0.0));
    assert!(truth(&world, "absent(up{job=\"a\"})", 1.0));
    assert!(!truth(&world, "absent_over_time(up{job=\"a\"}[5s])", 4.0));
    assert!(truth(&world, "absent_over_time(up{job=\"a\"}[5s])", 6.0));
    assert!(value(&world, "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5s])))", 0.0) < 0.1);
    assert!(value(&world, "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5s])))", 10.0) > 0.4);
    assert!((value(&world, "up offset 5s", 1.0) - 1.0).abs() < 1e-9);
    assert!((value(&world, "time()", 1.0) - 1_000_001.0).abs() < 1e-9);
}

#[test]
fn subqueries_and_recorded_series_are_known() {
    let all = [series("x{job=\"a\"}", Constant(1.0), Constant(5.0))];
    let mut world = world(&all);
    assert!((value(&world, "max_over_time(x[5s:1s])", 1.0) - 5.0).abs() < 1e-9);
    let recordings = [Recording {
        name: "job:x:double".into(),
        labels: Labels::from([("tier".into(), "1".into())]),
        expression: promql_parser::parser::parse("sum by (job) (x) * 2").unwrap(),
    }];
    world.recordings = &recordings;
    assert!((value(&world, "job:x:double{tier=\"1\"}", 1.0) - 10.0).abs() < 1e-9);
    assert!((value(&world, "avg_over_time(job:x:double[1s])", 1.0) - 6.0).abs() < 1e-9);
}

#[test]
fn what_is_not_known_is_said() {
    let world = world(&[]);
    for text in ["hour() > 5", "timestamp(x) > 1", "x @ 5"] {
        let error = world.evaluate(&promql_parser::parser::parse(text).unwrap(), 0.0).unwrap_err();
        assert!(matches!(error, Unknown::Unsupported(_)), "{text}: {error}");
    }
}
