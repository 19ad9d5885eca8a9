//! What the tools are built from.

use std::{collections::BTreeSet, process::Command};

use crate::programs::{project, run};

/// Names of the crates that `package` is built from, without what only its tests need.
fn built_from(package: &str) -> BTreeSet<String> {
    let said = run(Command::new(env!("CARGO")).current_dir(project()).args([
        "tree",
        "--locked",
        "--offline",
        "-e",
        "normal",
        "--prefix",
        "none",
        "-p",
        package,
    ]))
    .exits(0);
    said.stdout.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn tools_carry_no_markdown_html_or_xml_library() {
    for tool in ["cert-expiry-check", "backup-restore-smoke", "observability-smoke"] {
        let crates = built_from(tool);
        assert!(crates.contains("evidence-report"), "{tool}: {crates:?}");
        for library in ["pulldown-cmark", "comrak", "maud", "askama", "quick-xml", "roxmltree"] {
            assert!(!crates.contains(library), "{tool} carries {library}");
        }
    }
}

#[test]
fn nothing_carries_a_second_tls_library() {
    let tools = ["cert-expiry-check", "backup-restore-smoke", "observability-smoke", "evidence-report"];
    for package in tools {
        let crates = built_from(package);
        for library in ["openssl", "openssl-sys", "native-tls", "ring"] {
            assert!(!crates.contains(library), "{package} carries {library}");
        }
    }
    assert!(built_from("cert-expiry-check").contains("rustls"));
}
