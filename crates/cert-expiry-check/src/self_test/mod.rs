//! `self-test`: broken certificates and lying servers, made on the spot on loopback, and each fault shown
//! caught. Every fault is scanned as if somebody had typed it: the same command line, plan, observation and
//! judgement as any other scan. Nothing outside of 127.0.0.1 and of a folder of its own is touched.

pub mod farm;
pub mod fault;
pub mod faults;
mod look;
pub mod workshop;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use evidence_report::{
    record::{Report, v1::Record},
    run::{Defaults, Run, SharedFlags},
    self_test::{Expected, Proof, Proven, Session},
};
use tokio::task::{JoinSet, spawn_blocking};

use self::{
    fault::{Fault, Scene},
    faults::{FAULTS, SOUND},
    look::look,
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
    let session = Session::start(&TOOL, shared, &DEFAULTS, "targets and configuration")?;
    session.run().progress().phase(format!("proving {} faults", faults.len()));
    let proofs = prove_all(faults, extra, session.run()).await;
    let proven: Vec<_> = (faults.iter().zip(proofs))
        .map(|(fault, proof)| Proven { title: fault.title, expected: fault.expected(), proof })
        .collect();
    Ok(session.finish(&proven, Vec::new())?)
}

/// Builds and scans these faults side by side, each with `extra` words at the end of its command line, and
/// says in their order what came of each.
async fn prove_all(faults: &[&Fault], extra: &[&str], run: &Run) -> Vec<Proof> {
    let folder = run.folder().join("workshop");
    let built = spawn_blocking({
        let builders: Vec<_> = faults.iter().map(|fault| fault.build).collect();
        move || build_all(&folder, &builders)
    });
    let (workshop, scenes) = match built.await.map_err(|_| Trouble::from("building them broke".to_owned())) {
        Ok(Ok(built)) => built,
        Ok(Err(trouble)) | Err(trouble) => {
            return vec![Proof::Unable(trouble.to_string()); faults.len()];
        }
    };
    let mut proofs: Vec<_> = faults.iter().map(|_| None).collect();
    let mut work = JoinSet::new();
    for (index, scene) in scenes.into_iter().enumerate() {
        match scene {
            Ok(scene) => {
                let (stop, scene) = (run.stop().clone(), scene.with_words(extra));
                work.spawn(async move { (index, stop.guard(look(&scene)).await) });
            }
            Err(trouble) => proofs[index] = Some(Proof::Unable(trouble.to_string())),
        }
    }
    while let Some(done) = work.join_next().await {
        if let Ok((index, seen)) = done {
            proofs[index] = Some(match seen {
                Ok(Ok(finished)) => judge(finished.report(), &faults[index].expected()),
                Ok(Err(error)) => Proof::Unable(error.to_string()),
                Err(_) => Proof::cut_off(run.stop().reason()),
            });
        }
    }
    // Its servers run on a runtime of their own, which must not be dropped on this one.
    let _ = spawn_blocking(move || drop(workshop)).await;
    let broke = || Proof::Unable("the scan broke; report this as a defect".to_owned());
    proofs.into_iter().map(|proof| proof.unwrap_or_else(broke)).collect()
}

fn judge(report: &Report, expected: &Expected<'_>) -> Proof {
    Proof::of(&report.findings, expected).and_nothing_lost(&Record::of(report), expected)
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
