//! The pages under docs/checks are what the tools say about themselves.

use crate::programs::{project, run, tool};

#[test]
fn every_check_is_documented_as_its_tool_explains_it() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["backup-restore-smoke", "cert-expiry-check", "evidence-report", "observability-smoke"] {
        let said = run(tool(name, scratch.path()).args(["--explain", "all"]));
        assert_eq!(said.code, Some(0), "{said:?}");
        let page = project().join(format!("docs/checks/{name}.md"));
        let committed = std::fs::read_to_string(&page).unwrap_or_default();
        assert_eq!(committed, said.stdout, "write it anew: {name} --explain all > docs/checks/{name}.md");
    }
}
