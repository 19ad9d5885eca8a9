//! Looks at what the links of the tracker and of its pages lead to. Each target is looked at once; a page is read
//! only where a fragment asks for it. It judges nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    artefacts::Seen,
    page_text::{Link, Outline, To},
    paths::{Names, inside, percent_decoded, read_regular},
};

/// What was seen of every target, by its path from the root.
#[derive(Debug, Default)]
pub(super) struct LinkTargets(BTreeMap<PathBuf, LinkTarget>);

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// Nothing; perhaps what differs only in case.
    Missing(Option<String>),
    /// It is there; the anchors of a page, where somebody asks for one.
    There(Option<BTreeSet<String>>),
    LeadsOut,
    Unreadable(String),
}

impl LinkTargets {
    pub(super) fn observe(root: &Path, seen: &Seen) -> Self {
        // From a path to whether its anchors are asked for.
        let mut wanted: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let pages = seen.all_files().filter_map(|file| Some((file.path.as_str(), file.outline.as_deref()?)));
        for (page, outline) in pages {
            want(&mut wanted, Path::new(page).parent(), Some(page), &outline.links);
        }
        want(&mut wanted, seen.folder.as_deref(), None, &seen.tracker.links);
        let mut names = Names::default();
        let looked = wanted.into_iter().map(|(path, anchors)| {
            let target = LinkTarget::observe(root, &path, anchors, &mut names);
            (path, target)
        });
        Self(looked.collect())
    }

    /// What a link of a file in this folder leads to; `None` where it leads out.
    pub(super) fn of(&self, folder: &Path, path: &str) -> Option<&LinkTarget> {
        self.0.get(&inside(folder, &percent_decoded(path))?)
    }

    /// What is known of a file itself.
    pub(super) fn of_file(&self, path: &str) -> Option<&LinkTarget> {
        self.0.get(Path::new(path))
    }
}

fn want(wanted: &mut BTreeMap<PathBuf, bool>, folder: Option<&Path>, page: Option<&str>, links: &[Link]) {
    for link in links {
        let To::Path { path, fragment } = &link.to else { continue };
        let target = match (path.as_str(), page) {
            ("", None) => continue,
            ("", Some(page)) => Some(PathBuf::from(page)),
            (path, _) => folder.and_then(|folder| inside(folder, &percent_decoded(path))),
        };
        if let Some(target) = target {
            *wanted.entry(target).or_default() |= fragment.is_some();
        }
    }
}

impl LinkTarget {
    fn observe(root: &Path, path: &Path, anchors: bool, names: &mut Names) -> Self {
        let whole = root.join(path);
        match fs_err::canonicalize(&whole) {
            Ok(real) if !real.starts_with(root) => return Self::LeadsOut,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Self::Missing(names.meant(root, path).map(|path| path.display().to_string()));
            }
            Err(error) => return Self::Unreadable(error.to_string()),
        }
        let is_page = path.extension().is_some_and(|extension| extension == "md" || extension == "markdown");
        if !anchors || !is_page || whole.is_dir() {
            return Self::There(None);
        }
        match read_regular(&whole) {
            Ok((bytes, _)) => Self::There(Some(Outline::read(&String::from_utf8_lossy(&bytes)).anchors)),
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}
