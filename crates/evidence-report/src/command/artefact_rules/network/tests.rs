//! The rule as a whole on manifests as people write them.

use super::{oracle::end, properties::between, *};
use crate::command::artefact_rules::trial::{one, right, rule, told};

const DENY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: default-deny, namespace: shop}\nspec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n";

const REST: &str = r#"---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}}]
      ports: [{port: https}]
  egress:
    - to: [{podSelector: {matchLabels: {app: db}}}]
      ports: [{port: 5432}]
    - to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.7/32]}}]
      ports: [{port: 443}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchExpressions: [{key: app, operator: In, values: [db]}]}
  ingress:
    - from: [{podSelector: {matchLabels: {app: api}}}]
      ports: [{port: 5432, endPort: 5433}]
"#;

const FLOWS: &str = r"dns: kube-system/dns
workloads:
  - {name: shop/api, labels: {app: api}, ports: {https: 8443}}
  - {name: shop/db, labels: {app: db}, ports: {sql: 5432}}
  - {name: edge/proxy, labels: {app: proxy}}
  - {name: kube-system/dns, labels: {k8s-app: kube-dns}, ports: {dns: 53/UDP, dns-tcp: 53/TCP}}
outside:
  - {name: payments, blocks: [203.0.113.64/26]}
  - {name: payments-all, blocks: [203.0.113.0/24]}
