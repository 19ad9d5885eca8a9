//! Where a program is, and how it is bound to die with us.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Where a program is: the path itself when it has a slash, otherwise the first of its name on `PATH` that
/// may be executed.
#[must_use]
pub fn find_program(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let name = Path::new(name.as_ref());
    if name.components().count() > 1 {
        return executable(name).then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| executable(candidate))
}

/// Words by way of which a program dies with us. The signal is asked for after the start, and never comes when we
/// died before that: so whoever has got another parent by then ends at once. (The first process of a new process
/// namespace sees no parent; whoever made the namespace is bound to us.)
#[must_use]
pub fn bound_to_us() -> Vec<String> {
    const UNLESS_ORPHANED: &str = "case $PPID in \"$1\" | 0) shift && exec \"$@\" ;; esac";
    let ours = std::process::id().to_string();
    ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", UNLESS_ORPHANED, "sh", &ours]
        .map(str::to_owned)
        .into()
}
