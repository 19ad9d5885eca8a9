//! What was typed behind `capture`.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::Args;

use super::{judge::Convention, objective::Limit};
use crate::{
    command::named_check::{self, parse_id, title_of},
    record::v1::one_line,
    run::{Defaults, Mask, Settings, is_secret_name, parse_duration, redact},
};

/// How long evidence may be relied upon where nobody says.
const DEFAULT_VALIDITY: Duration = Duration::from_secs(30 * 86_400);

pub(in crate::command) const EXAMPLES: &str = "Examples:
  evidence-report capture --item 6 --check capacity.load --artefact summary.json --version-flag version \\
      --environment staging --objective 'duration>=10m' -- k6 run --summary-export summary.json load.js
  evidence-report capture --item 5 --check network.policies -- kubectl apply --dry-run=server -f policies/
  evidence-report capture --item 8 --check parity.config --exit-convention monitoring -- ./compare-environments

The command gets no standard input. It is ended, with everything that it started, by --timeout (default 2h) or
when you stop us; what is known is then still written, inconclusive, beside the required file.

Exit codes: 0 passed, 1 warned, 2 failed, 3 inconclusive; with --child-exit-code the command's own code (128 and
the signal's number where it was killed), except that its 0 never hides a verdict that is no pass.";

/// Runs a command and makes its result evidence.
#[derive(Debug, Args)]
pub(in crate::command) struct CaptureArgs {
    /// Item of the tracker that this is evidence for (repeatable)
    #[arg(long = "item", value_name = "NUMBER")]
    pub(super) items: Vec<u32>,
    /// What the result says, as a dotted name: capacity.load
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    pub(super) check: String,
    /// Title of the evidence [default: the words of the check's name]
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// What to do when it does not pass
    #[arg(long, value_name = "TEXT")]
    pub(super) remedy: Option<String>,
    /// File that the command reads or writes, kept by its digest (repeatable)
    #[arg(long = "artefact", value_name = "FILE")]
    pub(super) artefacts: Vec<PathBuf>,
    /// How long the command may take, or has to: 'duration<=30m', 'duration>=10m'
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse)]
    pub(super) objective: Option<Limit>,
    /// How the command's exit code is read
    #[arg(long = "exit-convention", value_enum, default_value_t)]
    pub(super) convention: Convention,
    /// Ask the program for its version first, with this flag: --version
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    pub(super) version_flag: Option<String>,
    /// Record the value of this environment variable; names of secrets are refused (repeatable)
    #[arg(long, value_name = "NAME", value_parser = variable)]
    pub(super) record_env: Vec<String>,
    /// How long the evidence may be relied upon [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) valid_for: Option<Duration>,
    /// Exit with the command's own code
    #[arg(long)]
    pub(super) child_exit_code: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

impl CaptureArgs {
    /// What the run brings along where the shared flags say nothing.
    pub(in crate::command) fn defaults(&self) -> Defaults {
        Defaults {
            title: "Captured command",
            evidence_name: Some(named_check::evidence_name(&self.check)),
            tracker_items: &[],
            timeout: Duration::from_secs(2 * 3600),
            valid_for: DEFAULT_VALIDITY,
        }
    }

    /// Puts what was typed into the settings.
    pub(in crate::command) fn complete(&self, settings: &mut Settings) {
        settings.title = self.title.clone().unwrap_or_else(|| title_of(&self.check));
        settings.tracker_items.clone_from(&self.items);
        settings.valid_for = self.valid_for.unwrap_or(settings.valid_for);
    }

    /// The command line as it is shown in findings: without secrets, and not too long.
    pub(super) fn subject(&self, mask: &Mask) -> String {
        let words: Vec<_> = self.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let line = mask.text(&redact::arguments(&words).join(" "));
        let short: String = one_line(&line).chars().take(120).collect();
        if short.len() < line.len() { format!("{short}…") } else { short }
    }

    /// `--dry-run`.
    pub(in crate::command) fn plan(&self, settings: &Settings) -> String {
        let evidence = settings.evidence.as_ref().map(|path| path.display().to_string());
        format!(
            "would run {}\nfor at most {} s, and write {}\n",
            self.subject(&Mask::of(std::env::vars_os())),
            settings.timeout.as_secs_f64(),
            evidence.as_deref().unwrap_or("no evidence file"),
        )
    }
}

fn variable(name: &str) -> Result<String, String> {
    let right = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match (right, is_secret_name(name)) {
        (true, false) => Ok(name.to_owned()),
        (true, true) => Err(format!("'{name}' looks like the name of a secret; its value is never recorded")),
        (false, _) => Err(format!("'{name}' is no name of an environment variable")),
    }
}
