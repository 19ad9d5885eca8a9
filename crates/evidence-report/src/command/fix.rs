//! `check --fix`: what is mechanical. Scripts that items name become executable, status words are written as they
//! have to be. Only regular files inside of the root are changed, atomically; nothing is committed.

use std::{
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    artefacts::Seen,
    checks::FIXED,
    paths::read_regular,
    tracker::{Status, Tracker},
};
use crate::record::Finding;

/// One thing that can be mended without thinking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// `chmod +x`; the path is from the root.
    Executable { path: String },
    /// In this line of the tracker this word stands for that status.
    Status { line: u32, item: String, from: String, to: Status },
}

/// What can be mended.
pub(super) fn plan(tracker: &Tracker, seen: &Seen) -> Vec<Fix> {
    let mut paths: Vec<_> = seen.all_files().filter(|file| file.executable == Some(false)).collect();
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    paths.dedup_by(|a, b| a.path == b.path);
    let scripts = paths.into_iter().map(|file| Fix::Executable { path: file.path.clone() });
    let unknown = tracker.items.iter().filter(|item| item.known_status().is_none());
    let words = unknown.filter_map(|item| {
        let field = item.status.as_ref()?;
        let to = meant(&field.value)?;
        Some(Fix::Status { line: field.line, item: item.name(), from: field.value.clone(), to })
    });
    scripts.chain(words).collect()
}

/// `In Progress` → `in_progress`: case, blanks and hyphens are mechanical; another word is not.
fn meant(word: &str) -> Option<Status> {
    let parts: Vec<_> = word
        .split(|c: char| c.is_whitespace() || c == '-' || c == '_')
        .filter(|part| !part.is_empty())
        .collect();
    Status::parse(&parts.join("_").to_lowercase())
}

impl Fix {
    /// What it does, in words.
    pub(super) fn told(&self, tracker: &Tracker) -> String {
        match self {
            Self::Executable { path } => format!("chmod +x {path}"),
            Self::Status { line, from, to, .. } => {
                format!("{}:{line}: status '{from}' → {}", tracker.path, to.word())
            }
        }
    }
}

/// Mends, and says of each what came of it.
pub(super) fn apply(root: &Path, tracker: &Tracker, fixes: &[Fix]) -> Vec<Finding> {
    let root = fs_err::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let (scripts, words): (Vec<_>, Vec<_>) =
        fixes.iter().partition(|fix| matches!(fix, Fix::Executable { .. }));
    let mut findings: Vec<_> = scripts
        .into_iter()
        .map(|fix| {
            let Fix::Executable { path } = fix else { return told(fix, tracker, Ok(())) };
            told(fix, tracker, make_executable(&root, path))
        })
        .collect();
    if !words.is_empty() {
        let done = write_words(&root, Path::new(&tracker.path), &words);
        let why = done.err().map(|error| (error.kind(), error.to_string()));
        findings.extend(words.into_iter().map(|fix| {
            let done = why.clone().map_or(Ok(()), |(kind, why)| Err(io::Error::new(kind, why)));
            told(fix, tracker, done)
        }));
    }
    findings
}

fn told(fix: &Fix, tracker: &Tracker, done: io::Result<()>) -> Finding {
    let (subject, line) = match fix {
        Fix::Executable { path } => (path.clone(), None),
        Fix::Status { line, item, .. } => (item.clone(), Some(*line)),
    };
    let place = if line.is_some() { tracker.path.clone() } else { subject.clone() };
    let finding = match done {
        Ok(()) => FIXED.warned(subject).observed(format!("changed: {}", fix.told(tracker))),
        Err(error) => FIXED
            .inconclusive(subject)
            .observed(format!("could not: {}: {error}", fix.told(tracker)))
            .remedy("Do it by hand."),
    };
    finding.expected("nothing to mend").at(place, line)
}

/// The handle is asked, so that nothing can be put in the file's place between looking and changing.
fn make_executable(root: &Path, path: &str) -> io::Result<()> {
    let real = real(root, &root.join(path))?;
    let without_waiting = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::CLOEXEC;
    let file = std::fs::File::from(rustix::fs::open(&real, without_waiting, rustix::fs::Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no regular file"));
    }
    let mode = meta.permissions().mode();
    // Whoever may read it may start it.
    let executable = mode | ((mode & 0o444) >> 2);
    file.set_permissions(std::fs::Permissions::from_mode(executable & 0o7777))
}

/// Writes the tracker anew beside itself, and puts it in its place.
fn write_words(root: &Path, tracker: &Path, fixes: &[&Fix]) -> io::Result<()> {
    let real = real(root, tracker)?;
    let (bytes, meta) = read_regular(&real)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    let mended = mended(&text, fixes)?;
    let folder = real.parent().unwrap_or(root);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(mended.as_bytes())?;
    file.as_file().set_permissions(meta.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&real).map_err(|error| error.error)?;
    Ok(())
}

/// The text with the words of these lines replaced; everything else stays byte for byte.
fn mended(text: &str, fixes: &[&Fix]) -> io::Result<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for fix in fixes {
        let Fix::Status { line, from, to, .. } = fix else { continue };
        let index = usize::try_from(*line).unwrap_or(0).saturating_sub(1);
        let found = lines.get_mut(index).and_then(|written| {
            let colon = written.find(':')?;
            let at = colon + written[colon..].find(from.as_str())?;
            written.replace_range(at..at + from.len(), to.word());
            Some(())
        });
        found
            .ok_or_else(|| io::Error::other(format!("line {line} does not hold '{from}' as it was read")))?;
    }
    Ok(lines.concat())
}

fn real(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let real = std::fs::canonicalize(path)?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, super::paths::LEADS_OUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_case_blanks_and_hyphens_are_mechanical() {
        for (word, told) in [
            ("In Progress", Some(Status::InProgress)),
            ("in-progress", Some(Status::InProgress)),
            (" DONE ", Some(Status::Done)),
            ("Open", Some(Status::Open)),
            ("in progres", None),
            ("closed", None),
            ("not done", None),
            ("inprogress", None),
            ("", None),
        ] {
            assert_eq!(meant(word), told, "{word}");
        }
    }

    #[test]
    fn the_rest_of_the_tracker_stays_byte_for_byte() {
        let fix =
            Fix::Status { line: 2, item: "x".into(), from: "In Progress".into(), to: Status::InProgress };
        let text = "In Progress\r\n- Status: `In Progress` \r\n- In Progress";
        assert_eq!(
            mended(text, &[&fix]).unwrap(),
            "In Progress\r\n- Status: `in_progress` \r\n- In Progress"
        );
        assert!(mended("a\nb\n", &[&fix]).is_err());
    }
}
