//! The judgement of the join, without servers.

use evidence_report::record::Outcome;

use super::*;

const RULES: &str = "groups: [{name: a, rules: [{alert: A, expr: a > 1 or b > 1, labels: {severity: critical}, \
    annotations: {runbook_url: a.md}}]}]";

/// What is said of the alert by this configuration, and by what Prometheus and Alertmanager say.
fn followed(
    configuration: &str,
    prometheus: Option<&Prometheus>,
    alertmanager: Option<&Alertmanager>,
) -> (Outcome, String) {
    let groups = crate::rules::manifest::read(RULES).unwrap();
    let files = [RuleFile { path: "r.yml".to_owned(), groups }];
    let configuration = Configuration::read(configuration).unwrap();
    let pages = BTreeMap::from([("a.md".to_owned(), Page::File(Vec::new()))]);
    let at = Timestamp::UNIX_EPOCH;
    let world = World { prometheus, configuration: Some(&configuration), alertmanager, pages: &pages, at };
    let finding = assess(&files, &world).swap_remove(0);
    (finding.outcome, finding.observed)
}

const ONE: &str =
    "route: {receiver: pager}\nreceivers: [{name: pager, webhook_configs: [{url: 'http://a'}]}]\n";

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn prometheus(selected: [(&str, Selected); 2]) -> Prometheus {
    let loaded = Loaded {
        name: "A".to_owned(),
        labels: labels(&[("severity", "critical")]),
        health: "ok".to_owned(),
        last_error: String::new(),
    };
    let selected = selected.map(|(selector, found)| (selector.to_owned(), found)).into();
    Prometheus { loaded: vec![loaded], external: Labels::new(), selected }
}

#[test]
fn a_dead_route_beside_one_that_tells_somebody_is_no_stop() {
    let receivers = "receivers: [{name: nobody}, {name: pager, webhook_configs: [{url: 'http://a'}]}]\n";
    let tree = |pager: &str| {
        format!(
            "route: {{receiver: nobody, routes: [{{receiver: {pager}, continue: true}}, {{receiver: nobody}}]}}\n"
        )
    };
    let (outcome, said) = followed(&format!("{}{receivers}", tree("pager")), None, None);
    assert_eq!(outcome, Outcome::Passed, "{said}");
    assert!(said.contains("nobody (no integration)") && said.contains("pager (webhook)"), "{said}");
    let (outcome, said) = followed(&format!("{}{receivers}", tree("nobody")), None, None);
    assert_eq!(outcome, Outcome::Failed, "{said}");
    let muted = "route: {receiver: nobody, routes: [{receiver: pager, continue: true, mute_time_intervals: [always]}, \
        {receiver: nobody}]}\ntime_intervals: [{name: always, time_intervals: [{weekdays: ['sunday:saturday']}]}]\n";
    let (outcome, said) = followed(&format!("{muted}{receivers}"), None, None);
    assert!(
        outcome == Outcome::Warned && said.contains("silent now"),
        "the one that tells is silent: {said}"
    );
}

#[test]
fn one_side_of_an_or_may_have_no_series() {
    let (series, nothing) = (|| Selected::Series(vec![Labels::new()]), || Selected::Nothing);
    let of = |selected| followed(ONE, Some(&prometheus(selected)), None);
    assert_eq!(of([("a", series()), ("b", series())]).0, Outcome::Passed);
    let (outcome, said) = of([("a", series()), ("b", nothing())]);
    assert!(outcome == Outcome::Warned && said.contains("no series at all for b, one side"), "{said}");
    assert_eq!(of([("a", nothing()), ("b", nothing())]).0, Outcome::Failed);
}

#[test]
fn a_silence_of_one_series_is_no_silence_of_the_alert() {
    let series = Selected::Series(vec![labels(&[("instance", "one")]), labels(&[("instance", "two")])]);
    let prometheus = prometheus([("a", series.clone()), ("b", series)]);
    let of = |silence: &str| {
        let silences = vec![("s1".to_owned(), Matcher::parse(silence).unwrap())];
        followed(ONE, Some(&prometheus), Some(&Alertmanager { silences, ..Alertmanager::default() }))
    };
    let (outcome, said) = of("instance=one");
    assert!(outcome == Outcome::Warned && said.contains("silenced now by s1: 1 of its 2 series"), "{said}");
    let (outcome, said) = of("severity=critical");
    assert!(outcome == Outcome::Failed && said.ends_with("stops: silenced now by s1"), "{said}");
    assert_eq!(of("instance=three").0, Outcome::Passed);
}
