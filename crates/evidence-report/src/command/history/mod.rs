//! `history FILE`: the runs beside an evidence file, the trends of what they measured; whether the chain is
//! whole; and retention, which happens by name only.

mod judge;
mod view;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;

pub(super) use judge::{judge_chain, judge_file, trouble_of};
use view::View;

use super::CommandError;
use crate::{
    formats::Format,
    history::{Chain, Keep, prune},
    record::Verdict,
    run::{self, HistoryFile, Settings, Usage, history_path, parse_duration},
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct HistoryPlace {
    #[command(subcommand)]
    pub(super) action: Option<HistoryAction>,
    /// An evidence file, or its history
    #[arg(required = true, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The newest so many runs
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(super) enum HistoryAction {
    /// Is the chain whole, and is each evidence file the newest of its chain?
    Verify {
        /// Evidence files, or their histories
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Take old runs out; what is left stays verifiable
    Prune(PrunePlace),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KeepPlace {
    /// Keep the newest so many runs
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Keep the runs of the last so many days
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct PrunePlace {
    /// An evidence file, or its history
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    keep: KeepPlace,
}

/// A history that cannot be read or shortened.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    /// There is none.
    #[error("there is no history {path}; the first run whose evidence goes there begins one", path = path.display())]
    None { path: PathBuf },
    /// It cannot be read.
    #[error("reading the history {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// It is damaged, and stays as it is.
    #[error("the history {path} is {why}; nothing was taken out of it", path = path.display())]
    Damaged { path: PathBuf, why: String },
    /// The answer has two forms only.
    #[error("history is shown as text or json, not as {0}; `history verify` knows all formats")]
    Format(String),
}

impl HistoryPlace {
    /// Shows the runs. The exit code is that of the chain: 0 whole, 2 broken.
    pub(super) fn show(&self, settings: &Settings) -> Result<ExitCode, CommandError> {
        let Some(file) = &self.file else { return Err(Usage("name an evidence file".into()).into()) };
        let path = history_of(file);
        let chain = read(&path)?;
        let view = View::of(&path, &chain, self.last.unwrap_or(usize::MAX));
        for request in &settings.formats {
            let text = match request.format {
                Format::Text => view.text(),
                Format::Json => view.json(),
                other => return Err(HistoryError::Format(format!("{other:?}").to_lowercase()).into()),
            };
            match &request.path {
                Some(path) => run::write("the output", path, &text)?,
                None => run::print(&text)?,
            }
        }
        Ok(ExitCode::from(
            if chain.troubles().is_empty() { Verdict::Passed } else { Verdict::Failed }.exit_code(),
        ))
    }
}

impl PrunePlace {
    /// Takes the old runs out.
    pub(super) fn prune(&self, dry_run: bool, now: Timestamp) -> Result<ExitCode, CommandError> {
        let keep = match (self.keep.keep, self.keep.keep_days) {
            (Some(number), _) => Keep::Newest(number),
            (None, days) => {
                let span = parse_duration(&format!("{}d", days.unwrap_or(u32::MAX))).map_err(Usage)?;
                let moment = now - jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX);
                Keep::Since(moment)
            }
        };
        let path = history_of(&self.file);
        let damaged = |chain: &Chain| {
            let why = chain.troubles().first().map(ToString::to_string);
            why.map_or(Ok(()), |why| Err(HistoryError::Damaged { path: path.clone(), why }))
        };
        let chain = read(&path)?;
        damaged(&chain)?;
        let told = |removed: usize, left: usize| {
            let verb = if dry_run { "would take" } else { "took" };
            format!("{verb} {} out of {}; {left} left\n", view::runs(removed), run::short(&path))
        };
        let total = chain.runs().count();
        if dry_run || prune(&chain, keep, now).is_none() {
            let (removed, left) =
                prune(&chain, keep, now).map_or((0, total), |pruning| (pruning.removed, pruning.left));
            run::print(&told(removed, left))?;
            return Ok(ExitCode::SUCCESS);
        }
        // Somebody may have published in between.
        let mut file = HistoryFile::lock(&evidence_of(&path))?;
        damaged(file.chain())?;
        let Some(pruning) = prune(file.chain(), keep, now) else { return Ok(ExitCode::SUCCESS) };
        file.replace(&pruning.text)?;
        run::print(&told(pruning.removed, pruning.left))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The history that is meant by an evidence file, or by itself.
pub(super) fn history_of(file: &Path) -> PathBuf {
    if file.extension().is_some_and(|extension| extension == "jsonl") {
        file.to_owned()
    } else {
        history_path(file)
    }
}

/// The required evidence file that a history stands beside.
pub(super) fn evidence_of(history: &Path) -> PathBuf {
    let absolute = std::path::absolute(history).unwrap_or_else(|_| history.to_owned());
    let folder = absolute.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    folder.join(absolute.file_name().unwrap_or_default()).with_extension("md")
}

fn read(path: &Path) -> Result<Chain, HistoryError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Chain::read(&String::from_utf8_lossy(&bytes))),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(HistoryError::None { path: path.to_owned() })
        }
        Err(source) => Err(HistoryError::Read { path: path.to_owned(), source }),
    }
}
