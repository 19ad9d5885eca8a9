//! What `barman recover` leaves is made into what was backed up: its own changes of the configuration are undone, the
//! manifest gets its name back, and segments are gathered. It knows folders, and no Barman.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::engines::physical::Landing;

/// Barman keeps the file that it changed under this ending.
const ORIGINAL: &str = ".origin";

/// Undoes Barman's changes, and moves the segments that it put apart.
///
/// # Errors
/// When the folders cannot be changed.
pub(super) fn tidy(landing: &Landing, id: &str) -> io::Result<()> {
    for entry in fs_err::read_dir(&landing.data)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(changed) = name.strip_suffix(ORIGINAL) {
            fs_err::rename(&path, landing.data.join(changed))?;
        } else if name == format!("backup_manifest.{id}") {
            fs_err::rename(&path, landing.data.join("backup_manifest"))?;
        } else if name == ".barman-recover.info" {
            fs_err::remove_file(&path)?;
        }
    }
    let apart = landing.data.join("barman_wal");
    if apart.is_dir() {
        for entry in fs_err::read_dir(&apart)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs_err::rename(entry.path(), landing.wal.join(entry.file_name()))?;
            }
        }
        fs_err::remove_dir_all(&apart)?;
    }
    Ok(())
}

/// Copies segments that have arrived, and that Barman has not taken into its catalogue yet: in an emergency it would
/// first do that. Says how many there were.
///
/// # Errors
/// When the landing cannot be written.
pub(super) fn arrivals(landing: &Landing, folders: &[PathBuf]) -> io::Result<usize> {
    let mut late = 0;
    // Whole segments before those that are still being received.
    for partial in [false, true] {
        for folder in folders {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                let Some(name) = wanted(&path, partial) else { continue };
                let to = landing.wal.join(&name);
                if to.exists() || landing.data.join("pg_wal").join(&name).exists() {
                    continue;
                }
                match fs_err::copy(&path, &to) {
                    Ok(_) => late += 1,
                    // Barman took it in the meantime, or it is not ours to read: what is then missing is told.
                    Err(_) => drop(std::fs::remove_file(&to)),
                }
            }
        }
    }
    Ok(late)
}

/// The name that PostgreSQL asks for, of a segment or a history.
fn wanted(path: &Path, partial: bool) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = if partial { name.strip_suffix(".partial")? } else { name };
    let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    let segment = name.len() == 24 && hexadecimal(name);
    let history = name.len() == 16 && name.strip_suffix(".history").is_some_and(hexadecimal);
    (segment || history).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: &str = "00000001000000000000000";

    fn landing(home: &Path) -> Landing {
        let landing = Landing {
            home: home.to_owned(),
            data: home.join("data"),
            tablespaces: home.join("tablespaces"),
            wal: home.join("wal"),
        };
        for folder in [&landing.data.join("pg_wal"), &landing.wal] {
            fs_err::create_dir_all(folder).unwrap();
        }
        landing
    }

    #[test]
    fn what_barman_changed_is_as_it_was_backed_up() {
        let folder = tempfile::tempdir().unwrap();
        let landing = landing(folder.path());
        for (name, text) in [
            ("postgresql.conf", "changed"),
            ("postgresql.conf.origin", "own"),
            ("backup_manifest.20260101T000000", "{}"),
            (".barman-recover.info", "x"),
        ] {
            fs_err::write(landing.data.join(name), text).unwrap();
        }
        fs_err::create_dir(landing.data.join("barman_wal")).unwrap();
        fs_err::write(landing.data.join("barman_wal/00000002.history"), "h").unwrap();
        tidy(&landing, "20260101T000000").unwrap();
        let mut left: Vec<_> =
            fs_err::read_dir(&landing.data).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["backup_manifest", "pg_wal", "postgresql.conf"]);
        assert_eq!(fs_err::read_to_string(landing.data.join("postgresql.conf")).unwrap(), "own");
        assert_eq!(fs_err::read_to_string(landing.wal.join("00000002.history")).unwrap(), "h");
    }

    #[test]
    fn what_has_arrived_is_copied_whole_before_partial_and_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let landing = landing(&folder.path().join("copy"));
        let incoming = folder.path().join("incoming");
        fs_err::create_dir(&incoming).unwrap();
        let put = |name: &str, text: &str| fs_err::write(incoming.join(name), text).unwrap();
        put(&format!("{SEGMENT}3"), "again");
        put(&format!("{SEGMENT}4.partial"), "part");
        put(&format!("{SEGMENT}4"), "whole");
        put(&format!("{SEGMENT}5.partial"), "part");
        put("notes", "x");
        fs_err::write(landing.data.join(format!("pg_wal/{SEGMENT}3")), "first").unwrap();
        assert_eq!(arrivals(&landing, &[incoming, folder.path().join("none")]).unwrap(), 2);
        assert_eq!(fs_err::read_to_string(landing.wal.join(format!("{SEGMENT}4"))).unwrap(), "whole");
        assert_eq!(fs_err::read_to_string(landing.wal.join(format!("{SEGMENT}5"))).unwrap(), "part");
        assert!(!landing.wal.join(format!("{SEGMENT}3")).exists());
    }
}
