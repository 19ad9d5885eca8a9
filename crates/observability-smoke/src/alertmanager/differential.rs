//! Our routing against `amtool config routes test`, on random trees and label sets.

use std::{path::Path, process::Command};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Configuration, Labels};

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b", "ab", "a b", "a,b", "a\"b", "a\\b", "{", "x=y"])
        .prop_map(str::to_owned)
}

fn matcher() -> impl Strategy<Value = Value> {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let name = || prop::sample::select(vec!["alertname", "severity", "team"]);
    let equal = (name(), prop::sample::select(vec!["=", "!="]), word())
        .prop_map(move |(name, sign, value)| json!(format!("{name} {sign} \"{}\"", quoted(&value))));
    let bare = (name(), prop::sample::select(vec!["a", "b", "ab", "a b"]))
        .prop_map(|(name, value)| json!(format!("{name}={value}")));
    let pattern = (
        name(),
        prop::sample::select(vec!["=~", "!~"]),
        prop::sample::select(vec![".*", ".+", "a|b", "a.?", "", "(a|ab)b?", "[^a]*"]),
    )
        .prop_map(|(name, sign, value)| json!(format!("{name}{sign}\"{value}\"")));
    prop_oneof![equal, bare, pattern]
}

fn tree() -> impl Strategy<Value = Value> {
    let receiver = || prop::option::of(0_usize..4);
    let node = move |matchers: Vec<Value>, old: Option<&str>, receiver: Option<usize>, goes_on: bool| {
        let mut route = json!({ "matchers": matchers, "continue": goes_on });
        if let Some(value) = old {
            route["match"] = json!({ "team": value });
            route["match_re"] = json!({ "severity": format!("{value}|b.*") });
        }
        if let Some(index) = receiver {
            route["receiver"] = json!(format!("r{index}"));
        }
        route
    };
    let old = || prop::option::weighted(0.2, prop::sample::select(vec!["a", "ab"]));
    let leaf = (prop::collection::vec(matcher(), 0..3), old(), receiver(), any::<bool>())
        .prop_map(move |(matchers, old, receiver, goes_on)| node(matchers, old, receiver, goes_on));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let matchers = prop::collection::vec(matcher(), 0..2);
        (matchers, receiver(), any::<bool>(), prop::collection::vec(inner, 1..4)).prop_map(
            move |(matchers, receiver, goes_on, routes)| {
                let mut route = node(matchers, None, receiver, goes_on);
                route["routes"] = json!(routes);
                route
            },
        )
    })
}

fn amtool(config: &Path, labels: &Labels) -> String {
    let output = Command::new("amtool")
        .args(["config", "routes", "test"])
        .arg(format!("--config.file={}", config.display()))
        .args(labels.iter().map(|(name, value)| format!("{name}={}", serde_json::to_string(value).unwrap())))
        .output()
        .expect("amtool must be installed: scripts/test installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn amtool_reaches_the_same_receivers(
        routes in prop::collection::vec(tree(), 1..4),
        sets in prop::collection::vec(prop::collection::btree_map(
            prop::sample::select(vec!["alertname", "severity", "team"]).prop_map(str::to_owned), word(), 0..4), 4),
    ) {
        let receivers: Vec<_> = (0..4).map(|index| json!({ "name": format!("r{index}") })).collect();
        let whole = json!({ "route": { "receiver": "r0", "routes": routes }, "receivers": receivers });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), whole.to_string()).unwrap();
        let ours = Configuration::read(&whole.to_string()).unwrap();
        for labels in sets {
            let reached = ours.route(&labels, jiff::Timestamp::UNIX_EPOCH);
            let names: Vec<_> = reached.iter().map(super::route::Reached::receiver).collect();
            prop_assert_eq!(names.join(","), amtool(file.path(), &labels), "{:?}\n{}", labels, whole);
        }
    }
}
