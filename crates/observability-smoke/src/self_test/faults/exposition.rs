//! A Prometheus text that is right, and the ways in which exporters get it wrong.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, Warned},
};

use crate::{
    checks::{METRICS_INGESTED, METRICS_LINT, METRICS_VALID},
    self_test::fault::{Fault, Group, Setting, broken},
};

const TEXT: &str = r#"# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/"} 10
requests_total{code="500",path="/"} 1
# HELP depth Depth.
# TYPE depth gauge
depth{queue="mail"} 3
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 3
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 0.5
took_seconds_count 4
# HELP size_bytes Sizes.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 3
size_bytes_sum 9
size_bytes_count 3
"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Metrics,
    title: "a Prometheus text that is right",
    files: &[("metrics.txt", TEXT)],
    served: &[],
    words: &["metrics", "{folder}/metrics.txt"],
};

/// One text exchanged for another; the rule's name is what has to be said.
const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    rule: &'static str,
) -> Fault {
    of(title, breaks, &METRICS_VALID, Failed, rule)
}

const fn of(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    rule: &'static str,
) -> Fault {
    broken(title, &SETTING, breaks, proves, outcome, rule)
}

const T: &str = "metrics.txt";
const DEPTH: &str = "depth{queue=\"mail\"} 3\n";

