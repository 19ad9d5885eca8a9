//! One rich report, with every kind of finding and every hostile string.

use std::time::Duration;

use evidence_report::record::{
    Attachment, Chart, Check, Deadline, Decimal, Detail, Environment, Measurement, Metric, Objective, Report,
    Requirement, RunFacts, Series, Stage, Timeline, Tool,
};

pub(crate) static CONTENT: Check = Check {
    id: "restore.content",
    title: "Content restored",
    explanation: "Every table of the copy has the rows of its source.",
    remedy: "Do not rely on this backup.",
};

pub(crate) static LIFETIME: Check = Check {
    id: "tls.lifetime",
    title: "Lifetime left",
    explanation: "A certificate is renewed before it expires.",
    remedy: "Renew the certificate.",
};

pub(crate) static ISOLATED: Check = Check {
    id: "restore.isolated",
    title: "Copy isolated",
    explanation: "The copy reaches nobody.",
    remedy: "Allow user namespaces.",
};

static TOOL: Tool =
    Tool { name: "fixture-smoke", version: "1.2.3", checks: &[&CONTENT, &LIFETIME, &ISOLATED] };

pub(crate) fn report() -> Report {
    let at = |text: &str| text.parse().unwrap();
    let mut findings = vec![
        CONTENT
            .failed("public.\"we|rd\n`table`\"")
            .expected("5000 rows, digest 12")
            .observed("4999 rows, digest 11 <b>& _more_</b>"),
        LIFETIME
            .warned("shop.example:443")
            .expected("more than 21 d left")
            .observed("in 13 d 4 h")
            .hurts_at(at("2026-12-06T12:00:00Z"))
            .at("ops/targets.txt", Some(7)),
        CONTENT.warned("shop.example:443").expected("one name").observed("two names: a | b"),
        LIFETIME
            .failed("old.example:443")
            .expected("more than 21 d left")
            .observed("expired 2026-11-20 19:20 UTC, 3 d ago")
            .hurts_at(at("2026-11-20T19:20:00Z"))
            .waive("Security lead", "switched off on 1 December, OPS-17", at("2026-12-01T23:59:59Z")),
        LIFETIME.inconclusive("\u{202E}evil.example:443").observed("no file descriptor was left"),
        ISOLATED.not_checked(Requirement::Required, "scratch", "namespaces are forbidden here"),
        ISOLATED.not_checked(Requirement::Optional, "replica", "there is none"),
    ];
    findings.extend(
        (0..12).map(|n| CONTENT.passed(format!("public.table_{n}")).expected("10 rows").observed("10 rows")),
    );
    findings.push(LIFETIME.passed("one.example:443").expected("more than 21 d").observed("in 80 d 0 h"));
    let mut report = Report {
        tool: &TOOL,
        run: RunFacts {
            title: "Fixture | report".into(),
            environment: Environment::Staging,
            facts: vec![("system identifier".into(), "7412345678901234567".into())],
            tracker_items: vec![3, 5],
            started: at("2026-11-23T11:59:00.250Z"),
            finished: at("2026-11-23T12:00:00.5Z"),
            judged_at: at("2026-11-23T11:59:00.250Z"),
            valid_until: at("2026-12-23T12:00:00Z"),
            host: "runner-1".into(),
            operator: "deploy".into(),
            owner: Some("Platform + DBA".into()),
            commit: Some(("0123456789abcdef0123456789abcdef01234567".into(), true)),
            command: vec!["fixture-smoke".into(), "--name".into(), "it's here".into()],
            interrupted: None,
            previous: Some("sha256:00".into()),
        },
        findings,
        unlisted: Vec::new(),
        owed: Vec::new(),
        measurements_unlisted: 0,
        series: series(),
        deadlines: deadlines(),
        measurements: vec![
            Measurement::new("rows", Decimal::from(64_999), "rows").label("table", "all"),
            Measurement::seconds("recovery_time_seconds", 12.5)
                .objective(Objective::AtMost(Decimal::from(10))),
            Measurement::seconds("dump_seconds", 3.25).objective(Objective::AtMost(Decimal::from(10))),
        ],
        timeline: Timeline {
            zero: "the incident".into(),
            stages: vec![
                stage("dump", 0, 3250, ""),
                stage("restore", 3250, 12_000, "2 jobs"),
                stage("first committed write", 12_500, 12_500, "predicted: | none"),
            ],
        },
        charts: vec![Chart {
            title: "Expiry".into(),
            lines: vec!["  a ████ 13 d".into(), "  b ``` ██ 80 d".into()],
        }],
        details: vec![Detail {
            title: "pg_restore".into(),
            text: "line one\n<!-- evidence-report:end v1 -->\n````\nFAILED inside".into(),
        }],
        attachments: vec![Attachment { name: "targets.txt".into(), sha256: "ab".repeat(32), bytes: 12 }],
    };
    report.sort();
    report
}

static NOT_AFTER: Metric = Metric { name: "x509_cert_not_after", help: "Unix time of the\nend." };
static SUCCESS: Metric = Metric { name: "probe_success", help: "1 where it answered." };

fn series() -> Vec<Series> {
    let one = |labels: &[(&'static str, &str)], values| Series {
        labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        values,
    };
    let twice = [("filepath", "/etc/\"a\"\\b\nc.pem"), ("subject_CN", "Prüfstelle")];
    vec![
        one(&twice, vec![(&NOT_AFTER, 1_800_000_000.0)]),
        one(&twice, vec![(&NOT_AFTER, 1_700_000_000.0)]),
        one(&[("instance", "shop.example:443"), ("secret_name", "")], vec![(&SUCCESS, 1.0)]),
        one(&[("instance", "old.example:443"), ("tool", "mine")], vec![(&SUCCESS, 0.0), (&NOT_AFTER, -1.5)]),
    ]
}

fn deadlines() -> Vec<Deadline> {
    let one = |key: &str, at: &str, title: &str, lines: &[&str]| Deadline {
        key: key.into(),
        at: at.parse().unwrap(),
        title: title.into(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let long = "ü".repeat(60);
    vec![
        one(
            "shop",
            "2026-12-06T12:00:00Z",
            "shop.example expires; renew, now",
            &["at shop.example:443", &long],
        ),
        one(
            "old",
            "2026-11-20T19:20:00Z",
            "old.example\nBEGIN:VEVENT",
            &["at old.example:443", "back\\slash"],
        ),
        one("shop", "2027-12-06T12:00:00Z", "another of the same key", &[]),
        one("hours", "2026-11-23T18:00:00Z", "six hours", &[]),
    ]
}

fn stage(name: &str, start: u64, end: u64, note: &str) -> Stage {
    Stage {
        name: name.into(),
        start: Duration::from_millis(start),
        end: Duration::from_millis(end),
        note: note.into(),
    }
}
