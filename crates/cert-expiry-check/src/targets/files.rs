//! Which files stand behind a path or a pattern. Folders are searched to the bottom; a link that leads back
//! up, and a file that is reached twice, are looked at once.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fs::{self, FileType, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where.
    pub path: PathBuf,
    /// Whether the user named it: then it must be readable and hold a certificate.
    pub named: bool,
}

/// What stands behind one path or pattern.
#[derive(Debug, Default)]
pub struct Search {
    /// Regular files, in the order of their names.
    pub files: Vec<FoundFile>,
    /// What could not be looked into.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// How much of it an earlier path or pattern has led to already.
    pub known: usize,
    /// By device and inode, and in which search each was seen first.
    seen: HashMap<(u64, u64), u32>,
    number: u32,
}

impl Search {
    /// Begins with the next path or pattern. What was seen stays seen.
    pub fn next(&mut self) {
        self.files.clear();
        self.unreadable.clear();
        self.known = 0;
        self.number += 1;
    }

    /// Takes in a path that the user named.
    pub fn path(&mut self, path: &Path, keep_on: &dyn Fn() -> bool) {
        self.visit(path, true, keep_on);
    }

    /// Takes in everything that a pattern matches.
    ///
    /// # Errors
    /// When the pattern is none.
    pub fn pattern(&mut self, pattern: &str, keep_on: &dyn Fn() -> bool) -> Result<(), glob::PatternError> {
        let whole = glob::Pattern::new(pattern)?;
        // What leads through folders of any depth (`**`) is followed here: glob would go round in loops of links.
        let (above, deep) = match pattern.split_once("**") {
            Some(("", beyond)) => (".", !beyond.is_empty()),
            Some(("/", beyond)) => ("/", !beyond.is_empty()),
            Some((above, beyond)) => (above.trim_end_matches('/'), !beyond.is_empty()),
            None => (pattern, false),
        };
        let mut known = HashSet::new();
        for entry in glob::glob(above)? {
            if !keep_on() {
                break;
            }
            match entry {
                Ok(path) if deep => self.below(&path, &whole, &mut known, keep_on),
                Ok(path) => self.visit(&path, false, keep_on),
                Err(error) => {
                    let path = error.path().to_owned();
                    self.unreadable.push((path, error.into()));
                }
            }
        }
        Ok(())
    }

    /// Takes in what a pattern matches anywhere below a folder. One that was looked into before, by another name,
    /// is looked into for what this name makes match, and no deeper: loops of links end.
    fn below(
        &mut self,
        folder: &Path,
        pattern: &glob::Pattern,
        known: &mut HashSet<(u64, u64)>,
        keep_on: &dyn Fn() -> bool,
    ) {
        let Some(meta) = fs::metadata(folder).ok().filter(Metadata::is_dir).filter(|_| keep_on()) else {
            return;
        };
        let is_new = known.insert((meta.dev(), meta.ino()));
        let (others, folders) = self.inside(folder);
        for inside in others.iter().chain(&folders).filter(|inside| is_new || inside.exists()) {
            // `./a.pem` is written `a.pem` in a pattern that begins with `**`.
            let plain = inside.strip_prefix(".").unwrap_or(inside);
            if let Some(path) =
                [plain, inside].into_iter().find(|path| pattern.matches_path_with(path, BY_PARTS))
            {
                self.visit(path, false, keep_on);
            }
        }
        for inside in folders.iter().filter(|_| is_new) {
            self.below(inside, pattern, known, keep_on);
        }
    }

