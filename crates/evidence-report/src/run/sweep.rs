//! What a killed run left behind is undone by the next, or by `sweep`: what its journal says, and only that.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    child::MARK,
    folder::run_base,
    journal::{Effect, open_effects},
    lock::Lock,
    streams::print,
};

/// What a sweep undid.
///
/// ```
/// use evidence_report::run::{Run, Swept};
///
/// fn tell(run: &Run) -> String {
///     let Swept { undone, failed } = run.swept();
///     format!("{} undone, {} left", undone.len(), failed.len())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// One line for each thing that was undone.
    pub undone: Vec<String>,
    /// One line for each thing that could not be undone.
    pub failed: Vec<String>,
}

/// A half-made run folder is older than this before it counts as left behind.
const UNBORN_AFTER: Duration = Duration::from_secs(3600);

/// Undoes what dead runs under `base` left. Runs that still hold their lock are not touched.
#[must_use]
pub fn sweep(base: &Path) -> Swept {
    sweep_knowing(base, &|_| false)
}

/// The same, where the tool knows of some things elsewhere that they are gone.
#[must_use]
pub fn sweep_knowing(base: &Path, is_gone: &dyn Fn(&str) -> bool) -> Swept {
    let mut swept = Swept::default();
    let Ok(entries) = fs::read_dir(base) else { return swept };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let Ok(meta) = entry.metadata() else { continue };
        let age = meta.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
        let ours = meta.is_dir() && meta.uid() == rustix::process::getuid().as_raw();
        if !ours || name == "jobs" || (name.starts_with(".new-") && age < UNBORN_AFTER) {
            continue;
        }
        if path.join("lock").is_file() {
            sweep_run(&name, &path, is_gone, &mut swept);
        }
    }
    swept
}

fn sweep_run(id: &str, path: &Path, is_gone: &dyn Fn(&str) -> bool, swept: &mut Swept) {
    // Held while we work: two sweeps at once do not undo the same run.
    let Ok(Ok(_lock)) = Lock::take(&path.join("lock"), "sweep") else { return };
    let effects = fs::read_to_string(path.join("journal")).map(|text| open_effects(&text));
    let mut effects = effects.unwrap_or_default();
    effects.retain(|effect| !matches!(effect, Effect::Elsewhere { what, .. } if is_gone(what)));
    undo(id, path, effects, Leftovers::Processes, swept);
}

/// What a run may have left besides its effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftovers {
    /// Children that may still run.
    Processes,
    /// It never started one.
    NoProcesses,
}

/// Undoes the open effects of one run, then removes its folder if nothing failed.
pub(super) fn undo(id: &str, path: &Path, effects: Vec<Effect>, leftovers: Leftovers, swept: &mut Swept) {
    let before = swept.failed.len();
    // Processes first: a live server would write into a folder that is being removed.
    if leftovers == Leftovers::Processes {
        let ended = end_processes(|process| is_marked(process, id) || works_for(process, &effects));
        if !ended.is_empty() {
            swept.undone.push(format!("ended {} process(es) of the run {id}", ended.len()));
        }
    }
    for effect in &effects {
        if let Effect::Elsewhere { what, undo } = effect {
            let for_people = what.split(Effect::FOR_THE_TOOL).next().unwrap_or_default();
            swept.failed.push(format!("{for_people}. To do: {undo}"));
        }
    }
    let elsewhere = swept.failed.len() > before;
    let before = swept.failed.len();
    let folders = effects.into_iter().filter_map(|effect| match effect {
        Effect::Folder { path } => Some(path),
        Effect::Processes { .. } | Effect::Elsewhere { .. } => None,
    });
    for folder in folders.chain([path.to_owned()]) {
        // The run's own folder holds the journal: it stays as long as something is still to be undone.
        if folder == path && (elsewhere || swept.failed.len() > before) {
            break;
        }
        match remove_folder(&folder) {
            Ok(true) => swept.undone.push(format!("removed {}", folder.display())),
            Ok(false) => {}
            Err(error) => swept.failed.push(format!("removing {}: {error}", folder.display())),
        }
    }
}

fn remove_folder(path: &PathBuf) -> std::io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).map(|()| true),
        Ok(_) => Err(std::io::Error::other("is no longer a folder; left alone")),
    }
}

/// Kills every process that is the dead run's, and waits until none is left.
fn end_processes(is_of_run: impl Fn(&Path) -> bool) -> BTreeSet<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let mut ended = BTreeSet::new();
    for _ in 0..100 {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let alive: Vec<i32> = processes
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
            .filter(|(process, path)| *process != own && is_of_run(path))
            .map(|(process, _)| process)
            .collect();
        if alive.is_empty() {
            break;
        }
        for process in alive {
            if let Some(pid) = Pid::from_raw(process) {
                let _ = kill_process(pid, Signal::KILL);
            }
            ended.insert(process);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ended
}

/// Whether a process carries the run's mark in its environment. The mark is random for each run, so that
/// neither a reused process id nor another run is hit. (A zombie's environment reads as empty.)
fn is_marked(process: &Path, id: &str) -> bool {
    let mark = format!("{MARK}={id}").into_bytes();
    std::fs::read(process.join("environ"))
        .is_ok_and(|environment| environment.split(|&byte| byte == 0).any(|line| line == mark))
}

/// Whether a process is of a program that the journal names, and works in a folder that the journal names:
/// PostgreSQL's backends write their titles over their environment, and so over the mark. The name keeps a
/// person's shell alive that stands in that folder.
fn works_for(process: &Path, effects: &[Effect]) -> bool {
    let Ok(name) = std::fs::read_to_string(process.join("comm")) else { return false };
    let named = effects.iter().any(|effect| match effect {
        Effect::Processes { program } => program.split(' ').next() == Some(name.trim_end()),
        Effect::Folder { .. } | Effect::Elsewhere { .. } => false,
    });
    named
        && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| {
            effects.iter().any(|effect| matches!(effect, Effect::Folder { path } if cwd.starts_with(path)))
        })
}

/// The `sweep` command of every tool: prints what was undone. Exit code 0 when nothing is left behind, 3
/// when something could not be undone.
#[must_use]
pub fn sweep_command() -> ExitCode {
    sweep_command_knowing(&|_| false)
}

/// The same, for a tool that has looked elsewhere: `is_gone` says of what a journal names there whether it is.
#[must_use]
pub fn sweep_command_knowing(is_gone: &dyn Fn(&str) -> bool) -> ExitCode {
    let base = run_base();
    let swept = sweep_knowing(&base, is_gone);
    let failed = swept.failed.iter().map(|line| format!("NOT undone: {line}"));
    let mut lines: Vec<_> = swept.undone.iter().cloned().chain(failed).collect();
    if lines.is_empty() {
        lines.push(format!("nothing left behind under {}", base.display()));
    }
    // What was undone stays undone, whether somebody reads of it or not.
    let _ = print(&(lines.join("\n") + "\n"));
    ExitCode::from(if swept.failed.is_empty() { 0 } else { 3 })
}
