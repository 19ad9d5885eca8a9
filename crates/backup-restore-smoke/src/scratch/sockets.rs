//! Other programs' unix sockets, hidden from a copy. A network namespace does not hide them: they are files, and a
//! copy that runs as the user `postgres` on its source's host would be let in by the live server's peer rule. (A
//! function that commits on its own through `dblink('dbname=shop')` names no host at all, and so goes there.) In a
//! mount namespace of its own the copy sees an empty `/run`, and nothing in place of every other socket. It knows no
//! server of ours.

use std::{
    ffi::OsString,
    os::unix::{ffi::OsStringExt as _, fs::FileTypeExt as _},
    path::{Path, PathBuf},
};

/// Where Linux keeps what listens; libpq's usual folder is below it.
const RUN: &str = "/run";

/// Where libpq's usual sockets are besides, as PostgreSQL is built by itself.
const USUAL: &str = "/tmp";

/// How the sockets of PostgreSQL and its poolers begin.
const PREFIX: &str = ".s.PGSQL.";

/// The kernel's list of this network namespace's sockets.
const LIST: &str = "/proc/net/unix";

/// `__SO_ACCEPTCON`: somebody listens.
const LISTENING: u32 = 0x1_0000;

/// What is to be hidden from a server that works in these folders: every socket that somebody listens on here, and
/// the whole of `/run` unless one of the folders is in it.
pub(super) fn to_hide(folders: &[PathBuf]) -> Vec<OsString> {
    let is_free = !folders.iter().any(|folder| real(folder).starts_with(real(Path::new(RUN))));
    let mut hidden: Vec<PathBuf> = listening(&std::fs::read(LIST).unwrap_or_default());
    hidden.extend(usual());
    hidden.retain(|path| is_socket(path));
    hidden.sort();
    hidden.dedup();
    if is_free && Path::new(RUN).is_dir() {
        // Last: what was hidden below it is hidden with it.
        hidden.retain(|path| !real(path).starts_with(RUN));
        hidden.push(PathBuf::from(RUN));
    }
    hidden.into_iter().map(PathBuf::into_os_string).collect()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

/// Sockets of PostgreSQL that another network namespace (a container's) may have made.
fn usual() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(USUAL).into_iter().flatten().flatten();
    let named = |name: &OsString| name.to_string_lossy().starts_with(PREFIX);
    entries.filter(|entry| named(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// Reads `Num RefCount Protocol Flags Type St Inode Path`; a path may hold spaces, and need not be UTF-8.
fn listening(table: &[u8]) -> Vec<PathBuf> {
    let path = |line: &[u8]| {
        let start = line.iter().position(|byte| *byte == b'/')?;
        let fields = String::from_utf8_lossy(&line[..start]).into_owned();
        let flags = u32::from_str_radix(fields.split_whitespace().nth(3)?, 16).ok()?;
        let whole = fields.split_whitespace().count() == 7 && flags & LISTENING != 0;
        whole.then(|| PathBuf::from(OsString::from_vec(line[start..].to_vec())))
    };
    table.split(|byte| *byte == b'\n').filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const TABLE: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        000000003e10b5a2: 00000002 00000000 00010000 0001 01 3718207 /var/run/postgresql/.s.PGSQL.5432\n\
        00000000b3f1f487: 00000003 00000000 00000000 0001 03 3715035\n\
        00000000b3f1f488: 00000003 00000000 00000000 0001 03 3715036 /connected\n\
        00000000b3f1f489: 00000002 00000000 00010000 0001 01 3715037 @/abstract\n\
        00000000b3f1f490: 00000002 00000000 00010000 0001 01 3715038 /a place/s\n";

    #[test]
    fn only_what_listens_under_a_path_is_hidden() {
        let wanted = ["/var/run/postgresql/.s.PGSQL.5432", "/a place/s"].map(PathBuf::from);
        assert_eq!(listening(TABLE.as_bytes()), wanted);
        assert!(listening(b"").is_empty() && listening(b"\xff /x").is_empty());
    }

    #[test]
    fn a_live_socket_is_found_and_run_is_left_where_the_scratch_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let wanted = path.clone().into_os_string();
        assert!(to_hide(&[]).contains(&wanted) && to_hide(&[]).contains(&RUN.into()));
        assert!(!to_hide(&["/run/user/1000".into()]).contains(&RUN.into()));
        drop(listener);
        // Nobody listens any more, though the file is there.
        assert!(!to_hide(&[]).contains(&wanted));
    }
}
