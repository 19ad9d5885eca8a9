//! From the command line to the exit code.

use std::process::ExitCode;

use evidence_report::{
    formats::Format,
    run::{Run, print, sweep_command},
};

use crate::{
    canary,
    checks::TOOL,
    cli::{Cli, Command},
    compared,
    error::Error,
    fingerprint::{Content, Fingerprint},
    plan::{Describe, Plan, Work},
    policy, rehearsal,
};

/// Does what was asked for.
///
/// # Errors
/// When it cannot be done or written down; what is found out about a backup is no error.
pub(crate) async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    if matches!(cli.command, Command::Sweep) {
        return Ok(sweep_command());
    }
    if let Command::Policy(flags) = &cli.command {
        return policy::command(&cli, flags).await;
    }
    if let Command::Canary(wanted) = &cli.command {
        return canary::command(&cli, wanted).await;
    }
    let plan = Plan::resolve(&cli)?;
    if cli.shared.dry_run {
        print(&(serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.settings.clone())?;
    match &plan.work {
        Work::Rehearse(work) => rehearsal::rehearse(&plan, work, &run).await,
        Work::Fingerprint(work) => {
            let fingerprint = rehearsal::fingerprint_only(&plan, work, &run).await;
            if let Some(fingerprint) = fingerprint {
                keep_or_print(&fingerprint, work, &plan)?;
            }
        }
        Work::Compare(work) => compared::compare_sides(&plan, work, &run).await?,
    }
    Ok(run.finish().publish()?)
}

fn keep_or_print(fingerprint: &Fingerprint, work: &Describe, plan: &Plan) -> Result<(), Error> {
    if let Some(path) = &work.output {
        return Ok(fingerprint.write(path)?);
    }
    // Another format on stdout must be readable by a machine, so the list gives way to it.
    if plan.settings.formats.iter().all(|to| to.path.is_some() || to.format == Format::Text) {
        print(&table(&fingerprint.tables))?;
    }
    Ok(())
}

/// One line a table: rows, digest, name.
fn table(content: &Content) -> String {
    let lines =
        content.iter().map(|(name, table)| format!("{:>12} {:>24} {name}\n", table.rows, table.digest));
    format!("{:>12} {:>24} table\n{}", "rows", "digest", lines.collect::<String>())
}
