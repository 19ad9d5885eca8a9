//! A folder of PostgreSQL's programs in which `initdb` is stood in for: much of the work of a self-test would be to make
//! clusters that are all the same. See docs/decisions, 0052.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// Copies the first cluster of each kind.
const INITDB: &str = include_str!("initdb.sh");

/// Fills this empty folder with links to the programs of another, and puts the stand-in between. Gives back the folder
/// for the first clusters, in which the user who runs `initdb` must be allowed to write.
///
/// # Errors
/// When something cannot be written, or `pg_resetwal` is not there, which the stand-in needs.
pub fn stand_in(folder: &Path, programs: &Path) -> io::Result<PathBuf> {
    std::fs::metadata(programs.join("pg_resetwal"))?;
    for entry in std::fs::read_dir(programs)? {
        let entry = entry?;
        let name = entry.file_name();
        let own = if name == "initdb" { "initdb.own".into() } else { name };
        symlink(entry.path(), folder.join(own))?;
    }
    let (initdb, first) = (folder.join("initdb"), folder.join("first"));
    std::fs::write(&initdb, INITDB)?;
    std::fs::create_dir(&first)?;
    // Whatever the umask is: a server under another user id passes through.
    for (path, mode) in [(folder, 0o755), (&initdb, 0o755), (&first, 0o755)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(first)
}
