//! Every rule over files that nobody would write, and over a small corpus that is cut, twisted and swapped: each
//! gives findings, none a pass where nothing could be read, none a panic.

use std::time::{Duration, Instant};

use super::{
    Rule,
    material::Observed,
    trial::{rule, told},
};
use crate::record::Outcome;

/// One of each, each over files of its own form.
fn rules() -> Vec<Rule> {
    let texts = [
        "{rule: runbooks, index: i.md, runbooks: a.md, headings: [First], review_every: 90d}",
        "{rule: roster, file: a.md}",
        "{rule: roster, file: a.yaml}",
        "{rule: drills, file: a.md}",
        "{rule: drills, file: a.json}",
        "{rule: rotation, log: a.yaml, classes: [{name: x, cadence: 30d}]}",
        "{rule: break-glass, log: a.json, open_at_most: 1h}",
        "{rule: network-policy, manifests: [a.yaml]}",
        "{rule: network-policy, manifests: [a.yaml], flows: b.yaml}",
        "{rule: config-diff, environments: {staging: a.toml, production: b.toml}, risky: ['**'], approvals: a.md}",
        "{rule: config-diff, environments: {staging: a.env, production: b.env}}",
        "{rule: load-profile, results: a.json, limits: a.yaml, measures: [{part: api, name: x, at: a.b, of: c}]}",
        "{rule: scans, reports: [{kind: sast, file: a.sarif}]}",
        "{rule: audit-export, file: a.md, every: 30d}",
        "{rule: correlation-trace, file: a.yaml, systems: [api]}",
        "{rule: cost, file: a.md}",
        "{rule: rollback, file: a.toml, objective: 10m}",
    ];
    texts.iter().map(|text| rule(text)).collect()
}

const FILES: [&str; 10] =
    ["i.md", "a.md", "a.yaml", "b.yaml", "a.json", "a.toml", "b.toml", "a.env", "b.env", "a.sarif"];

/// What no file should be, and files as they should be, of every form.
fn corpus() -> Vec<String> {
    let mut corpus = vec![
        String::new(),
        "\u{0}\u{1}\u{202e}\u{feff}".to_owned(),
        "[".repeat(20_000),
        "{\"a\":".repeat(20_000),
        "- ".repeat(5_000),
        "> ".repeat(5_000),
        "|".repeat(20_000),
        format!("| a |\n|---|\n{}", "| x |\n".repeat(5_000)),
        format!("a: \"{}\n", "x".repeat(100_000)),
        "a: &a [*a]\n".to_owned(),
        "? [complex]\n: key\n".to_owned(),
        "a = [\nb\n".to_owned(),
        "# A\n\n| Drill | Kind | Planned | Executed | Outcome |\n|---|---|---|---|---|\n| x | restore | 9999-12-31 | 9999-12-31 | x |\n| y | tabletop | 0001-01-01 | -009999-01-01 | |\n".to_owned(),
        "| From | To | Counted | Exported |\n|---|---|---|---|\n| 9999-12-31 | 9999-12-31 | 99999999999999999999 | 1 |\n| 0001-01-01 | 9999-12-31 | 1 | 1 |\n| 9999-12-31 | 9999-12-31 | 1 | 1 |\n".to_owned(),
        "rotations: [{secret: x, rotated: 9999-12-31, by: y}]\nbreak_glass: []\n".to_owned(),
        "rollbacks: [{from revision: a, to revision: b, started: 9999-12-31, finished: 0001-01-01, contract before: aa, contract after: aa}]\n".to_owned(),
        "{\"version\": \"2.1.0\", \"runs\": [{\"tool\": {\"driver\": {\"name\": \"x\", \"rules\": [null, 5]}}, \"results\": [null, 5, {\"ruleIndex\": 99999999999, \"rule\": {\"toolComponent\": {\"index\": 18446744073709551615}}}]}]}".to_owned(),
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: 5\nspec: {podSelector: [], policyTypes: 5, ingress: {}, egress: [5, null, {to: [null, 5], ports: [null, {port: 99999}]}]}\n".to_owned(),
        "kind: List\nitems: [{kind: List, items: [{kind: NetworkPolicy}]}]\n".to_owned(),
    ];
    let manifest = include_str!(
        "../../../../../examples/parallel-ops-track/doc/operations/evidence/network_policy_baseline.yaml"
    );
    corpus.push(manifest.chars().take(3_000).collect());
    corpus
}

/// The moments at the ends of time, too: nothing may overflow.
const MOMENTS: [&str; 3] = ["2026-11-27T12:00:00Z", "-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z"];

fn assess_all(text: &str) -> Vec<Vec<String>> {
    let files: Vec<_> = FILES.iter().map(|file| (*file, text)).collect();
    let observed = Observed::of_texts(&files);
    let all = rules().into_iter().flat_map(|rule| {
        MOMENTS.map(|moment| {
            let findings = rule.assess(&observed, moment.parse().unwrap());
            assert!(!findings.is_empty(), "{rule:?} says nothing of {:?}", text.get(..40));
            let bad = findings.iter().any(|finding| !matches!(finding.outcome, Outcome::Passed));
            assert!(bad || text.len() > 60, "{rule:?} passes {text:?}");
            told(&findings)
        })
    });
    all.collect()
}

#[test]
fn hostile_files_give_findings_and_no_panic() {
    for text in corpus() {
        let start = Instant::now();
        assess_all(&text);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", text.get(..40));
    }
}

#[test]
fn the_corpus_cut_and_twisted_gives_findings_and_no_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    for text in corpus().iter().filter(|text| text.len() < 4_000) {
        for _ in 0..8 {
            let mut letters: Vec<char> = text.chars().collect();
            match next(3) {
                0 => letters.truncate(next(text.len())),
                1 => (0..4).for_each(|_| {
                    if let Some(letter) = {
                        let at = next(letters.len());
                        letters.get_mut(at)
                    } {
                        *letter = ['\n', '|', ':', '-', '{', '"', '\u{1F4A5}', '9'][next(8)];
                    }
                }),
                _ => {
                    let (from, to) = (next(letters.len()), next(letters.len()));
                    let part: Vec<_> = letters[from.min(to)..from.max(to)].to_vec();
                    letters.extend(part);
                }
            }
            let twisted: String = letters.into_iter().collect();
            let files: Vec<_> = FILES.iter().map(|file| (*file, twisted.as_str())).collect();
            let observed = Observed::of_texts(&files);
            for rule in rules() {
                assert!(!rule.assess(&observed, MOMENTS[0].parse().unwrap()).is_empty(), "{rule:?}");
            }
        }
    }
}
