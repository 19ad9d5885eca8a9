//! Real rules, where a corpus is at hand: `OPS_SMOKE_CORPORA` names its folder. They are in use all over the
//! world: what is found wrong with them is a false alarm, or must be explained here.

use evidence_report::record::Outcome;

use super::{RuleFile, alerts, burn_rate, config::SloPolicy, written};
use crate::rules::manifest;

#[test]
fn rules_in_use_give_no_false_alarm() {
    let Some(corpora) = std::env::var_os("OPS_SMOKE_CORPORA") else { return };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(std::path::Path::new(&corpora).join("rules")).unwrap() {
        let path = entry.unwrap().path();
        let groups = manifest::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        files.push(RuleFile { path: path.display().to_string(), groups });
    }
    assert!(alerts(&files).count() > 100);
    assert!(written::refused(&files, None).is_empty());
    let policy = written::Policy {
        labels: vec!["severity".to_owned()],
        annotations: vec!["summary".to_owned()],
        severities: ["critical", "warning", "info", "none"].map(str::to_owned).into(),
    };
    let mut wrong: Vec<_> = written::assess(&files, &policy, None);
    wrong.retain(|finding| !matches!(finding.outcome, Outcome::Passed | Outcome::Warned));
    let shown: Vec<_> =
        wrong.iter().map(|f| format!("{} {}: {}", f.check.id, f.subject, f.observed)).collect();
    // Its annotation is named `message`.
    assert_eq!(shown, ["rules.annotations GrafanaRequestsFailing (warning): without summary"]);
    let told = written::assess(&files, &policy, None);
    let told: Vec<_> =
        told.iter().filter(|f| f.outcome == Outcome::Warned && f.check.id == "rules.template").collect();
    // Their `description` names {{$labels.job}}, which their `by (namespace, service…)` drops: true, and upstream's.
    assert!(told.iter().all(|finding| finding.subject.starts_with("Alertmanager")), "{told:?}");
    let burning = burn_rate::assess(&files, &SloPolicy::default());
    for finding in &burning {
        assert!(finding.subject.contains("Burn"), "{finding:?}");
        assert_ne!(finding.outcome, Outcome::Failed, "{finding:?}");
    }
    assert!(!burning.is_empty(), "kube-prometheus has KubeAPIErrorBudgetBurn");
}
