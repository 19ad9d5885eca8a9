//! `self-test`: good alerts and configurations broken on the spot, and each fault shown caught. Every fault is
//! looked at as if somebody had typed it: the same command line, plan, observation and judgement as any other
//! run, on servers of loopback and in a folder of its own.

mod fault;
mod faults;
mod proof;

use std::{process::ExitCode, time::Duration};

use evidence_report::run::{self, Defaults, Run, Settings, SharedConfig, SharedFlags, Usage};
use futures_util::{StreamExt, stream};

use self::{
    fault::Fault,
    faults::FAULTS,
    proof::{Proof, prove},
};
use crate::{checks::TOOL, error::Error};

/// It proves the tool, and nothing about what the tool looks at: it is no evidence unless asked.
const DEFAULTS: Defaults = Defaults {
    title: "Self-test of observability-smoke",
    evidence_name: None,
    tracker_items: &[],
    timeout: Duration::from_secs(3 * 60),
    valid_for: Duration::from_secs(7 * 86_400),
};

/// So many faults are looked at side by side: each may need servers of its own.
const AT_ONCE: usize = 6;

/// Runs the command: exit code 0 when every fault is caught, 2 when one slipped through, 3 when one could not
/// be made.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub(crate) async fn execute(shared: &SharedFlags) -> Result<ExitCode, Error> {
    if shared.config.is_some() || shared.dry_run {
        let why = "self-test brings its own rules and configuration; leave --config and --dry-run out";
        return Err(Usage(why.to_owned()).into());
    }
    let mut settings = Settings::resolve(shared, &SharedConfig::default(), &DEFAULTS)?;
    let as_lines = shared.format.is_empty();
    if as_lines {
        settings.formats.clear();
    }
    let (quiet, run) = (settings.quiet, Run::start(&TOOL, settings)?);
    run.progress().phase(format!("proving {} faults", FAULTS.len()));
    let proofs: Vec<(&Fault, Proof)> = stream::iter(FAULTS.iter().enumerate())
        .map(|(index, fault)| {
            let (folder, run) = (run.folder().join(format!("fault-{index}")), &run);
            async move {
                let proof = run.stop().guard(Box::pin(prove(fault, &folder))).await;
                let cut = |_| Proof::Unable("the run was asked to stop".to_owned());
                (*fault, proof.unwrap_or_else(cut))
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let said = lines(&proofs, run.elapsed());
    run.findings(proofs.iter().map(|(fault, proof)| proof.finding(fault)));
    let code = run.finish().publish()?;
    if as_lines && !(quiet && proofs.iter().all(|(_, proof)| proof.is_good())) {
        run::print(&said)?;
    }
    Ok(code)
}

fn lines(proofs: &[(&Fault, Proof)], took: Duration) -> String {
    let mut text: String = proofs.iter().map(|(fault, proof)| proof.line(fault) + "\n").collect();
    let of = |wanted: fn(&Proof) -> bool| proofs.iter().filter(|(_, proof)| wanted(proof)).count();
    let caught = of(|proof| matches!(proof, Proof::Caught(_)));
    let slipped = of(|proof| matches!(proof, Proof::Slipped(_)));
    let unable = of(|proof| matches!(proof, Proof::Unable(_)));
    let faults = proofs.iter().filter(|(fault, _)| !fault.is_sound()).count();
    text.push_str(&format!("{faults} faults: {caught} caught, {slipped} slipped through"));
    if unable > 0 {
        text.push_str(&format!(", {unable} not made"));
    }
    text.push_str(&format!("; {:.1} s\n", took.as_secs_f64()));
    text
}
