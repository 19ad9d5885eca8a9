//! A `/metrics` endpoint that is as it should be over two scrapes, and the ways in which it is not.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, Warned},
};

use crate::{
    checks::{
        METRICS_ABSENT, METRICS_CONTENT_TYPE, METRICS_INGESTED, METRICS_SCRAPE, METRICS_SERIES, METRICS_VALID,
    },
    probes::checks::{
        METRICS_CARDINALITY, METRICS_COST, METRICS_COUNTERS, METRICS_FRESHNESS, METRICS_RISING,
        METRICS_TIMESTAMPS,
    },
    self_test::fault::{Fault, Group, Lie, Setting, broken, json},
};

const CONFIG: &str = r#"metrics:
- name: worker
  url: http://{server}/metrics
  again_after: 50ms
  max_series: 20
  max_series_per_name: 5
  max_label_values: {queue: 5}
  max_bytes: 100000
  max_duration: 9s
  series:
  - {name: jobs_total, type: counter, labels: {queue: mail}, min: 1, must_rise: true}
  - {name: depth, max: 100, at_least: 2}
  - {name: took_seconds_bucket, exemplars: true}
  - {name: last_success_timestamp_seconds, max_age: 1h}
  - {name: legacy_total, absent: true}
"#;

const FIRST: &str = r#"# HELP jobs Jobs.
# TYPE jobs counter
jobs_total{queue="mail"} 5
# HELP depth Depth.
# TYPE depth gauge
depth{queue="mail"} 3
depth{queue="fax"} 4
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="1.0"} 3 # {trace="a"} 0.5
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 4.5
took_seconds_count 4
# HELP last_success_timestamp_seconds The last one.
# TYPE last_success_timestamp_seconds gauge
last_success_timestamp_seconds {now}
# EOF
"#;

const SECOND: &str = r#"# HELP jobs Jobs.
# TYPE jobs counter
jobs_total{queue="mail"} 7
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="1.0"} 4
took_seconds_bucket{le="+Inf"} 5
took_seconds_sum 5.5
took_seconds_count 5
# EOF
"#;

const OPENMETRICS: &str = "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";

pub(super) static SETTINGS: &[&Setting] = &[&SETTING, &PLAIN];

static SETTING: Setting = Setting {
    group: Group::Run,
    title: "a scrape that is right",
    files: &[("config.yml", CONFIG), ("first.txt", FIRST), ("second.txt", SECOND)],
    served: &[json("/metrics", "first.txt").with(OPENMETRICS).then("second.txt")],
    words: &["--config", "{folder}/config.yml", "run"],
};

/// One scrape of Prometheus' own format.
static PLAIN: Setting = Setting {
    group: Group::Metrics,
    title: "a URL that is right",
    files: &[("metrics.txt", "# HELP depth Depth.\n# TYPE depth gauge\ndepth 3\n")],
    served: &[json("/metrics", "metrics.txt").with("Content-Type: text/plain; version=0.0.4\r\n")],
    words: &["metrics", "http://{server}/metrics"],
};

const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    broken(title, &SETTING, breaks, proves, outcome, says)
}

const C: &str = "config.yml";
const SOON: &[(&str, &str, &str)] =
    &[(C, "  again_after: 50ms\n", "  again_after: 50ms\n  timeout: 300ms\n")];

