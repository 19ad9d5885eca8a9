//! Makes the files of a backup our own before they are started: tablespaces are linked anew into the scratch,
//! and no configuration of the backup decides anything. See docs/decisions, 0013.

use std::{
    collections::BTreeSet,
    io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
};

use crate::engines::{
    base_backup::{tablespace_map, tablespaces},
    physical::Landing,
};

/// Links at the top of a data folder that are of no use to the copy: configuration, keys, logs.
const NEEDLESS_ENDINGS: [&str; 5] = [".conf", ".crt", ".key", ".pem", ".crl"];
const NEEDLESS_NAMES: [&str; 3] = ["log", "pg_log", "conf.d"];

/// Files that would decide how the copy starts and recovers.
const DECIDING: [&str; 8] = [
    "standby.signal",
    "recovery.signal",
    "recovery.conf",
    "recovery.done",
    "postmaster.pid",
    "postmaster.opts",
    "promote",
    "failover.signal",
];

/// Folders whose content belongs to the running server that it was copied from (the manual, "Making a Base
/// Backup Using the Low Level API").
const EMPTIED: [&str; 6] =
    ["pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp"];

/// A tablespace that the backup names and does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) Vec<u32>);

/// Whether a link of the data folder is taken away or made anew before the start, whatever it leads to.
pub(super) fn is_made_anew(data: &Path, link: &Path) -> bool {
    let Ok(within) = link.strip_prefix(data) else { return false };
    let words: Vec<_> = within.iter().map(|word| word.to_string_lossy()).collect();
    match words.as_slice() {
        [name] => name == "pg_wal" || is_needless(name) || DECIDING.contains(&name.as_ref()),
        [folder, number] => folder == "pg_tblspc" && number.parse::<u32>().is_ok(),
        _ => false,
    }
}

