//! The guides and the committed schema say what the program does.

use crate::support::{Run, Tool};

const GUIDE: &str = include_str!("../../../../docs/observability-smoke.md");
const SCHEMA: &str = include_str!("../../../../docs/schemas/observability-smoke-config.json");

fn ask(arguments: &[&str]) -> Run {
    Tool::new().command().args(arguments).output().unwrap().into()
}

#[test]
fn every_check_of_run_and_metrics_is_in_the_guide() {
    let explained = ask(&["--explain", "all"]);
    let headings = explained.stdout.lines().filter_map(|line| line.strip_prefix("## ")?.split_once(": "));
    let ids: Vec<_> = headings.map(|(id, _)| id).collect();
    let ours: Vec<_> = ids
        .into_iter()
        .filter(|id| ["probe.", "metrics.", "prometheus."].iter().any(|part| id.starts_with(part)))
        .collect();
    assert!(ours.len() >= 14, "{ours:?}");
    for id in ours {
        assert!(GUIDE.contains(&format!("`{id}`")), "the guide does not say what {id} is");
    }
}

#[test]
fn the_configuration_of_the_guide_is_accepted() {
    let (_, behind) = GUIDE.split_once("```yaml\n").unwrap();
    let (yaml, _) = behind.split_once("```").unwrap();
    let tool = Tool::new();
    let token = tool.write("token", "a");
    let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    let roots = tool.write("roots.pem", &made.cert.pem());
    let yaml = yaml
        .replace("/run/secrets/token", &token.display().to_string())
        .replace("/etc/ops/ca.pem", &roots.display().to_string());
    let run = tool.run(&yaml, &["--dry-run"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for planned in ["queue_depth > 1000", "billing_legacy_total", "at_least\": 2", "ApiDown"] {
        assert!(run.stdout.contains(planned), "{}", run.stdout);
    }
}

#[test]
fn the_committed_schema_is_what_the_program_prints() {
    let printed = ask(&["--print-schema"]).stdout;
    assert!(
        printed.trim_end() == SCHEMA.trim_end(),
        "write it anew: observability-smoke --print-schema > docs/schemas/observability-smoke-config.json"
    );
}
