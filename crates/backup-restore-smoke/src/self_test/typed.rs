//! Types a rehearsal as its user would: this tool's own program, with a clean environment and run folders of
//! its own. What is seen of it is what a user sees: exit code, report, and what is left behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use evidence_report::{
    record::v1::Record,
    run::{
        Run,
        child::{Child, ChildCommand, Farewell},
    },
};
use rustix::process::Pid;
use serde::Deserialize;

use super::{
    fault::Scene,
    meanwhile::{Blow, Meanwhile},
    remains::{left_under, listing, processes_of},
    workshop::Trouble,
};
use crate::{checks::CLEANED_UP, connection::without_ambient, wording::seconds};

/// How long one rehearsal may take before it is given up.
const AT_MOST: Duration = Duration::from_secs(300);

/// How long the servers of a killed rehearsal may live on.
const AFTER_A_KILL: Duration = Duration::from_secs(45);

/// What a user sees of a rehearsal.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The exit code; none when it was killed.
    pub(super) code: Option<i32>,
    /// What the report says.
    pub(super) findings: Vec<SeenFinding>,
    /// The report itself, where one was written.
    pub(super) record: Option<Record>,
    /// The last line that was printed.
    pub(super) last_words: String,
    /// What was left behind or changed, in words.
    pub(super) left: Vec<String>,
}

/// A finding, as the report has it.
#[derive(Debug, Deserialize)]
pub(super) struct SeenFinding {
    pub(super) check: String,
    pub(super) outcome: String,
    pub(super) subject: String,
    pub(super) observed: String,
}

#[derive(Deserialize)]
struct Report {
    findings: Vec<SeenFinding>,
}

/// Types the scene's words, lets happen what happens meanwhile, and looks at what came of it.
///
/// # Errors
/// When it cannot be started, does not end, or the run was asked to stop.
pub(super) async fn look(run: &Run, program: &Path, scene: &Scene) -> Result<Seen, Trouble> {
    let before: Vec<_> = scene.untouched.iter().map(|folder| listing(folder)).collect();
    let mut child = start(run, program, scene, &scene.words)?;
    let mut going_on = None;
    if let Meanwhile::In(phase, blow) = &scene.meanwhile {
        wait_for(&mut child, scene, phase).await?;
        let rehearsal = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        going_on = blow.strike(rehearsal, &scene.home);
    }
    let code = end(run, child).await?;
    drop(going_on);
    let mut seen = match &scene.meanwhile {
        Meanwhile::In(_, Blow::KillAndSweep) => after_a_kill(run, program, scene, true).await?,
        Meanwhile::In(_, Blow::KillAndAgain) => after_a_kill(run, program, scene, false).await?,
        _ => seen(scene, code),
    };
    seen.left.extend(left_under(&base(scene)));
    let changed = scene.untouched.iter().zip(before).filter(|(folder, before)| listing(folder) != *before);
    seen.left.extend(changed.map(|(folder, _)| format!("changes in {}", folder.display())));
    Ok(seen)
}

fn base(scene: &Scene) -> std::path::PathBuf {
    scene.home.join("b")
}

fn start(run: &Run, program: &Path, scene: &Scene, words: &[String]) -> Result<Child, Trouble> {
    let report = scene.home.join("report.json");
    let _ = std::fs::remove_file(&report);
    let _ = std::fs::remove_file(scene.home.join("log"));
    let mut command = run.child(program);
    if !scene.by_way_of.is_empty() {
        command = command.by_way_of(&scene.by_way_of);
    }
    let evidence = format!("json={}", report.display());
    command = clean(command)
        .args(words)
        .args(["--verbose", "--evidence", "none", "--format", &evidence])
        .current_dir(&scene.home)
        .output_to(scene.home.join("log"))
        .farewell(Farewell::Terminate, Duration::from_secs(20))
        .env("HOME", &scene.home)
        .env("OPS_SMOKE_RUN_BASE", base(scene));
    for (name, value) in &scene.variables {
        command = command.env(name, value);
    }
    Ok(command.spawn()?)
}

/// Without what this machine's user has set for other purposes.
fn clean(command: ChildCommand) -> ChildCommand {
    let ambient = std::env::vars_os().map(|(name, _)| name);
    ambient
        .filter(|name| name == "CI" || name.to_string_lossy().starts_with("GITHUB_"))
        .fold(without_ambient(command), |command, name| command.env_remove(name))
}

/// Waits until the rehearsal says that it has come to this phase.
async fn wait_for(child: &mut Child, scene: &Scene, phase: &str) -> Result<(), Trouble> {
    let deadline = Instant::now() + AT_MOST;
    loop {
        if log(scene).lines().any(|line| line.starts_with(phase)) {
            return Ok(());
        }
        if child.try_wait()?.is_some() {
            return Err(Trouble::from(format!("it ended before the phase '{phase}': {}", last_words(scene))));
        }
        if Instant::now() > deadline {
            return Err(Trouble::from(format!("it does not come to the phase '{phase}'")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn end(run: &Run, child: Child) -> Result<Option<i32>, Trouble> {
    match tokio::time::timeout(AT_MOST, child.output(run.stop())).await {
        Ok(output) => Ok(output?.status.code()),
        Err(_) => Err(Trouble::from(format!("it does not end within {}", seconds(AT_MOST)))),
    }
}

fn seen(scene: &Scene, code: Option<i32>) -> Seen {
    let report = std::fs::read(scene.home.join("report.json")).unwrap_or_default();
    let findings =
        serde_json::from_slice::<Report>(&report).map(|report| report.findings).unwrap_or_default();
    let record = serde_json::from_slice(&report).ok();
    Seen { code, findings, record, last_words: last_words(scene), left: Vec::new() }
}

/// Its servers have to die with it; then `sweep`, or the same once more.
async fn after_a_kill(run: &Run, program: &Path, scene: &Scene, sweep: bool) -> Result<Seen, Trouble> {
    let deadline = Instant::now() + AFTER_A_KILL;
    // Also one that was about to become a server, and still has the rehearsal's own command line.
    while !processes_of(&scene.home).is_empty() {
        if Instant::now() > deadline {
            let last_words = format!("its servers live on {} after the kill", seconds(AFTER_A_KILL));
            return Ok(Seen { last_words, ..Seen::default() });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if !sweep {
        let code = end(run, start(run, program, scene, &scene.words)?).await?;
        return Ok(seen(scene, code));
    }
    let code = end(run, start(run, program, scene, &["sweep".to_owned()])?).await?;
    let swept = SeenFinding {
        check: CLEANED_UP.id.to_owned(),
        outcome: "passed".to_owned(),
        subject: "sweep".to_owned(),
        observed: log(scene).trim().replace('\n', "; "),
    };
    Ok(Seen { code, findings: vec![swept], ..Seen::default() })
}

fn log(scene: &Scene) -> String {
    String::from_utf8_lossy(&std::fs::read(scene.home.join("log")).unwrap_or_default()).into_owned()
}

fn last_words(scene: &Scene) -> String {
    log(scene).lines().last().unwrap_or_default().to_owned()
}