fn is_needless(name: &str) -> bool {
    NEEDLESS_NAMES.contains(&name) || NEEDLESS_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A link of the name `pg_wal` gives way to a folder: what it leads to is perhaps a live log.
///
/// # Errors
/// When it cannot be changed.
pub(crate) fn own_wal_folder(data: &Path) -> io::Result<()> {
    let folder = data.join("pg_wal");
    match fs_err::symlink_metadata(&folder) {
        Ok(meta) if meta.is_dir() => return Ok(()),
        Ok(_) => fs_err::remove_file(&folder)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Links every tablespace to its folder in the landing. What a link of the backup led to is never touched.
///
/// # Errors
/// When the folders cannot be changed.
pub(crate) fn link_tablespaces(landing: &Landing) -> io::Result<Missing> {
    let mut named: BTreeSet<u32> = mapped(landing)?;
    let links = landing.data.join("pg_tblspc");
    for (number, in_place) in linked(&links)? {
        named.insert(number);
        let content = landing.tablespaces.join(number.to_string());
        let link = links.join(number.to_string());
        if in_place && !content.exists() {
            fs_err::rename(&link, &content)?;
        } else if in_place {
            fs_err::remove_dir(&link)?;
        } else {
            fs_err::remove_file(&link)?;
        }
    }
    let landed = numbers(&landing.tablespaces)?;
    let missing = named.into_iter().filter(|number| !landed.contains(number)).collect();
    for number in landed {
        let content = landing.tablespaces.join(number.to_string());
        symlink(&content, links.join(number.to_string()))?;
    }
    Ok(Missing(missing))
}

/// Rewrites the map that the server follows when it starts from a backup.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn rewrite_map(landing: &Landing) -> io::Result<()> {
    let map = landing.data.join("tablespace_map");
    if fs_err::symlink_metadata(&map).is_err() {
        return Ok(());
    }
    let places: Vec<(u32, PathBuf)> = numbers(&landing.tablespaces)?
        .into_iter()
        .map(|number| (number, landing.tablespaces.join(number.to_string())))
        .collect();
    remove_if_there(&map)?;
    let shown: Vec<_> = places.iter().map(|(number, place)| (*number, place.to_string_lossy())).collect();
    fs_err::write(map, tablespace_map(shown.iter().map(|(number, place)| (*number, place.as_ref()))))
}

/// Takes away everything in the data folder that decides how a server starts.
///
/// # Errors
/// When it cannot be changed.
pub(crate) fn disarm(landing: &Landing) -> io::Result<()> {
    for name in DECIDING {
        remove_if_there(&landing.data.join(name))?;
    }
    for entry in fs_err::read_dir(&landing.data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_needless(&name) && entry.file_type()?.is_symlink() {
            fs_err::remove_file(entry.path())?;
        }
    }
    // Read whatever `config_file` says; empty, it decides nothing.
    remove_if_there(&landing.data.join("postgresql.auto.conf"))?;
    fs_err::write(landing.data.join("postgresql.auto.conf"), "")?;
    for name in EMPTIED {
        empty(&landing.data.join(name))?;
    }
    fs_err::write(landing.data.join("recovery.signal"), "")
}

/// Moves the segments that the backup carries beside those of the archive, which win: the last one of a backup
/// is whole only there.
///
/// # Errors
/// When they cannot be moved.
pub(crate) fn gather_wal(landing: &Landing) -> io::Result<()> {
    own_wal_folder(&landing.data)?;
    let own = landing.data.join("pg_wal");
    let archived = own.join("archive_status");
    for entry in fs_err::read_dir(&own)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let to = landing.wal.join(entry.file_name());
        if to.exists() {
            fs_err::remove_file(entry.path())?;
        } else {
            fs_err::rename(entry.path(), to)?;
        }
    }
    empty(&archived)
}

/// The tablespaces that the backup's own map names.
fn mapped(landing: &Landing) -> io::Result<BTreeSet<u32>> {
    match fs_err::read_to_string(landing.data.join("tablespace_map")) {
        Ok(text) => Ok(tablespaces(&text).into_iter().map(|(number, _)| number).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// The tablespaces in `pg_tblspc`; with each, whether it is a folder there.
fn linked(folder: &Path) -> io::Result<Vec<(u32, bool)>> {
    let mut found = Vec::new();
    if !folder.exists() {
        fs_err::create_dir(folder)?;
    }
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if let Ok(number) = entry.file_name().to_string_lossy().parse() {
            found.push((number, entry.file_type()?.is_dir()));
        }
    }
    Ok(found)
}

fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        found.extend(entry?.file_name().to_string_lossy().parse::<u32>());
    }
    found.sort_unstable();
    Ok(found)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Empties a folder; a link of that name is replaced by a folder, and its target left alone.
fn empty(folder: &Path) -> io::Result<()> {
    match fs_err::symlink_metadata(folder) {
        Ok(meta) if meta.is_dir() => fs_err::remove_dir_all(folder)?,
        Ok(_) => fs_err::remove_file(folder)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs_err::create_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landing(home: &Path) -> Landing {
        let landing = Landing {
            home: home.to_owned(),
            data: home.join("data"),
            tablespaces: home.join("tablespaces"),
            wal: home.join("wal"),
        };
        for folder in [
            &landing.data.join("pg_tblspc"),
            &landing.data.join("pg_wal"),
            &landing.tablespaces,
            &landing.wal,
        ] {
            fs_err::create_dir_all(folder).unwrap();
        }
        landing
    }

    #[test]
    fn links_to_live_folders_are_replaced_and_what_they_led_to_is_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        fs_err::create_dir(&live).unwrap();
        fs_err::write(live.join("precious"), "mine").unwrap();
        let landing = landing(&folder.path().join("copy"));
        symlink(&live, landing.data.join("pg_tblspc/16384")).unwrap();
        fs_err::create_dir(landing.tablespaces.join("16384")).unwrap();
        let map = landing.data.join("tablespace_map");
        fs_err::write(&map, format!("16384 {}\n16385 /elsewhere\n", live.display())).unwrap();
        assert_eq!(link_tablespaces(&landing).unwrap(), Missing(vec![16_385]));
        rewrite_map(&landing).unwrap();
        let linked = fs_err::read_link(landing.data.join("pg_tblspc/16384")).unwrap();
        assert_eq!(linked, landing.tablespaces.join("16384"));
        assert_eq!(fs_err::read_to_string(&map).unwrap(), format!("16384 {}\n", linked.display()));
        assert_eq!(fs_err::read_to_string(live.join("precious")).unwrap(), "mine");
    }

    #[test]
    fn content_in_place_is_moved_out_and_linked() {
        let folder = tempfile::tempdir().unwrap();
        let landing = landing(folder.path());
        fs_err::create_dir(landing.data.join("pg_tblspc/77")).unwrap();
        fs_err::write(landing.data.join("pg_tblspc/77/f"), "x").unwrap();
        assert_eq!(link_tablespaces(&landing).unwrap(), Missing(vec![]));
        assert_eq!(fs_err::read_to_string(landing.tablespaces.join("77/f")).unwrap(), "x");
        assert!(fs_err::symlink_metadata(landing.data.join("pg_tblspc/77")).unwrap().is_symlink());
    }

    #[test]
    fn nothing_of_the_backup_decides_how_it_starts() {
        let folder = tempfile::tempdir().unwrap();
        let landing = landing(&folder.path().join("copy"));
        for name in ["standby.signal", "recovery.conf", "postmaster.pid"] {
            fs_err::write(landing.data.join(name), "x").unwrap();
        }
        let outside = folder.path().join("outside.conf");
        fs_err::write(&outside, "kept").unwrap();
        symlink(&outside, landing.data.join("postgresql.auto.conf")).unwrap();
        symlink(&outside, landing.data.join("postgresql.conf")).unwrap();
        fs_err::create_dir_all(landing.data.join("pg_replslot/slot")).unwrap();
        disarm(&landing).unwrap();
        let mut left: Vec<_> =
            fs_err::read_dir(&landing.data).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        let mut wanted = vec!["pg_tblspc", "pg_wal", "postgresql.auto.conf", "recovery.signal"];
        wanted.extend(EMPTIED);
        wanted.sort_unstable();
        assert_eq!(left, wanted);
        assert_eq!(fs_err::read_dir(landing.data.join("pg_replslot")).unwrap().count(), 0);
        assert_eq!(fs_err::read_to_string(landing.data.join("postgresql.auto.conf")).unwrap(), "");
        assert_eq!(fs_err::read_to_string(&outside).unwrap(), "kept");
    }

    #[test]
    fn a_link_to_a_live_log_is_cut_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        fs_err::create_dir(&live).unwrap();
        fs_err::write(live.join("000000010000000000000001"), "mine").unwrap();
        let landing = landing(&folder.path().join("copy"));
        let own = landing.data.join("pg_wal");
        fs_err::remove_dir(&own).unwrap();
        symlink(&live, &own).unwrap();
        gather_wal(&landing).unwrap();
        assert!(fs_err::symlink_metadata(&own).unwrap().is_dir());
        assert_eq!(fs_err::read_to_string(live.join("000000010000000000000001")).unwrap(), "mine");
        assert_eq!(fs_err::read_dir(&landing.wal).unwrap().count(), 0);
    }

    #[test]
    fn only_links_that_are_made_anew_may_lead_anywhere_at_first() {
        let data = Path::new("/copy/data");
        for (link, anew) in [
            ("pg_wal", true),
            ("pg_tblspc/16384", true),
            ("postgresql.conf", true),
            ("standby.signal", true),
            ("pg_tblspc", false),
            ("base/1", false),
            ("global/postgresql.conf", false),
            ("tablespace_map", false),
        ] {
            assert_eq!(is_made_anew(data, &data.join(link)), anew, "{link}");
        }
        assert!(!is_made_anew(data, Path::new("/copy/wal/pg_wal")));
    }

    #[test]
    fn archived_segments_win_over_the_backups_own() {
        let folder = tempfile::tempdir().unwrap();
        let landing = landing(folder.path());
        fs_err::write(landing.wal.join("A"), "archived").unwrap();
        fs_err::write(landing.data.join("pg_wal/A"), "own").unwrap();
        fs_err::write(landing.data.join("pg_wal/B"), "own").unwrap();
        gather_wal(&landing).unwrap();
        assert_eq!(fs_err::read_to_string(landing.wal.join("A")).unwrap(), "archived");
        assert_eq!(fs_err::read_to_string(landing.wal.join("B")).unwrap(), "own");
        assert!(!landing.data.join("pg_wal/B").exists());
    }
}
