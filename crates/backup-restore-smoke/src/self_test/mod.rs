//! `self-test`: bad backups, dying servers and full disks, made on the spot on throw-away clusters, and each
//! fault shown caught. Every fault is rehearsed as if somebody had typed it: this program, the same command
//! line, plan, observation and judgement as any other rehearsal. It needs no network, and nothing outside of
//! a folder of its own is touched.

pub mod farm;
pub mod fault;
pub mod faults;
pub mod meanwhile;
mod proof;
mod remains;
mod typed;
pub mod workshop;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use evidence_report::{
    record::Finding,
    run::{Defaults, Run, SharedFlags, Usage},
    self_test::{Proof, Proven, Session, Tally},
};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

pub use self::remains::own_words;
use self::{
    fault::Fault,
    faults::{FAULTS, SOUND},
    proof::compare,
    typed::look,
    workshop::{Trouble, Workshop},
};
use crate::{
    checks::{CLEANED_UP, SELF_TEST, TOOL},
    cli::SelfTestFlags,
    error::Error,
    plan::folder,
    wording::counted,
};

/// What a self-test brings along where the user said nothing. It proves the tool, and nothing about anybody's
/// backup: it is no evidence unless asked.
const DEFAULTS: Defaults = Defaults {
    title: "Self-test of backup-restore-smoke",
    evidence_name: None,
    tracker_items: &[],
    timeout: Duration::from_secs(10 * 60),
    valid_for: Duration::from_secs(7 * 86_400),
};

/// How a self-test is run.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// The program that is typed; otherwise the one that runs.
    pub program: Option<PathBuf>,
    /// The folder of the PostgreSQL programs.
    pub pg_bin: Option<PathBuf>,
    /// Where everything is made; otherwise where the folders of the runs are.
    pub scratch: Option<PathBuf>,
    /// Words at the end of each command line.
    pub extra: Vec<String>,
}

/// Runs the command: exit code 0 when every fault is caught, 2 when one slipped through, 3 when one could not
/// be made.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub(crate) async fn execute(flags: &SelfTestFlags, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let wanted = |fault: &&&Fault| flags.only.iter().all(|word| fault.title.contains(word.as_str()));
    let faults: Vec<_> = SOUND.iter().chain(FAULTS).filter(wanted).copied().collect();
    if faults.is_empty() {
        let why = "no fault has such a title; leave --only out to see all of them";
        return Err(Usage(why.to_owned()).into());
    }
    let scratch = flags.scratch.clone().map(|path| folder("--scratch", path)).transpose()?;
    let manner = Manner { pg_bin: flags.pg_bin.clone(), scratch, ..Manner::default() };
    rehearse_all(&faults, &manner, shared).await
}

/// The same with these faults, in this manner: so can a test show that a self-test fails.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub async fn run_faults(
    faults: &[&Fault],
    manner: &Manner,
    shared: &SharedFlags,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    Ok(rehearse_all(faults, manner, shared).await?)
}

async fn rehearse_all(faults: &[&Fault], manner: &Manner, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let program = match &manner.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()
            .map_err(|source| Error::File { path: PathBuf::from("this program"), source })?,
    };
    let session = Session::start(&TOOL, shared, &DEFAULTS, "sources and backups")?;
    session.run().owes([&SELF_TEST, &CLEANED_UP]);
    let (proofs, troubles) = prove_all(faults, manner, &program, session.run()).await;
    let proven: Vec<_> = (faults.iter().zip(proofs))
        .map(|(fault, proof)| Proven { title: fault.title, expected: fault.expected(), proof })
        .collect();
    let summary = Tally::of(&proven).finding(&SELF_TEST);
    Ok(session.finish(&proven, vec![summary, cleaned_up(&troubles)])?)
}

/// Makes and rehearses these faults, a few side by side, and says in their order what came of each; then what
/// could not be taken away.
async fn prove_all(
    faults: &[&Fault],
    manner: &Manner,
    program: &Path,
    run: &Run,
) -> (Vec<Proof>, Vec<String>) {
    run.progress().phase("self-test: servers");
    let workshop = match Workshop::open(run, manner).await {
        Ok(workshop) => workshop,
        Err(trouble) => {
            let unable = |_| Proof::Unable(trouble.to_string());
            return (faults.iter().map(unable).collect(), Vec::new());
        }
    };
    run.progress().phase(format!("self-test: {}", counted(faults.len() as u64, "rehearsal")));
    let bar = run.progress().bar(faults.len() as u64, "faults");
    let turns = Semaphore::new(side_by_side());
    let all = faults.iter().enumerate().map(|(number, fault)| {
        let (workshop, turns, bar) = (&workshop, &turns, &bar);
        async move {
            let proving = prove(fault, number, workshop, manner, program, run, turns);
            let proof = run.stop().guard(proving).await;
            bar.advance(1);
            proof.unwrap_or_else(|_| Proof::cut_off(run.stop().reason()))
        }
    });
    let proofs = join_all(all).await;
    drop(bar);
    run.progress().phase("self-test: cleaning up");
    let troubles = workshop.close(run).await;
    (proofs, troubles)
}

/// A rehearsal waits for disks and other processes as much as it works.
fn side_by_side() -> usize {
    (2 * std::thread::available_parallelism().map_or(1, usize::from)).min(8)
}

async fn prove(
    fault: &Fault,
    number: usize,
    workshop: &Workshop,
    manner: &Manner,
    program: &Path,
    run: &Run,
    turns: &Semaphore,
) -> Proof {
    let attempt = async {
        let turn = turns.acquire().await.map_err(|error| error.to_string())?;
        let bench = workshop.bench(run, program, number)?;
        let scene = (fault.build)(&bench).await?.with_words(manner.extra.iter().cloned());
        let turn = (!scene.idle).then_some(turn);
        let seen = look(run, program, &scene).await;
        drop(turn);
        seen
    };
    match attempt.await {
        Ok(seen) => {
            let proof = compare(&seen, &fault.expected());
            match &seen.record {
                Some(record) => proof.and_nothing_lost(record, &fault.expected()),
                None => proof,
            }
        }
        Err(Trouble::NotHere(why)) => Proof::NotHere(why),
        Err(Trouble::Broke(why)) => Proof::Unable(why),
    }
}

fn cleaned_up(troubles: &[String]) -> Finding {
    let expected = "its servers lived until the end, and no process and no folder of it is left";
    if troubles.is_empty() {
        return CLEANED_UP.passed("self-test").expected(expected).observed("servers ended, folders removed");
    }
    CLEANED_UP.warned("self-test").expected(expected).observed(troubles.join("; "))
}
