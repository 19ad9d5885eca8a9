//! The last look before a physical copy is started for the first time: nothing in it leads out of the scratch.
//! A base backup holds links to the *live* tablespaces of its source; followed on that host, a write in the
//! copy would corrupt production.

use std::{
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt},
    path::{Path, PathBuf},
};

use evidence_report::record::Finding;

use super::folder::walk;
use crate::{checks::RESTORE_CONTAINED, wording::counted};

/// Something that leads out of the scratch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leak {
    /// A link, and where it leads.
    Link(PathBuf, PathBuf),
    /// A file that has another name, perhaps in a backup: writing here would write there.
    Shared(PathBuf),
    /// A device, whose bytes are somewhere else, or a pipe, whose other end is.
    Device(PathBuf),
}

/// Every leak below the folder; how many links stay inside.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn leaks(home: &Path) -> io::Result<(Vec<Leak>, u64)> {
    leaks_except(home, &|_| false)
}

/// The same before anything in the files that were fetched is changed: every link is a leak by then, except
/// those that are about to be made anew (and are only ever removed, never followed).
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn leaks_at_first(home: &Path, data: &Path) -> io::Result<(Vec<Leak>, u64)> {
    leaks_except(home, &|path| super::adoption::is_made_anew(data, path))
}

fn leaks_except(home: &Path, excepted: &dyn Fn(&Path) -> bool) -> io::Result<(Vec<Leak>, u64)> {
    let real_home = home.canonicalize()?;
    let (mut leaks, mut inside) = (Vec::new(), 0);
    walk(home, &mut |path, meta| {
        if meta.is_symlink() && excepted(&path) {
            return Ok(());
        }
        if meta.is_symlink() {
            // One that leads nowhere today may lead somewhere tomorrow.
            match path.canonicalize() {
                Ok(target) if target.starts_with(&real_home) => inside += 1,
                _ => leaks.push(Leak::Link(path.clone(), fs_err::read_link(&path).unwrap_or_default())),
            }
        } else if meta.is_file() && meta.nlink() > 1 {
            leaks.push(Leak::Shared(path));
        } else if !meta.is_file() && !meta.is_dir() && !meta.file_type().is_socket() {
            // Unpacked by root, even a disk of this machine. (A socket leads nowhere by itself.)
            leaks.push(Leak::Device(path));
        }
        Ok(())
    })?;
    Ok((leaks, inside))
}

/// What is to be said about it: a leak leaves nothing to go on with.
pub(crate) fn judge(home: &Path, looked: io::Result<(Vec<Leak>, u64)>) -> Finding {
    let expected =
        "every link under pg_tblspc, pg_wal and anywhere else in the copy resolves inside the scratch";
    let shown = |path: &Path| path.strip_prefix(home).unwrap_or(path).display().to_string();
    let (leaks, inside) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            return RESTORE_CONTAINED.inconclusive("copy").expected(expected).observed(error.to_string());
        }
    };
    let more = |text: String| match leaks.len() {
        1 => text,
        count => format!("{text} (and {} more)", count - 1),
    };
    match leaks.first() {
        None => RESTORE_CONTAINED
            .passed("copy")
            .expected(expected)
            .observed(format!("{} inside, none out of it", counted(inside, "link"))),
        Some(Leak::Link(link, target)) => RESTORE_CONTAINED
            .inconclusive(shown(link))
            .expected(expected)
            .observed(more(format!("it leads to {}; nothing was started", target.display()))),
        Some(Leak::Device(file)) => RESTORE_CONTAINED
            .inconclusive(shown(file))
            .expected(expected)
            .observed(more("it is a device or a pipe and no file; nothing was started".to_owned())),
        Some(Leak::Shared(file)) => RESTORE_CONTAINED
            .inconclusive(shown(file))
            .expected(expected)
            .observed(more("the file has a second name (a hard link); nothing was started".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use evidence_report::record::Outcome;

    use super::*;

    fn home() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("copy");
        std::fs::create_dir_all(home.join("data/pg_tblspc")).unwrap();
        std::fs::create_dir_all(home.join("tablespaces/1")).unwrap();
        (folder, home)
    }

    #[test]
    fn links_inside_pass_and_are_counted() {
        let (_folder, home) = home();
        symlink(home.join("tablespaces/1"), home.join("data/pg_tblspc/1")).unwrap();
        let looked = leaks(&home).unwrap();
        assert_eq!(looked, (vec![], 1));
        assert_eq!(judge(&home, Ok(looked)).outcome, Outcome::Passed);
    }

    #[test]
    fn a_link_out_a_dangling_one_and_a_shared_file_stop_everything() {
        for make in [
            |home: &Path| symlink("/", home.join("data/pg_tblspc/1")).unwrap(),
            |home: &Path| symlink("/nowhere/at/all", home.join("data/pg_wal")).unwrap(),
            |home: &Path| symlink("../../../live", home.join("data/pg_tblspc/1")).unwrap(),
            // A sibling whose name begins alike is not inside.
            |home: &Path| {
                std::fs::create_dir(home.with_file_name("copy-2")).unwrap();
                symlink(home.with_file_name("copy-2"), home.join("data/pg_tblspc/1")).unwrap();
            },
            |home: &Path| {
                std::fs::write(home.join("../original"), "x").unwrap();
                std::fs::hard_link(home.join("../original"), home.join("data/file")).unwrap();
            },
            |home: &Path| {
                let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
                rustix::fs::mknodat(rustix::fs::CWD, home.join("data/file"), kind, mode, 0).unwrap();
            },
        ] {
            let (_folder, home) = home();
            make(&home);
            let looked = leaks(&home).unwrap();
            assert_eq!(looked.0.len(), 1);
            let finding = judge(&home, Ok(looked));
            assert_eq!(finding.outcome, Outcome::Inconclusive);
            assert!(finding.subject.starts_with("data/"), "{}", finding.subject);
        }
    }
}
