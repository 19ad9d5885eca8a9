//! An OpenMetrics text that is right, and the ways in which exporters get it wrong.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed},
};

use crate::{
    checks::{METRICS_INGESTED, METRICS_VALID},
    self_test::fault::{Fault, Group, Setting, broken},
};

const TEXT: &str = r#"# HELP jobs Jobs.
# TYPE jobs counter
jobs_total{queue="fax"} 2
jobs_created{queue="fax"} 1.5
jobs_total{queue="mail"} 5
jobs_created{queue="mail"} 1.5
# HELP depth Depth.
# TYPE depth gauge
depth{queue="mail"} 3 100
depth{queue="mail"} 4 200
# HELP took_seconds Time.
# TYPE took_seconds histogram
# UNIT took_seconds seconds
took_seconds_bucket{le="0.1"} 3 # {trace="a"} 0.05
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 0.5
took_seconds_count 4
# HELP door The door.
# TYPE door stateset
door{door="open"} 1
door{door="shut"} 0
# HELP build Build.
# TYPE build info
build_info{version="1"} 1
# EOF
"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Metrics,
    title: "an OpenMetrics text that is right",
    files: &[("metrics.txt", TEXT)],
    served: &[],
    words: &["metrics", "{folder}/metrics.txt", "--syntax", "openmetrics"],
};

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

pub(super) static FAULTS: &[Fault] = &[
    fault("an empty line", &[(T, "# HELP depth", "\n# HELP depth")], "(blank-line)"),
    fault(
        "no blank before a value",
        &[(T, "depth{queue=\"mail\"} 3", "depth{queue=\"mail\"}3")],
        "(spacing)",
    ),
    fault("a comment", &[(T, "# HELP depth", "# made by hand\n# HELP depth")], "(comment)"),
    fault("a type without its name", &[(T, "# TYPE depth gauge", "# TYPE depth")], "(metadata)"),
    fault(
        "a unit that the name does not end with",
        &[(T, "took_seconds seconds", "took_seconds minutes")],
        "(unit)",
    ),
    fault(
        "a unit on a type that has none",
        &[(T, "# TYPE door stateset", "# TYPE door stateset\n# UNIT door door")],
        "(unit)",
    ),
    fault("no end", &[(T, "# EOF\n", "")], "(missing-eof)"),
    fault("text behind the end", &[(T, "# EOF\n", "# EOF\nlate 1\n")], "(after-eof)"),
    fault(
        "the series of a metric in two places",
        &[
            (T, "jobs_created{queue=\"fax\"} 1.5\n", ""),
            (T, "# HELP depth", "jobs_created{queue=\"fax\"} 1.5\n# HELP depth"),
        ],
        "(grouping)",
    ),
    fault("timestamps that go backwards", &[(T, "4 200", "4 50")], "(timestamp-order)"),
    fault(
        "a counter without its suffix",
        &[(T, "jobs_total{queue=\"fax\"}", "jobs{queue=\"fax\"}")],
        "(sample-name)",
    ),
    fault(
        "two families of one name",
        &[(T, "# HELP jobs", "# TYPE jobs_total gauge\n# HELP jobs")],
        "(clashing-name)",
    ),
    fault("an exemplar without braces", &[(T, "# {trace=\"a\"} 0.05", "# trace 0.05")], "(exemplar)"),
    fault("an exemplar on a gauge", &[(T, "3 100", "3 100 # {trace=\"a\"} 3")], "(exemplar-place)"),
    fault(
        "an exemplar that is too long",
        &[(
            T,
            "trace=\"a\"",
            "trace=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
        )],
        "(exemplar-place)",
    ),
    fault(
        "an exemplar that its bucket does not cover",
        &[(T, "# {trace=\"a\"} 0.05", "# {trace=\"a\"} 0.5")],
        "(exemplar-range)",
    ),
    fault(
        "a state that is neither 0 nor 1",
        &[(T, "door{door=\"open\"} 1", "door{door=\"open\"} 2")],
        "(typed-value)",
    ),
    fault(
        "a counter below zero",
        &[(T, "jobs_total{queue=\"fax\"} 2", "jobs_total{queue=\"fax\"} -2")],
        "(typed-value)",
    ),
    of(
        "one series and timestamp twice",
        &[(T, "4 200", "4 100")],
        &METRICS_INGESTED,
        Failed,
        "(repeated-timestamp)",
    ),
];
