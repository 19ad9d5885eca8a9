//! `drill`: cause a fault and time the alert to its notification.

use std::{fmt::Display, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use evidence_report::run::{
    Defaults, Finished, Run, Settings, SharedFlags, parse_duration, print, read_config, sweep_command_knowing,
};
use jiff::Timestamp;

use crate::{
    checks::TOOL,
    config::Config,
    drill::{
        self,
        live::LivePlan,
        plan::{Files, Plan, TimeScale, Until},
        real::RealPlan,
        replay::ReplayPlan,
    },
    error::Error,
};

pub(crate) use crate::drill::DrillError;

/// What was typed after `drill`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DrillArguments {
    /// Start the installed Prometheus and Alertmanager on loopback, with a fixture for the alert's series
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Replay hours and days in seconds: blocks of the alert's series, made by promtool and asked by the installed
    /// Prometheus; `for` and windows as they stand. What fires is delivered by the embedded stack
    #[arg(long, conflicts_with_all = ["embedded", "time_scale", "run_hooks"])]
    pub(crate) replay: bool,
    /// Rule files or PrometheusRule manifests; the recording rules that the alert stands on are taken from all
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// An alert: its name, or with labels that the rule sets, as 'DiskFull{severity="critical"}'. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) alert: Vec<String>,
    /// Every alert of the rule files, many at once
    #[arg(long)]
    pub(crate) all: bool,
    /// How many trials each alert gets, each at a random phase of the intervals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeat: u32,
    /// Run the commands of `fault` in the configuration, which cause real faults and end them
    #[arg(long)]
    pub(crate) run_hooks: bool,
    /// promtool unit-test file that gives the alert's series
    #[arg(long, value_name = "FILE")]
    pub(crate) unit_tests: Option<PathBuf>,
    /// Time to notify that must be kept, from the fault to the notification received
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) objective: Option<Duration>,
    /// Scrape interval of the embedded Prometheus [default: 1s; with --replay 15s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) scrape_interval: Option<Duration>,
    /// Evaluation interval of the embedded Prometheus; a group's own interval is kept [default: 1s; with --replay 15s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) evaluation_interval: Option<Duration>,
    /// Run an accelerated copy of the rule, so many times as fast: ranges, `for` and intervals divided, growth
    /// multiplied. Marked in the evidence; it says nothing about the time that the rule as written takes. With
    /// `auto` each alert gets the factor that it needs to be done within seconds, or none
    #[arg(long, value_name = "N|auto")]
    pub(crate) time_scale: Option<TimeScale>,
    /// How far to go
    #[arg(long, value_enum, value_name = "STAGE", default_value = "resolved")]
    pub(crate) until: Until,
    /// With --embedded the program Prometheus [default: `prometheus` on PATH]. Without, the URL of a real one, which
    /// scrapes the series of the drill at --expose and evaluates the rule as it has loaded it
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) prometheus: Option<String>,
    /// With --embedded the program Alertmanager [default: `prometheus-alertmanager` or `alertmanager` on PATH].
    /// Without, the URL of a real one to which the alerts are posted; repeat it for each peer of a cluster
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) alertmanager: Vec<String>,
    /// With --embedded: your own Alertmanager configuration. Its routes, inhibit rules and time intervals are used; every
    /// receiver posts to our webhook instead, and nothing else of the file is
    #[arg(long, value_name = "FILE")]
    pub(crate) alertmanager_config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) real: RealArguments,
}

/// What a drill against a real Prometheus or Alertmanager needs.
#[derive(Debug, Clone, Args)]
pub(crate) struct RealArguments {
    /// A receiver that drill alerts may reach, by its name in Alertmanager's configuration. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_receiver: Vec<String>,
    /// A host, as host or host:port, that may be drilled; loopback always may. Repeatable
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_target: Vec<String>,
    /// An Alertmanager, as host or host:port, that may be dead: the others are drilled, and it is told of as failed.
    /// Repeatable
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_dead_peer: Vec<String>,
    /// How long each member of your Alertmanagers' cluster waits for the one before it (its --cluster.peer-timeout): what
    /// it may still tell of a trial is waited for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "15s")]
    pub(crate) peer_timeout: Duration,
    /// Drill although the environment is production
    #[arg(long)]
    pub(crate) drill_production: bool,
    /// Where our webhook listens, for a receiver of yours that posts to http://ADDRESS/notifications; without it
    /// Alertmanager's own counters are the proof
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where the series of the drill are exposed to a real Prometheus, for the scrape job --drill-job
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) expose: Option<SocketAddr>,
    /// The scrape job of a real Prometheus that scrapes --expose
    #[arg(long, value_name = "NAME", default_value = "ops-smoke-drill")]
    pub(crate) drill_job: String,
    /// A file of that job's file_sd_configs: the drill writes its target into it, and takes it out at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) targets_file: Option<PathBuf>,
    /// A rule of a real Prometheus, as GROUP/NAME, that may mix the drill's series with real ones. Repeatable
    #[arg(long, value_name = "RULE")]
    pub(crate) allow_rule: Vec<String>,
    /// The alert of a real fault (--run-hooks) may mute real alerts by the inhibit rules, as it does in earnest
    #[arg(long)]
    pub(crate) allow_muting: bool,
    /// The drill's series may go to the remote storages of a real Prometheus
    #[arg(long)]
    pub(crate) allow_remote_write: bool,
}

