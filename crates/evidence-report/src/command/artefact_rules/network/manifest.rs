//! NetworkPolicies out of a manifest, read as strictly as a cluster with validation does, lines kept.

use super::{
    block::{Block, Range},
    policy::{Peer, PeerKind, Policy, PortRule, Rule},
    ports::{Ports, Protocol},
    selector::{Operator, Requirement, Selector},
};
use crate::command::artefact_rules::material::{Node, Value};

/// The group and version that are read.
const API_VERSION: &str = "networking.k8s.io/v1";

/// What stands in a manifest.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) policies: Vec<Policy>,
    pub(super) remarks: Vec<Remark>,
}

/// Something to be said about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) weight: Weight,
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) line: u32,
}

/// How much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// A cluster refuses the policy, or takes it for something else.
    Wrong,
    /// It does less than it looks like.
    Idle,
    /// It decides, too, and is not read here.
    Unknown,
}

impl Manifest {
    /// Reads the documents of a file. Kinds that decide about no traffic are passed over.
    pub(super) fn read(path: &str, documents: &[Node]) -> Self {
        let mut manifest = Self::default();
        for document in documents {
            manifest.document(path, document);
        }
        manifest
    }

    fn document(&mut self, path: &str, document: &Node) {
        let word = |key| document.some(key).and_then(Node::text).unwrap_or_default();
        let (version, kind) = (word("apiVersion"), word("kind"));
        match kind {
            "NetworkPolicy" if version == API_VERSION => self.policy(path, document),
            _ if kind == "List" || kind == "NetworkPolicyList" => {
                for item in document.some("items").and_then(Node::list).unwrap_or_default() {
                    self.document(path, item);
                }
            }
            "" => self.remark(Weight::Wrong, path, "a document without `kind`", document.line),
            _ if kind.contains("NetworkPolicy") || kind.contains("AuthorizationPolicy") => {
                let message = format!("{version} {kind} decides about traffic, too, and is not read here");
                self.remark(Weight::Unknown, path, &message, document.line);
            }
            _ => {}
        }
    }

    fn remark(&mut self, weight: Weight, subject: &str, message: &str, line: u32) {
        let (subject, message) = (subject.to_owned(), message.to_owned());
        self.remarks.push(Remark { weight, subject, message, line });
    }

    fn policy(&mut self, path: &str, document: &Node) {
        let metadata = document.some("metadata");
        let text = |key| metadata.and_then(|metadata| metadata.some(key)).and_then(Node::text);
        let (name, namespace) = (text("name").unwrap_or_default(), text("namespace").unwrap_or("default"));
        let mut reader = Reader { wrong: Vec::new(), idle: Vec::new() };
        if name.is_empty() {
            reader.wrong(document, "it has no name");
        }
        let policy =
            document.some("spec").map(|spec| reader.spec(spec, path, name, namespace, document.line));
        if policy.is_none() {
            reader.wrong(document, "it has no spec");
        }
        let subject = format!("{name} ({namespace})");
        let is_wrong = !reader.wrong.is_empty();
        for (weight, remarks) in [(Weight::Wrong, reader.wrong), (Weight::Idle, reader.idle)] {
            for (line, message) in remarks {
                self.remark(weight, &subject, &message, line);
            }
        }
        self.policies.extend(policy.filter(|_| !is_wrong));
    }
}

struct Reader {
    wrong: Vec<(u32, String)>,
    idle: Vec<(u32, String)>,
}

impl Reader {
    fn wrong(&mut self, node: &Node, message: impl Into<String>) {
        self.wrong.push((node.line, message.into()));
    }

    /// Unknown keys: what a cluster without validation drops, so that less is asked than is written.
    fn known(&mut self, node: &Node, keys: &[&str], of: &str) {
        match node.map() {
            Some(entries) => {
                for (key, value) in entries.iter().filter(|(key, _)| !keys.contains(&key.as_str())) {
                    self.wrong(value, format!("{of} has no key `{key}`; it has {}", keys.join(", ")));
                }
            }
            None => self.wrong(node, format!("{of} is {}, not a map", node.kind())),
        }
    }

