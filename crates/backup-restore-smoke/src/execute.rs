//! From the command line to the exit code.

use std::process::ExitCode;

use evidence_report::{
    formats::Format,
    run::{Run, print, sweep_command, sweep_command_knowing},
};

use crate::{
    canary,
    checks::TOOL,
    cli::{Cli, Command},
    compared,
    error::Error,
    fingerprint::{Content, Fingerprint},
    plan::{Describe, Plan, Work},
    policy, rehearsal, self_test, target,
};

/// Does what was asked for.
///
/// # Errors
/// When it cannot be done or written down; what is found out about a backup is no error.
pub(crate) async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    match &cli.command {
        Command::Sweep(flags) => return sweep(flags.target.as_deref()).await,
        Command::SelfTest(flags) => return self_test::execute(flags, &cli.shared).await,
        Command::Policy(flags) => return policy::command(&cli, flags).await,
        Command::Canary(wanted) => return canary::command(&cli, wanted).await,
        Command::Rehearse(_) | Command::Fingerprint(_) | Command::Compare(_) => {}
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

/// Undoes what killed runs left here and, when it is named, on a server kept for rehearsals.
async fn sweep(target: Option<&str>) -> Result<ExitCode, Error> {
    let Some(conninfo) = target else { return Ok(sweep_command()) };
    let swept = target::sweep(conninfo).await.map_err(Error::Sweep)?;
    let left = swept.left.iter().map(|line| format!("NOT undone: {line}"));
    let lines: Vec<_> = swept.dropped.iter().cloned().chain(left).collect();
    if !lines.is_empty() {
        print(&(lines.join("\n") + "\n"))?;
    }
    let here = sweep_command_knowing(&|what| swept.is_gone(what));
    Ok(if swept.left.is_empty() { here } else { ExitCode::from(3) })
}

/// One line a table: rows, digest, name.
fn table(content: &Content) -> String {
    let lines =
        content.iter().map(|(name, table)| format!("{:>12} {:>24} {name}\n", table.rows, table.digest));
    format!("{:>12} {:>24} table\n{}", "rows", "digest", lines.collect::<String>())
}
