//! What was typed. What it means stands in the commands' plans.

use clap::{Parser, Subcommand};
use evidence_report::run::{CommandLine, SharedFlags};

use crate::{
    config::Config, drill_command::DrillArguments, metrics_command::MetricsArguments,
    rules_command::RulesArguments, self_test::SelfTestArguments,
};

/// Proves that the monitoring works
#[derive(Debug, Parser)]
#[command(
    name = "observability-smoke",
    version,
    about,
    max_term_width = 110,
    after_help = "Examples:\n  \
        observability-smoke run --config ops/observability.yaml\n  \
        observability-smoke metrics http://127.0.0.1:9100/metrics\n  \
        curl -s 127.0.0.1:8080/metrics | observability-smoke metrics -\n  \
        observability-smoke drill --embedded --rules alerts.yaml --alert ApiProbeFailing\n  \
        observability-smoke rules alerts.yaml --prometheus http://127.0.0.1:9090 --alertmanager http://127.0.0.1:9093\n\n\
        Exit codes: 0 passed, 1 warned, 2 failed, 3 inconclusive (also usage and configuration errors)."
)]
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
    /// Probe services, read their metrics and ask Prometheus and Alertmanager, as the configuration says
    Run,
    /// Read an exposition strictly: a file, a URL, or `-` for standard input
    Metrics(MetricsArguments),
    /// Cause a fault and time the alert to its notification
    Drill(Box<DrillArguments>),
    /// Judge alert rules, and follow each alert from its series to the person
    Rules(RulesArguments),
    /// Break good alerts, rules, expositions and servers in the ways of the field, and show each fault caught
    SelfTest(SelfTestArguments),
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
