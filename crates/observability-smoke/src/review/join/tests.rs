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
    of_rules(RULES, configuration, prometheus, alertmanager)
}

fn of_rules(
    rules: &str,
    configuration: &str,
    prometheus: Option<&Prometheus>,
    alertmanager: Option<&Alertmanager>,
) -> (Outcome, String) {
    let finding = assessed(rules, configuration, prometheus, alertmanager).swap_remove(0);
    (finding.outcome, finding.observed)
}

fn assessed(
    rules: &str,
    configuration: &str,
    prometheus: Option<&Prometheus>,
    alertmanager: Option<&Alertmanager>,
) -> Vec<Finding> {
    let groups = crate::rules::manifest::read(rules).unwrap();
    let files = [RuleFile { path: "r.yml".to_owned(), groups }];
    let configuration = Configuration::read(configuration).unwrap();
    let pages = BTreeMap::from([("a.md".to_owned(), Page::File(Vec::new()))]);
    let at = Timestamp::UNIX_EPOCH;
    let world = World { prometheus, configuration: Some(&configuration), alertmanager, pages: &pages, at };
    assess(&files, &world)
}

const ONE: &str =
    "route: {receiver: pager}\nreceivers: [{name: pager, webhook_configs: [{url: 'http://a'}]}]\n";

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn prometheus<const N: usize>(selected: [(&str, Selected); N]) -> Prometheus {
    let selected = selected.map(|(selector, found)| (selector.to_owned(), found)).into();
    Prometheus {
        loaded: loading("a > 1 or b > 1"),
        config: Some(LiveConfig::default()),
        alertmanagers: Some(vec!["http://127.0.0.1:9093/api/v2/alerts".to_owned()]),
        firing: Vec::new(),
        selected,
    }
}

