use promql_parser::parser::parse;

use super::*;
use crate::drill::series::{Behaviour, Labels};

fn question<'a>(expression: &'a Expr, recordings: &'a [Recording], hold: f64) -> Question<'a> {
    Question {
        expression,
        recordings,
        shown: BTreeSet::new(),
        scrape: 1.0,
        evaluation: 1.0,
        hold,
        epoch: 1_700_000_000.0,
        history: 0.0,
    }
}

fn derived(text: &str) -> Result<Vec<Series>, String> {
    let expression = parse(text).unwrap();
    derive(&question(&expression, &[], 0.0))
}

/// The shapes that people write; for each the model must agree that the series make a fault.
#[test]
fn series_are_derived_for_the_shapes_that_people_write() {
    for text in [
        "queue_depth > 100",
        "queue_depth{queue=\"mail\"} >= 1000 and queue_depth{queue=\"mail\"} < 1e6",
        "up == 0",
        "up{job=\"api\"} == 0",
        "absent(up{job=\"api\"})",
        "absent(up{job=\"api\"} == 1)",
        "up{job=\"api\"} == 0 or absent(up{job=\"api\"})",
        "rate(errors_total[5m]) > 0.5",
        "increase(errors_total{code=~\"5..\"}[10m]) > 10",
        "sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m])) / sum by (job) (rate(http_requests_total[5m])) > 0.05",
        "(sum(rate(a_total[1m])) / sum(rate(b_total[1m]))) * 100 > 5 and sum(rate(b_total[1m])) > 1",
        "1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[1m])) > 0.9",
        "node_filesystem_avail_bytes{fstype!=\"\"} / node_filesystem_size_bytes{fstype!=\"\"} * 100 < 5",
        "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m]))) > 0.5",
        "time() - backup_last_success_timestamp_seconds > 60 * 60 * 26",
        "max_over_time(x[30s]) > 5",
        "avg by (queue) (queue_age_seconds) > 300",
        "min(replicas_available) < 2",
        "kube_deployment_spec_replicas != kube_deployment_status_replicas_available",
        "abs(billing_ledger_total - billing_invoiced_total) > 0.01 * billing_ledger_total",
        "job:queue_depth:max > 50",
        "last_reload_successful != 1",
        "changes(leader[1m]) > 2",
        "ALERTS_FOR_STATE > 0",
        "count(up{job=\"etcd\"} == 0) > 0",
        "webhook_failures_total - webhook_failures_total offset 5s > 3",
        "deriv(queue_depth[10s]) > 5",
        "conntrack_entries{job=\"node\"} / conntrack_entries_limit > 0.75",
        "predict_linear(disk_free_bytes[10s], 3600) < 0",
    ] {
        let series = derived(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let expression = parse(text).unwrap();
        let asked = question(&expression, &[], 0.0);
        let world = world(&asked, &series, None);
        assert!(!world.is_true(&expression, 0.0).unwrap(), "{text}: {series:?}");
        assert!((1..4000).any(|at| world.is_true(&expression, f64::from(at)).unwrap()), "{text}: {series:?}");
    }
}

#[test]
fn healthy_values_keep_away_from_the_threshold() {
    let series = derived("sum(rate(errors_total[10s])) > 1").unwrap();
    assert_eq!(series[0].healthy, Behaviour::Growing(0.0));
}

#[test]
fn the_fault_is_made_of_errors_and_not_of_traffic() {
    let text = "sum(rate(a_total{code=~\"5..\"}[5m])) / sum(rate(a_total[5m])) > 0.05 and sum(rate(a_total[5m])) > 0.1";
    let series = derived(text).unwrap();
    let changed: Vec<_> = series.iter().filter(|one| one.healthy != one.faulty).collect();
    assert!(changed.len() == 1 && changed[0].labels.contains_key("code"), "{series:?}");
}

/// A bucket counts what the narrower ones count; and slowness moves observations, it does not make fewer of them.
#[test]
fn histograms_are_histograms_before_the_fault_and_in_it() {
    for (text, bounds) in [
        (
            "histogram_quantile(0.99, sum by (job, le) (rate(l_seconds_bucket{job=\"api\"}[5s]))) > 1",
            ["0.5", "4", "+Inf"],
        ),
        ("histogram_quantile(0.9, rate(l_seconds_bucket[10s])) >= 0.2", ["0.1", "0.8", "+Inf"]),
        ("histogram_quantile(0.5, sum by (le) (rate(l_seconds_bucket[10s]))) < 2", ["1", "8", "+Inf"]),
        (
            "0.3 < histogram_quantile(0.95, sum by (le) (rate(l_seconds_bucket[10s])))",
            ["0.15", "1.2", "+Inf"],
        ),
        (
            "histogram_quantile(0.99, sum by (le) (rate(l_seconds_bucket[10s]))) > 2 and sum(rate(l_seconds_count[10s])) > 1",
            ["1", "8", "+Inf"],
        ),
    ] {
        let series = derived(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let buckets: Vec<_> = series.iter().filter(|one| one.labels.contains_key("le")).collect();
        assert_eq!(buckets.iter().map(|one| one.labels["le"].as_str()).collect::<Vec<_>>(), bounds, "{text}");
        let growth = |behaviour: &Behaviour| match behaviour {
            Behaviour::Growing(growth) => *growth,
            other => panic!("{text}: {other}"),
        };
        for pair in buckets.windows(2) {
            assert!(growth(&pair[0].healthy) <= growth(&pair[1].healthy), "{text}: {series:?}");
            assert!(growth(&pair[0].faulty) <= growth(&pair[1].faulty), "{text}: {series:?}");
        }
        let changed: Vec<_> = series.iter().filter(|one| one.healthy != one.faulty).collect();
        assert_eq!(changed.len(), 1, "{text}: {series:?}");
        assert_eq!(changed[0].labels["le"], bounds[0], "{text}: {series:?}");
    }
}

#[test]
fn recording_rules_are_looked_through() {
    let expression = parse("job:errors:ratio > 0.1").unwrap();
    let recordings = [Recording {
        name: "job:errors:ratio".into(),
        labels: Labels::new(),
        expression: parse(
            "sum by (job) (rate(e_total{code=\"500\"}[1m])) / sum by (job) (rate(e_total[1m]))",
        )
        .unwrap(),
    }];
    let series = derive(&question(&expression, &recordings, 0.0)).unwrap();
    assert!(series.iter().all(|one| one.labels["__name__"] == "e_total"), "{series:?}");
}

#[test]
fn labels_that_are_shown_are_there() {
    let expression = parse("sum by (service) (rate(e_total[1m])) > 1").unwrap();
    let mut asked = question(&expression, &[], 0.0);
    asked.shown.insert("pod".to_owned());
    let series = derive(&asked).unwrap();
    assert_eq!((series[0].labels["service"].as_str(), series[0].labels["pod"].as_str()), ("drill", "drill"));
}

#[test]
fn what_cannot_be_derived_says_why() {
    for (text, expected) in [
        ("vector(1)", "no series"),
        ("hour() > 5 and x > 1", "hour"),
        ("x > 5 and x < 3", "no values"),
        ("x{a=\"b\",a=\"c\"} > 1", "no labels"),
    ] {
        let why = derived(text).unwrap_err();
        assert!(why.contains(expected), "{text}: {why}");
    }
}

#[test]
fn the_same_expression_gives_the_same_series() {
    let text = "sum(rate(a_total{code=~\"5..\"}[5m])) / sum(rate(a_total[5m])) > 0.05";
    assert_eq!(derived(text).unwrap(), derived(text).unwrap());
}

#[test]
fn delays_are_those_of_windows() {
    let delays_of = |text: &str| {
        let expression = parse(text).unwrap();
        let asked = question(&expression, &[], 2.0);
        let series = derive(&asked).unwrap();
        delays(&asked, &series)
    };
    assert_eq!(delays_of("queue_depth > 100"), (Some(0.0), Some(0.0)));
    // A range is left by the last growth only at its end.
    let (_, recovery) = delays_of("increase(errors_total[1m]) > 1");
    assert!(recovery.is_some_and(|after| (55.0..=62.0).contains(&after)), "{recovery:?}");
    let (condition, _) = delays_of("absent_over_time(x[30s])");
    assert!(condition.is_some_and(|after| (28.0..=32.0).contains(&after)), "{condition:?}");
}

/// A level that the fault has brought down stands no longer in the way of the alert's end.
#[test]
fn a_gauge_recovers_within_the_range_however_long_the_fault_was() {
    for text in [
        "predict_linear(free[1h], 4 * 3600) < 0",
        "predict_linear(used[1h], 4 * 3600) > 1e6",
        "delta(t[1h]) < -5",
    ] {
        let expression = parse(text).unwrap();
        let asked =
            Question { scrape: 15.0, evaluation: 15.0, history: 3600.0, ..question(&expression, &[], 600.0) };
        let series = derive(&asked).unwrap();
        for fault in [840.0, 912.0, 7200.0, 90_000.0] {
            let after = recovery(&asked, &series, fault);
            assert!(after.is_some_and(|after| after <= 3615.0), "{text} {fault}: {after:?} {series:?}");
        }
    }
}

/// What a burn-rate alert stands on is recorded for every service, and the alert asks for one.
#[test]
fn raw_series_carry_what_the_recorded_ones_are_asked_for() {
    let ratio = |range: &str| {
        Recording {
        name: format!("service:errors:ratio_rate{range}"),
        labels: Labels::from([("tier".to_owned(), "gold".to_owned())]),
        expression: parse(&format!(
            "sum by (service, job) (rate(requests_total{{code=~\"5..\"}}[{range}])) / sum by (service, job) (rate(requests_total[{range}]))"
        ))
        .unwrap(),
    }
    };
    let recordings = [ratio("5m"), ratio("1h")];
    let selector = "{service=\"web\",job=~\"api|batch\",tier=\"gold\"}";
    let alert = parse(&format!(
        "service:errors:ratio_rate5m{selector} > 14.4 * 0.001 and service:errors:ratio_rate1h{selector} > 14.4 * 0.001"
    ))
    .unwrap();
    let series = derive(&question(&alert, &recordings, 0.0)).unwrap();
    for one in &series {
        let label = |name: &str| one.labels.get(name).map(String::as_str);
        assert_eq!(
            (label("service"), label("job"), label("tier")),
            (Some("web"), Some("api"), None),
            "{series:?}"
        );
    }
}

#[test]
fn a_native_histogram_is_named_at_once() {
    for text in [
        "histogram_quantile(0.9, sum by (service) (rate(rpc_duration_seconds[5m]))) > 0.5",
        "histogram_quantile(0.9, (sum(rate(rpc_duration_seconds[5m])))) > 0.5",
        "histogram_quantile(0.9, sum without (pod, le) (rate(rpc_duration_seconds[5m]))) > 0.5",
    ] {
        assert!(derived(text).unwrap_err().contains("asks for a native histogram"), "{text}");
    }
    for text in [
        "histogram_quantile(0.9, sum by (service, le) (rate(rpc_duration_seconds_bucket[5m]))) > 0.5",
        "histogram_quantile(0.9, sum without (pod) (rate(rpc_duration_seconds_bucket[5m]))) > 0.5",
        "histogram_quantile(0.9, rate(rpc_duration_seconds_bucket[5m])) > 0.5",
    ] {
        assert!(derived(text).is_ok(), "{text}: {:?}", derived(text));
    }
}

#[test]
fn a_range_that_holds_one_scrape_is_named_as_the_reason() {
    let why = derived("rate(errors_total[500ms]) > 5").unwrap_err();
    assert!(why.starts_with("its range of 0.5 s seldom holds the two samples"), "{why}");
    assert!(derived("rate(errors_total[5s]) > 5").is_ok());
}

/// With `bool` the alert fires whatever the values are, which a drill can only show while the series are there.
#[test]
fn what_is_compared_by_bool_is_there_before_the_fault() {
    let series = derived("(temperature > bool 5)").unwrap();
    assert!(series.iter().all(|one| one.healthy != Behaviour::Absent), "{series:?}");
}
