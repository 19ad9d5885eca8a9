//! From the command line to the exit code.

use std::process::ExitCode;

use evidence_report::{
    formats::Format,
    run::{Run, print, sweep_command},
};

use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    comparison::Content,
    error::Error,
    plan::{Plan, Work},
    rehearsal, self_test,
};

/// Does what was asked for.
///
/// # Errors
/// When it cannot be done or written down; what is found out about a backup is no error.
pub(crate) async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    match &cli.command {
        Command::Sweep => return Ok(sweep_command()),
        Command::SelfTest(flags) => return self_test::execute(flags, &cli.shared).await,
        Command::Rehearse(_) | Command::Fingerprint(_) => {}
    }
    let plan = Plan::resolve(&cli)?;
    if cli.shared.dry_run {
        print(&(serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.settings.clone())?;
    match &plan.work {
        Work::Rehearse(work) => rehearsal::rehearse(&plan, work, &run).await,
        Work::Fingerprint => {
            let content = rehearsal::fingerprint_only(&plan, &run).await;
            // Another format on stdout must be readable by a machine, so the list gives way to it.
            let text = plan.settings.formats.iter().all(|to| to.path.is_some() || to.format == Format::Text);
            if let (Some(content), true) = (content, text) {
                print(&table(&content))?;
            }
        }
    }
    Ok(run.finish().publish()?)
}

/// One line a table: rows, digest, name.
fn table(content: &Content) -> String {
    let lines =
        content.iter().map(|(name, table)| format!("{:>12} {:>24} {name}\n", table.rows, table.digest));
    format!("{:>12} {:>24} table\n{}", "rows", "digest", lines.collect::<String>())
}
