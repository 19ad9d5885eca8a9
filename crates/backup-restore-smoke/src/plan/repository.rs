//! Which repository of a backup tool is rehearsed from: of pgBackRest, of Barman, or of any other tool by commands. It
//! touches none of them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::parse_duration;
use serde::Serialize;

use super::Origin;
use crate::{
    cli::{RehearseFlags, RepositoryFlags},
    config::{BarmanConfig, CommandConfig, Config, PgBackRestConfig},
    engines::command::{Refused, Words},
    error::Error,
};

/// A stanza of pgBackRest.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PgBackRest {
    pub(crate) stanza: String,
    /// Otherwise pgBackRest's own default.
    pub(crate) configuration: Option<PathBuf>,
    /// The backup's label; otherwise the newest at the incident.
    pub(crate) set: Option<String>,
    /// As whom it runs, where root asks.
    pub(crate) user: Option<String>,
}

/// A server of Barman.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Barman {
    pub(crate) server: String,
    /// Otherwise Barman's own default.
    pub(crate) configuration: Option<PathBuf>,
    /// The backup's id; otherwise the newest at the incident.
    pub(crate) backup_id: Option<String>,
    /// As whom it runs, where root asks.
    pub(crate) user: Option<String>,
}

/// Commands of any other tool.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Commands {
    pub(crate) list: Words,
    pub(crate) fetch: Words,
    pub(crate) wal: Option<Words>,
    /// The backup's label; otherwise the newest at the incident.
    pub(crate) label: Option<String>,
    /// As whom they run, where root asks.
    pub(crate) user: Option<String>,
    /// How long each may take.
    pub(crate) patience: Patience,
}

/// How long a command may take before it is ended, where that was said.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Patience {
    pub(crate) list: Option<Duration>,
    pub(crate) fetch: Option<Duration>,
    /// For one file.
    pub(crate) wal: Option<Duration>,
}

/// Joins flags and configuration. A way to the backup that was typed wins over every one of the file.
///
/// # Errors
/// When they contradict each other, or cannot be meant.
pub(super) fn resolve(
    flags: &RehearseFlags,
    file: &Config,
    file_folder: &Path,
) -> Result<Option<Origin>, Error> {
    let typed_otherwise = flags.physical.method.is_some() || !flags.physical.backup.is_empty();
    match (typed_otherwise, flags.repository.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => Err(Error::NoRepository),
        (false, _) => joined(&flags.repository, file, file_folder),
    }
}

fn joined(flags: &RepositoryFlags, file: &Config, file_folder: &Path) -> Result<Option<Origin>, Error> {
    let flagged = usize::from(flags.pgbackrest.is_some()) + usize::from(flags.barman.is_some());
    let filed = usize::from(file.pgbackrest.is_some())
        + usize::from(file.barman.is_some())
        + usize::from(file.command.is_some());
    if flagged > 1 || (flagged == 0 && filed > 1) {
        return Err(Error::TwoRepositories);
    }
    let from_file = flagged == 0;
    let user = flags.repository_user.clone().or_else(|| file.repository_user.clone());
    let origin = if flags.pgbackrest.is_some() || (from_file && file.pgbackrest.is_some()) {
        Origin::PgBackRest(pgbackrest(flags, file.pgbackrest.as_ref(), file_folder, user)?)
    } else if flags.barman.is_some() || (from_file && file.barman.is_some()) {
        Origin::Barman(barman(flags, file.barman.as_ref(), file_folder, user)?)
    } else if let Some(command) = &file.command {
        Origin::Command(commands(flags, command, file_folder, user)?)
    } else {
        return if flags.is_empty() { Ok(None) } else { Err(Error::NoRepository) };
    };
    let stray = match &origin {
        Origin::PgBackRest(_) => flags.barman_config.is_some() || flags.backup_id.is_some(),
        Origin::Barman(_) => flags.pgbackrest_config.is_some() || flags.set.is_some(),
        _ => flags.pgbackrest_config.is_some() || flags.barman_config.is_some() || flags.backup_id.is_some(),
    };
    if stray { Err(Error::TwoRepositories) } else { Ok(Some(origin)) }
}

fn pgbackrest(
    flags: &RepositoryFlags,
    file: Option<&PgBackRestConfig>,
    file_folder: &Path,
    user: Option<String>,
) -> Result<PgBackRest, Error> {
    let stanza =
        flags.pgbackrest.clone().or_else(|| file.map(|file| file.stanza.clone())).unwrap_or_default();
    let configuration = flags.pgbackrest_config.clone();
    Ok(PgBackRest {
        stanza: plain("--pgbackrest", stanza)?,
        configuration: whole(configuration.or_else(|| Some(file_folder.join(file?.config.as_ref()?))))?,
        set: flags.set.clone().or_else(|| file?.set.clone()).map(|set| plain("--set", set)).transpose()?,
        user,
    })
}

