//! What is declared: workloads with their labels and ports, ends outside of the cluster, and the flows that
//! there shall be.

use super::{
    block::Block,
    ports::{Ports, Protocol},
    selector::Labels,
};
use crate::command::artefact_rules::material::{Node, Trouble};

/// The label that Kubernetes gives every namespace.
pub(super) const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// The networks that pods commonly get, where none is declared.
const COMMON_POD_NETWORKS: [&str; 5] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// A declaration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Declared {
    pub(super) workloads: Vec<Workload>,
    pub(super) outside: Vec<Outside>,
    pub(super) flows: Vec<Flow>,
    /// The workload that answers DNS.
    pub(super) dns: Option<usize>,
    pub(super) pod_networks: Vec<Block>,
}

/// Pods of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Workload {
    /// `namespace/name`.
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) namespace_labels: Labels,
    pub(super) labels: Labels,
    pub(super) ports: Vec<(String, Protocol, u16)>,
    pub(super) line: u32,
}

/// An end outside of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outside {
    pub(super) name: String,
    pub(super) blocks: Vec<Block>,
}

/// A flow that there shall be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flow {
    pub(super) from: Vec<End>,
    pub(super) to: Vec<End>,
    pub(super) ports: Ports,
    pub(super) line: u32,
}

/// An end of a flow, by its place in the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Workload(usize),
    Outside(usize),
    /// Any address that is no pod's.
    Anywhere,
}

impl Workload {
    /// The ports of a name.
    pub(super) fn named(&self, protocol: Protocol, name: &str) -> Ports {
        let fitting = self.ports.iter().filter(|(other, of, _)| other == name && *of == protocol);
        fitting.fold(Ports::default(), |sum, (_, protocol, port)| {
            sum.union(&Ports::range(*protocol, *port, *port))
        })
    }
}

impl Declared {
    pub(super) fn end_name(&self, end: End) -> String {
        match end {
            End::Workload(at) => self.workloads[at].name.clone(),
            End::Outside(at) => self.outside[at].name.clone(),
            End::Anywhere => "anywhere outside".to_owned(),
        }
    }

    /// Reads a declaration.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(document: &Node) -> Result<Self, Trouble> {
        known(document, &["namespaces", "workloads", "outside", "flows", "dns", "pod_networks"])?;
        let mut declared = Self::default();
        for node in list(document, "workloads")? {
            let workload = workload(node, document.some("namespaces"))?;
            if declared.workloads.iter().any(|other| other.name == workload.name) {
                return Err(wrong(node, format!("the workload {} stands twice", workload.name)));
            }
            declared.workloads.push(workload);
        }
        for node in list(document, "outside")? {
            known(node, &["name", "blocks"])?;
            let name = text(node, "name")?.to_owned();
            if name.contains(['/', '*']) || declared.outside.iter().any(|other| other.name == name) {
                return Err(wrong(node, format!("'{name}' is taken, or no name for an end outside")));
            }
            let blocks = list(node, "blocks")?.iter().map(block).collect::<Result<Vec<_>, _>>()?;
            if blocks.is_empty() {
                return Err(wrong(node, format!("{name} has no blocks")));
            }
            declared.outside.push(Outside { name, blocks });
        }
        declared.pod_networks = match document.some("pod_networks") {
            Some(_) => list(document, "pod_networks")?.iter().map(block).collect::<Result<_, _>>()?,
            None => COMMON_POD_NETWORKS.iter().filter_map(|text| Block::parse(text).ok()).collect(),
        };
        if let Some(node) = document.some("dns") {
            declared.dns = match declared.ends(node)?.as_slice() {
                [End::Workload(at)] => Some(*at),
                _ => return Err(wrong(node, "dns is one workload, such as kube-system/kube-dns")),
            };
        }
        for node in list(document, "flows")? {
            known(node, &["from", "to", "ports", "reason"])?;
            let flow = Flow {
                from: declared.ends(entry(node, "from")?)?,
                to: declared.ends(entry(node, "to")?)?,
                ports: ports(entry(node, "ports")?)?,
                line: node.line,
            };
            if text(node, "reason")?.trim().is_empty() {
                return Err(wrong(node, "a flow without a reason"));
            }
            declared.flows.push(flow);
        }
        Ok(declared)
    }

    /// `namespace/name`, `namespace/*`, or the name of an end outside.
    fn ends(&self, node: &Node) -> Result<Vec<End>, Trouble> {
        let name = node.text().ok_or_else(|| wrong(node, "an end is a text"))?;
        if let Some(at) = self.outside.iter().position(|outside| outside.name == name) {
            return Ok(vec![End::Outside(at)]);
        }
        let fits = |workload: &Workload| match name.strip_suffix("/*") {
            Some(namespace) => workload.namespace == namespace,
            None => workload.name == name,
        };
        let ends: Vec<_> = (0..self.workloads.len()).filter(|&at| fits(&self.workloads[at])).collect();
        if ends.is_empty() {
            return Err(wrong(node, format!("'{name}' is no declared workload and no end outside")));
        }
        Ok(ends.into_iter().map(End::Workload).collect())
    }
}

