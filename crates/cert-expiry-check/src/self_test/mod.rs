//! `self-test`: broken certificates and lying servers, made on the spot on loopback, and each fault shown
//! caught. Every fault is scanned as if somebody had typed it: the same command line, plan, observation and
//! judgement as any other scan. Nothing outside of 127.0.0.1 and of a folder of its own is touched.

pub mod farm;
pub mod fault;
pub mod faults;
pub mod proof;
pub mod workshop;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use evidence_report::{
    record::{Finding, Requirement},
    run::{self, Defaults, Run, Settings, SharedConfig, SharedFlags, StopReason, Usage},
};
use tokio::task::{JoinSet, spawn_blocking};

use self::{
    fault::{Fault, Scene},
    faults::{FAULTS, SOUND},
    proof::{Proof, prove},
    workshop::{Trouble, Workshop},
};
use crate::{checks::TOOL, error::Error};

/// What a self-test brings along where the user said nothing. It proves the tool, and nothing about what the
/// tool looks at: it is no evidence unless asked.
const DEFAULTS: Defaults = Defaults {
    title: "Self-test of cert-expiry-check",
    evidence_name: None,
    tracker_items: &[],
    timeout: Duration::from_secs(60),
    valid_for: Duration::from_secs(7 * 86_400),
};

/// Runs the command: exit code 0 when every fault is caught, 2 when one slipped through, 3 when one could not
/// be made.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub async fn execute(shared: &SharedFlags) -> Result<ExitCode, Error> {
    let faults: Vec<_> = SOUND.iter().chain(FAULTS).copied().collect();
    run_faults(&faults, &[], shared).await
}

/// The same with these faults, and with `extra` words at the end of each one's command line: so can a test show
/// that a self-test fails.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub async fn run_faults(faults: &[&Fault], extra: &[&str], shared: &SharedFlags) -> Result<ExitCode, Error> {
    if shared.config.is_some() || shared.dry_run {
        let why = "self-test brings its own targets and configuration; leave --config and --dry-run out";
        return Err(Usage(why.to_owned()).into());
    }
    let mut settings = Settings::resolve(shared, &SharedConfig::default(), &DEFAULTS)?;
    let as_lines = shared.format.is_empty();
    if as_lines {
        settings.formats.clear();
    }
    let (quiet, run) = (settings.quiet, Run::start(&TOOL, settings)?);
    run.progress().phase(format!("proving {} faults", faults.len()));
    let proofs = prove_all(faults, extra, &run).await;
    let said = lines(&proofs, run.elapsed());
    run.findings(proofs.iter().map(|(fault, proof)| proof.finding(fault)));
    let code = run.finish().publish()?;
    let all_is_well = proofs.iter().all(|(_, proof)| proof.is_good());
    if as_lines && !(quiet && all_is_well) {
        run::print(&said)?;
    }
    Ok(code)
}

/// Builds and scans these faults side by side, each with `extra` words at the end of its command line, and
/// says in their order what came of each.
pub async fn prove_all<'f>(faults: &[&'f Fault], extra: &[&str], run: &Run) -> Vec<(&'f Fault, Proof)> {
    let folder = run.folder().join("workshop");
    let built = spawn_blocking({
        let builders: Vec<_> = faults.iter().map(|fault| fault.build).collect();
        move || build_all(&folder, &builders)
    });
    let (workshop, scenes) = match built.await.map_err(|_| Trouble::from("building them broke".to_owned())) {
        Ok(Ok(built)) => built,
        Ok(Err(trouble)) | Err(trouble) => {
            let unable = |fault: &&'f Fault| (*fault, Proof::Unable(trouble.to_string()));
            return faults.iter().map(unable).collect();
        }
    };
    let mut proofs: Vec<_> = faults.iter().map(|_| None).collect();
    let mut work = JoinSet::new();
    for (index, (fault, scene)) in faults.iter().zip(scenes).enumerate() {
        match scene {
            Ok(scene) => {
                let (expected, stop) = (fault.expected(), run.stop().clone());
                let scene = scene.with_words(extra);
                work.spawn(async move {
                    let proof = stop.guard(prove(scene, &expected)).await;
                    (index, proof.unwrap_or_else(|_| Proof::cut_off(stop.reason())))
                });
            }
            Err(trouble) => proofs[index] = Some(Proof::Unable(trouble.to_string())),
        }
    }
    while let Some(done) = work.join_next().await {
        if let Ok((index, proof)) = done {
            proofs[index] = Some(proof);
        }
    }
    // Its servers run on a runtime of their own, which must not be dropped on this one.
    let _ = spawn_blocking(move || drop(workshop)).await;
    let broke = || Proof::Unable("the scan broke; report this as a defect".to_owned());
    faults.iter().zip(proofs).map(|(fault, proof)| (*fault, proof.unwrap_or_else(broke))).collect()
}

type Built = (Workshop, Vec<Result<Scene, Trouble>>);

/// It blocks: the servers run on a runtime of their own.
fn build_all(folder: &std::path::Path, builders: &[fault::Build]) -> Result<Built, Trouble> {
    let workshop = Workshop::open(folder)?;
    let scenes = builders
        .iter()
        .enumerate()
        .map(|(index, build)| build(&workshop.bench(&PathBuf::from(index.to_string()))?))
        .collect();
    Ok((workshop, scenes))
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

impl Proof {
    fn cut_off(reason: Option<&StopReason>) -> Self {
        Self::Unable(reason.map_or_else(String::new, |reason| format!("cut off by {reason}")))
    }

    /// What the run's record says of it.
    fn finding(&self, fault: &Fault) -> Finding {
        let subject = format!("self-test: {}", fault.title);
        let check = fault.proves;
        match self {
            Self::Caught(seen) | Self::Quiet(seen) => {
                check.passed(subject).expected(fault.expected().to_string()).observed(seen)
            }
            Self::Slipped(seen) => check
                .failed(subject)
                .expected(fault.expected().to_string())
                .observed(seen)
                .remedy("Do not rely on this check of this build; report it as a defect."),
            Self::Unable(why) => check.not_checked(Requirement::Required, subject, why),
        }
    }
}