flows:
  - {from: edge/*, to: shop/api, ports: [8443], reason: customers}
  - {from: shop/api, to: shop/db, ports: [5432], reason: orders}
  - {from: shop/api, to: payments, ports: [443], reason: charges}
  - {from: shop/api, to: payments-all, ports: [443], reason: charges}
";

fn assess(manifest: &str, flows: &str) -> Vec<Finding> {
    let rule: NetworkRule = rule("manifests: [net.yaml]\nflows: flows.yaml\n");
    rule.assess(&Observed::of_texts(&[("net.yaml", manifest), ("flows.yaml", flows)]))
}

fn whole() -> String {
    format!("{DENY}{REST}")
}

/// The one thing that is wrong with the whole example: 203.0.113.7 is excepted, so a part of it is not allowed.
const PART: &str = "warned network.flow_blocked flows.yaml:14 shop/api → payments-all: 443/TCP allowed only for some addresses or by some network plugins, by the egress of shop/api";

#[test]
fn a_manifest_that_fits_its_declaration_passes() {
    one(&assess(&whole(), FLOWS), PART);
    right(&assess(&whole().replace(", except: [203.0.113.7/32]", ""), FLOWS));
}

/// Changes of the manifest and of the declaration, and what is told besides [`PART`].
#[test]
fn every_change_of_a_manifest_is_told_where_it_stands() {
    for (from, to, parts) in [
        (
            DENY,
            "",
            &[
                "failed network.default_deny net.yaml:2 shop, ingress: no policy denies all; dns selects all pods",
                "failed network.default_deny net.yaml:2 shop, egress",
            ][..],
        ),
        (
            "policyTypes: [Ingress, Egress]",
            "policyTypes: [Ingress]",
            &["failed network.default_deny net.yaml:1 shop, egress"],
        ),
        (
            "  policyTypes: [Ingress, Egress]\n",
            "  egress: []\n",
            &[
                "warned network.policy net.yaml:6 default-deny (shop): `egress: []` without policyTypes denies nothing",
                "shop, egress",
            ],
        ),
        (
            "[Ingress, Egress]\n",
            "[Ingress, Egress]\n  ingress: [{}]\n",
            &[
                "failed network.allow_all net.yaml:7 default-deny (shop), ingress: the rule names no peer and no port",
                "shop, ingress",
                "edge/proxy, kube-system/dns, payments and 2 more → shop/db: all ports allowed",
                "kube-system/dns, payments, payments-all and 1 more → shop/api: all ports allowed",
                "edge/proxy → shop/api: 1-8442/TCP",
            ],
        ),
        (
            "{protocol: TCP, port: 53}",
            "{protocol: UDP, port: 54}",
            &[
                "failed network.dns flows.yaml:3 shop/api: 53/TCP is not allowed",
                "shop/db: 53/TCP",
                "shop/api, shop/db → kube-system/dns: 54/UDP allowed, by dns (shop)",
            ],
        ),
        (
            "app: db}}}]",
            "app: database}}}]",
            &[
                "failed network.selector net.yaml:27 api (shop): an egress peer matches no declared workload",
                "failed network.flow_blocked flows.yaml:12 shop/api → shop/db: 5432/TCP blocked, by the egress of shop/api",
            ],
        ),
        (
            "values: [db]",
            "values: [db, dbb]",
            &["failed network.selector net.yaml:36 db (shop): no declared workload has the label app=dbb"],
        ),
        (
            "values: [db]",
            "values: [dbb]",
            &[
                "db (shop): its podSelector matches no declared workload: the policy protects nothing",
                "failed network.flow_blocked",
            ],
        ),
        (
            "port: https",
            "port: htps",
            &[
                "failed network.selector net.yaml:25 api (shop): the port 'htps' (TCP)",
                "failed network.flow_blocked flows.yaml:11 edge/proxy → shop/api: 8443/TCP blocked, by the ingress of shop/api",
            ],
        ),
        (
            "[{port: 5432}]",
            "[{port: 5432, endPort: 6000}]",
            &[
                "failed network.flow_undeclared net.yaml:38 shop/api → shop/db: 5433/TCP allowed, by db (shop)",
            ],
        ),
        (
            "203.0.113.0/24",
            "203.0.0.0/16",
            &[
                "failed network.flow_undeclared net.yaml:29 api (shop), egress: it allows 203.0.0.0/16, which lies within no declared end",
            ],
        ),
        (
            "cidr: 203.0.113.0/24, except: [203.0.113.7/32]",
            "cidr: 0.0.0.0/0",
            &[
                "shop/api → anywhere outside: 443/TCP allowed, by api (shop)",
                "warned network.flow_undeclared net.yaml:",
            ],
        ),
    ] {
        let text = whole().replacen(from, to, 1);
        assert_ne!(text, whole(), "{from}");
        let told: Vec<_> = told(&assess(&text, FLOWS)).into_iter().filter(|line| line != PART).collect();
        for part in parts {
            assert!(told.iter().any(|line| line.contains(part)), "'{part}' in {told:#?}");
        }
    }
}

#[test]
fn what_a_cluster_refuses_or_misreads_is_told_and_nothing_is_computed_from_it() {
    for (from, to, part) in [
        (
            "podSelector: {matchLabels: {app: api}}",
            "podSelector: {matchLabel: {app: api}}",
            "net.yaml:22 api (shop): a selector has no key `matchLabel`",
        ),
        (
            "- to: [{podSelector: {matchLabels: {app: db}}}]",
            "- too: [{podSelector: {matchLabels: {app: db}}}]",
            "an egress rule has no key `too`",
        ),
        ("{podSelector: {matchLabels: {app: db}}}", "{podSelector: }", "a peer that names nobody"),
        (
            "ipBlock: {cidr: 203.0.113.0/24",
            "podSelector: {}, ipBlock: {cidr: 203.0.113.0/24",
            "an ipBlock or selectors, not both",
        ),
        ("203.0.113.0/24", "203.0.113.0", "is no network"),
        ("203.0.113.7/32", "198.51.100.7/32", "not strictly within"),
        ("port: 5432, endPort: 5433", "port: 5432, endPort: 5431", "endPort 5431 lies before port 5432"),
        ("port: 5432, endPort: 5433", "endPort: 5433", "endPort without port"),
        ("port: https", "port: https, endPort: 9", "endPort beside a named port"),
        ("port: https", "port: '8443'", "the port '8443' is in quotes"),
        ("port: https", "port: 0", "a port is a number from 1 to 65535"),
        ("protocol: UDP", "protocol: udp", "a protocol is TCP, UDP or SCTP"),
        ("operator: In", "operator: in", "'in' is no operator"),
        ("operator: In", "operator: Exists", "Exists takes no values"),
        ("values: [db]", "values: []", "In needs values"),
        ("app: api}}\n  ingress", "app: 5}}\n  ingress", "the label app is a number"),
        ("[Ingress, Egress]", "[ingress, Egress]", "a policy type is Ingress or Egress"),
        ("{name: dns, ", "{name: db, ", "it stands twice"),
    ] {
        let text = whole().replacen(from, to, 1);
        assert_ne!(text, whole(), "{from}");
        let told = told(&assess(&text, FLOWS));
        assert!(
            told.iter().any(|line| line.starts_with("failed network.policy") && line.contains(part)),
            "'{part}' in {told:#?}"
        );
        assert!(told.iter().any(|line| line.starts_with("not checked network.flow_undeclared")), "{told:#?}");
    }
}

#[test]
fn other_kinds_of_policies_leave_it_undecided_and_lists_are_opened() {
    let other = whole()
        + "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\n";
    let lines = told(&assess(&other, FLOWS));
    assert!(lines[0].starts_with("inconclusive network.policy net.yaml:41"), "{lines:#?}");
    let service = whole() + "---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n";
    one(&assess(&service, FLOWS), PART);
    let items: String = DENY.lines().map(|line| format!("    {line}\n")).collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n  -\n{items}{REST}");
    one(&assess(&list, FLOWS), PART);
}

#[test]
fn without_a_declaration_the_policies_are_judged_alone_and_a_wrong_one_is_no_pass() {
    let alone: NetworkRule = rule("manifests: [net.yaml]\n");
    let findings = alone.assess(&Observed::of_texts(&[("net.yaml", &whole())]));
    one(&findings, "not checked network.flow_undeclared net.yaml net.yaml: the policy names no declaration");
    for (from, to, part) in [
        (
            "to: shop/db",
            "to: shop/dbb",
            "failed artefact.readable flows.yaml:12 flows.yaml: 'shop/dbb' is no declared workload",
        ),
        ("reason: orders", "reason: ''", "a flow without a reason"),
        ("ports: [5432], reason", "ports: [5432/udp], reason", "'5432/udp' is no port"),
        ("ports: [5432], reason", "port: [5432], reason", "unknown key `port`"),
        ("name: shop/db,", "name: shop/api,", "the workload shop/api stands twice"),
        ("name: shop/db,", "name: db,", "'db' is no workload's name"),
        ("blocks: [203.0.113.64/26]", "blocks: []", "payments has no blocks"),
    ] {
        let told = told(&assess(&whole(), &FLOWS.replacen(from, to, 1)));
        assert!(told.iter().any(|line| line.contains(part)), "'{part}' in {told:#?}");
        assert!(
            told.iter().any(|line| line.starts_with("not checked network.flow_undeclared flows.yaml")),
            "{told:#?}"
        );
    }
    let named: NetworkRule = rule("manifests: [net.yaml, 'more/*.yaml']\nnamespaces: [bare]\n");
    let told = told(&named.assess(&Observed::of_texts(&[("net.yaml", &whole())])));
    assert!(
        told.iter().any(|line| line
            .contains("failed network.default_deny net.yaml bare, ingress: no policy selects all pods")),
        "{told:#?}"
    );
    assert!(told.iter().any(|line| line.contains("failed network.policy more/*.yaml")), "{told:#?}");
}

#[test]
fn an_ip_block_over_the_pods_networks_is_left_to_the_plugin() {
    let manifest = whole()
        .replace("cidr: 203.0.113.0/24, except: [203.0.113.7/32]", "cidr: 0.0.0.0/0, except: [10.0.0.0/8]");
    let flows = FLOWS.replace("blocks: [203.0.113.0/24]", "blocks: [0.0.0.0/0]");
    let told_with =
        |networks: &str| told(&assess(&manifest, &format!("pod_networks: [{networks}]\n{flows}")));
    assert!(told_with("10.42.0.0/16").iter().all(|line| !line.starts_with("warned network.flow_undeclared")));
    let touched = told_with("172.20.0.0/16");
    assert!(
        touched.iter().any(
            |line| line.starts_with("warned network.flow_undeclared") && line.contains("network plugins")
        ),
        "{touched:#?}"
    );
}

#[test]
fn defaults_of_policy_types_are_those_of_the_api_server() {
    let read = |spec: &str| {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p}}\nspec:\n  podSelector: {{}}\n{spec}"
        );
        let observed = Observed::of_texts(&[("net.yaml", &text)]);
        let manifest = Manifest::read("net.yaml", &observed.documents("net.yaml").unwrap());
        let policy = &manifest.policies[0];
        assert_eq!(policy.namespace, "default");
        (policy.ingress.as_ref().map(Vec::len), policy.egress.as_ref().map(Vec::len))
    };
    for (spec, expected) in [
        ("", (Some(0), None)),
        ("  ingress: []\n", (Some(0), None)),
        ("  egress: []\n", (Some(0), None)),
        ("  egress: [{}]\n", (Some(0), Some(1))),
        ("  policyTypes: [Egress]\n", (None, Some(0))),
        ("  policyTypes: [Egress]\n  ingress: [{}]\n", (None, Some(0))),
        ("  policyTypes: [Ingress]\n  egress: [{}]\n", (Some(0), None)),
        ("  policyTypes: []\n  egress: [{}]\n", (Some(0), Some(1))),
        ("  ingress:\n    -\n", (Some(1), None)),
    ] {
        assert_eq!(read(spec), expected, "{spec}");
    }
}

/// `from` with a list of two peers is one or the other; one peer with two selectors is both.
#[test]
fn two_peers_are_alternatives_and_two_selectors_of_one_peer_are_not() {
    let flows = "workloads:\n  - {name: shop/db, labels: {app: db}}\n  - {name: shop/api, labels: {app: api}}\n  - {name: edge/api, labels: {app: api}}\n  - {name: edge/proxy, labels: {app: proxy}}\n";
    let reaching = |peers: &str| {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: shop}}\nspec:\n  podSelector: {{matchLabels: {{app: db}}}}\n  ingress:\n    - from:\n{peers}"
        );
        let observed = Observed::of_texts(&[("net.yaml", &text), ("flows.yaml", flows)]);
        let declared = Declared::read(&observed.document("flows.yaml").unwrap()).unwrap();
        let manifest = Manifest::read("net.yaml", &observed.documents("net.yaml").unwrap());
        assert_eq!(manifest.remarks, []);
        let reaches =
            |from: usize| !between(&manifest.policies, &declared, end(from), end(0)).sure.is_empty();
        [1, 2, 3].map(reaches)
    };
    let space = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}";
    let pods = "podSelector: {matchLabels: {app: api}}";
    for (peers, shop_api, edge_api, edge_proxy) in [
        (format!("        - {pods}\n"), true, false, false),
        (format!("        - {space}\n"), false, true, true),
        (format!("        - {space}\n        - {pods}\n"), true, true, true),
        (format!("        - {space}\n          {pods}\n"), false, true, false),
        (format!("        - {pods}\n          namespaceSelector: {{}}\n"), true, true, false),
        ("        []\n".to_owned(), true, true, true),
    ] {
        assert_eq!(reaching(&peers), [shop_api, edge_api, edge_proxy], "{peers}");
    }
}
