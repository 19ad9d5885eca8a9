//! What a rehearsal left behind: folders of its runs, and processes that work in them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::process::Pid;

use crate::scratch::SHUT;

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
            let arguments = own_words(&std::fs::read(path.join("cmdline")).unwrap_or_default());
            let is_of = working_folder.starts_with(folder) || arguments.contains(&below);
            (is_of && u32::try_from(id) != Ok(std::process::id()) && !is_zombie(&path))
                .then(|| Some(Found { id: Pid::from_raw(id)?, working_folder, arguments }))?
        })
        .collect()
}

/// The words of a process's command line (proc(5), cmdline) but for those that name what is hidden from it: sockets and
/// folders of whoever else has servers on this machine.
#[must_use]
pub fn own_words(command_line: &[u8]) -> String {
    let mut hides = false;
    let words = command_line.split(|&byte| byte == 0).filter(|word| {
        let begins = *word == SHUT.as_bytes();
        let ends = hides && *word == b"--";
        hides = (hides || begins) && !ends;
        !hides
    });
    words.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_from_a_server_is_not_its_own() {
        let words = [
            "unshare",
            "--",
            "sh",
            "-c",
            SHUT,
            "sh",
            "open",
            "/a/of/others",
            "--",
            "/kept",
            "--",
            "postgres",
            "",
        ];
        assert_eq!(own_words(words.join("\0").as_bytes()), "unshare -- sh -c -- /kept -- postgres ");
        assert_eq!(own_words(b"sh\0-c\0sleep 1\0"), "sh -c sleep 1 ");
    }
}
