//! What was typed behind `import`.

use std::{
    io::{Read, Seek},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Subcommand};

use super::{
    assess::Skipped,
    flattened::FlattenedArgs,
    junit, k6,
    sarif::{self, Severity},
    tap,
    told::{Account, Sink, Unreadable},
};
use crate::{
    command::named_check::{self, parse_id},
    run::{Defaults, Settings, parse_duration},
};

/// How long evidence may be relied upon where nobody says.
const DEFAULT_VALIDITY: Duration = Duration::from_secs(30 * 86_400);

pub(in crate::command) const EXAMPLES: &str = "Examples:
  evidence-report import junit --item 9 --check audit.export_jobs target/*/junit.xml
  evidence-report import sarif --item 7 --check security.sast --fails-from high semgrep.sarif trivy.sarif
  conftest test --output tap deploy/ | evidence-report import tap --item 8 --check parity.policies -
  evidence-report import k6 --item 6 --check capacity.load --environment staging summary.json
  evidence-report import tracker copied.txt -o doc/operations/parallel_ops_track.md

Each file is attached by its digest. Skipped, ignored, to do and suppressed never pass. A file that is cut, empty or
not what it claims to be is inconclusive; what could be read of it counts. Exit codes: 0 passed, 1 warned, 2 failed,
3 inconclusive (also usage errors).";

/// What is imported.
#[derive(Debug, Subcommand)]
pub(in crate::command) enum Import {
    #[command(flatten)]
    Results(ImportCommand),
    /// The text of a tracker's web page, back into markdown
    #[command(after_help = EXAMPLES)]
    Tracker(FlattenedArgs),
}

impl Import {
    /// What the run brings along where the shared flags say nothing.
    pub(in crate::command) fn defaults(&self) -> Defaults {
        match self {
            Self::Results(command) => command.defaults(),
            Self::Tracker(_) => Defaults {
                title: "Tracker from the text of a web page",
                evidence_name: None,
                tracker_items: &[],
                timeout: Duration::from_secs(60),
                valid_for: Duration::from_secs(86_400),
            },
        }
    }

    /// `--dry-run`.
    pub(in crate::command) fn plan(&self, settings: &Settings) -> String {
        match self {
            Self::Results(command) => command.plan(settings),
            Self::Tracker(args) => args.plan(),
        }
    }
}

/// Which tool's results.
#[derive(Debug, Subcommand)]
pub(in crate::command) enum ImportCommand {
    /// JUnit XML, as nearly every test runner writes it
    #[command(after_help = EXAMPLES)]
    Junit(ImportArgs),
    /// SARIF 2.1.0, as scanners write it
    #[command(after_help = EXAMPLES)]
    Sarif {
        #[command(flatten)]
        args: ImportArgs,
        /// From which severity on a finding fails; from medium on it warns
        #[arg(long, value_enum, default_value_t)]
        fails_from: Severity,
    },
    /// The Test Anything Protocol, versions 12 to 14
    #[command(after_help = EXAMPLES)]
    Tap(ImportArgs),
    /// k6's summary, of --summary-export or of handleSummary
    #[command(after_help = EXAMPLES)]
    K6(ImportArgs),
}

/// What every import knows.
#[derive(Debug, Args)]
pub(in crate::command) struct ImportArgs {
    /// Item of the tracker that this is evidence for (repeatable)
    #[arg(long = "item", value_name = "NUMBER")]
    items: Vec<u32>,
    /// What the results say, as a dotted name: security.sast
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    pub(super) check: Option<String>,
    /// Title of the evidence [default: the words of the check's name]
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// What to do when it does not pass
    #[arg(long, value_name = "TEXT")]
    pub(super) remedy: Option<String>,
    /// What a skipped test counts for
    #[arg(long, value_enum, default_value_t)]
    pub(super) skipped: Skipped,
    /// How old a report may be
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1d")]
    pub(super) max_age: Duration,
    /// How long the evidence may be relied upon [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    valid_for: Option<Duration>,
    /// Reports; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

impl ImportCommand {
    pub(super) fn args(&self) -> &ImportArgs {
        match self {
            Self::Junit(args) | Self::Sarif { args, .. } | Self::Tap(args) | Self::K6(args) => args,
        }
    }

    /// Reads one file.
    pub(super) fn read(
        &self,
        source: &mut (impl Read + Seek),
        sink: Sink<'_>,
    ) -> Result<Account, Unreadable> {
        match self {
            Self::Junit(_) => junit::read(source, sink),
            Self::Sarif { fails_from, .. } => sarif::read(source, *fails_from, sink),
            Self::Tap(_) => tap::read(source, sink),
            Self::K6(_) => k6::read(source, sink),
        }
    }

    /// What a good result of this format is.
    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::Junit(_) | Self::Tap(_) => "passed",
            Self::K6(_) => "kept",
            Self::Sarif { fails_from: Severity::Critical, .. } => "no finding; a critical one fails",
            Self::Sarif { fails_from: Severity::High, .. } => "no finding; from high on it fails",
            Self::Sarif { fails_from: Severity::Medium, .. } => "no finding; from medium on it fails",
            Self::Sarif { .. } => "no finding",
        }
    }

    /// What the run brings along where the shared flags say nothing.
    pub(super) fn defaults(&self) -> Defaults {
        let (title, file) = match self {
            Self::Junit(_) => ("Imported test results", "imported_junit.md"),
            Self::Sarif { .. } => ("Imported scanner findings", "imported_sarif.md"),
            Self::Tap(_) => ("Imported test results", "imported_tap.md"),
            Self::K6(_) => ("Imported load test", "imported_k6.md"),
        };
        let args = self.args();
        Defaults {
            title,
            evidence_name: Some(args.check.as_deref().map_or(file, named_check::evidence_name)),
            tracker_items: &[],
            timeout: Duration::from_secs(600),
            valid_for: DEFAULT_VALIDITY,
        }
    }

    /// `--dry-run`.
    pub(super) fn plan(&self, settings: &Settings) -> String {
        let files: Vec<_> =
            self.args().files.iter().map(|file| format!("would read {}\n", file.display())).collect();
        format!("{}\n{}", settings.title, files.concat())
    }
}

impl ImportArgs {
    /// Puts what was typed into the settings.
    pub(super) fn complete(&self, settings: &mut Settings) {
        let title = self.title.clone().or_else(|| self.check.as_deref().map(named_check::title_of));
        settings.title = title.unwrap_or_else(|| std::mem::take(&mut settings.title));
        settings.tracker_items.clone_from(&self.items);
        settings.valid_for = self.valid_for.unwrap_or(settings.valid_for);
    }
}
