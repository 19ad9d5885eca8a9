//! The `evidence-report` command: verify evidence files, check a tracker, decide its launch gate.
//!
//! It walks the paved path like every other tool: its answers are findings, its outputs are the formats.

mod accept;
mod artefacts;
mod check;
mod checks;
mod cli;
mod diff;
mod gate;
mod history;
mod merge;
mod signature;
mod tracker;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::Timestamp;

use crate::run::{self, Finished, PublishError, Run, RunError, Settings, SettingsError, Usage};

/// Runs the command.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<cli::Cli, _, _, _>(&checks::TOOL, execute)
}

/// The command could not do its job.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Usage(#[from] Usage),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Merge(#[from] merge::MergeError),
    #[error(transparent)]
    History(#[from] history::HistoryError),
    #[error(transparent)]
    Diff(#[from] diff::DiffError),
    #[error("reading the tracker {path}: {source}")]
    Tracker { path: String, source: std::io::Error },
    #[error("the tracker {path}: {source}")]
    TrackerForm { path: String, source: tracker::TrackerError },
}

async fn execute(cli: cli::Cli) -> Result<ExitCode, CommandError> {
    let Some(command) = &cli.command else {
        return Err(
            Usage("say what to do: verify, check, gate, sign, accept, history, diff or merge (--help explains them)".into()).into()
        );
    };
    if let cli::Command::Sweep = command {
        return Ok(run::sweep_command());
    }
    if cli.shared.config.is_some() {
        return Err(Usage("evidence-report has no configuration file".into()).into());
    }
    let settings = Settings::resolve(&cli.shared, &run::SharedConfig::default(), &command.defaults())?;
    if let (cli::Command::History(place), true) = (command, cli.shared.dry_run)
        && let Some(history::HistoryAction::Prune(place)) = &place.action
    {
        return place.prune(true, Timestamp::now());
    }
    if cli.shared.dry_run {
        run::print(&command.plan(&settings))?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = Timestamp::now();
    match command {
        cli::Command::Sweep => Ok(run::sweep_command()),
        cli::Command::Verify { files, signers } => {
            let signers = signers.resolve()?;
            let run = Run::start(&checks::TOOL, settings)?;
            run.owes([&checks::CONSISTENT]);
            run.owes(signers.iter().map(|_| &checks::SIGNED));
            run.findings(files.iter().flat_map(|file| verify::verify_file(file, signers.as_ref())));
            Ok(run.finish().publish()?)
        }
        cli::Command::Sign(place) => {
            let run = Run::start(&checks::TOOL, settings)?;
            run.owes([&checks::SIGNED]);
            run.findings(place.files.iter().map(|file| signature::sign_file(file, place)));
            Ok(run.finish().publish()?)
        }
        cli::Command::Accept(place) => {
            let acceptance = place.resolve(cli.shared.environment, cli.shared.evidence.as_deref(), now)?;
            // What --evidence names is the place of what is accepted, not of the findings about it.
            let run = Run::start(&checks::TOOL, Settings { evidence: None, ..settings })?;
            run.owes(checks::OF_ACCEPT);
            run.findings(place.files.iter().flat_map(|file| acceptance.accept(file)));
            Ok(run.finish().publish()?)
        }
        cli::Command::History(place) => match &place.action {
            None => place.show(&settings),
            Some(history::HistoryAction::Prune(place)) => place.prune(false, now),
            Some(history::HistoryAction::Verify { files }) => {
                let run = Run::start(&checks::TOOL, settings)?;
                run.owes([&checks::HISTORY_CHAIN, &checks::HISTORY_NEWEST]);
                run.findings(files.iter().flat_map(|file| history::judge_chain(file)));
                Ok(run.finish().publish()?)
            }
        },
        cli::Command::Diff(place) => place.show(&settings),
        cli::Command::Merge { files } => merge_files(files, cli.shared.evidence.as_deref(), settings),
        cli::Command::Check(place) => {
            let (tracker, seen) = place.observe()?;
            let run = Run::start(&checks::TOOL, settings)?;
            run.findings(check::assess(&tracker, &seen, now));
            Ok(run.finish().publish()?)
        }
        cli::Command::Gate(place) => {
            let (tracker, seen) = place.observe()?;
            let run = Run::start(&checks::TOOL, settings)?;
            let decided = gate::assess(&tracker, &seen, now);
            run.retitle(gate::title(&decided));
            run.findings(decided);
            Ok(run.finish().publish()?)
        }
    }
}

/// Everything is read before anything is written; while it is, nobody else writes the same evidence.
fn merge_files(
    files: &[PathBuf],
    evidence: Option<&Path>,
    settings: Settings,
) -> Result<ExitCode, CommandError> {
    let parts = files.iter().map(|file| merge::read(file)).collect::<Result<Vec<_>, _>>()?;
    let (parts, missing) = merge::in_order(parts)?;
    let command = merge::command(&parts, evidence);
    let run = Run::start(&checks::TOOL, settings.clone())?;
    let report = merge::join(&parts, &missing, command)
        .ok_or_else(|| Usage("name at least one file to merge".into()))?;
    let code = Finished::new(report, settings).derived().publish()?;
    drop(run);
    Ok(code)
}
