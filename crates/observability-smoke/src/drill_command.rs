//! `drill`: cause a fault and time the alert to its notification.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use evidence_report::run::{Defaults, Run, Settings, SharedFlags, Usage, parse_duration, print, read_config};
use jiff::Timestamp;

use crate::{
    checks::TOOL,
    config::Config,
    drill::{
        self,
        plan::{Files, Plan, Until},
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
    /// Rule files or PrometheusRule manifests; the recording rules that the alert stands on are taken from all
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// The alert: its name, or with labels that the rule sets, as 'DiskFull{severity="critical"}'
    #[arg(long, value_name = "NAME")]
    pub(crate) alert: String,
    /// promtool unit-test file that gives the alert's series
    #[arg(long, value_name = "FILE")]
    pub(crate) unit_tests: Option<PathBuf>,
    /// Time to notify that must be kept, from the fault to the notification received
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) objective: Option<Duration>,
    /// Scrape interval of the embedded Prometheus
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1s")]
    pub(crate) scrape_interval: Duration,
    /// Evaluation interval of the embedded Prometheus; a group's own interval is kept
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1s")]
    pub(crate) evaluation_interval: Duration,
    /// Run an accelerated copy of the rule, so many times as fast: ranges, `for` and intervals divided, growth
    /// multiplied. Marked in the evidence; it says nothing about the time that the rule as written takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(crate) time_scale: Option<u32>,
    /// How far to go
    #[arg(long, value_enum, value_name = "STAGE", default_value = "resolved")]
    pub(crate) until: Until,
    /// The program Prometheus [default: `prometheus` on PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) prometheus: Option<PathBuf>,
    /// The program Alertmanager [default: `prometheus-alertmanager` or `alertmanager` on PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) alertmanager: Option<PathBuf>,
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
    if !arguments.embedded {
        let how =
            "say where to drill: --embedded starts the installed Prometheus and Alertmanager on loopback";
        return Err(Usage(how.to_owned()).into());
    }
    let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
    let settings = Settings::resolve(shared, &config.run, &DEFAULTS)?;
    let files = Files::read(&arguments.rules, arguments.unit_tests.as_deref())?;
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