/// The alert of [`RULES`], loaded with this expression.
fn loading(expression: &str) -> Vec<Group> {
    let rule = Rule {
        name: "A".to_owned(),
        kind: "alerting".to_owned(),
        health: "ok".to_owned(),
        query: expression.to_owned(),
        labels: labels(&[("severity", "critical")]),
        annotations: labels(&[("runbook_url", "a.md")]),
        ..Rule::default()
    };
    vec![Group { name: "a".to_owned(), rules: vec![rule], ..Group::default() }]
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

#[test]
fn a_rule_that_is_loaded_otherwise_than_written_is_no_rule() {
    let series = || Selected::Series(vec![Labels::new()]);
    let of = |change: fn(&mut Rule)| {
        let mut prometheus = prometheus([("a", series()), ("b", series())]);
        change(&mut prometheus.loaded[0].rules[0]);
        followed(ONE, Some(&prometheus), None)
    };
    assert_eq!(of(|_| {}).0, Outcome::Passed);
    let (outcome, said) = of(|rule| rule.query = "a > 100000 or b > 1".to_owned());
    assert!(
        outcome == Outcome::Failed && said.contains("written a > 1 or b > 1, loaded a > 100000"),
        "{said}"
    );
    let (outcome, said) = of(|rule| rule.duration = 300.0);
    assert!(outcome == Outcome::Failed && said.contains("A, for: written 0 s, loaded 300 s"), "{said}");
    let (outcome, said) = of(|rule| rule.annotations.clear());
    assert!(outcome == Outcome::Warned && said.contains("another text: A, annotation runbook_url"), "{said}");
    let (outcome, said) = of(|rule| rule.labels = labels(&[("severity", "info")]));
    assert!(outcome == Outcome::Failed && said.contains("loaded with other labels"), "{said}");
}

#[test]
fn an_alert_that_prometheus_does_not_send_stops_there() {
    let series = || Selected::Series(vec![labels(&[("team", "db")])]);
    let of = |config: &str, found: Option<&[&str]>| {
        let mut prometheus = prometheus([("a", series()), ("b", series())]);
        prometheus.config = Some(serde_saphyr::from_str(config).unwrap());
        prometheus.alertmanagers = found.map(|found| found.iter().map(|url| (*url).to_owned()).collect());
        let alertmanager =
            Alertmanager { url: "http://localhost:9093".parse().ok(), ..Alertmanager::default() };
        assessed(RULES, ONE, Some(&prometheus), Some(&alertmanager))
    };
    let here: Option<&[&str]> = Some(&["http://127.0.0.1:9093/api/v2/alerts"]);
    let step = |step: &str| format!("alerting: {{alert_relabel_configs: [{step}]}}\n");
    let nothing = "global: {}\n".to_owned();
    for (config, found, outcome, says) in [
        (nothing.clone(), here, Outcome::Passed, "not silenced"),
        (nothing.clone(), Some(&[][..]), Outcome::Failed, "sends to no Alertmanager"),
        (
            nothing.clone(),
            None,
            Outcome::Inconclusive,
            "to which Alertmanagers Prometheus sends is not known",
        ),
        (
            step("{source_labels: [severity], regex: critical, action: drop}"),
            here,
            Outcome::Failed,
            "drops it",
        ),
        (
            step("{source_labels: [a], action: hashmod, target_label: b, modulus: 2}"),
            here,
            Outcome::Inconclusive,
            "",
        ),
    ] {
        let finding = of(&config, found).swap_remove(0);
        assert_eq!(finding.outcome, outcome, "{config}{}", finding.observed);
        assert!(says == "not silenced" || finding.observed.contains(says), "{}", finding.observed);
    }
    let findings = of(&nothing, Some(&["http://other:9093/api/v2/alerts"]));
    let warned = findings.iter().find(|finding| finding.check.id == "join.sent").unwrap();
    assert!(warned.outcome == Outcome::Warned && warned.observed.contains("http://other:9093"), "{warned:?}");
}

#[test]
fn what_relabelling_makes_of_the_labels_is_what_is_routed() {
    let routes = "route: {receiver: nobody, routes: [{matchers: [severity=critical, region=eu], receiver: pager}]}\n\
        receivers: [{name: nobody}, {name: pager, webhook_configs: [{url: 'http://a'}]}]\n";
    let of = |config: &str| {
        let series = || Selected::Series(vec![Labels::new()]);
        let mut prometheus = prometheus([("a", series()), ("b", series())]);
        prometheus.config = Some(serde_saphyr::from_str(config).unwrap());
        followed(routes, Some(&prometheus), None)
    };
    let external = "global: {external_labels: {region: eu}}\n";
    assert_eq!(of(external).0, Outcome::Passed);
    let (outcome, said) = of(&format!(
        "{external}alerting: {{alert_relabel_configs: [{{regex: severity, action: labeldrop}}]}}\n"
    ));
    assert!(outcome == Outcome::Failed && said.contains("nobody is told"), "{said}");
}

/// Routes that tell somebody of `team="db"` alone, or of `severity="critical"`.
const BY_TEAM: &str = "route: {receiver: nobody, routes: [{matchers: [team=db], receiver: pager}, \
    {matchers: [severity=critical], receiver: pager}]}\n\
    receivers: [{name: nobody}, {name: pager, webhook_configs: [{url: 'http://a'}]}]\n";

#[test]
fn labels_that_the_expression_itself_gives_are_routed() {
    let owner = Selected::Series(vec![labels(&[("__name__", "owner"), ("team", "db"), ("job", "a")])]);
    let of = |expression: &str, severity: &str, firing: &[Labels]| {
        let rules = format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: '{expression}', labels: {{severity: '{severity}'}}, \
             annotations: {{runbook_url: a.md}}}}]}}]"
        );
        let mut prometheus = prometheus([
            ("owner{team=\"db\"}", owner.clone()),
            ("up", Selected::Series(vec![labels(&[("job", "a")])])),
            ("x", Selected::Series(vec![labels(&[("queue", "mail"), ("team", "web")])])),
        ]);
        prometheus.firing = firing.to_vec();
        prometheus.loaded = loading(expression);
        prometheus.loaded[0].rules[0].labels = labels(&[("severity", severity)]);
        of_rules(&rules, BY_TEAM, Some(&prometheus), None)
    };
    let template = "{{ if gt $value 1.0 }}critical{{ else }}warning{{ end }}";
    let fires = |severity: &str| [labels(&[("alertname", "A"), ("severity", severity)])];
    for (expression, severity, firing, outcome) in [
        ("absent(up{job=\"pg\",team=\"db\"})", "info", &[][..], Outcome::Passed),
        ("absent(up{job=\"pg\",team=\"db\",team!=\"x\"})", "info", &[], Outcome::Failed),
        ("absent(up{job=\"pg\"})", "info", &[], Outcome::Failed),
        ("count by (job) (up) * on (job) group_right() owner{team=\"db\"} > 0", "info", &[], Outcome::Passed),
        ("up * on (job) group_left (team) owner{team=\"db\"} > 0", "info", &[], Outcome::Inconclusive),
        ("label_replace(x > 1, \"team\", \"db\", \"queue\", \"mail\")", "info", &[], Outcome::Inconclusive),
        (
            "sum by (queue) (label_replace(x > 1, \"team\", \"db\", \"queue\", \"mail\"))",
            "info",
            &[],
            Outcome::Failed,
        ),
        ("x > 1", "info", &[], Outcome::Failed),
        ("x > 1", template, &[], Outcome::Inconclusive),
        ("x > 1", template, &fires("critical"), Outcome::Passed),
        ("x > 1", template, &fires("warning"), Outcome::Failed),
    ] {
        let (found, said) = of(expression, severity, firing);
        assert_eq!(found, outcome, "{expression}: {said}");
    }
}

#[test]
fn both_sides_of_unless_may_name_one_selector() {
    let of = |text: &str| needed(&parse(text).unwrap());
    assert_eq!(of("typo > 5 unless typo > 100"), ["typo"]);
    assert_eq!(of("a unless (b or c unless a)"), ["a"]);
    assert_eq!(of("absent(a) or a > 1 and sum(rate(b[5m])) > 1"), ["b"]);
}

#[test]
fn what_is_unknown_outweighs_what_is_warned_of() {
    for sides in [["a", "b"], ["b", "a"]] {
        let [one, other] = sides;
        let prometheus =
            prometheus([(one, Selected::Unknown("too slow".to_owned())), (other, Selected::OnlyOthers)]);
        assert_eq!(followed(ONE, Some(&prometheus), None).0, Outcome::Inconclusive);
    }
}
