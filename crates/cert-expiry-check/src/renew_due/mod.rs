//! `renew-due`: whether a certificate is due for its renewal, as an exit code for scripts and for systemd's
//! `ExecCondition=`. It looks the way `scan` looks, judges nothing but the time, and writes no evidence.

pub mod answer;
pub mod candidates;
pub mod rule;

use std::{path::Path, process::ExitCode};

use evidence_report::run::{self, Run, SharedFlags, Usage};

use self::{
    answer::{Answer, CANNOT_TELL, answer, describe},
    candidates::candidates,
    rule::{Rule, Share},
};
use crate::{
    checks::TOOL,
    cli::{RenewDueArguments, ScanArguments},
    error::Error,
    plan::Plan,
    scan,
};

/// Runs the command: exit code 0 when a renewal is due, 1 when none is, 255 when that cannot be told.
///
/// # Errors
/// When the command line cannot be followed, or the answer not be printed.
pub async fn execute(arguments: &RenewDueArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let rule = match (arguments.used, arguments.remaining) {
        (_, Some(limit)) => Rule::Remaining(limit),
        (used, None) => Rule::Used(used.unwrap_or(Share::DEFAULT)),
    };
    let plan = Plan::resolve(&scan_arguments(arguments), &without_evidence(shared)?)?;
    if shared.dry_run {
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
        run::print(&format!("{text}\ndue {rule}\n"))?;
        return Ok(ExitCode::from(CANNOT_TELL));
    }
    let run = Run::start(&TOOL, plan.run.clone())?;
    let now = plan.as_of.unwrap_or(run.started());
    let seen = scan::observe(&plan, &run).await?;
    let all: Vec<_> = seen.soonest_first().collect();
    let finished = run.finish();
    let candidates = candidates(&all, &finished.report().findings, &plan);
    let answer = answer(&candidates, &finished.report().findings, &rule, now);
    if shared.verbose {
        let lines = candidates.iter().map(|candidate| describe(candidate, now) + "\n");
        run::print(&lines.collect::<String>())?;
    }
    say(&answer, shared.quiet)?;
    Ok(answer.exit_code())
}

/// The answer on standard output, which `--quiet` silences; what cannot be told always goes to standard error.
fn say(answer: &Answer, quiet: bool) -> Result<(), Error> {
    match answer {
        // A condition's standard output may go nowhere; this must be read.
        Answer::CannotTell(why) => {
            run::tell(&format!("{}: cannot tell whether a renewal is due: {why}", TOOL.name));
        }
        Answer::Due(_) | Answer::NotDue(_) if quiet => {}
        Answer::Due(why) => run::print(&format!("due: {why}\n"))?,
        Answer::NotDue(why) => run::print(&format!("not due: {why}\n"))?,
    }
    Ok(())
}

fn scan_arguments(arguments: &RenewDueArguments) -> ScanArguments {
    ScanArguments {
        targets: arguments.targets.clone(),
        list: arguments.list.clone(),
        every_address: arguments.every_address,
        every_key: arguments.every_key,
        sni: arguments.sni.clone(),
        as_of: arguments.as_of,
        connect_timeout: arguments.connect_timeout,
        handshake_timeout: arguments.handshake_timeout,
        ..ScanArguments::default()
    }
}

/// This command is a question: what would make a report of it is refused rather than ignored.
fn without_evidence(shared: &SharedFlags) -> Result<SharedFlags, Usage> {
    let nowhere = Path::new("none");
    if shared.evidence.as_ref().is_some_and(|path| path != nowhere) || !shared.format.is_empty() {
        return Err(Usage(
            "renew-due answers with one line and its exit code; leave --evidence and --format out, or use scan".to_owned(),
        ));
    }
    Ok(SharedFlags { evidence: Some(nowhere.to_owned()), ..shared.clone() })
}
