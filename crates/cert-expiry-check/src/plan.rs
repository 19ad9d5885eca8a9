//! What a scan is going to do: flags over file over defaults, validated and complete. Past this point
//! everything is valid.

use std::{
    collections::HashSet,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::{Defaults, Settings, SharedFlags, Usage, parse_duration, read_config};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    assess::{
        name::Host,
        threshold::{Limit, Limits, Thresholds},
    },
    cli::ScanArguments,
    config::{Config, LimitsConfig},
    error::Error,
    targets::{Target, parse_host, read_list},
    wire::Timeouts,
    wording::moment,
};

/// What a scan brings along where the user said nothing.
const DEFAULTS: Defaults = Defaults {
    title: "Certificate expiry report",
    evidence_name: Some("cert_expiry_report.md"),
    tracker_items: &[5],
    timeout: Duration::from_secs(600),
    valid_for: Duration::from_secs(7 * 86_400),
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const CONCURRENCY: u16 = 128;

/// A scan.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// How the run runs.
    pub run: Settings,
    /// What to look at, each once, in the order in which it was named.
    pub targets: Vec<Target>,
    /// Lists that named nothing.
    pub empty_lists: Vec<String>,
    /// Which of a name's addresses are looked at.
    pub addresses: Addresses,
    /// Roots to trust; the system's where none are named.
    pub roots: Option<PathBuf>,
    /// The moment to judge for, where it is not now.
    pub as_of: Option<Timestamp>,
    /// How many targets are looked at at a time.
    pub concurrency: u16,
    /// How long an endpoint may take.
    #[serde(serialize_with = "timeouts")]
    pub timeouts: Timeouts,
    /// How much lifetime must be left.
    #[serde(serialize_with = "thresholds")]
    pub thresholds: Thresholds,
}

/// Which of a name's addresses are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// The first that answers, as a client does.
    FirstToAnswer,
    /// Every one, each for itself.
    Every,
}

impl Plan {
    /// Resolves what was typed. Reads the configuration and the list of targets, and nothing else.
    ///
    /// # Errors
    /// When something that was typed or configured cannot be followed.
    pub fn resolve(arguments: &ScanArguments, shared: &SharedFlags) -> Result<Self, Error> {
        let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
        let sni = arguments.sni.as_ref().or(config.sni.as_ref());
        let sni = sni.map(|name| parse_host(name).map_err(|why| usage("--sni", name, &why))).transpose()?;
        let (targets, empty_lists) = targets(arguments, &config, sni.as_ref())?;
        let concurrency = arguments.concurrency.or(config.concurrency).unwrap_or(CONCURRENCY);
        if !(1..=4096).contains(&concurrency) {
            return Err(usage("concurrency", &concurrency.to_string(), "write 1 to 4096").into());
        }
        Ok(Self {
            run: settings(arguments, shared, &config)?,
            as_of: arguments.as_of,
            targets,
            empty_lists,
            addresses: if arguments.every_address || config.every_address {
                Addresses::Every
            } else {
                Addresses::FirstToAnswer
            },
            roots: arguments.roots.clone().or_else(|| config.roots.clone()),
            concurrency,
            timeouts: Timeouts {
                connect: timeout(
                    "connect",
                    arguments.connect_timeout,
                    config.timeouts.connect.as_deref(),
                    CONNECT_TIMEOUT,
                )?,
                handshake: timeout(
                    "handshake",
                    arguments.handshake_timeout,
                    config.timeouts.handshake.as_deref(),
                    HANDSHAKE_TIMEOUT,
                )?,
            },
            thresholds: resolve_thresholds(arguments, &config)?,
        })
    }
}

/// A forecast is no evidence: it is never written where evidence belongs.
fn settings(arguments: &ScanArguments, shared: &SharedFlags, config: &Config) -> Result<Settings, Error> {
    let Some(as_of) = arguments.as_of else { return Ok(Settings::resolve(shared, &config.run, &DEFAULTS)?) };
    let nowhere = PathBuf::from("none");
    if shared.evidence.as_ref().is_some_and(|path| *path != nowhere) {
        let why = "--as-of judges for another moment, which is no evidence of this one; leave --evidence out";
        return Err(Usage(why.to_owned()).into());
    }
    let flags = SharedFlags { evidence: Some(nowhere), ..shared.clone() };
    let mut settings = Settings::resolve(&flags, &config.run, &DEFAULTS)?;
    settings.title = format!("Certificate expiry forecast for {}", moment(as_of));
    Ok(settings)
}

