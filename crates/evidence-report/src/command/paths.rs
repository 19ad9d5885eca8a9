//! Where a path that somebody wrote leads: inside the repository or out of it, and what was perhaps meant. It knows
//! no tracker and no page.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
};

/// A file beyond this is not taken into memory.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

/// What is said of a path that must not be followed.
pub(super) const LEADS_OUT: &str = "the path leads out of the repository";

/// `path`, written in a file of the folder `base` (from the root), from the root; `None` where it leads out. A path
/// that begins with a slash starts at the root. Nothing on the disk is asked.
pub(super) fn inside(base: &Path, path: &str) -> Option<PathBuf> {
    let whole = match path.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root.trim_start_matches('/')),
        None => base.join(path),
    };
    let mut inside = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

/// `%20` → a blank. What is no escape, or would be no UTF-8, stays as it is.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| char::from(*bytes.get(at + offset)?).to_digit(16);
        if bytes[at] == b'%'
            && let (Some(high), Some(low)) = (digit(1), digit(2))
        {
            decoded.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Reads a regular file that is not too large; never waits for a pipe or a device.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] for what is no regular file, [`io::ErrorKind::FileTooLarge`] for what is too large.
pub(super) fn read_regular(path: &Path) -> io::Result<(Vec<u8>, std::fs::Metadata)> {
    let (bytes, meta) = read_start(path, LARGEST + 1)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        let why = format!("it is larger than {} MiB, and was not read", LARGEST / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok((bytes, meta))
}

/// Reads the first bytes of a regular file; never waits for a pipe or a device.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] for what is no regular file.
pub(super) fn read_start(path: &Path, most: u64) -> io::Result<(Vec<u8>, std::fs::Metadata)> {
    let without_waiting = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new().read(true).custom_flags(without_waiting).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(most)).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok((bytes, meta))
}

/// The names in folders, to find what differs only in case. Each folder is read once.
#[derive(Debug, Default)]
pub(super) struct Names {
    folders: BTreeMap<PathBuf, BTreeMap<String, String>>,
}

impl Names {
    /// The path that is there and differs from this one (from the root) only in case.
    pub(super) fn meant(&mut self, root: &Path, path: &Path) -> Option<PathBuf> {
        let mut found = PathBuf::new();
        for part in path.components() {
            let Component::Normal(name) = part else { return None };
            let name = name.to_str()?;
            let names = self.of(&root.join(&found));
            let exact = names.values().any(|other| other == name);
            let real = if exact { name } else { names.get(&name.to_lowercase())? };
            found.push(real);
        }
        (found != path).then_some(found)
    }

    fn of(&mut self, folder: &Path) -> &BTreeMap<String, String> {
        self.folders.entry(folder.to_owned()).or_insert_with(|| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            names.map(|name| (name.to_lowercase(), name)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside_or_is_none() {
        for (base, path, told) in [
            ("doc", "a.md", Some("doc/a.md")),
            ("doc", "../x/a.md", Some("x/a.md")),
            ("doc", "./a/../b.md", Some("doc/b.md")),
            ("doc", "/x/a.md", Some("x/a.md")),
            ("doc", "//x/a.md", Some("x/a.md")),
            ("doc", "../../x", None),
            ("doc", "/../x", None),
            ("", "..", None),
            ("doc", "..", Some("")),
        ] {
            assert_eq!(inside(Path::new(base), path), told.map(PathBuf::from), "{base} {path}");
        }
    }

    #[test]
    fn percent_escapes_are_read_and_what_is_none_stays() {
        for (text, told) in [
            ("a%20b", "a b"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%C3%BC", "ü"),
            ("%ff", "%ff"),
            ("%2", "%2"),
        ] {
            assert_eq!(percent_decoded(text), told);
        }
    }

    #[test]
    fn what_differs_in_case_alone_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("Doc")).unwrap();
        fs_err::write(folder.path().join("Doc/Report.md"), "x").unwrap();
        let mut names = Names::default();
        let mut meant = |path: &str| names.meant(folder.path(), Path::new(path));
        assert_eq!(meant("doc/report.MD"), Some("Doc/Report.md".into()));
        assert_eq!(meant("Doc/Report.md"), None, "it is there");
        assert_eq!(meant("doc/other.md"), None);
        assert_eq!(meant("../doc"), None);
    }

    #[test]
    fn no_pipe_is_waited_for_and_no_device_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert_eq!(
                read_regular(path).unwrap_err().kind(),
                io::ErrorKind::Unsupported,
                "{}",
                path.display()
            );
        }
        let large = folder.path().join("large");
        fs_err::File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(read_regular(&large).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
