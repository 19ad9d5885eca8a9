//! What was typed.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use super::{
    CommandError,
    accept::AcceptPlace,
    artefacts::Seen,
    capture,
    checks::TOOL,
    dashboard::DashboardPlace,
    diff::DiffPlace,
    drill,
    gate::Question,
    history::HistoryPlace,
    import,
    paths::read_regular,
    policy::{Gate, Policy, Required, as_of, no_gate},
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
  evidence-report check --fix --dry-run
  evidence-report gate doc/operations/parallel_ops_track.md --format text --format junit=gate.xml
  evidence-report sign doc/operations/evidence/cert_expiry_report.md --key ~/.ssh/id_ed25519
  evidence-report verify --allowed-signers ops/allowed_signers doc/operations/evidence/*.md
  evidence-report accept pod/rehearsal.md --environment staging --fact 'cluster=blue'
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
    Gate(GatePlace),
    /// Explain a gate: each rule, item and evidence, what would open it, and when it will close by itself
    #[command(after_help = EXAMPLES)]
    Explain(GatePlace),
    /// Print the JSON Schema of the policy file
    PolicySchema,
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
    /// Policy: milestones, required evidence, rules, gates, waivers (docs/tracker-policy.md)
    /// [default: ops/tracker-policy.yaml of the repository, where there is one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Judge for this day (its end, UTC) or moment instead of now: 2026-12-31, or 2026-12-31T08:00:00Z
    #[arg(long, value_name = "DATE", value_parser = as_of)]
    as_of: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct GatePlace {
    #[command(flatten)]
    pub(super) place: TrackerPlace,
    /// Only this gate of the policy
    #[arg(long, value_name = "NAME")]
    gate: Option<String>,
}

impl GatePlace {
    /// The gates that are asked for.
    pub(super) fn gates(&self, looked: &Looked) -> Result<Vec<Gate>, Usage> {
        let mut gates = looked.required.policy.gates(&looked.tracker);
        if let Some(name) = &self.gate {
            if !gates.iter().any(|gate| gate.name == *name) {
                return Err(no_gate(name, &gates));
            }
            gates.retain(|gate| gate.name == *name);
        }
        Ok(gates)
    }
}

/// What was seen of a tracker, and the moment for which it is judged.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) tracker: Tracker,
    pub(super) seen: Seen,
    pub(super) required: Required,
    pub(super) now: Timestamp,
}

impl Looked {
    pub(super) fn question(&self) -> Question<'_> {
        let Self { tracker, seen, required, now } = self;
        Question { tracker, seen, required, now: *now }
    }
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
            Self::Explain(_) => "Launch gate, explained",
            Self::PolicySchema => "Schema of the policy",
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
            Self::Gate(place) | Self::Explain(place) => vec![place.place.plan()],
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
            Self::History(_) | Self::Diff(_) | Self::Drill(_) | Self::PolicySchema | Self::Sweep => {
                Vec::new()
            }
        };
        format!("{}\n{}", settings.title, lines.concat())
    }
}

impl TrackerPlace {
    /// Reads the tracker and its policy, and looks at everything that they name.
    pub(super) fn look(&self) -> Result<Looked, CommandError> {
        let path = self.tracker.display().to_string();
        if self.tracker.is_dir() {
            return Err(Usage(format!("{path} is a folder; name the tracker's markdown file")).into());
        }
        let text =
            text(&self.tracker).map_err(|source| CommandError::Tracker { path: path.clone(), source })?;
        let tracker =
            Tracker::read(&path, &text).map_err(|source| CommandError::TrackerForm { path, source })?;
        let root = self.root();
        if !root.is_dir() {
            return Err(Usage(format!("--root {}: there is no such folder", root.display())).into());
        }
        let policy = Policy::find(self.policy.as_deref(), &root)?;
        policy.fit(&tracker)?;
        // Refused whoever asks: a gate that takes no notice of a waiver must not hide that it is mistyped.
        policy.waivers.iter().try_for_each(|waiver| waiver.is_of(&TOOL))?;
        let folder = self.tracker.parent().unwrap_or(Path::new("")).to_owned();
        let now = self.as_of.unwrap_or_else(Timestamp::now);
        let seen = Seen::observe(&root, &folder, &tracker, now);
        let required = Required::observe(policy, &root, now);
        Ok(Looked { tracker, seen, required, now })
    }

    /// What `--dry-run` says.
    pub(super) fn plan(&self) -> String {
        format!("would read {} and what it names, below {}\n", self.tracker.display(), self.root().display())
    }

    /// The tracker's file.
    pub(super) fn tracker(&self) -> &Path {
        &self.tracker
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

/// The text of a regular file that is not too large.
fn text(path: &Path) -> io::Result<String> {
    let (bytes, _) = read_regular(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("line {line} is not UTF-8; save the file as UTF-8"),
        )
    })
}
