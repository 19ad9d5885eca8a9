//! Groups of targets in the configuration, each with its own expectations.

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime, Stand};

use crate::support::{Bench, Outcome};

/// Two authorities, and a server of each.
struct Scene {
    bench: Bench,
    _farm: Farm,
    public: Stand,
    internal: Stand,
}

impl Scene {
    fn new() -> Self {
        let (bench, farm) = (Bench::new(), Farm::start().unwrap());
        let long = Lifetime::days_left(3650, 3000);
        let (one, other) = (Authority::new().unwrap(), Authority::named("Internal", long, long).unwrap());
        bench.write("public-ca.pem", one.root_pem());
        bench.write("internal-ca.pem", other.root_pem());
        let lifetime = Lifetime::days_left(90, 40);
        let public = farm.open(Behaviour::Tls(one.issue(&["127.0.0.1"], lifetime).unwrap())).unwrap();
        let identity = other.issue(&["127.0.0.1", "db.internal"], lifetime).unwrap();
        let internal = farm.open(Behaviour::Tls13DemandsClientCertificate(identity)).unwrap();
        Self { bench, _farm: farm, public, internal }
    }

    /// The configuration with these lines behind `public` and `internal`, in which they stand for addresses.
    fn config(&self, lines: &str) -> String {
        let lines =
            lines.replace("PUBLIC", &self.public.target()).replace("INTERNAL", &self.internal.target());
        self.bench.write("certs.yaml", lines)
    }

    fn scan(&self, lines: &str) -> Outcome {
        self.bench.scan(&["--config", &self.config(lines)])
    }

    /// What is said on standard error where it cannot be followed.
    #[track_caller]
    fn refused(&self, lines: &str) -> String {
        let output = self.bench.run(&["scan", "--config", &self.config(lines), "--evidence", "none"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert_eq!(self.public.connections() + self.internal.connections(), 0);
        String::from_utf8(output.stderr).unwrap()
    }
}

const GROUPS: &str = "
targets: [ 'PUBLIC' ]
roots: public-ca.pem
thresholds: { leaf: { warning: 30d, critical: 20d } }
groups:
  - name: internal
    targets: [ 'INTERNAL' ]
    roots: internal-ca.pem
    thresholds: { leaf: { warning: 50d } }
    client_certificate: required
    names: [ db.internal ]
";

#[test]
fn each_group_is_held_to_its_own_expectations() {
    let scene = Scene::new();
    let outcome = scene.scan(GROUPS);
    assert_eq!((outcome.code, outcome.not_passed()), (1, vec!["tls.lifetime".to_owned()]));
    outcome.expect("tls.lifetime", &scene.public.target(), "passed", "in 40 d");
    let warned = outcome.one("tls.lifetime", &scene.internal.target());
    assert_eq!(warned.outcome, "warned");
    // What it does not say, the keys above say: its failure begins at 20 d.
    assert_eq!(warned.expected, "50 d or more left; failed below 20 d (group internal)");
    outcome.expect("tls.trust", &scene.public.target(), "passed", "Farm Root CA");
    outcome.expect("tls.trust", &scene.internal.target(), "passed", "Internal Root CA");
    outcome.expect("tls.client_certificate", &scene.internal.target(), "passed", "CertificateRequired");
    assert_eq!(outcome.of("tls.client_certificate").len(), 1, "the other group does not say");
}

#[test]
fn flags_outweigh_every_group_and_targets_on_the_command_line_leave_them_out() {
    let scene = Scene::new();
    let config = scene.config(GROUPS);
    let outcome = scene.bench.scan(&["--config", &config, "-w", "10d", "-c", "5d"]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let outcome = scene.bench.scan(&["--config", &config, &scene.public.target()]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    assert!(outcome.findings().iter().all(|found| found.subject != scene.internal.target()));
}

#[test]
fn the_plan_shows_each_group() {
    let scene = Scene::new();
    let output =
        scene.bench.run(&["scan", "--config", &scene.config(GROUPS), "--dry-run", "--evidence", "none"]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let groups = plan["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[1]["name"], "internal");
    assert_eq!(groups[1]["client_certificate"], "required");
    assert_eq!(groups[1]["names"][0], "db.internal");
    assert_eq!(groups[1]["thresholds"]["leaf_warned_below"], "50 d");
    let only = "groups: [ { name: internal, targets: [ 'INTERNAL' ], roots: internal-ca.pem } ]";
    let output =
        scene.bench.run(&["scan", "--config", &scene.config(only), "--dry-run", "--evidence", "none"]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["groups"].as_array().unwrap().len(), 1, "there is nothing outside of it");
    let outcome = scene.scan(only);
    assert!(!outcome.stdout.contains("(group internal)"), "one group is not told apart from anything");
}

#[test]
fn a_file_is_one_target_however_it_is_spelt() {
    let scene = Scene::new();
    scene.bench.write("tls/shop.pem", "");
    std::os::unix::fs::symlink(scene.bench.path("tls"), scene.bench.path("live")).unwrap();
    for (one, other) in [
        ("tls/shop.pem", "./tls/shop.pem"),
        ("tls/shop.pem", "live/shop.pem"),
        ("tls", "tls/../tls/"),
        ("gone//a.pem", "gone/a.pem"),
    ] {
        let stderr = scene.refused(&format!(
            "groups: [ {{ name: a, targets: [ {one} ] }}, {{ name: b, targets: [ {other} ] }} ]"
        ));
        assert!(stderr.contains("stands in the group 'a' and in the group 'b'"), "{one} {other}: {stderr}");
    }
}

#[test]
fn a_configuration_that_cannot_be_followed_names_the_place() {
    let scene = Scene::new();
    for (lines, said) in [
        (
            "targets: [ 'PUBLIC' ]\ngroups: [ { name: a, targets: [ 'PUBLIC' ] } ]",
            "stands in the targets outside of the groups and in the group 'a'",
        ),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC' ] }, { name: b, targets: [ 'PUBLIC' ] } ]",
            "stands in the group 'a' and in the group 'b'",
        ),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC' ] }, { name: a, targets: [ 'INTERNAL' ] } ]",
            "two groups 'a'",
        ),
        ("groups: [ { targets: [ 'PUBLIC' ] } ]", "it has no name"),
        (
            "targets: [ 'PUBLIC' ]\ngroups: [ { name: a } ]",
            "the configuration's group 'a': it has no targets",
        ),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC:x' ] } ]",
            "the configuration's group 'a': 'PUBLIC:x' is no target",
        ),
        ("targets: [ 'shop:x' ]", "the configuration's targets: 'shop:x' is no target"),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC' ], thresholds: { leaf: { warning: soon } } } ]",
            "the configuration's group 'a': thresholds.leaf.warning",
        ),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC' ], names: [ 'b c' ] } ]",
            "the configuration's group 'a': required name 'b c'",
        ),
        ("groups:\n  - name: a\n    target: [ 'PUBLIC' ]", "line 3"),
        ("groups: [ { name: a, targets: [ 'PUBLIC' ], client_certificate: maybe } ]", "maybe"),
        ("groups: [ { name: a, targets: [ 'PUBLIC' ], present: { certificate: a.pem } } ]", "key"),
        (
            "groups: [ { name: a, targets: [ 'PUBLIC' ], present: { certificate: a.pem, key: a.key } } ]",
            "a.pem",
        ),
    ] {
        let stderr = scene.refused(lines);
        let said = said.replace("PUBLIC", &scene.public.target());
        assert!(stderr.contains(&said), "{lines}: {stderr}");
    }
}
