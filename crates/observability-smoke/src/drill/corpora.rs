//! Real rules, where a corpus is at hand: `OPS_SMOKE_CORPORA` names its folder.

use promql_parser::parser::parse;

use super::{
    acceleration::accelerate,
    derivation::{Question, derive},
    model::Recording,
    prediction::rounded_up,
    selection::{RuleFile, select},
};
use crate::rules::manifest::{self, Kind};

#[test]
fn every_manifest_is_read_and_for_most_alerts_series_are_derived() {
    let Some(corpora) = std::env::var_os("OPS_SMOKE_CORPORA") else { return };
    let folder = std::path::Path::new(&corpora).join("rules");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let groups = manifest::read(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert!(!groups.is_empty(), "{}", path.display());
        files.push(RuleFile { path, groups });
    }
    let rules = files.iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules);
    for rule in rules.clone() {
        // An accelerated copy is written by promql-parser: what it writes must mean what it read.
        let parsed = parse(&rule.expression).unwrap();
        let written = parsed.to_string();
        assert_eq!(parse(&written).unwrap().to_string(), written, "{}", rule.name);
    }
    promtool_accepts_accelerated_copies(&files);
    let (mut alerts, mut derived) = (0, 0);
    for rule in rules.filter(|rule| rule.kind == Kind::Alert) {
        alerts += 1;
        match series(&files, rule) {
            Ok(_) => derived += 1,
            Err(why) => println!("{}: {why}", rule.name),
        }
    }
    println!("series derived for {derived} of {alerts} alerts");
    assert!(alerts > 100 && derived * 100 >= alerts * 80, "{derived} of {alerts}");
}

fn series(files: &[RuleFile], rule: &manifest::Rule) -> Result<usize, String> {
    let labels: Vec<_> = rule.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let selected =
        select(files, &format!("{}{{{}}}", rule.name, labels.join(","))).map_err(|why| why.to_string())?;
    let expression = parse(&rule.expression)?;
    let recordings = selected
        .recordings()
        .map(|rule| {
            let expression = parse(&rule.expression)?;
            Ok(Recording { name: rule.name.clone(), labels: rule.labels.clone(), expression })
        })
        .collect::<Result<Vec<_>, String>>()?;
    let question = Question {
        expression: &expression,
        recordings: &recordings,
        shown: std::collections::BTreeSet::new(),
        scrape: 1.0,
        evaluation: 1.0,
        hold: rounded_up(rule.hold, std::time::Duration::from_secs(1)).as_secs_f64(),
        epoch: 1_700_000_000.0,
        history: 0.0,
    };
    derive(&question).map(|series| series.len())
}

fn promtool_accepts_accelerated_copies(files: &[RuleFile]) {
    let second = std::time::Duration::from_secs(1);
    let folder = tempfile::tempdir().unwrap();
    let mut copies = 0;
    for (index, group) in files.iter().flat_map(|file| &file.groups).enumerate() {
        let alone = [RuleFile { path: "rules.yml".into(), groups: vec![group.clone()] }];
        for (number, rule) in group.rules.iter().enumerate().filter(|(_, rule)| rule.kind == Kind::Alert) {
            let labels: Vec<_> =
                rule.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let Ok(written) = select(&alone, &format!("{}{{{}}}", rule.name, labels.join(","))) else {
                continue;
            };
            let copy = accelerate(&written, 10, second, second).unwrap();
            let path = folder.path().join(format!("{index}-{number}.yml"));
            std::fs::write(path, manifest::write(&copy.loaded)).unwrap();
            copies += 1;
        }
    }
    let paths = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let checked =
        std::process::Command::new("promtool").args(["check", "rules"]).args(paths).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    println!("promtool accepts the accelerated copies of {copies} alerts");
}
