//! The guide says what the program does.

use cert_expiry_check::{
    assess::{
        lifetime::Role,
        threshold::{Limits, Thresholds},
    },
    checks::TOOL,
    wording::span,
};

const GUIDE: &str = include_str!("../../../../docs/cert-expiry-check.md");
const DAY: u64 = 86_400;

#[test]
fn the_table_of_lifetimes_is_right() {
    let thresholds = Thresholds::default();
    let kinds = [
        ("24 hours", Role::Leaf, DAY),
        ("6 days", Role::Leaf, 6 * DAY),
        ("90 days", Role::Leaf, 90 * DAY),
        ("398 days", Role::Leaf, 398 * DAY),
        ("ten years", Role::Leaf, 3650 * DAY),
        ("issuer (CA), one year", Role::Issuer, 365 * DAY),
        ("issuer (CA), ten years", Role::Issuer, 3650 * DAY),
    ];
    for (kind, role, lifetime) in kinds {
        let Limits { warning, critical } = thresholds.of(role);
        let row = format!(
            "| {kind} | {} | {} |",
            span(warning.seconds(lifetime)),
            span(critical.seconds(lifetime))
        );
        assert!(GUIDE.contains(&row), "the guide lacks: {row}");
    }
}

#[test]
fn every_check_is_in_the_guide() {
    for check in TOOL.checks {
        assert!(GUIDE.contains(&format!("`{}`", check.id)), "the guide lacks {}", check.id);
    }
}

#[test]
fn the_configuration_of_the_guide_is_accepted() {
    let behind = &GUIDE[GUIDE.find("# cert-expiry.yaml").unwrap()..];
    let (yaml, _) = behind.split_once("```").unwrap();
    let bench = crate::support::Bench::new();
    let config = bench.write("cert-expiry.yaml", yaml);
    let output = bench.run(&["--config", &config, "scan", "--dry-run", "--evidence", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