    fn visit(&mut self, path: &Path, named: bool, keep_on: &dyn Fn() -> bool) {
        match fs::metadata(path) {
            // A link that leads nowhere is an editor's lock as often as not.
            Err(error) if !named && leads_nowhere(&error) && !has_promising_ending(path) => {}
            Err(error) => self.unreadable.push((path.to_owned(), error)),
            Ok(meta) if meta.is_dir() => self.folder(path, &meta, keep_on),
            // A pipe that the user names is read, as in `scan <(command)`; one that lies about in a folder
            // would hold up the run for nothing.
            Ok(meta) if meta.is_file() || (named && meta.file_type().is_fifo()) => {
                if self.first_time(&meta) {
                    self.files.push(FoundFile { path: path.to_owned(), named });
                }
            }
            Ok(meta) if named => {
                let kind = io::Error::other(format!("it is {}, not a file", kind_of(meta.file_type())));
                self.unreadable.push((path.to_owned(), kind));
            }
            Ok(_) => {}
        }
    }

    /// A folder's own files come before those of its folders: a Kubernetes secret is then shown under its
    /// plain name, and not under the `..data` behind it.
    fn folder(&mut self, path: &Path, meta: &Metadata, keep_on: &dyn Fn() -> bool) {
        if !self.first_time(meta) || !keep_on() {
            return;
        }
        let (others, folders) = self.inside(path);
        for inside in others.iter().chain(&folders) {
            self.visit(inside, false, keep_on);
        }
    }

    /// What stands in a folder: its files and whatever else is no folder, then its folders.
    fn inside(&mut self, path: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push((path.to_owned(), error));
                return (Vec::new(), Vec::new());
            }
        };
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let (inside, kind) = (entry.path(), entry.file_type());
                    let is_link = kind.as_ref().is_ok_and(FileType::is_symlink);
                    let is_folder = match kind {
                        Ok(kind) if !is_link => kind.is_dir(),
                        _ => fs::metadata(&inside).is_ok_and(|meta| meta.is_dir()),
                    };
                    let group = if is_folder { &mut folders } else { &mut others };
                    group.push((is_link, !has_promising_ending(&inside), inside));
                }
                Err(error) => self.unreadable.push((path.to_owned(), error)),
            }
        }
        // Of several names for one file, the one that people know comes first: no link before a link, and
        // `shop.pem` before a hash such as `5273a94c.0`.
        others.sort_unstable();
        folders.sort_unstable();
        let paths = |sorted: Vec<(bool, bool, PathBuf)>| sorted.into_iter().map(|(.., path)| path).collect();
        (paths(others), paths(folders))
    }

    fn first_time(&mut self, meta: &Metadata) -> bool {
        match self.seen.entry((meta.dev(), meta.ino())) {
            Entry::Vacant(vacant) => {
                vacant.insert(self.number);
                true
            }
            Entry::Occupied(earlier) => {
                self.known += usize::from(*earlier.get() != self.number);
                false
            }
        }
    }
}

/// A `*` stands for a part of one name, and not for a `/`.
const BY_PARTS: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

fn leads_nowhere(error: &io::Error) -> bool {
    // ELOOP has no kind of its own.
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(40)
}

/// What the names of files with certificates, or with lists of revoked ones, end in.
const ENDINGS: [&str; 14] = [
    "pem",
    "crt",
    "cer",
    "cert",
    "der",
    "p7b",
    "p7c",
    "p12",
    "pfx",
    "jks",
    "jceks",
    "keystore",
    "truststore",
    "crl",
];

