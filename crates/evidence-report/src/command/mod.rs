//! The `evidence-report` command: verify evidence files, check a tracker, decide its launch gate.
//!
//! It walks the paved path like every other tool: its answers are findings, its outputs are the formats.

mod accept;
mod artefact_file;
mod artefact_rules;
mod artefacts;
mod capture;
mod check;
mod checks;
mod cli;
mod dashboard;
mod diff;
pub mod drill;
mod explain;
mod fix;
mod gate;
mod git;
mod history;
pub mod import;
mod link_targets;
mod makefile;
mod merge;
mod named_check;
mod owed;
mod page_text;
mod paths;
mod policy;
mod shortfalls;
mod signature;
pub mod tracker;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::Timestamp;

use crate::run::{self, ConfigError, Finished, PublishError, Run, RunError, Settings, SettingsError, Usage};

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
    Config(#[from] ConfigError),
    #[error(transparent)]
    Policy(#[from] policy::PolicyError),
    #[error(transparent)]
    Merge(#[from] merge::MergeError),
    #[error(transparent)]
    History(#[from] history::HistoryError),
    #[error(transparent)]
    Diff(#[from] diff::DiffError),
    #[error(transparent)]
    Drill(#[from] drill::LogError),
    #[error(transparent)]
    Child(#[from] run::child::ChildError),
    #[error("reading the tracker {path}: {source}; name the markdown file of the tracker")]
    Tracker { path: String, source: std::io::Error },
    #[error("the tracker {path}: {source}")]
    TrackerForm { path: String, source: tracker::TrackerError },
}

async fn execute(cli: cli::Cli) -> Result<ExitCode, CommandError> {
    let Some(command) = &cli.command else {
        return Err(Usage("say what to do; --help explains the commands".into()).into());
    };
    if let cli::Command::Sweep = command {
        return Ok(run::sweep_command());
    }
    if let cli::Command::Drill(args) = command {
        return drill::drill(args, &cli.shared);
    }
    let file = configuration(command, cli.shared.config.as_deref())?;
    let settings = Settings::resolve(&cli.shared, &file, &command.defaults())?;
    if let (cli::Command::History(place), true) = (command, cli.shared.dry_run)
        && let Some(history::HistoryAction::Prune(place)) = &place.action
    {
        return place.prune(true, Timestamp::now());
    }
    if let (cli::Command::Check(cli::CheckPlace { place, fix: true }), true) = (command, cli.shared.dry_run) {
        return show_fixes(place);
    }
    if cli.shared.dry_run {
        run::print(&command.plan(&settings))?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = Timestamp::now();
    match command {
        cli::Command::Sweep | cli::Command::Drill(_) => Ok(run::sweep_command()),
        cli::Command::Verify { files, signers } => {
            let signers = signers.resolve()?;
            let run = Run::start(&checks::TOOL, settings)?;
            run.owes([&checks::CONSISTENT]);
            run.owes(signers.iter().map(|_| &checks::SIGNED));
            run.findings(files.iter().flat_map(|file| verify::verify_file(file, signers.as_ref())));
            Ok(told(run.finish(), files).publish()?)
        }
        cli::Command::Sign(place) => {
            let run = Run::start(&checks::TOOL, settings)?;
            run.owes([&checks::SIGNED]);
            run.findings(place.files.iter().map(|file| signature::sign_file(file, place)));
            Ok(told(run.finish(), &place.files).publish()?)
        }
        cli::Command::Accept(place) => {
            let acceptance = place.resolve(cli.shared.environment, cli.shared.evidence.as_deref(), now)?;
            // What --evidence names is the place of what is accepted, not of the findings about it.
            let run = Run::start(&checks::TOOL, Settings { evidence: None, ..settings })?;
            run.owes(checks::OF_ACCEPT);
            run.findings(place.files.iter().flat_map(|file| acceptance.accept(file)));
            Ok(told(run.finish(), &place.files).publish()?)
        }
        cli::Command::History(place) => match &place.action {
            None => place.show(&settings),
            Some(history::HistoryAction::Prune(place)) => place.prune(false, now),
            Some(history::HistoryAction::Verify { files }) => {
                let run = Run::start(&checks::TOOL, settings)?;
                run.owes([&checks::HISTORY_CHAIN, &checks::HISTORY_NEWEST]);
                run.findings(files.iter().flat_map(|file| history::judge_chain(file)));
                Ok(told(run.finish(), files).publish()?)
            }
        },
        cli::Command::Dashboard(place) => place.make(),
        cli::Command::Diff(place) => place.show(&settings),
        cli::Command::Merge { files } => merge_files(files, cli.shared.evidence.as_deref(), settings),
        cli::Command::Capture(args) => capture::capture(args, settings).await,
        cli::Command::Import(command) => import::import(command, settings),
        cli::Command::Check(check) => {
            let place = &check.place;
            let (mut fixed, mut fixes) = (Vec::new(), Vec::new());
            if check.fix {
                let looked = place.look()?;
                fixes = fix::plan(&looked.tracker, &looked.seen);
                fixed = fix::apply(&place.root(), &looked.tracker, &fixes);
            }
            let looked = place.look()?;
            let mut settings = settings;
            settings.waivers.extend(looked.required.policy.waivers.iter().cloned());
            let run = Run::start(&checks::TOOL, settings)?;
            run.judged_for(looked.now);
            run.owes(owed::by_check(&looked.tracker, &looked.seen, &looked.required));
            run.owes_beside(&checks::EVIDENCE_REQUIRED, [&checks::FRESH]);
            run.owes((!fixes.is_empty()).then_some(&checks::FIXED));
            run.findings(fixed);
            run.findings(check::assess(&looked.tracker, &looked.seen, &looked.required, looked.now));
            run.findings(gate::without_policy(&looked.required));
            Ok(run.finish().publish()?)
        }
        cli::Command::Gate(place) => {
            let looked = place.place.look()?;
            let gates = place.gates(&looked)?;
            let run = Run::start(&checks::TOOL, settings)?;
            run.judged_for(looked.now);
            run.owes(owed::by_gates(&gates));
            let decisions = gate::decide(looked.question(), &gates);
            run.retitle(gate::title(&decisions));
            run.findings(decisions.into_iter().flat_map(|decision| decision.findings));
            run.findings(gate::without_policy(&looked.required));
            Ok(run.finish().publish()?)
        }
        cli::Command::Explain(place) => {
            let looked = place.place.look()?;
            let gates = place.gates(&looked)?;
            let (text, verdict) = explain::explain(looked.question(), &gates);
            run::print_text(&text)?;
            Ok(ExitCode::from(verdict.exit_code()))
        }
        cli::Command::PolicySchema => {
            let schema = serde_json::to_string_pretty(&policy::Policy::json_schema()).unwrap_or_default();
            run::print(&(schema + "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whoever asks about a few files wants to read what holds, too: by whom a file was signed, where it was put.
fn told(finished: Finished, files: &[PathBuf]) -> Finished {
    const FEW: usize = 5;
    if files.len() <= FEW { finished.telling_all() } else { finished }
}

/// The configuration file of `capture` and `import`: how to run, and what is set aside for a while. The other commands
/// have none.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Configuration {
    run: run::SharedConfig,
}

fn configuration(command: &cli::Command, path: Option<&Path>) -> Result<run::SharedConfig, CommandError> {
    match (path, command) {
        (None, _) => Ok(run::SharedConfig::default()),
        (Some(path), cli::Command::Capture(_) | cli::Command::Import(_)) => {
            Ok(run::read_config::<Configuration>(path)?.run)
        }
        (Some(_), _) => {
            let message = "only capture and import have a configuration file (with the key `run`)";
            Err(Usage(message.into()).into())
        }
    }
}

/// What `check --fix` would change.
fn show_fixes(place: &cli::TrackerPlace) -> Result<ExitCode, CommandError> {
    let cli::Looked { tracker, seen, .. } = place.look()?;
    let fixes = fix::plan(&tracker, &seen);
    let told: Vec<_> = fixes.iter().map(|fix| format!("would change {}\n", fix.told(&tracker))).collect();
    run::print(&if told.is_empty() { "nothing to mend\n".to_owned() } else { told.concat() })?;
    Ok(ExitCode::SUCCESS)
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