fn barman(
    flags: &RepositoryFlags,
    file: Option<&BarmanConfig>,
    file_folder: &Path,
    user: Option<String>,
) -> Result<Barman, Error> {
    let server = flags.barman.clone().or_else(|| file.map(|file| file.server.clone())).unwrap_or_default();
    let id = flags.backup_id.clone().or_else(|| file?.backup_id.clone());
    let configuration = flags.barman_config.clone();
    Ok(Barman {
        server: plain("--barman", server)?,
        configuration: whole(configuration.or_else(|| Some(file_folder.join(file?.config.as_ref()?))))?,
        backup_id: id.map(|id| plain("--backup-id", id)).transpose()?,
        user,
    })
}

/// The tools run in a folder of the scratch: a path is meant from here.
fn whole(path: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
    let read = |path: PathBuf| std::path::absolute(&path).map_err(|source| Error::File { path, source });
    path.map(read).transpose()
}

fn commands(
    flags: &RepositoryFlags,
    file: &CommandConfig,
    file_folder: &Path,
    user: Option<String>,
) -> Result<Commands, Error> {
    let folder = std::path::absolute(file_folder.join(".")).unwrap_or_else(|_| file_folder.to_owned());
    let refused = |key: &'static str| move |refused: Refused| Error::Command { key, refused };
    let wal = |words: &Vec<String>| Words::read(words, &["segment", "destination"], &[], &folder);
    Ok(Commands {
        list: Words::read(&file.list, &[], &[], &folder).map_err(refused("list"))?,
        fetch: Words::read(&file.fetch, &["label", "data"], &["tablespaces"], &folder)
            .map_err(refused("fetch"))?,
        wal: file.wal.as_ref().map(wal).transpose().map_err(refused("wal"))?,
        label: flags.set.clone().or_else(|| file.label.clone()),
        user,
        patience: Patience {
            list: patience("command.list_timeout", file.list_timeout.as_deref())?,
            fetch: patience("command.fetch_timeout", file.fetch_timeout.as_deref())?,
            wal: patience("command.wal_timeout", file.wal_timeout.as_deref())?,
        },
    })
}

fn patience(key: &'static str, text: Option<&str>) -> Result<Option<Duration>, Error> {
    let read = |text| match parse_duration(text) {
        Ok(Duration::ZERO) => Err("no command ends within no time".to_owned()),
        read => read,
    };
    text.map(read).transpose().map_err(|message| Error::Duration { key, message })
}

/// A name that no tool can take for an option, for a path, or for all of its servers.
fn plain(flag: &'static str, name: String) -> Result<String, Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let plain = !name.is_empty() && name.chars().all(fits) && !name.starts_with(['-', '.']) && name != "all";
    if plain { Ok(name) } else { Err(Error::RepositoryName { flag, name }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(change: impl FnOnce(&mut RepositoryFlags)) -> RepositoryFlags {
        let mut flags = RepositoryFlags::default();
        change(&mut flags);
        flags
    }

    fn resolved(flags: &RepositoryFlags, file: &Config) -> Result<Option<Origin>, Error> {
        joined(flags, file, Path::new("/etc/ops"))
    }

    fn filed() -> Config {
        let pgbackrest = PgBackRestConfig { stanza: "shop".into(), config: Some("p.conf".into()), set: None };
        Config { pgbackrest: Some(pgbackrest), ..Config::default() }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_one_tool_is_named() {
        assert!(matches!(resolved(&flags(|_| {}), &Config::default()), Ok(None)));
        let Ok(Some(Origin::PgBackRest(from_file))) = resolved(&flags(|_| {}), &filed()) else { panic!() };
        assert_eq!(from_file.configuration.unwrap(), Path::new("/etc/ops/p.conf"));
        let barman = flags(|flags| flags.barman = Some("main".into()));
        assert!(
            matches!(resolved(&barman, &filed()), Ok(Some(Origin::Barman(found))) if found.server == "main")
        );
        let both = flags(|flags| {
            flags.barman = Some("main".into());
            flags.pgbackrest = Some("shop".into());
        });
        assert!(matches!(resolved(&both, &filed()), Err(Error::TwoRepositories)));
        let alone = flags(|flags| flags.set = Some("x".into()));
        assert!(matches!(resolved(&alone, &Config::default()), Err(Error::NoRepository)));
        let stray = flags(|flags| flags.backup_id = Some("x".into()));
        assert!(matches!(resolved(&stray, &filed()), Err(Error::TwoRepositories)));
        let mut folder = RehearseFlags::default();
        folder.physical.backup = vec!["/backups/base".into()];
        assert!(
            matches!(resolve(&folder, &filed(), Path::new("/")), Ok(None)),
            "typed, it wins over the file"
        );
    }

    #[test]
    fn a_name_is_no_option_no_path_and_not_every_server() {
        for (name, fits) in [
            ("shop", true),
            ("20261126-213325F_20261126-214755D", true),
            ("all", false),
            ("-x", false),
            ("../x", false),
            ("a/b", false),
            ("", false),
        ] {
            assert_eq!(plain("--barman", name.to_owned()).is_ok(), fits, "{name}");
        }
    }
}
