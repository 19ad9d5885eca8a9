//! Groups of targets: what is looked at, and what is expected of it. Resolved from the command line and the
//! configuration; nothing is read here.

use std::{
    collections::HashSet,
    convert::Infallible,
    path::{Path, PathBuf},
};

use evidence_report::run::Usage;
use serde::{Serialize, Serializer};

use crate::{
    assess::{
        ClientCertificateRule,
        name::Host,
        threshold::{Limit, Limits, Thresholds},
    },
    cli::ScanArguments,
    config::{Config, GroupConfig, LimitsConfig, PresentConfig, ThresholdsConfig},
    error::Error,
    stores::roots::Store,
    targets::{Target, Targets, parse_host},
};

/// Targets, and what is expected of them.
#[derive(Debug, Serialize)]
pub struct Group {
    /// What the group is called; the default group has no name.
    pub name: Option<String>,
    /// What to look at, each once, in the order in which it was named.
    pub targets: Targets,
    /// Stores of roots, all of which have to trust.
    pub trust: Vec<Store>,
    /// How much lifetime must be left.
    #[serde(serialize_with = "thresholds")]
    pub thresholds: Thresholds,
    /// Names that each endpoint's certificate has to cover beside the one it is asked for.
    #[serde(serialize_with = "names")]
    pub names: Vec<Host>,
    /// What endpoints have to do about client certificates.
    pub client_certificate: Option<ClientCertificateRule>,
    /// What is presented to endpoints that ask for a client certificate.
    pub present: Option<PresentConfig>,
    /// Whether one that asks for a client certificate, and does not refuse us in the handshake, is sent an
    /// HTTP request.
    pub ask_http: bool,
}

impl Group {
    /// The group without a name, with these targets.
    pub(crate) fn default(
        arguments: &ScanArguments,
        config: &Config,
        targets: &Targets,
    ) -> Result<Self, Error> {
        let sni = arguments.sni.as_ref().or(config.sni.as_ref());
        Ok(Self {
            name: None,
            targets: asked_as(targets.iter(), sni)?,
            trust: trust(arguments, &[(config.roots.as_ref(), &config.trust)]),
            thresholds: resolve_thresholds(arguments, &[&config.thresholds])?,
            names: names_required(arguments, &[&config.names])?,
            client_certificate: arguments.client_certificate.or(config.client_certificate),
            present: presented(arguments, &[&config.present]),
            ask_http: arguments.ask_http || config.ask_http,
        })
    }

    /// One that the configuration names: what it does not say, the configuration's own keys say.
    pub(crate) fn configured(
        group: &GroupConfig,
        arguments: &ScanArguments,
        config: &Config,
    ) -> Result<Self, Error> {
        if group.name.is_empty() {
            return Err(Usage("it has no name; write `name: …`".to_owned()).into());
        }
        if group.targets.is_empty() {
            return Err(
                Usage("it has no targets; write `targets: […]`, or take the group out".to_owned()).into()
            );
        }
        let targets = (group.targets.iter()).map(|word| Target::parse(word, Path::exists));
        let targets = targets.collect::<Result<Vec<_>, _>>()?.into_iter();
        let sni = arguments.sni.as_ref().or(group.sni.as_ref()).or(config.sni.as_ref());
        let stores = [(group.roots.as_ref(), &group.trust), (config.roots.as_ref(), &config.trust)];
        Ok(Self {
            name: Some(group.name.clone()),
            targets: asked_as(targets, sni)?,
            trust: trust(arguments, &stores),
            thresholds: resolve_thresholds(arguments, &[&group.thresholds, &config.thresholds])?,
            names: names_required(arguments, &[&group.names, &config.names])?,
            client_certificate: arguments
                .client_certificate
                .or(group.client_certificate)
                .or(config.client_certificate),
            present: presented(arguments, &[&group.present, &config.present]),
            ask_http: arguments.ask_http || group.ask_http.unwrap_or(config.ask_http),
        })
    }
}

impl Group {
    /// What it is called in a sentence.
    pub(crate) fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("the group '{name}'"),
            None => "the targets outside of the groups".to_owned(),
        }
    }
}

/// What is presented: the flags' pair, or that of the nearest configuration that has one.
fn presented(arguments: &ScanArguments, files: &[&Option<PresentConfig>]) -> Option<PresentConfig> {
    match (&arguments.client_cert, &arguments.client_key) {
        (Some(certificate), Some(key)) => {
            Some(PresentConfig { certificate: certificate.clone(), key: key.clone() })
        }
        _ => files.iter().find_map(|file| (*file).clone()),
    }
}

