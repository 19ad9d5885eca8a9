//! What was typed.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use super::{
    CommandError,
    accept::AcceptPlace,
    artefacts::Seen,
    diff::DiffPlace,
    history::HistoryPlace,
    signature::{SignPlace, SignersPlace},
    tracker::Tracker,
};
use crate::{
    record::v1::Record,
    run::{CommandLine, Defaults, Settings, SharedFlags, Usage},
};

const EXAMPLES: &str = "Examples:
  evidence-report verify doc/operations/evidence/*.md
  evidence-report check doc/operations/parallel_ops_track.md
  evidence-report gate doc/operations/parallel_ops_track.md --format text --format junit=gate.xml
  evidence-report sign doc/operations/evidence/cert_expiry_report.md --key ~/.ssh/id_ed25519
  evidence-report verify --allowed-signers ops/allowed_signers doc/operations/evidence/*.md
  evidence-report accept pod/rehearsal.md --environment staging --fact 'cluster=blue'
  evidence-report history doc/operations/evidence/backup_restore_rehearsal_report.md
  evidence-report merge shard-*.md --evidence doc/operations/evidence/cert_expiry_report.md

--print-schema prints the JSON Schema of the record. Exit codes: 0 passed (gate open), 1 warned, 2 failed
(altered, gate closed), 3 inconclusive (also usage errors).";

const DAY: Duration = Duration::from_secs(86_400);

/// Evidence that a person reads and a machine verifies; the tracker's check; the launch gate.
#[derive(Debug, Parser)]
#[command(
    name = "evidence-report",
    version,
    after_help = EXAMPLES
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) shared: SharedFlags,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Verify evidence files: is what they say what was recorded?
    #[command(after_help = EXAMPLES)]
    Verify {
        /// Evidence files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        signers: SignersPlace,
    },
    /// Sign evidence files with an SSH key: who answers for what was recorded
    #[command(after_help = EXAMPLES)]
    Sign(SignPlace),
    /// Take evidence home that was made in a pod or on another host
    #[command(after_help = EXAMPLES)]
    Accept(AcceptPlace),
    /// Show the runs of an evidence file, and how what they measured went
    #[command(after_help = EXAMPLES)]
    History(HistoryPlace),
    /// Tell what changed from one run to another
    #[command(after_help = EXAMPLES)]
    Diff(DiffPlace),
    /// Check a tracker: does every item hold what it says?
    #[command(after_help = EXAMPLES)]
    Check(TrackerPlace),
    /// Decide the tracker's launch gate: open or closed, with every reason
    #[command(after_help = EXAMPLES)]
    Gate(TrackerPlace),
    /// Make one record of the records of all shards of one run
    #[command(after_help = EXAMPLES)]
    Merge {
        /// Evidence files of the shards, or their outputs of --format json
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Undo what killed runs left behind
    Sweep,
}

#[derive(Debug, Args)]
pub(super) struct TrackerPlace {
    /// The tracker's markdown file
    #[arg(value_name = "TRACKER", default_value = "doc/operations/parallel_ops_track.md")]
    tracker: PathBuf,
    /// Folder that the tracker's paths start from [default: the repository of the tracker]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(Record::json_schema())
    }
}

impl Command {
    pub(super) fn defaults(&self) -> Defaults {
        let title = match self {
            Self::Verify { .. } => "Verification of evidence files",
            Self::Check(_) => "Check of the tracker's evidence",
            Self::Gate(_) => "Launch gate",
            Self::Merge { .. } => "Merge of shards",
            Self::Sign(_) => "Signature of evidence files",
            Self::Accept(_) => "Evidence from elsewhere",
            Self::History(_) => "History of evidence",
            Self::Diff(_) => "Two runs",
            Self::Sweep => "Sweep",
        };
        Defaults {
            title,
            evidence_name: None,
            tracker_items: &[],
            timeout: Duration::from_secs(300),
            valid_for: DAY,
        }
    }

    /// `--dry-run`: what would be read.
    pub(super) fn plan(&self, settings: &Settings) -> String {
        let lines: Vec<_> = match self {
            Self::Verify { files, .. } => {
                files.iter().map(|file| format!("would verify {}\n", file.display())).collect()
            }
            Self::Check(place) | Self::Gate(place) => vec![format!(
                "would read {} and what it names, below {}\n",
                place.tracker.display(),
                place.root().display()
            )],
            Self::Merge { files } => {
                files.iter().map(|file| format!("would merge {}\n", file.display())).collect()
            }
            Self::Sign(place) => {
                let told = place.files.iter().map(|file| format!("would sign {}\n", file.display()));
                told.collect()
            }
            Self::Accept(place) => {
                let told = place.files.iter().map(|file| format!("would accept {}\n", file.display()));
                told.collect()
            }
            Self::History(_) | Self::Diff(_) | Self::Sweep => Vec::new(),
        };
        format!("{}\n{}", settings.title, lines.concat())
    }
}

impl TrackerPlace {
    /// Reads the tracker and looks at everything that it names.
    pub(super) fn observe(&self) -> Result<(Tracker, Seen), CommandError> {
        let path = self.tracker.display().to_string();
        if self.tracker.is_dir() {
            return Err(Usage(format!("{path} is a folder; name the tracker's markdown file")).into());
        }
        let text = std::fs::read_to_string(&self.tracker)
            .map_err(|source| CommandError::Tracker { path: path.clone(), source })?;
        let tracker =
            Tracker::read(&path, &text).map_err(|source| CommandError::TrackerForm { path, source })?;
        let folder = self.tracker.parent().unwrap_or(Path::new("")).to_owned();
        let seen = Seen::observe(&self.root(), &folder, &tracker);
        Ok((tracker, seen))
    }

    fn root(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| {
            let folder = self.tracker.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = std::path::absolute(folder.unwrap_or(Path::new("."))).unwrap_or_default();
            crate::run::repository(&folder).unwrap_or_else(|| PathBuf::from("."))
        })
    }
}