    fn list<'n>(&mut self, of: &'n Node, key: &str) -> Option<&'n [Node]> {
        let node = of.some(key)?;
        match node.list() {
            Some(items) => Some(items),
            None => {
                self.wrong(node, format!("`{key}` is {}, not a list", node.kind()));
                Some(&[])
            }
        }
    }

    fn spec(&mut self, spec: &Node, path: &str, name: &str, namespace: &str, line: u32) -> Policy {
        self.known(spec, &["podSelector", "policyTypes", "ingress", "egress"], "a spec");
        let selector = spec.some("podSelector").map(|node| self.selector(node)).unwrap_or_default();
        let ingress = self.rules(spec, "ingress", "from");
        let egress = self.rules(spec, "egress", "to");
        let types = self.list(spec, "policyTypes").unwrap_or_default();
        let mut wanted = [false, false];
        for kind in types {
            match kind.text() {
                Some("Ingress") => wanted[0] = true,
                Some("Egress") => wanted[1] = true,
                _ => self.wrong(kind, "a policy type is Ingress or Egress"),
            }
        }
        if types.is_empty() {
            // The API server's default: Ingress always, Egress only with at least one rule.
            wanted = [true, !egress.is_empty()];
            if let Some(node) = spec.some("egress").filter(|_| egress.is_empty()) {
                self.idle.push((node.line, "`egress: []` without policyTypes denies nothing: the default is Ingress alone; write `policyTypes: [Egress]`".into()));
            }
        }
        for (at, rules, word) in [(0, &ingress, "ingress"), (1, &egress, "egress")] {
            if !wanted[at]
                && let Some(rule) = rules.first()
            {
                self.idle
                    .push((rule.line, format!("policyTypes leaves {word} out, so its rules do nothing")));
            }
        }
        Policy {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            path: path.to_owned(),
            line,
            selector,
            ingress: wanted[0].then_some(ingress),
            egress: wanted[1].then_some(egress),
        }
    }

    fn rules(&mut self, spec: &Node, direction: &str, peers: &str) -> Vec<Rule> {
        let nodes = self.list(spec, direction).unwrap_or_default();
        nodes.iter().map(|node| self.rule(node, direction, peers)).collect()
    }

    fn rule(&mut self, node: &Node, direction: &str, peers_key: &str) -> Rule {
        // A rule that is null is an empty one: everything.
        if node.value == Value::Null {
            return Rule { line: node.line, peers: None, ports: None };
        }
        self.known(node, &[peers_key, "ports"], &format!("an {direction} rule"));
        let peers = self.list(node, peers_key).unwrap_or_default();
        let peers: Vec<_> = peers.iter().filter_map(|peer| self.peer(peer)).collect();
        let ports = self.list(node, "ports").unwrap_or_default();
        let ports: Vec<_> = ports.iter().filter_map(|port| self.port(port)).collect();
        // An empty list means the same as none: everybody, all ports.
        Rule {
            line: node.line,
            peers: (!peers.is_empty()).then_some(peers),
            ports: (!ports.is_empty()).then_some(ports),
        }
    }

    fn peer(&mut self, node: &Node) -> Option<Peer> {
        self.known(node, &["podSelector", "namespaceSelector", "ipBlock"], "a peer");
        let pods = node.some("podSelector").map(|node| self.selector(node));
        let namespaces = node.some("namespaceSelector").map(|node| self.selector(node));
        let addresses = node.some("ipBlock").map(|node| self.addresses(node));
        let kind = match (pods, namespaces, addresses) {
            (None, None, Some(addresses)) => PeerKind::Addresses(addresses?),
            (pods, namespaces, None) if pods.is_some() || namespaces.is_some() => {
                PeerKind::Pods { namespaces, pods: pods.unwrap_or_default() }
            }
            (None, None, None) => {
                self.wrong(node, "a peer that names nobody; a selector without a value is none: write `{}`");
                return None;
            }
            _ => {
                self.wrong(node, "a peer has an ipBlock or selectors, not both");
                return None;
            }
        };
        Some(Peer { line: node.line, kind })
    }

    fn addresses(&mut self, node: &Node) -> Option<Range> {
        self.known(node, &["cidr", "except"], "an ipBlock");
        let Some(cidr) = node.some("cidr") else {
            self.wrong(node, "an ipBlock without `cidr`");
            return None;
        };
        let block = self.block(cidr)?;
        let mut excepts = Vec::new();
        for node in self.list(node, "except").unwrap_or_default() {
            let except = self.block(node)?;
            if !block.contains(except) || except == block {
                self.wrong(node, format!("the exception {except} is not strictly within {block}"));
            }
            excepts.push(except);
        }
        Some(Range { block, except: excepts })
    }

    fn block(&mut self, node: &Node) -> Option<Block> {
        match Block::parse(&node.words().unwrap_or_default()) {
            Ok(block) => Some(block),
            Err(why) => {
                self.wrong(node, why);
                None
            }
        }
    }

    fn port(&mut self, node: &Node) -> Option<PortRule> {
        self.known(node, &["protocol", "port", "endPort"], "a port");
        let protocol = match node.some("protocol") {
            None => Protocol::Tcp,
            Some(word) => match Protocol::parse(word.text().unwrap_or_default()) {
                Some(protocol) => protocol,
                None => {
                    self.wrong(word, "a protocol is TCP, UDP or SCTP");
                    return None;
                }
            },
        };
        let end = node.some("endPort");
        let Some(port) = node.some("port") else {
            if let Some(end) = end {
                self.wrong(end, "endPort without port");
            }
            return Some(PortRule::Numbers(Ports::all_of(protocol)));
        };
        if let Some(name) = port.text() {
            if let Some(end) = end {
                self.wrong(end, "endPort beside a named port");
            }
            let port_name =
                !name.is_empty() && name.len() <= 15 && name.bytes().any(|b| b.is_ascii_lowercase());
            if !port_name {
                self.wrong(
                    port,
                    format!("the port '{name}' is in quotes and no port's name; write the number"),
                );
            }
            return Some(PortRule::Named { protocol, name: name.to_owned(), line: port.line });
        }
        let first = self.port_number(port)?;
        let last = match end {
            Some(end) => self.port_number(end)?,
            None => first,
        };
        if last < first {
            self.wrong(port, format!("endPort {last} lies before port {first}"));
        }
        Some(PortRule::Numbers(Ports::range(protocol, first, last)))
    }

    fn port_number(&mut self, node: &Node) -> Option<u16> {
        let number = node.words().and_then(|text| text.parse::<u16>().ok()).filter(|number| *number > 0);
        if number.is_none() {
            self.wrong(node, "a port is a number from 1 to 65535, or a name");
        }
        number
    }

    fn selector(&mut self, node: &Node) -> Selector {
        self.known(node, &["matchLabels", "matchExpressions"], "a selector");
        let mut requirements = Vec::new();
        if let Some(labels) = node.some("matchLabels") {
            for (key, value) in labels.map().unwrap_or_default() {
                match value.text() {
                    Some(text) => requirements.push(Requirement {
                        key: key.clone(),
                        operator: Operator::In(vec![text.to_owned()]),
                        line: value.line,
                    }),
                    None => {
                        self.wrong(value, format!("the label {key} is {}; write it in quotes", value.kind()))
                    }
                }
            }
            if labels.map().is_none() {
                self.wrong(labels, "`matchLabels` is no map");
            }
        }
        for expression in self.list(node, "matchExpressions").unwrap_or_default() {
            requirements.extend(self.expression(expression));
        }
        Selector(requirements)
    }

    fn expression(&mut self, node: &Node) -> Option<Requirement> {
        self.known(node, &["key", "operator", "values"], "a match expression");
        let key = node.some("key").and_then(Node::text).unwrap_or_default().to_owned();
        if key.is_empty() {
            self.wrong(node, "a match expression without a key");
        }
        let values = self.list(node, "values").unwrap_or_default();
        let texts: Vec<_> = values.iter().filter_map(|value| value.text().map(str::to_owned)).collect();
        if texts.len() < values.len() {
            self.wrong(node, "a value of a match expression is no text; write it in quotes");
        }
        let word = node.some("operator").and_then(Node::text).unwrap_or_default();
        let (operator, with_values) = match word {
            "In" => (Operator::In(texts), true),
            "NotIn" => (Operator::NotIn(texts), true),
            "Exists" => (Operator::Exists, false),
            "DoesNotExist" => (Operator::DoesNotExist, false),
            other => {
                self.wrong(node, format!("'{other}' is no operator: In, NotIn, Exists or DoesNotExist"));
                return None;
            }
        };
        if values.is_empty() == with_values {
            self.wrong(node, format!("{word} {} values", if with_values { "needs" } else { "takes no" }));
        }
        Some(Requirement { key, operator, line: node.line })
    }
}