/// The targets, each once, asked under another name where one is given.
fn asked_as(targets: impl Iterator<Item = Target>, sni: Option<&String>) -> Result<Targets, Usage> {
    let Some(name) = sni else { return Ok(Targets::distinct(targets)) };
    let host = parse_host(name).map_err(|why| Usage(format!("--sni '{name}': {why}")))?;
    Ok(Targets::distinct(targets.map(|mut target| {
        match &mut target {
            Target::Endpoint(endpoint) => endpoint.ask_as(host.clone()),
            Target::Network(network) => network.ask_as(host.clone()),
            Target::Remote(_) | Target::Path(_) | Target::Pattern(_) => {}
        }
        target
    })))
}

/// The names of the flags, or of the nearest configuration that has some. A wildcard may be required too.
fn names_required(arguments: &ScanArguments, files: &[&Vec<String>]) -> Result<Vec<Host>, Usage> {
    let given = (std::iter::once(&arguments.require_name).chain(files.iter().copied()))
        .find(|names| !names.is_empty());
    let read = |name: &String| {
        let (wildcard, parent) = match name.strip_prefix("*.") {
            Some(parent) => ("*.", parent),
            None => ("", name.as_str()),
        };
        match parse_host(parent) {
            Ok(Host::Name(parent)) => Ok(Host::Name(format!("{wildcard}{parent}"))),
            Ok(address) if wildcard.is_empty() => Ok(address),
            Ok(_) => Err(Usage(format!("required name '{name}': an address has no wildcard"))),
            Err(why) => Err(Usage(format!("required name '{name}': {why}"))),
        }
    };
    given.into_iter().flatten().map(read).collect()
}

/// The stores of the flags, or of the nearest configuration that names some, or the system's.
fn trust(arguments: &ScanArguments, files: &[(Option<&PathBuf>, &Vec<String>)]) -> Vec<Store> {
    let named = |roots: &[PathBuf], trust: &[String]| {
        let roots = (!roots.is_empty()).then(|| Store::Files(roots.to_vec()));
        let trust = trust.iter().map(|name| name.parse().unwrap_or_else(|never: Infallible| match never {}));
        let mut known = HashSet::new();
        roots.into_iter().chain(trust).filter(|store| known.insert(store.clone())).collect::<Vec<_>>()
    };
    let configured = files
        .iter()
        .map(|(roots, trust)| named(&roots.iter().map(|path| (*path).clone()).collect::<Vec<_>>(), trust));
    std::iter::once(named(&arguments.roots, &arguments.trust))
        .chain(configured)
        .find(|stores| !stores.is_empty())
        .unwrap_or_else(|| vec![Store::System])
}

/// Flags outweigh the configuration, of which the nearest that says something counts.
fn resolve_thresholds(arguments: &ScanArguments, files: &[&ThresholdsConfig]) -> Result<Thresholds, Usage> {
    let defaults = Thresholds::default();
    let leaf: Vec<_> = files.iter().map(|file| &file.leaf).collect();
    let issuer: Vec<_> = files.iter().map(|file| &file.issuer).collect();
    Ok(Thresholds {
        leaf: limits("leaf", [arguments.warning, arguments.critical], &leaf, defaults.leaf)?,
        issuer: limits(
            "issuer",
            [arguments.issuer_warning, arguments.issuer_critical],
            &issuer,
            defaults.issuer,
        )?,
    })
}

fn limits(
    role: &str,
    [warning, critical]: [Option<Limit>; 2],
    files: &[&LimitsConfig],
    otherwise: Limits,
) -> Result<Limits, Usage> {
    let limit = |flag: Option<Limit>, key: &str, text: Option<&String>, otherwise: Limit| match (flag, text) {
        (Some(limit), _) => Ok(limit),
        (None, Some(text)) => {
            text.parse().map_err(|why| Usage(format!("thresholds.{role}.{key} in the configuration: {why}")))
        }
        (None, None) => Ok(otherwise),
    };
    let text = |pick: fn(&LimitsConfig) -> Option<&String>| files.iter().find_map(|file| pick(file));
    Limits::new(
        limit(warning, "warning", text(|file| file.warning.as_ref()), otherwise.warning)?,
        limit(critical, "critical", text(|file| file.critical.as_ref()), otherwise.critical)?,
    )
    .map_err(Usage)
}

fn thresholds<S: Serializer>(thresholds: &Thresholds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([
        ("leaf_warned_below", thresholds.leaf.warning.to_string()),
        ("leaf_failed_below", thresholds.leaf.critical.to_string()),
        ("issuer_warned_below", thresholds.issuer.warning.to_string()),
        ("issuer_failed_below", thresholds.issuer.critical.to_string()),
    ])
}

fn names<S: Serializer>(names: &[Host], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(ToString::to_string))
}
