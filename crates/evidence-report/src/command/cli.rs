//! What was typed.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use super::{
    CommandError,
    accept::AcceptPlace,
    artefact_rules::{Policy, Ruled},
    artefacts::Seen,
    capture,
    dashboard::DashboardPlace,
    diff::DiffPlace,
    drill,
    history::HistoryPlace,
    import,
    signature::{SignPlace, SignersPlace},
    tracker::Tracker,
};
use crate::{
    record::v1::Record,
    run::{CommandLine, Defaults, Settings, SharedFlags, Usage, read_config},
};

const EXAMPLES: &str = "Examples:
  evidence-report verify doc/operations/evidence/*.md
  evidence-report check doc/operations/parallel_ops_track.md
  evidence-report check --fix --dry-run
  evidence-report gate doc/operations/parallel_ops_track.md --format text --format junit=gate.xml
  evidence-report sign doc/operations/evidence/cert_expiry_report.md --key ~/.ssh/id_ed25519
  evidence-report verify --allowed-signers ops/allowed_signers doc/operations/evidence/*.md
  evidence-report accept rehearsal.md --environment staging --fact 'system identifier=7412345678901234567'
  evidence-report history doc/operations/evidence/backup_restore_rehearsal_report.md
  evidence-report dashboard -o target/readiness.html
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
    Check(CheckPlace),
    /// Decide the tracker's launch gate: open or closed, with every reason
    #[command(after_help = EXAMPLES)]
    Gate(TrackerPlace),
    /// Draw the tracker, its gate and its evidence as one page for a browser
    #[command(after_help = EXAMPLES)]
    Dashboard(DashboardPlace),
    /// Run a command and make its result evidence
    #[command(after_help = capture::EXAMPLES)]
    Capture(capture::CaptureArgs),
    /// Make the results of another tool evidence; or a tracker of its web page's text
    #[command(subcommand, after_help = import::EXAMPLES)]
    Import(import::Import),
    /// Keep the timeline of a drill, and make evidence of it
    #[command(after_help = drill::EXAMPLES)]
    Drill(drill::DrillArgs),
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
pub(super) struct CheckPlace {
    #[command(flatten)]
    pub(super) place: TrackerPlace,
    /// Mend what is mechanical (scripts executable, status words), and check again; --dry-run only shows it
    #[arg(long)]
    pub(super) fix: bool,
}

#[derive(Debug, Args)]
pub(super) struct TrackerPlace {
    /// The tracker's markdown file
    #[arg(value_name = "TRACKER", default_value = "doc/operations/parallel_ops_track.md")]
    tracker: PathBuf,
    /// Folder that the tracker's paths start from [default: the repository of the tracker]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Policy with the rules about each item's artefacts (docs/tracker-rules.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
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
        match self {
            Self::Capture(args) => return args.defaults(),
            Self::Import(command) => return command.defaults(),
            _ => {}
        }
        let title = match self {
            Self::Verify { .. } => "Verification of evidence files",
            Self::Check(_) => "Check of the tracker's evidence",
            Self::Gate(_) => "Launch gate",
            Self::Dashboard(_) => "Dashboard",
            Self::Merge { .. } => "Merge of shards",
            Self::Sign(_) => "Signature of evidence files",
            Self::Accept(_) => "Evidence from elsewhere",
            Self::History(_) => "History of evidence",
            Self::Diff(_) => "Two runs",
            Self::Capture(_) | Self::Import(_) | Self::Drill(_) | Self::Sweep => "Sweep",
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
            Self::Capture(args) => return args.plan(settings),
            Self::Import(command) => return command.plan(settings),
            Self::Verify { files, .. } => {
                files.iter().map(|file| format!("would verify {}\n", file.display())).collect()
            }
            Self::Check(check) => vec![check.place.plan()],
            Self::Gate(place) => vec![place.plan()],
            Self::Dashboard(place) => vec![place.plan()],
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
            Self::History(_) | Self::Diff(_) | Self::Drill(_) | Self::Sweep => Vec::new(),
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

    /// What `--dry-run` says.
    pub(super) fn plan(&self) -> String {
        format!("would read {} and what it names, below {}\n", self.tracker.display(), self.root().display())
    }

    /// The tracker's file.
    pub(super) fn tracker(&self) -> &Path {
        &self.tracker
    }

    /// What came of the policy's rules about this tracker's items; nothing without a policy.
    pub(super) fn ruled(&self, tracker: &Tracker, as_of: Timestamp) -> Result<Ruled, CommandError> {
        let Some(path) = &self.policy else { return Ok(Ruled::default()) };
        let policy: Policy = read_config(path)?;
        let is_there = |number: &u32| tracker.items.iter().any(|item| item.number == *number);
        if let Some(number) = policy.items().find(|number| !is_there(number)) {
            let (policy, tracker) = (path.display(), &tracker.path);
            return Err(Usage(format!(
                "the policy {policy} speaks of item {number}, which {tracker} does not have"
            ))
            .into());
        }
        Ok(policy.run(&self.root(), as_of))
    }

    /// Where the tracker's paths start.
    pub(super) fn root(&self) -> PathBuf {
        self.root.clone().unwrap_or_else(|| {
            let folder = self.tracker.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = std::path::absolute(folder.unwrap_or(Path::new("."))).unwrap_or_default();
            crate::run::repository(&folder).unwrap_or_else(|| PathBuf::from("."))
        })
    }
}
