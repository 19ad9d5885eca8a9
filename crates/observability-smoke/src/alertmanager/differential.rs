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

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Which receivers this amtool finds for labels that are written so.
fn amtool(program: &Path, config: &Path, labels: impl Iterator<Item = String>) -> String {
    let output = Command::new(program)
        .args(["config", "routes", "test"])
        .arg(format!("--config.file={}", config.display()))
        .args(labels)
        .output()
        .expect("amtool must be installed: scripts/test installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Which receivers we find.
fn reached(configuration: &Configuration, labels: &Labels) -> String {
    let reached = configuration.route(labels, jiff::Timestamp::UNIX_EPOCH);
    reached.iter().map(super::route::Reached::receiver).collect::<Vec<_>>().join(",")
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
            let written = labels.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
            let said = amtool("amtool".as_ref(), file.path(), written);
            prop_assert_eq!(reached(&ours, &labels), said, "{:?}\n{}", labels, whole);
        }
    }
}

/// Conditions as Alertmanager writes them since 0.27: names of any kind, in quotes.
fn matcher_of_any_name() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["alertname", "a.b", "größe", "x y"]);
    let sign = prop::sample::select(vec!["=", "!=", "=~", "!~"]);
    let value = prop::sample::select(vec!["a", "ü", "a|ü.*", ".+", "", "x y"]);
    (name, sign, value)
        .prop_map(move |(name, sign, value)| json!(format!("{}{sign}{}", quoted(name), quoted(value))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_current_amtool_reaches_the_same_receivers_by_labels_of_any_name(
        routes in prop::collection::vec((prop::collection::vec(matcher_of_any_name(), 0..3), any::<bool>()), 1..6),
        sets in prop::collection::vec(prop::collection::btree_map(
            prop::sample::select(vec!["alertname", "a.b", "größe", "x y"]).prop_map(str::to_owned),
            prop::sample::select(vec!["a", "ü", "üx", "x y"]).prop_map(str::to_owned), 0..4), 4),
    ) {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "../../target".into(), std::path::PathBuf::from);
        let amtool_of_three = target.join("prometheus-three/bin/amtool");
        if !amtool_of_three.exists() {
            // scripts/prometheus-three fetches it.
            return Ok(());
        }
        let route = |(index, (matchers, goes_on)): (usize, (Vec<Value>, bool))| {
            json!({ "receiver": format!("r{index}"), "matchers": matchers, "continue": goes_on })
        };
        let routes: Vec<_> = routes.into_iter().enumerate().map(route).collect();
        let receivers: Vec<_> = (0..6).map(|index| json!({ "name": format!("r{index}") })).collect();
        let whole = json!({ "route": { "receiver": "r0", "routes": routes }, "receivers": receivers });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), whole.to_string()).unwrap();
        let ours = Configuration::read(&whole.to_string()).unwrap();
        for labels in sets {
            let written = labels.iter().map(|(name, value)| format!("{}={}", quoted(name), quoted(value)));
            let said = amtool(&amtool_of_three, file.path(), written);
            prop_assert_eq!(reached(&ours, &labels), said, "{:?}\n{}", labels, whole);
        }
    }
}

/// A real Alertmanager, ended with the value.
struct Running {
    address: std::net::SocketAddr,
    child: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(&config, configuration).unwrap();
        for _ in 0..5 {
            let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let child = Command::new("prometheus-alertmanager")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--cluster.listen-address=")
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("prometheus-alertmanager must be installed: scripts/test installs it");
            let mut running = Self { address, child, _folder: tempfile::tempdir().unwrap() };
            let ready = until(|| match running.child.try_wait().unwrap() {
                Some(_) => Some(false),
                None => {
                    running.ask("GET", "/-/ready", "").filter(|text| text.contains(" 200 ")).map(|_| true)
                }
            });
            if ready == Some(true) {
                running._folder = folder;
                return running;
            }
        }
        panic!("Alertmanager did not become ready");
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(self.address).ok()?;
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Every alert with whether it is suppressed.
    fn suppressed(&self) -> Option<std::collections::BTreeMap<Labels, bool>> {
        let answer = self.ask("GET", "/api/v2/alerts", "")?;
        let alerts: Vec<Value> = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        let one = |alert: &Value| {
            let labels: Labels = serde_json::from_value(alert["labels"].clone()).ok()?;
            Some((labels, alert["status"]["state"] == "suppressed"))
        };
        alerts.iter().map(one).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer, for at most twenty seconds.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::time::Instant::now() < deadline {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    None
}

#[test]
fn a_real_alertmanager_suppresses_the_same_alerts() {
    let rules = json!([
        { "source_matchers": ["severity=critical"], "target_matchers": ["severity=warning"], "equal": ["cluster", "team"] },
        { "source_match": { "severity": "page" }, "target_match_re": { "severity": "page|info", "cluster": "a.*" } },
        { "source_matchers": ["team=\"\"", "cluster=~\"b.*\""], "target_matchers": ["team!=\"\"", "severity=none"], "equal": ["cluster"] },
    ]);
    let whole =
        json!({ "route": { "receiver": "r" }, "receivers": [{ "name": "r" }], "inhibit_rules": rules });
    let ours = Configuration::read(&whole.to_string()).unwrap();
    let mut sets: Vec<Labels> = Vec::new();
    for (number, severity) in ["critical", "warning", "page", "info", "none"].iter().enumerate() {
        for cluster in ["", "a1", "b1", "b2"] {
            for team in ["", "x"] {
                // Some combinations are left out: else every alert had a source.
                if (number + cluster.len() + team.len()) % 3 == 0 {
                    continue;
                }
                let pairs =
                    [("alertname", "A"), ("severity", severity), ("cluster", cluster), ("team", team)];
                let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
                sets.push(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
            }
        }
    }
    let expected: std::collections::BTreeMap<_, _> = (sets.iter())
        .map(|target| (target.clone(), sets.iter().any(|source| ours.mutes(source, target).is_some())))
        .collect();
    let muted = expected.values().filter(|muted| **muted).count();
    assert!(muted > 3 && muted < sets.len() - 3, "{muted} of {}", sets.len());
    let alertmanager = Running::start(&whole.to_string());
    let posted: Vec<_> = sets.iter().map(|labels| json!({ "labels": labels })).collect();
    let answer = alertmanager.ask("POST", "/api/v2/alerts", &json!(posted).to_string()).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
    let mut last = None;
    let same = until(|| {
        last = alertmanager.suppressed();
        (last.as_ref() == Some(&expected)).then_some(())
    });
    assert!(same.is_some(), "expected {expected:#?}\nseen {last:#?}");
}