/// Whether the name says that certificates, or lists of revoked ones, are inside.
#[must_use]
pub fn has_promising_ending(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Whether the name says that a private key is inside, and nothing else.
#[must_use]
pub fn has_key_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("key"))
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "a pipe"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn found(search: &Search, base: &Path) -> Vec<String> {
        search.files.iter().map(|file| file.path.strip_prefix(base).unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_are_searched_to_the_bottom_and_loops_end() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/deep.pem"), "").unwrap();
        fs::write(root.join("top.pem"), "").unwrap();
        symlink(root, root.join("a/b/up")).unwrap();
        symlink("self", root.join("self")).unwrap();
        symlink("self.pem", root.join("self.pem")).unwrap();
        let mut search = Search::default();
        search.path(root, &|| true);
        assert_eq!(found(&search, root), ["top.pem", "a/b/deep.pem"]);
        let unreadable: Vec<_> = search.unreadable.iter().map(|(path, _)| path.as_path()).collect();
        assert_eq!(unreadable, [root.join("self.pem")], "its name promises a certificate");
    }

    #[test]
    fn a_mounted_kubernetes_secret_is_found_once_under_its_plain_name() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        fs::create_dir(root.join("..2026_11_23")).unwrap();
        fs::write(root.join("..2026_11_23/tls.crt"), "").unwrap();
        symlink("..2026_11_23", root.join("..data")).unwrap();
        symlink("..data/tls.crt", root.join("tls.crt")).unwrap();
        let mut search = Search::default();
        search.path(root, &|| true);
        assert_eq!(found(&search, root), ["tls.crt"]);
    }

    #[test]
    fn a_pattern_finds_files_and_looks_into_folders() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        fs::create_dir(root.join("x.d")).unwrap();
        for name in ["x.d/one.pem", "x1.pem", "y.pem"] {
            fs::write(root.join(name), "").unwrap();
        }
        let mut search = Search::default();
        search.pattern(&format!("{}/x*", root.display()), &|| true).unwrap();
        assert_eq!(found(&search, root), ["x.d/one.pem", "x1.pem"]);
        assert!(search.pattern("a***", &|| true).is_err());
    }

    #[test]
    fn a_pattern_through_folders_of_any_depth_ends_where_links_lead_round() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        fs::create_dir_all(root.join("live/shop")).unwrap();
        for name in ["top.pem", "live/a.pem", "live/shop/b.pem", "live/shop/b.key"] {
            fs::write(root.join(name), "").unwrap();
        }
        // Two ways round: forty steps of each would be more than anybody can go.
        for link in ["live/one", "live/two", "live/shop/three"] {
            symlink(root, root.join(link)).unwrap();
        }
        symlink("gone.pem", root.join("live/dangling.pem")).unwrap();
        symlink(root.join("live/shop"), root.join("current")).unwrap();
        for (pattern, expected) in [
            ("**/*.pem", vec!["top.pem", "live/a.pem", "live/shop/b.pem"]),
            ("live/**/shop/*.pem", vec!["live/shop/b.pem"]),
            ("l*/**/b.*", vec!["live/shop/b.pem", "live/shop/b.key"]),
            ("**/current/*.pem", vec!["current/b.pem"]),
            (
                "live/shop/**",
                vec![
                    "live/shop/b.key",
                    "live/shop/b.pem",
                    "live/shop/three/live/a.pem",
                    "live/shop/three/top.pem",
                ],
            ),
            ("**/nothing.pem", vec![]),
        ] {
            let mut search = Search::default();
            search.pattern(&format!("{}/{pattern}", root.display()), &|| true).unwrap();
            let mut found = found(&search, root);
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{pattern}");
            assert!(search.unreadable.len() <= 1, "{pattern}: {:?}", search.unreadable);
        }
    }

    #[test]
    fn what_an_earlier_search_found_is_known_and_not_found_again() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/one.pem"), "").unwrap();
        symlink("one.pem", root.join("sub/alias.pem")).unwrap();
        let mut search = Search::default();
        search.path(&root.join("sub/one.pem"), &|| true);
        assert_eq!((search.files.len(), search.known), (1, 0));
        search.next();
        search.path(root, &|| true);
        assert_eq!((search.files.len(), search.known), (0, 2), "under its name and its alias");
        search.next();
        search.path(&root.join("sub"), &|| true);
        assert_eq!((search.files.len(), search.known), (0, 1), "the folder itself");
    }

    #[test]
    fn a_device_that_was_named_is_no_file() {
        let mut search = Search::default();
        search.path(Path::new("/dev/null"), &|| true);
        assert!(search.files.is_empty());
        assert!(search.unreadable[0].1.to_string().contains("device"));
    }
}
