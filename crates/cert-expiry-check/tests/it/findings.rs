//! What every finding owes to whoever reads it: where, what was seen, what is expected, when it will hurt, what to do.

use std::{fmt::Write, path::Path};

use cert_expiry_check::{
    checks::TOOL,
    cli::{Cli, Command},
    plan::Plan,
    scan,
    self_test::{
        fault::{Fault, Scene},
        faults::FAULTS,
        workshop::Workshop,
    },
};
use clap::Parser;
use evidence_report::{
    record::{Finding, Outcome},
    run::Run,
};
use tokio::task::JoinSet;

use crate::support::Bench;

/// Checks whose findings are about a moment: it stands in their words, as a date and as a distance from now.
const ABOUT_A_MOMENT: [&str; 9] = [
    "tls.lifetime",
    "file.lifetime",
    "kubernetes.lifetime",
    "client.lifetime",
    "tls.renewal",
    "tls.agreement",
    "tls.nodes",
    "tls.revocation",
    "crl.freshness",
];

/// What a scan of this fault complains of, as if its words had been typed.
async fn complaints_of(scene: &Scene) -> Vec<Finding> {
    let words = scene.words.iter().flat_map(|word| match scene.addresses.as_slice() {
        // The nodes behind a name, one by one.
        nodes if word.starts_with("localhost:") && !nodes.is_empty() => {
            nodes.iter().map(|node| format!("{word}@{node}")).collect()
        }
        _ => vec![word.clone()],
    });
    let cli = Cli::try_parse_from(std::iter::once(TOOL.name.to_owned()).chain(words)).unwrap();
    let Command::Scan(arguments) = cli.command else { panic!("only a scan finds something") };
    let plan = Plan::resolve(&arguments, &cli.shared).unwrap();
    let run = Run::start(&TOOL, plan.run.clone()).unwrap();
    scan::observe(&plan, &run).await.unwrap();
    let bad = [Outcome::Failed, Outcome::Warned, Outcome::Inconclusive];
    let finished = run.finish();
    finished.report().findings.iter().filter(|finding| bad.contains(&finding.outcome)).cloned().collect()
}

/// What this finding does not say.
fn missing(finding: &Finding, scene: &Scene) -> Vec<&'static str> {
    let Finding { check, subject, observed, expected, remedy, hurts_at, .. } = finding;
    // An issuer and a key are told once, and what they stand behind in the words.
    let is_place = |word: &String| {
        let place = word.split_once("://").map_or(word.as_str(), |(_, place)| place);
        let folder = Path::new(place).parent().and_then(Path::to_str).filter(|folder| !folder.is_empty());
        let said = format!("{subject} {observed}");
        said.contains(place) || folder.is_some_and(|folder| said.contains(folder))
    };
    let is_about_a_moment =
        ABOUT_A_MOMENT.contains(&check.id) || check.id == "tls.trust" && observed.contains("expired");
    // What is not valid yet hurts now, until the moment that is told.
    let day = hurts_at.map(|at| at.strftime("%Y-%m-%d").to_string());
    let is_told = |day: String| observed.contains(&day) || observed.starts_with("not valid before 2");
    let words: Vec<_> = observed.split([' ', '(', ';']).collect();
    let is_number = |word: &str| word.parse::<u32>().is_ok();
    let ahead = words.windows(2).any(|pair| pair[0] == "in" && is_number(pair[1]));
    let behind = observed.contains(" ago") && words.iter().any(|word| is_number(word));
    [
        (scene.words[1..].iter().any(is_place) || subject.starts_with("secret web/shop"), "where"),
        (!observed.is_empty(), "what was seen"),
        (!expected.is_empty(), "what is expected"),
        (remedy.contains(' ') && remedy.ends_with(['.', ')']), "what to do, in a sentence"),
        (!is_about_a_moment || day.is_some_and(is_told), "on which day it hurts"),
        (!is_about_a_moment || ahead || behind, "how far away that is"),
    ]
    .into_iter()
    .filter_map(|(is_said, what)| (!is_said).then_some(what))
    .collect()
}

#[test]
fn every_finding_says_where_what_was_seen_what_is_expected_when_it_hurts_and_what_to_do() {
    let bench = Bench::new();
    let workshop = Workshop::open(&bench.path("workshop")).unwrap();
    let build = |(index, fault): (usize, &'static &'static Fault)| {
        (fault, (fault.build)(&workshop.bench(Path::new(&index.to_string())).unwrap()).unwrap())
    };
    let scenes: Vec<_> = FAULTS.iter().enumerate().map(build).collect();
    let look = |(fault, scene): (_, Scene)| async move { (fault, complaints_of(&scene).await, scene) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let looks =
        runtime.block_on(async { scenes.into_iter().map(look).collect::<JoinSet<_>>().join_all().await });
    let mut wrong = String::new();
    for (fault, complaints, scene) in looks {
        assert!(complaints.iter().any(|found| found.check.id == fault.proves.id), "{}", fault.title);
        for finding in &complaints {
            for what in missing(finding, &scene) {
                writeln!(wrong, "{}: it does not say {what}: {finding:#?}", fault.title).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
