//! A real fault: a command of the user's that causes it, and one that ends it. Commands are lists of words, no
//! shell; they run only when that was asked for by name, and what would be left behind is journaled.

use std::time::Duration;

use evidence_report::run::{Effect, Entry, Run, Stop, StopReason, Usage, redact};
use serde::{Deserialize, Serialize};

use super::{
    DrillError,
    clock::Clock,
    config::{DrilledAlert, FaultConfig, ScrapeConfig},
};

/// A command that takes longer than this is given up, unless the configuration says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// The commands that cause a fault and end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hooks {
    /// Causes the fault.
    pub(crate) cause: Vec<String>,
    /// Ends it.
    pub(crate) end: Vec<String>,
    /// How long each may take.
    pub(crate) patience: Duration,
    /// What the embedded Prometheus scrapes, where it does.
    pub(crate) scrape: Vec<ScrapeConfig>,
}

/// What a killed drill leaves behind of a hook, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftFault {
    /// The alert.
    pub(crate) alert: String,
    /// The command that ends its fault.
    pub(crate) end: Vec<String>,
}

impl Hooks {
    /// What the configuration says.
    ///
    /// # Errors
    /// When a command is empty.
    pub(crate) fn from_config(fault: &FaultConfig, own: Option<&DrilledAlert>) -> Result<Self, DrillError> {
        let empty = |command: &[String]| command.first().is_none_or(|program| program.trim().is_empty());
        if empty(&fault.start) || empty(&fault.stop) {
            let alert = own.map(|own| own.alert.clone()).unwrap_or_default();
            let why = "fault: start and stop must each name a program".to_owned();
            return Err(DrillError::Series { alert, why });
        }
        Ok(Self {
            cause: fault.start.clone(),
            end: fault.stop.clone(),
            patience: fault.timeout.map_or(PATIENCE, |timeout| timeout.0),
            scrape: own.map(|own| own.scrape.clone()).unwrap_or_default(),
        })
    }

    /// Refuses jobs without targets: the embedded Prometheus has none of its own.
    ///
    /// # Errors
    /// When a job of the alert has no targets.
    pub(crate) fn have_targets(&self, alert: &str) -> Result<(), DrillError> {
        match self.scrape.iter().find(|scrape| scrape.targets.is_empty()) {
            None => Ok(()),
            Some(scrape) => Err(DrillError::Series {
                alert: alert.to_owned(),
                why: format!(
                    "scrape: the job {} needs `targets`, which the embedded Prometheus scrapes",
                    scrape.job
                ),
            }),
        }
    }

    /// Refuses hooks that nobody asked for.
    ///
    /// # Errors
    /// When `--run-hooks` was given and no alert has any.
    pub(crate) fn asked_for_in_vain(wanted: bool, any: bool) -> Result<(), Usage> {
        if wanted && !any {
            return Err(Usage(
                "--run-hooks: no alert of this drill has a `fault` in the configuration".to_owned(),
            ));
        }
        Ok(())
    }
}

/// A hook's fault that is under way.
#[derive(Debug)]
pub(super) struct Caused {
    entry: Entry,
}

/// Causes the fault, and says when: the moment before the command starts, so that no time is left out.
pub(super) async fn cause(
    run: &Run,
    clock: Clock,
    alert: &str,
    hooks: &Hooks,
) -> Result<(f64, Caused), String> {
    let left = LeftFault { alert: alert.to_owned(), end: hooks.end.clone() };
    let effect = Effect::Elsewhere {
        what: super::remains::Remnant::Fault(left).journaled(),
        undo: "end it by hand, now, as `stop` of the alert's `fault` in the configuration does; or let \
               observability-smoke sweep run it again"
            .to_owned(),
    };
    let entry = run.journal().note(effect).map_err(|error| format!("writing the journal: {error}"))?;
    let at = clock.now();
    let caused = Caused { entry };
    match command(run, &hooks.cause, hooks.patience, run.stop()).await {
        Ok(()) => Ok((at, caused)),
        Err(why) => {
            // It may have done half of its work.
            let ended = end(run, hooks, caused).await;
            let also = ended.err().map(|error| format!("; and {error}")).unwrap_or_default();
            Err(format!("the command that causes the fault failed: {why}{also}"))
        }
    }
}

/// Ends the fault, also when the run was asked to stop: it must not be left behind.
pub(super) async fn end(run: &Run, hooks: &Hooks, caused: Caused) -> Result<(), String> {
    let ended = command(run, &hooks.end, hooks.patience, &Stop::new()).await;
    match ended {
        Ok(()) => {
            let _ = run.journal().strike(caused.entry);
            Ok(())
        }
        Err(why) => {
            Err(format!("the command that ends the fault failed, and the fault may still be there: {why}"))
        }
    }
}

async fn command(run: &Run, words: &[String], patience: Duration, stop: &Stop) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Err("no command".to_owned()) };
    let limit = Stop::new();
    let child = run.child(program).args(arguments).keep(4096).output(&limit);
    let timed = async {
        tokio::select! {
            () = tokio::time::sleep(patience) => StopReason::Deadline(patience),
            () = stop.requested() => StopReason::Requested("the run was asked to stop".to_owned()),
        }
    };
    tokio::pin!(child);
    let output = tokio::select! {
        output = &mut child => output,
        reason = timed => {
            limit.request(reason);
            child.await
        }
    };
    let output = output.map_err(|error| format!("{}: {error}", shown(words)))?;
    if let Some(reason) = limit.reason() {
        return Err(format!("{} was ended: {reason}", shown(words)));
    }
    if output.status.success() {
        return Ok(());
    }
    let said = output.stderr.lines().last().unwrap_or_default();
    let said = crate::http::excerpt(&redact::text(said), 200);
    Err(format!("{} ended with {}: {said}", shown(words), output.status))
}

/// The program, and how many words follow: arguments may be secret.
#[must_use]
pub(crate) fn shown(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [program] => program.clone(),
        [program, rest @ ..] => format!("{program} (and {} arguments)", rest.len()),
    }
}