fn wrong(node: &Node, message: impl Into<String>) -> Trouble {
    Trouble { message: message.into(), line: Some(node.line) }
}

fn known(node: &Node, keys: &[&str]) -> Result<(), Trouble> {
    let entries = node.map().ok_or_else(|| wrong(node, format!("a map is expected, not {}", node.kind())))?;
    match entries.iter().find(|(key, _)| !keys.contains(&key.as_str())) {
        Some((key, value)) => {
            Err(wrong(value, format!("unknown key `{key}`; there are {}", keys.join(", "))))
        }
        None => Ok(()),
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Result<&'n Node, Trouble> {
    node.some(key).ok_or_else(|| wrong(node, format!("`{key}` is missing")))
}

fn text<'n>(node: &'n Node, key: &str) -> Result<&'n str, Trouble> {
    let value = entry(node, key)?;
    value.text().ok_or_else(|| wrong(value, format!("`{key}` is {}, not a text", value.kind())))
}

fn list<'n>(node: &'n Node, key: &str) -> Result<&'n [Node], Trouble> {
    let Some(value) = node.some(key) else { return Ok(&[]) };
    value.list().ok_or_else(|| wrong(value, format!("`{key}` is {}, not a list", value.kind())))
}

fn block(node: &Node) -> Result<Block, Trouble> {
    Block::parse(&node.words().unwrap_or_default()).map_err(|why| wrong(node, why))
}

fn labels(node: Option<&Node>) -> Result<Labels, Trouble> {
    let Some(node) = node else { return Ok(Labels::new()) };
    let entries = node.map().ok_or_else(|| wrong(node, "labels are a map"))?;
    let pairs = entries.iter().map(|(key, value)| {
        let text = value.text().ok_or_else(|| wrong(value, format!("the label {key} is no text")))?;
        Ok((key.clone(), text.to_owned()))
    });
    pairs.collect()
}

fn workload(node: &Node, namespaces: Option<&Node>) -> Result<Workload, Trouble> {
    known(node, &["name", "labels", "ports"])?;
    let name = text(node, "name")?;
    let Some((namespace, _)) =
        name.split_once('/').filter(|(space, pod)| !space.is_empty() && !pod.is_empty())
    else {
        return Err(wrong(node, format!("'{name}' is no workload's name; write namespace/name")));
    };
    let mut namespace_labels = labels(namespaces.and_then(|all| all.some(namespace)))?;
    namespace_labels.insert(NAMESPACE_LABEL.to_owned(), namespace.to_owned());
    let mut ports = Vec::new();
    if let Some(all) = node.some("ports") {
        for (name, value) in all.map().ok_or_else(|| wrong(all, "ports are a map from name to number"))? {
            let (protocol, first, last) = port(value)?;
            if first != last {
                return Err(wrong(value, "a workload's port is one number"));
            }
            ports.push((name.clone(), protocol, first));
        }
    }
    Ok(Workload {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        namespace_labels,
        labels: labels(node.some("labels"))?,
        ports,
        line: node.line,
    })
}

/// A list of `5432`, `53/UDP`, `8000-8100/TCP`; or `all`.
fn ports(node: &Node) -> Result<Ports, Trouble> {
    if node.text() == Some("all") {
        return Ok(Ports::all());
    }
    let items = node.list().ok_or_else(|| wrong(node, "ports are a list, or `all`"))?;
    items.iter().try_fold(Ports::default(), |sum, item| {
        let (protocol, first, last) = port(item)?;
        Ok(sum.union(&Ports::range(protocol, first, last)))
    })
}

fn port(node: &Node) -> Result<(Protocol, u16, u16), Trouble> {
    let text = node.words().unwrap_or_default();
    let wrong = || wrong(node, format!("'{text}' is no port; write 5432, 53/UDP or 8000-8100/TCP"));
    let (numbers, protocol) = text.split_once('/').unwrap_or((&text, "TCP"));
    let protocol = Protocol::parse(protocol).ok_or_else(wrong)?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok((protocol, first, last)),
        _ => Err(wrong()),
    }
}
