//! What was typed. What it means stands in the commands' plans.

use clap::{Parser, Subcommand};
use evidence_report::run::{CommandLine, SharedFlags};

use crate::{config::Config, drill_command::DrillArguments, metrics_command::MetricsArguments};

/// Proves that the monitoring works
#[derive(Debug, Parser)]
#[command(name = "observability-smoke", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The flags that every tool shares.
    #[command(flatten)]
    pub(crate) shared: SharedFlags,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Probe services, read their metrics and ask Prometheus, as the configuration says
    Run,
    /// Read an exposition strictly: a file, a URL, or `-` for standard input
    Metrics(MetricsArguments),
    /// Cause a fault and time the alert to its notification
    Drill(DrillArguments),
    /// Undo what a killed run left behind
    Sweep,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