/// Between two scrapes and two evaluations, where nobody says otherwise.
const BRISK: Duration = Duration::from_secs(1);

/// The same for a replay, which takes no time of its own: as in the configuration that Prometheus comes with.
const AS_USUAL: Duration = Duration::from_secs(15);

impl DrillArguments {
    /// Between two scrapes.
    pub(crate) fn scrape_interval(&self) -> Duration {
        self.scrape_interval.unwrap_or(if self.replay { AS_USUAL } else { BRISK })
    }

    /// Between two evaluations of groups without an interval of their own.
    pub(crate) fn evaluation_interval(&self) -> Duration {
        self.evaluation_interval.unwrap_or(if self.replay { AS_USUAL } else { BRISK })
    }
}

const DEFAULTS: Defaults = Defaults {
    title: "Alert simulation report",
    evidence_name: Some("alert_simulation_report.md"),
    tracker_items: &[1],
    timeout: Duration::from_secs(5 * 60),
    valid_for: Duration::from_secs(30 * 86_400),
};

/// Runs the command.
///
/// # Errors
/// When the drill cannot be prepared, or its evidence cannot be written.
pub(crate) async fn execute(arguments: DrillArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
    let settings = Settings::resolve(shared, &config.run, &DEFAULTS)?;
    let only_tests = !arguments.all && arguments.alert.len() == 1;
    let files = Files::read(&arguments.rules, arguments.unit_tests.as_deref(), only_tests)?;
    if arguments.replay {
        return replay(&arguments, settings, &config, &files, shared).await;
    }
    if !arguments.embedded && arguments.alertmanager_config.is_some() {
        let why =
            "--alertmanager-config belongs to --embedded; a real Alertmanager has a configuration of its own";
        return Err(DrillError::from(evidence_report::run::Usage(why.to_owned())).into());
    }
    if !arguments.embedded {
        return real(&arguments, settings, &config, &files, shared).await;
    }
    let plan = Plan::resolve(&arguments, settings, &config.drill, &files, Timestamp::now())?;
    if shared.dry_run {
        print(&plan.to_string())?;
    }
    plan.fits()?;
    if shared.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.settings.clone())?;
    drill::observe(&plan, &run).await;
    Ok(run.finish().publish()?)
}

async fn replay(
    arguments: &DrillArguments,
    settings: Settings,
    config: &Config,
    files: &Files,
    shared: &SharedFlags,
) -> Result<ExitCode, Error> {
    let plan = ReplayPlan::resolve(arguments, settings, &config.drill, files, Timestamp::now())?;
    carry_out(&plan, &plan.settings, shared, drill::replay::observe).await
}

/// Shows a plan that was only asked for, or follows it.
async fn carry_out<P: Display>(
    plan: &P,
    settings: &Settings,
    shared: &SharedFlags,
    observe: impl AsyncFnOnce(&P, &Run),
) -> Result<ExitCode, Error> {
    if shared.dry_run {
        print(&plan.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, settings.clone())?;
    observe(plan, &run).await;
    Ok(run.finish().publish()?)
}

async fn real(
    arguments: &DrillArguments,
    settings: Settings,
    config: &Config,
    files: &Files,
    shared: &SharedFlags,
) -> Result<ExitCode, Error> {
    let headers = crate::plan::headers(
        &std::collections::BTreeMap::new(),
        &config.drill.access.header_files,
        config.drill.access.bearer_token_file.as_ref(),
        None,
    )?;
    if arguments.prometheus.is_some() {
        let plan = LivePlan::resolve(arguments, settings, &config.drill, files, headers.0, Timestamp::now())?;
        return carry_out(&plan, &plan.settings, shared, drill::live::observe).await;
    }
    let plan = RealPlan::resolve(arguments, settings, &config.drill, files, headers.0, Timestamp::now())?;
    carry_out(&plan, &plan.settings, shared, drill::real::observe).await
}

/// Undoes what killed runs left behind: here, at a real Alertmanager, and of real faults. `--config` says how to
/// reach an Alertmanager that asks for a token.
///
/// # Errors
/// When the configuration cannot be used.
pub(crate) fn sweep(shared: &SharedFlags) -> Result<ExitCode, Error> {
    let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
    let access = &config.drill.access;
    let headers = crate::plan::headers(
        &std::collections::BTreeMap::new(),
        &access.header_files,
        access.bearer_token_file.as_ref(),
        None,
    )?;
    Ok(sweep_command_knowing(&|entry| drill::real::sweep(entry, &headers.0)))
}

/// A drill on the embedded stack, looked at and not published: for the self-test.
///
/// # Errors
/// When the drill cannot be prepared.
pub(crate) async fn looked(arguments: &DrillArguments, shared: &SharedFlags) -> Result<Finished, Error> {
    let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
    let settings = Settings::resolve(shared, &config.run, &DEFAULTS)?;
    let files = Files::read(&arguments.rules, arguments.unit_tests.as_deref(), true)?;
    if arguments.replay {
        let plan = ReplayPlan::resolve(arguments, settings, &config.drill, &files, Timestamp::now())?;
        let run = Run::start(&TOOL, plan.settings.clone())?;
        drill::replay::observe(&plan, &run).await;
        return Ok(run.finish());
    }
    let plan = Plan::resolve(arguments, settings, &config.drill, &files, Timestamp::now())?;
    plan.fits()?;
    let run = Run::start(&TOOL, plan.settings.clone())?;
    drill::observe(&plan, &run).await;
    Ok(run.finish())
}
