//! Scans a fault, as if its words had been typed.

use std::net::IpAddr;

use clap::Parser;
use evidence_report::run::{Finished, Run, Usage};

use super::fault::Scene;
use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    error::Error,
    plan::Plan,
    scan::{self, Prepared, nodes},
};

/// One scan. It writes no evidence and prints nothing.
pub(super) async fn look(scene: &Scene) -> Result<Finished, Error> {
    let words = std::iter::once(TOOL.name).chain(scene.words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words).map_err(|error| Usage(error.to_string()))?;
    let Command::Scan(arguments) = cli.command else {
        return Err(Usage("only a scan catches faults".to_owned()).into());
    };
    let plan = Plan::resolve(&arguments, &cli.shared)?;
    let run = Run::start(&TOOL, plan.run.clone())?;
    if scene.addresses.is_empty() {
        scan::observe(&plan, &run).await?;
    } else {
        look_at_nodes(&plan, &scene.addresses, &run).await?;
    }
    Ok(run.finish())
}

/// Every endpoint of the plan, at these addresses instead of those that its name resolves to.
async fn look_at_nodes(plan: &Plan, addresses: &[IpAddr], run: &Run) -> Result<(), Error> {
    let groups = scan::prepare_all(plan, run)?;
    for (group, Prepared { approach, basis, .. }) in plan.groups.iter().zip(&groups) {
        for endpoint in group.targets.endpoints() {
            let addresses = addresses.iter().copied();
            let judged = nodes::look_at_addresses(&endpoint, addresses, approach, basis).await;
            run.owes(judged.owed);
            run.findings(judged.findings);
        }
    }
    Ok(())
}
