//! Where the evidence file goes when nobody says.

use std::path::{Path, PathBuf};

use super::settings::SettingsError;
use crate::record::Environment;

/// The folder of the evidence files in a repository.
const EVIDENCE_FOLDER: &str = "doc/operations/evidence";

/// The named path, or the default name in the repository that we stand in.
pub(super) fn resolve(
    named: Option<&Path>,
    default_name: Option<&'static str>,
) -> Result<Option<PathBuf>, SettingsError> {
    let working_folder = || std::env::current_dir().map_err(SettingsError::WorkingFolder);
    match (named, default_name) {
        (Some(path), _) if path == Path::new("none") => Ok(None),
        (Some(path), _) => exchangeable(working_folder()?.join(path)).map(Some),
        (None, None) => Ok(None),
        (None, Some(name)) => match repository(&working_folder()?) {
            Some(root) => Ok(Some(root.join(EVIDENCE_FOLDER).join(name))),
            None => Err(SettingsError::NoRepository(name)),
        },
    }
}

/// Evidence is read, exchanged as a whole, and has its history beside it: no pipe, device or folder will do. What
/// cannot be looked at is told when it is written.
fn exchangeable(path: PathBuf) -> Result<PathBuf, SettingsError> {
    match std::fs::metadata(&path) {
        Ok(meta) if !meta.is_file() => Err(SettingsError::NoFile(path)),
        _ => Ok(path),
    }
}

/// The folder of the evidence files in the repository that we stand in.
#[cfg(feature = "command")]
pub(crate) fn evidence_folder() -> Option<PathBuf> {
    Some(repository(&std::env::current_dir().ok()?)?.join(EVIDENCE_FOLDER))
}

/// The root of the repository that holds `folder`.
pub(crate) fn repository(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).map(Path::to_owned)
}

/// `NAME.<environment>.md` beside `path`: where a run goes that must not replace the required file.
pub(super) fn beside(path: &Path, environment: Environment) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{environment}.md"))
}

/// The file at `path`, and every one that may stand beside it.
pub(super) fn all(path: &Path) -> Vec<PathBuf> {
    let environments =
        [Environment::Local, Environment::Development, Environment::Staging, Environment::Production];
    std::iter::once(path.to_owned())
        .chain(environments.map(|environment| beside(path, environment)))
        .collect()
}
