//! A policy beside its place: nobody would read it, and the gate would open without it.

use std::{fs, path::Path};

use super::PLACE;

/// The names that people give it, in small letters.
const NAMES: [&str; 4] =
    ["tracker-policy.yaml", "tracker-policy.yml", "tracker_policy.yaml", "tracker_policy.yml"];

/// What stands in the policy's folder under a name like its own.
pub(super) fn misnamed(root: &Path) -> Option<String> {
    let folder = Path::new(PLACE).parent()?;
    let entries = fs::read_dir(root.join(folder)).ok()?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let name = names.into_iter().find(|name| NAMES.contains(&name.to_lowercase().as_str()))?;
    Some(folder.join(name).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    #[test]
    fn a_policy_that_nobody_would_read_is_refused() {
        for name in ["tracker-policy.yml", "Tracker-Policy.yaml", "tracker_policy.yaml"] {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("ops")).unwrap();
            assert!(Policy::find(None, folder.path()).unwrap().is_absent());
            fs::write(folder.path().join("ops").join(name), "gates: {}\n").unwrap();
            let why = Policy::find(None, folder.path()).unwrap_err().to_string();
            assert!(why.starts_with(&format!("ops/{name} would not be read")), "{why}");
        }
    }

    #[test]
    fn what_stands_in_its_place_and_is_no_file_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(PLACE);
        fs::create_dir_all(&place).unwrap();
        assert!(Policy::find(None, folder.path()).is_err(), "a folder");
        fs::remove_dir(&place).unwrap();
        std::os::unix::fs::symlink("nowhere.yaml", &place).unwrap();
        assert!(Policy::find(None, folder.path()).is_err(), "a link that leads nowhere");
    }
}
