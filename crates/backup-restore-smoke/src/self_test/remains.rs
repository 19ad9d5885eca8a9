//! What a rehearsal left behind: folders of its runs, and processes that work in them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::process::Pid;

/// A process that works in a folder, or names it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: Pid,
    working_folder: PathBuf,
    arguments: String,
}

impl Found {
    /// Whether its working folder ends so.
    pub(super) fn works_in(&self, end: &str) -> bool {
        self.working_folder.ends_with(end)
    }
}

/// Live processes that work in this folder or below it, or name something there. A zombie is dead already.
pub(super) fn processes_of(folder: &Path) -> Vec<Found> {
    let below = format!("{}/", folder.display());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path();
            let working_folder = std::fs::read_link(path.join("cwd")).unwrap_or_default();
            let arguments = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
            let is_of = working_folder.starts_with(folder) || arguments.contains(&below);
            (is_of && u32::try_from(id) != Ok(std::process::id()) && !is_zombie(&path))
                .then(|| Some(Found { id: Pid::from_raw(id)?, working_folder, arguments }))?
        })
        .collect()
}

fn is_zombie(process: &Path) -> bool {
    let status = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// What is left under the base of a rehearsal's runs, in words.
pub(super) fn left_under(base: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let folders = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "jobs")
        .map(|name| format!("the folder {name}"));
    let processes =
        processes_of(base).into_iter().map(|found| format!("the process {}", found.arguments.trim()));
    folders.chain(processes).collect()
}

/// Every file below a folder, with its size and the time of its last change.
pub(super) type Listing = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Lists a folder; what cannot be read is not listed.
pub(super) fn listing(folder: &Path) -> Listing {
    let mut listed = Listing::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => {
                    listed.insert(entry.path(), (meta.len(), meta.modified().ok()));
                }
                Err(_) => {}
            }
        }
    }
    listed
}
