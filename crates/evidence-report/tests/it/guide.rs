//! The commands of the user guide work as they stand there.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::place::{Place, record, said};

const GUIDE: &str = include_str!("../../../../docs/evidence-from-anything.md");

/// Programs that stand in for those that no machine of ours has.
const STAND_INS: [(&str, &str); 2] = [
    (
        "k6",
        r#"#!/bin/sh
[ "$1" = version ] && { echo "k6 v1.3.0"; exit; }
cat > summary.json <<END
{"metrics":{"http_req_duration":{"avg":110.2,"p(95)":210.5,"thresholds":{"p(95)<500":false}},
"http_reqs":{"count":90000,"rate":150.2},"vus_max":{"value":50}}}
END
"#,
    ),
    ("conftest", "#!/bin/sh\nprintf '1..2\\nok 1 - replicas\\nok 2 - limits\\n'\n"),
];

fn blocks() -> Vec<&'static str> {
    GUIDE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_commands_of_the_guide_pass_in_their_order() {
    let place = Place::new();
    for (name, script) in STAND_INS {
        let path = place.write(&format!("bin/{name}"), script);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    place.write("load.js", "// load\n");
    place.write("api/openapi.yaml", "openapi: 3.1.0\n");
    place.write(
        "scan.sarif",
        r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"scan"}},"results":[]}]}"#,
    );
    place.write("target/audit/junit.xml", r#"<testsuite name="s"><testcase name="a"/></testsuite>"#);
    let tool = Path::new(env!("CARGO_BIN_EXE_evidence-report")).parent().unwrap();
    let path =
        format!("{}:{}:{}", place.path("bin").display(), tool.display(), std::env::var("PATH").unwrap());
    assert_eq!(blocks().len(), 4);
    for block in blocks() {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", block]).current_dir(place.path("")).env("PATH", &path);
        shell.env("OPS_SMOKE_RUN_BASE", place.path("base")).env("USER", "ada");
        shell.env_remove("OPS_SMOKE_DRILLS").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        let (code, printed) = said(&shell.output().unwrap());
        assert_eq!(code, 0, "{block}\n{printed}");
    }
    for (name, items) in [
        ("capacity_load", &[6][..]),
        ("security_sast", &[7]),
        ("audit_export_jobs", &[9]),
        ("capacity_thresholds", &[6]),
        ("parity_policies", &[8]),
        ("incident_drill_reports", &[2]),
        ("rollback_drill_report", &[2, 11]),
    ] {
        let record = record(&place.path(&format!("doc/operations/evidence/{name}.md")));
        assert_eq!(record.verdict, evidence_report::record::Verdict::Passed, "{name}");
        assert_eq!(record.tracker_items, items, "{name}");
    }
    let load = record(&place.path("doc/operations/evidence/capacity_load.md"));
    assert!(load.facts.iter().any(|fact| fact.name == "version of k6" && fact.value == "k6 v1.3.0"));
}
