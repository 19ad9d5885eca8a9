//! Where the logs of drills lie, and which one is meant when nobody says.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    entry::History,
    log::{self, LogError},
    story::{Story, Summary},
};
use crate::run::Usage;

/// Below a repository.
const IN_REPOSITORY: &str = "doc/operations/evidence/drills";

/// Names the folder where no flag does.
const VARIABLE: &str = "OPS_SMOKE_DRILLS";

/// The folder of the logs: the flag, the variable, the repository that we stand in, or the user's own state folder.
pub(super) fn folder(flag: Option<&Path>) -> PathBuf {
    if let Some(folder) = flag {
        return folder.to_owned();
    }
    if let Some(folder) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return folder.into();
    }
    let here = std::env::current_dir().unwrap_or_default();
    crate::run::repository(&here).map_or_else(state_folder, |root| root.join(IN_REPOSITORY))
}

/// XDG's state folder.
fn state_folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("evidence-report/drills")
}

/// A log that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) history: History,
}

impl Found {
    pub(super) fn title(&self) -> &str {
        self.history.start().map_or("without a title", |start| start.title.as_str())
    }

    pub(super) fn is_open(&self) -> bool {
        self.history.finish().is_none()
    }

    pub(super) fn begun(&self) -> Timestamp {
        self.history.entries.first().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at)
    }
}

/// All logs of a folder, the oldest first. What is no log is passed over.
pub(super) fn all(folder: &Path) -> Result<Vec<Found>, LogError> {
    let names = match std::fs::read_dir(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(LogError::Io { doing: "looking for drills in", path: folder.to_owned(), source });
        }
    };
    let mut found = Vec::new();
    for path in names.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") && path.is_file() {
            let (history, _) = log::read(&path)?;
            if history.start().is_some() {
                found.push(Found { path, history });
            }
        }
    }
    found.sort_by(|a, b| (a.begun(), &a.path).cmp(&(b.begun(), &b.path)));
    Ok(found)
}

/// The drill of this name (its file's, with or without folder and extension), or the last open one.
pub(super) fn choose(folder: &Path, named: Option<&str>) -> Result<Found, ChoiceError> {
    let mut found = all(folder)?;
    let Some(name) = named else {
        let last = found.last().map(|last| (last.title().to_owned(), last.path.clone()));
        let open = found.into_iter().rev().find(Found::is_open);
        return open.ok_or_else(|| {
            let last = last.map_or_else(
                || "none was ever started there".to_owned(),
                |(title, path)| {
                    format!(
                        "the last was \"{title}\", {} (name it with --drill {})",
                        path.display(),
                        stem(&path)
                    )
                },
            );
            Usage(format!(
                "no drill is open in {}; {last}. Begin one: evidence-report drill start 'its title'",
                folder.display()
            ))
            .into()
        });
    };
    let wanted = stem(Path::new(name));
    let at = found.iter().position(|drill| stem(&drill.path) == wanted).ok_or_else(|| {
        let known: Vec<_> = found.iter().rev().take(5).map(|drill| stem(&drill.path)).collect();
        Usage(format!("there is no drill '{name}' in {}; there are: {}", folder.display(), known.join(", ")))
    })?;
    Ok(found.swap_remove(at))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The drills that were finished before this one, the newest first.
pub(super) fn before(folder: &Path, this: &Path, begun: Timestamp) -> Result<Vec<Summary>, LogError> {
    let earlier = all(folder)?.into_iter().rev().filter(|drill| drill.path != this && drill.begun() <= begun);
    Ok(earlier
        .filter(|drill| !drill.is_open())
        .filter_map(|drill| Story::of(&drill.history).summary())
        .collect())
}

/// Every drill of a folder in one line each, the oldest first.
pub(super) fn summaries(folder: &Path) -> Result<Vec<Summary>, LogError> {
    Ok(all(folder)?.iter().filter_map(|drill| Story::of(&drill.history).summary()).collect())
}

/// A path for a new log. (Whoever takes it makes the file only where there is none.)
pub(super) fn free_name(folder: &Path, title: &str, now: Timestamp) -> PathBuf {
    let name = name(title, now);
    let stem = name.trim_end_matches(".jsonl");
    let further = (2..100).map(|number| format!("{stem}-{number}.jsonl"));
    let mut names = std::iter::once(name.clone()).chain(further).map(|name| folder.join(name));
    names.find(|path| !path.exists()).unwrap_or_else(|| folder.join(&name))
}

/// The name of a log: when, and what.
fn name(title: &str, now: Timestamp) -> String {
    let mut slug = String::new();
    for char in title.chars().flat_map(char::to_lowercase) {
        match char {
            'a'..='z' | '0'..='9' => slug.push(char),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(40);
    let slug = slug.trim_end_matches('-');
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    if slug.is_empty() { format!("{stamp}.jsonl") } else { format!("{stamp}-{slug}.jsonl") }
}

/// No drill could be chosen.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum ChoiceError {
    #[error(transparent)]
    Usage(#[from] Usage),
    #[error(transparent)]
    Log(#[from] LogError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_named_by_time_and_title_and_never_leaves_its_folder() {
        let now = "2026-11-27T00:47:12Z".parse().unwrap();
        assert_eq!(name("Lost primary: database!", now), "20261127T004712Z-lost-primary-database.jsonl");
        assert_eq!(name("../../etc/passwd", now), "20261127T004712Z-etc-passwd.jsonl");
        assert_eq!(name("дрель", now), "20261127T004712Z.jsonl");
        assert!(name(&"x".repeat(500), now).len() < 80);
    }
}
