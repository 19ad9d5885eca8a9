//! What a scan is going to do: flags over file over defaults, validated and complete. Past this point
//! everything is valid.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::{Defaults, Settings, SharedFlags, Usage, parse_duration, read_config};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    cli::ScanArguments,
    config::Config,
    error::Error,
    group::Group,
    share::{self, Share},
    targets::{
        JOB_COMPLETION_INDEX, ListTrouble, ListedTarget, Shard, ShardRequest, Target, Targets, read_list,
    },
    wire::{Keys, Rate, Timeouts},
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
    /// What to look at, and what is expected of it: at least one group.
    pub groups: Vec<Group>,
    /// Files of Kubernetes objects; `-` is standard input.
    pub kubernetes: Vec<PathBuf>,
    /// Which share of the targets this is, where it is not all.
    pub share: Option<Share>,
    /// Lists that named nothing.
    pub empty_lists: Vec<String>,
    /// Which of a name's addresses are looked at.
    pub addresses: Addresses,
    /// For which kinds of keys a server's certificate is looked at.
    pub keys: Keys,
    /// Files with passwords to try on key stores.
    pub store_password_files: Vec<PathBuf>,
    /// Files with the revocation lists to judge by.
    pub crls: Vec<PathBuf>,
    /// Whether lists are fetched from the addresses in the certificates.
    pub fetch_crls: bool,
    /// The moment to judge for, where it is not now.
    pub as_of: Option<Timestamp>,
    /// How many targets are looked at at a time.
    pub concurrency: u16,
    /// How many connections may be opened in a time.
    #[serde(serialize_with = "shown")]
    pub rate: Option<Rate>,
    /// How long an endpoint may take.
    #[serde(serialize_with = "timeouts")]
    pub timeouts: Timeouts,
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
        standard_input_is_read_once(arguments, &config)?;
        let (mut groups, empty_lists) = groups(arguments, &config)?;
        let mut kubernetes = kubernetes(arguments, &config);
        let shard = arguments.shard.map(shard).transpose()?;
        let share = shard.map(|shard| share::cut(&mut groups, &mut kubernetes, shard));
        let concurrency = arguments.concurrency.or(config.concurrency).unwrap_or(CONCURRENCY);
        if !(1..=4096).contains(&concurrency) {
            return Err(usage("concurrency", &concurrency.to_string(), "write 1 to 4096").into());
        }
        Ok(Self {
            run: settings(arguments, shared, &config)?,
            as_of: arguments.as_of,
            groups,
            kubernetes,
            share,
            empty_lists,
            store_password_files: [&config.store_password_files[..], &arguments.store_password_files]
                .concat(),
            crls: if arguments.crls.is_empty() { config.crls.clone() } else { arguments.crls.clone() },
            fetch_crls: arguments.fetch_crls || config.fetch_crls,
            addresses: if arguments.every_address || config.every_address {
                Addresses::Every
            } else {
                Addresses::FirstToAnswer
            },
            keys: if arguments.every_key || config.every_key { Keys::Every } else { Keys::FirstPresented },
            concurrency,
            rate: rate(arguments, &config)?,
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

/// The targets of the command line and of `--targets`; where there are neither, those of the configuration
/// with its groups.
fn groups(arguments: &ScanArguments, config: &Config) -> Result<(Vec<Group>, Vec<String>), Error> {
    let mut found = Targets::default();
    let mut empty_lists = Vec::new();
    let from_command_line = names_targets(arguments);
    for word in if from_command_line { &arguments.targets } else { &config.targets } {
        found.push(Target::parse(word, Path::exists).map_err(|error| {
            let error = Error::from(error);
            if from_command_line { error } else { Error::within("the configuration's targets", error) }
        })?);
    }
    if let Some(path) = &arguments.list
        && push_listed(path, &mut found)? == 0
    {
        empty_lists.push(list_name(path));
    }
    let configured = if from_command_line { &[][..] } else { &config.groups };
    let documents = kubernetes(arguments, config);
    if found.is_empty()
        && documents.is_empty()
        && empty_lists.is_empty()
        && configured.iter().all(|group| group.targets.is_empty())
    {
        return Err(Usage(
            "nothing to scan; name a target (host:port, a file, a folder), --targets FILE, --kubernetes FILE, or --config FILE with targets"
                .to_owned(),
        )
        .into());
    }
    let mut groups = vec![Group::default(arguments, config, &found)?];
    for group in configured {
        let named = || format!("the configuration's group '{}'", group.name);
        groups.push(
            Group::configured(group, arguments, config).map_err(|error| Error::within(named(), error))?,
        );
    }
    no_group_twice(&groups)?;
    no_target_twice(&groups)?;
    // Only what was named counts as a group: one that is left over would be told apart from nothing.
    if groups.len() > 1 && groups[0].targets.is_empty() && documents.is_empty() {
        groups.remove(0);
    }
    Ok((groups, empty_lists))
}

fn no_group_twice(groups: &[Group]) -> Result<(), Usage> {
    let mut known = HashSet::new();
    let twice = groups.iter().filter_map(|group| group.name.as_ref()).find(|name| !known.insert(*name));
    twice.map_or(Ok(()), |name| {
        Err(Usage(format!("the configuration has two groups '{name}'; join them, or rename one")))
    })
}

/// A target that two groups name would be held to two expectations, and nobody could tell which of two findings
/// with the same name counts.
fn no_target_twice(groups: &[Group]) -> Result<(), Usage> {
    if groups.len() < 2 {
        return Ok(());
    }
    let mut known: HashMap<Target, &Group> = HashMap::new();
    for group in groups {
        for target in group.targets.iter() {
            let place = place_of(&target);
            if let Some(other) = known.get(&place).filter(|other| !std::ptr::eq(**other, group)) {
                return Err(Usage(format!(
                    "the target '{target}' stands in {} and in {}: it can be held to the expectations of one only; \
                     leave it in one of them",
                    other.label(),
                    group.label()
                )));
            }
            known.insert(place, group);
        }
    }
    Ok(())
}

/// A file by the one name that it has whatever leads to it.
fn place_of(target: &Target) -> Target {
    match target {
        Target::Path(path) => {
            Target::Path(path.canonicalize().unwrap_or_else(|_| path.components().collect()))
        }
        other => other.clone(),
    }
}

/// Whether the command line says what to look at; then the configuration's targets do not count.
fn names_targets(arguments: &ScanArguments) -> bool {
    !arguments.targets.is_empty() || arguments.list.is_some() || !arguments.kubernetes.is_empty()
}

fn kubernetes(arguments: &ScanArguments, config: &Config) -> Vec<PathBuf> {
    if names_targets(arguments) { &arguments.kubernetes } else { &config.kubernetes }.clone()
}

fn standard_input_is_read_once(arguments: &ScanArguments, config: &Config) -> Result<(), Usage> {
    let documents = kubernetes(arguments, config);
    let readers = documents.iter().chain(&arguments.list).filter(|path| *path == Path::new("-")).count();
    if readers < 2 {
        return Ok(());
    }
    let why = "standard input can be read once: give one of --targets and --kubernetes a file, or write \
        `--targets <(command)`";
    Err(Usage(why.to_owned()))
}

/// What a list is called in errors and findings.
fn list_name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Adds the targets of a list, one after the other, and says how many they are.
fn push_listed(path: &Path, found: &mut Targets) -> Result<usize, Error> {
    let failed = |source| Error::List { list: list_name(path), source };
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failed)?))
    };
    let before = found.len();
    read_list(reader, |ListedTarget { line, column, word }| {
        let target = Target::parse(word, Path::exists);
        found.push(target.map_err(|error| Error::ListedTarget {
            list: list_name(path),
            line,
            column,
            error,
        })?);
        Ok(())
    })
    .map_err(|trouble| match trouble {
        ListTrouble::Unreadable(source) => failed(source),
        ListTrouble::Refused(error) => error,
    })?;
    Ok(found.len() - before)
}

/// The environment is asked only where the shard is to come from there.
fn shard(request: ShardRequest) -> Result<Shard, Usage> {
    let index = std::env::var(JOB_COMPLETION_INDEX).ok();
    request.resolve(index.as_deref()).map_err(|why| Usage(format!("--shard: {why}")))
}

fn rate(arguments: &ScanArguments, config: &Config) -> Result<Option<Rate>, Usage> {
    let configured = config.rate.as_deref().map(str::parse).transpose();
    let configured = configured.map_err(|why| Usage(format!("rate in the configuration: {why}")))?;
    Ok(arguments.rate.or(configured))
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

fn timeouts<S: Serializer>(timeouts: &Timeouts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([
        ("connect", format!("{} s", timeouts.connect.as_secs_f64())),
        ("handshake", format!("{} s", timeouts.handshake.as_secs_f64())),
    ])
}

fn shown<S: Serializer>(value: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