pub(super) static FAULTS: &[Fault] = &[
    fault("a byte that is no UTF-8", &[(T, "\"mail\"", "\"ma{0xff}il\"")], "(utf8)"),
    fault("a carriage return", &[(T, DEPTH, "depth{queue=\"mail\"} 3\r\n")], "(carriage-return)"),
    fault("a name with a hyphen", &[(T, DEPTH, "de-pth{queue=\"mail\"} 3\n")], "(metric-name)"),
    fault("a page of HTML", &[(T, DEPTH, "<html>\n")], "this is markup"),
    fault(
        "a byte order mark",
        &[(T, "# HELP requests_total", "\u{feff}# HELP requests_total")],
        "the text begins with a byte order mark",
    ),
    fault("a label name with a hyphen", &[(T, "queue=", "que-ue=")], "(label-syntax)"),
    fault("a label value without quotes", &[(T, "\"mail\"", "mail")], "(label-syntax)"),
    fault(
        "a label that stands twice",
        &[(T, "queue=\"mail\"", "queue=\"mail\",queue=\"fax\"")],
        "(duplicate-label)",
    ),
    fault("an escape that is none", &[(T, "\"mail\"", "\"ma\\il\"")], "(escape)"),
    fault("a value in words", &[(T, DEPTH, "depth{queue=\"mail\"} three\n")], "(value)"),
    fault("a sample without a value", &[(T, DEPTH, "depth{queue=\"mail\"}\n")], "(value)"),
    fault("a timestamp in words", &[(T, DEPTH, "depth{queue=\"mail\"} 3 now\n")], "(timestamp)"),
    fault("text behind a sample", &[(T, DEPTH, "depth{queue=\"mail\"} 3 4 5\n")], "(trailing-text)"),
    fault("a type that does not exist", &[(T, "depth gauge", "depth gage")], "(unknown-type)"),
    fault(
        "a type that stands twice",
        &[(T, "# TYPE depth gauge\n", "# TYPE depth gauge\n# TYPE depth gauge\n")],
        "(repeated-metadata)",
    ),
    fault(
        "a type behind its samples",
        &[(T, "# TYPE depth gauge\n", ""), (T, DEPTH, "depth{queue=\"mail\"} 3\n# TYPE depth gauge\n")],
        "(late-metadata)",
    ),
    fault(
        "a last line that does not end",
        &[(T, "size_bytes_count 3\n", "size_bytes_count 3")],
        "(final-newline)",
    ),
    fault(
        "a series that stands twice",
        &[(T, DEPTH, "depth{queue=\"mail\"} 3\ndepth{queue=\"mail\"} 4\n")],
        "(duplicate-series)",
    ),
    of(
        "a series that stands twice in a family torn apart",
        &[(T, "size_bytes_count 3\n", "size_bytes_count 3\ndepth{queue=\"mail\"} 4\n")],
        &METRICS_INGESTED,
        Failed,
        "(duplicate-series)",
    ),
    of(
        "a label in which Prometheus keeps the name",
        &[(T, "queue=\"mail\"", "__name__=\"mail\"")],
        &METRICS_INGESTED,
        Failed,
        "(name-label)",
    ),
    of(
        "bytes that are 0, as a file has them after a crash",
        &[(T, "# HELP depth", "\0\0\0\n# HELP depth")],
        &METRICS_INGESTED,
        Failed,
        "lose samples without a word",
    ),
    fault(
        "a series that stands twice, its labels in another order",
        &[(T, "# HELP depth", "requests_total{path=\"/\",code=\"500\"} 1\n# HELP depth")],
        "(duplicate-series)",
    ),
    fault(
        "a family in two places",
        &[(T, "size_bytes_count 3\n", "size_bytes_count 3\ndepth{queue=\"fax\"} 3\n")],
        "(interleaved-family)",
    ),
    fault("a bucket whose bound is no number", &[(T, "le=\"0.1\"", "le=\"fast\"")], "(bucket)"),
    fault(
        "a histogram without its last bucket",
        &[(T, "took_seconds_bucket{le=\"+Inf\"} 4\n", "")],
        "(histogram)",
    ),
    fault(
        "a histogram that counts otherwise",
        &[(T, "took_seconds_count 4", "took_seconds_count 5")],
        "(histogram)",
    ),
    fault("buckets that fall", &[(T, "le=\"0.1\"} 3", "le=\"0.1\"} 30")], "(bucket)"),
    fault("a quantile above one", &[(T, "quantile=\"0.5\"", "quantile=\"1.5\"")], "(quantile)"),
    of(
        "a timestamp with a sign",
        &[(T, DEPTH, "depth{queue=\"mail\"} 3 -5\n")],
        &METRICS_INGESTED,
        Failed,
        "(signed-timestamp)",
    ),
    of(
        "blanks before a sample",
        &[(T, DEPTH, "  depth{queue=\"mail\"} 3\n")],
        &METRICS_INGESTED,
        Failed,
        "(leading-blank)",
    ),
    of(
        "blanks around a type",
        &[(T, "depth gauge", "depth  gauge")],
        &METRICS_INGESTED,
        Failed,
        "(type-spacing)",
    ),
    of(
        "an exporter's own series of the name up",
        &[(T, "# HELP depth Depth.\n", "# HELP up Alive.\n# TYPE up gauge\nup 1\n# HELP depth Depth.\n")],
        &METRICS_LINT,
        Warned,
        "(reserved-name)",
    ),
    of("a family without HELP", &[(T, "# HELP depth Depth.\n", "")], &METRICS_LINT, Warned, "(no-help)"),
    of("a family without TYPE", &[(T, "# TYPE depth gauge\n", "")], &METRICS_LINT, Warned, "(no-type)"),
    of(
        "a histogram without its sum",
        &[(T, "took_seconds_sum 0.5\n", "")],
        &METRICS_LINT,
        Warned,
        "(no-sum)",
    ),
    of(
        "a counter without _total",
        &[(T, "requests_total", "requests")],
        &METRICS_LINT,
        Warned,
        "(counter-name)",
    ),
    of(
        "a gauge with _total",
        &[(T, "requests_total counter", "requests_total gauge")],
        &METRICS_LINT,
        Warned,
        "(total-name)",
    ),
    of(
        "a counter below zero",
        &[(T, "path=\"/\"} 10", "path=\"/\"} -10")],
        &METRICS_LINT,
        Warned,
        "(counter-value)",
    ),
    of("a label of Prometheus' own", &[(T, "queue=", "__queue=")], &METRICS_LINT, Warned, "(reserved-label)"),
    of(
        "a name that only Prometheus 3 reads",
        &[(T, DEPTH, "{\"depth\",queue=\"mail\"} 3\n")],
        &METRICS_LINT,
        Warned,
        "(quoted-name)",
    ),
    of(
        "a HELP that is a comment",
        &[(T, "# HELP depth", "#HELP depth")],
        &METRICS_LINT,
        Warned,
        "(unread-metadata)",
    ),
];