fn usage(what: &str, value: &str, why: &str) -> Usage {
    Usage(format!("{what} '{value}': {why}"))
}

/// Targets of the command line and of `--targets`; where there are neither, those of the configuration.
fn targets(
    arguments: &ScanArguments,
    config: &Config,
    sni: Option<&Host>,
) -> Result<(Vec<Target>, Vec<String>), Error> {
    let mut found = Vec::new();
    let mut empty_lists = Vec::new();
    let from_command_line = !arguments.targets.is_empty() || arguments.list.is_some();
    for word in if from_command_line { &arguments.targets } else { &config.targets } {
        found.push(Target::parse(word, Path::exists)?);
    }
    if let Some(path) = &arguments.list {
        let listed = listed_targets(path)?;
        if listed.is_empty() {
            empty_lists.push(path.display().to_string());
        }
        found.extend(listed);
    }
    if found.is_empty() && empty_lists.is_empty() {
        return Err(Usage(
            "nothing to scan; name a target (host:port, a file, a folder), --targets FILE, or --config FILE with targets"
                .to_owned(),
        )
        .into());
    }
    if let Some(name) = sni {
        for target in &mut found {
            if let Target::Endpoint(endpoint) = target {
                endpoint.ask_as(name.clone());
            }
        }
    }
    let mut known = HashSet::new();
    found.retain(|target| known.insert(target.clone()));
    Ok((found, empty_lists))
}

fn listed_targets(path: &Path) -> Result<Vec<Target>, Error> {
    let failed = |source| Error::List { path: path.to_owned(), source };
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        text
    } else {
        std::fs::read_to_string(path).map_err(failed)?
    };
    let listed = read_list(&text).into_iter().map(|listed| {
        Target::parse(listed.word, Path::exists).map_err(|error| Error::ListedTarget {
            list: path.display().to_string(),
            line: listed.line,
            error,
        })
    });
    listed.collect()
}

fn timeout(
    key: &str,
    flag: Option<Duration>,
    file: Option<&str>,
    otherwise: Duration,
) -> Result<Duration, Usage> {
    let file = file.map(parse_duration).transpose();
    let file = file.map_err(|why| Usage(format!("timeouts.{key} in the configuration: {why}")))?;
    match flag.or(file).unwrap_or(otherwise) {
        Duration::ZERO => Err(Usage(format!("a {key} timeout of 0 leaves no time; write 5s"))),
        limit => Ok(limit),
    }
}

fn resolve_thresholds(arguments: &ScanArguments, config: &Config) -> Result<Thresholds, Usage> {
    let defaults = Thresholds::default();
    let resolve = |role: &str, warning, critical, file: &LimitsConfig, otherwise: Limits| {
        let limit =
            |flag: Option<Limit>, key: &str, text: &Option<String>, otherwise: Limit| match (flag, text) {
                (Some(limit), _) => Ok(limit),
                (None, Some(text)) => text
                    .parse()
                    .map_err(|why| Usage(format!("thresholds.{role}.{key} in the configuration: {why}"))),
                (None, None) => Ok(otherwise),
            };
        Limits::new(
            limit(warning, "warning", &file.warning, otherwise.warning)?,
            limit(critical, "critical", &file.critical, otherwise.critical)?,
        )
        .map_err(Usage)
    };
    Ok(Thresholds {
        leaf: resolve("leaf", arguments.warning, arguments.critical, &config.thresholds.leaf, defaults.leaf)?,
        issuer: resolve(
            "issuer",
            arguments.issuer_warning,
            arguments.issuer_critical,
            &config.thresholds.issuer,
            defaults.issuer,
        )?,
    })
}

fn timeouts<S: Serializer>(timeouts: &Timeouts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([
        ("connect", format!("{} s", timeouts.connect.as_secs_f64())),
        ("handshake", format!("{} s", timeouts.handshake.as_secs_f64())),
    ])
}

fn thresholds<S: Serializer>(thresholds: &Thresholds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([
        ("leaf_warned_below", thresholds.leaf.warning.to_string()),
        ("leaf_failed_below", thresholds.leaf.critical.to_string()),
        ("issuer_warned_below", thresholds.issuer.warning.to_string()),
        ("issuer_failed_below", thresholds.issuer.critical.to_string()),
    ])
}