pub(super) static FAULTS: &[Fault] = &[
    fault("an exporter that fails", &[], &METRICS_SCRAPE, Failed, "status 500")
        .lying(&[("/metrics", Lie::Status(500))]),
    fault(
        "an exporter that is gone",
        &[(C, "{server}", "{closed}")],
        &METRICS_SCRAPE,
        Failed,
        "no connection",
    ),
    fault("an exporter that never answers", SOON, &METRICS_SCRAPE, Failed, "within 0.3 s")
        .lying(&[("/metrics", Lie::Silence)]),
    fault("a scrape that breaks off", &[], &METRICS_SCRAPE, Failed, "cut off")
        .lying(&[("/metrics", Lie::Cut)]),
    fault("an exporter that redirects in a circle", &[], &METRICS_SCRAPE, Failed, "redirects")
        .lying(&[("/metrics", Lie::Loop)]),
    fault(
        "an exposition that is invalid",
        &[("first.txt", "depth gauge", "depth gage")],
        &METRICS_VALID,
        Failed,
        "unknown-type",
    ),
    fault(
        "an exposition that Prometheus refuses",
        &[("first.txt", "# EOF\n", "")],
        &METRICS_INGESTED,
        Failed,
        "missing-eof",
    ),
    broken(
        "a Content-Type that Prometheus 3 refuses",
        &PLAIN,
        &[],
        &METRICS_CONTENT_TYPE,
        Warned,
        "Prometheus 3 refuses",
    )
    .lying(&[("/metrics", Lie::Headers("Content-Type: application/json\r\n"))]),
    broken("no Content-Type", &PLAIN, &[], &METRICS_CONTENT_TYPE, Warned, "no Content-Type")
        .lying(&[("/metrics", Lie::Headers(""))]),
    fault(
        "a series that is missing",
        &[("first.txt", "queue=\"mail\"} 5", "queue=\"fax\"} 5")],
        &METRICS_SERIES,
        Failed,
        "",
    ),
    fault(
        "a series of another type",
        &[(C, "type: counter", "type: gauge")],
        &METRICS_SERIES,
        Failed,
        "counter",
    ),
    fault(
        "a value out of its bounds",
        &[("first.txt", "queue=\"fax\"} 4", "queue=\"fax\"} 400")],
        &METRICS_SERIES,
        Failed,
        "400",
    ),
    fault(
        "a series without its exemplar",
        &[("first.txt", " # {trace=\"a\"} 0.5", "")],
        &METRICS_SERIES,
        Failed,
        "exemplar",
    ),
    fault(
        "a series that should be gone",
        &[(
            "first.txt",
            "# HELP depth",
            "# HELP legacy Old.\n# TYPE legacy counter\nlegacy_total 1\n# HELP depth",
        )],
        &METRICS_ABSENT,
        Failed,
        "",
    ),
    fault(
        "a counter that falls",
        &[("second.txt", "queue=\"mail\"} 7", "queue=\"mail\"} 4")],
        &METRICS_COUNTERS,
        Failed,
        "from 5 to 4",
    ),
    fault(
        "a bucket that falls",
        &[("second.txt", "le=\"1.0\"} 4", "le=\"1.0\"} 2")],
        &METRICS_COUNTERS,
        Failed,
        "from 3 to 2",
    ),
    fault(
        "a counter that stands still",
        &[("second.txt", "queue=\"mail\"} 7", "queue=\"mail\"} 5")],
        &METRICS_RISING,
        Failed,
        "",
    ),
    fault(
        "a job that has not run for days",
        &[("first.txt", "last_success_timestamp_seconds {now}", "last_success_timestamp_seconds 1000")],
        &METRICS_FRESHNESS,
        Failed,
        "",
    ),
    fault(
        "a job that has not run for days, passed on with a timestamp of now",
        &[(
            "first.txt",
            "last_success_timestamp_seconds {now}",
            "last_success_timestamp_seconds 1500000000 {now}",
        )],
        &METRICS_FRESHNESS,
        Failed,
        "",
    ),
    fault(
        "a timestamp of the future",
        &[
            ("first.txt", "queue=\"mail\"} 3", "queue=\"mail\"} 3 99999999999"),
            ("first.txt", "queue=\"fax\"} 4", "queue=\"fax\"} 4 99999999999"),
        ],
        &METRICS_TIMESTAMPS,
        Failed,
        "ahead",
    ),
    fault(
        "a timestamp of yesteryear",
        &[
            ("first.txt", "queue=\"mail\"} 3", "queue=\"mail\"} 3 1000"),
            ("first.txt", "queue=\"fax\"} 4", "queue=\"fax\"} 4 1000"),
        ],
        &METRICS_TIMESTAMPS,
        Failed,
        "drops them",
    ),
    fault(
        "a timestamp of ten minutes ago",
        &[
            ("first.txt", "queue=\"mail\"} 3", "queue=\"mail\"} 3 {lately}"),
            ("first.txt", "queue=\"fax\"} 4", "queue=\"fax\"} 4 {lately}"),
        ],
        &METRICS_TIMESTAMPS,
        Warned,
        "no query sees them",
    ),
    fault(
        "more series than the budget",
        &[(C, "max_series: 20", "max_series: 5")],
        &METRICS_CARDINALITY,
        Failed,
        "",
    ),
    fault(
        "more series of a name than the budget",
        &[(C, "max_series_per_name: 5", "max_series_per_name: 1")],
        &METRICS_CARDINALITY,
        Failed,
        "depth",
    ),
    fault(
        "more values of a label than the budget",
        &[(C, "queue: 5", "queue: 1")],
        &METRICS_CARDINALITY,
        Failed,
        "queue",
    ),
    fault(
        "more bytes than the budget",
        &[(C, "max_bytes: 100000", "max_bytes: 100")],
        &METRICS_COST,
        Failed,
        "bytes",
    ),
    fault(
        "a scrape that takes longer than its budget",
        &[(C, "max_duration: 9s", "max_duration: 100ms")],
        &METRICS_COST,
        Failed,
        "",
    )
    .lying(&[("/metrics", Lie::Late(200))]),
];
