//! What may be asked of Barman: the allow-list. Pure.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A command that reads the catalogue. There is no way to form another one: not `backup`, `cron`, `check`, `delete`,
/// `archive-wal`, `receive-wal`, `switch-wal`, `keep`, nor anything of `sync-*`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb<'a> {
    /// Every backup.
    ListBackups,
    /// One backup, in detail.
    ShowBackup { id: &'a str },
    /// Brings a backup and its write-ahead log into folders of the scratch; never by ssh.
    Recover {
        id: &'a str,
        data: &'a Path,
        /// Name and new place of each tablespace.
        tablespaces: &'a [(String, PathBuf)],
        jobs: usize,
        timeline: &'a str,
    },
}

/// Server and configuration, the latter made by us.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) server: String,
    pub(super) configuration: PathBuf,
}

impl Verb<'_> {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ListBackups => "list-backups",
            Self::ShowBackup { .. } => "show-backup",
            Self::Recover { .. } => "recover",
        }
    }

    /// The whole list of arguments.
    pub(super) fn arguments(self, setting: &Setting) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--config".into(), setting.configuration.clone().into()];
        if !matches!(self, Self::Recover { .. }) {
            words.extend(["--format".into(), "json".into()]);
        }
        words.push(self.name().into());
        match self {
            Self::ListBackups => words.push(setting.server.clone().into()),
            Self::ShowBackup { id } => words.extend([setting.server.clone().into(), id.into()]),
            Self::Recover { id, data, tablespaces, jobs, timeline } => {
                for (name, place) in tablespaces {
                    let mut rule = OsString::from(name);
                    rule.push(":");
                    rule.push(place);
                    words.extend(["--tablespace".into(), rule]);
                }
                words.extend(["--no-get-wal", "--no-retry", "--target-tli"].map(OsString::from));
                words.extend([timeline.into(), "--jobs".into(), jobs.to_string().into()]);
                words.extend([setting.server.clone().into(), id.into(), data.into()]);
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn setting() -> Setting {
        Setting { server: "shop".to_owned(), configuration: "/s/barman.conf".into() }
    }

    #[test]
    fn only_verbs_that_read_can_be_formed() {
        let moved = [("fast disk".to_owned(), PathBuf::from("/s/ts/1"))];
        let recover = Verb::Recover {
            id: "1",
            data: Path::new("/s/data"),
            tablespaces: &moved,
            jobs: 2,
            timeline: "latest",
        };
        let every = [Verb::ListBackups, Verb::ShowBackup { id: "1" }, recover];
        // The match makes this test fail to compile when a verb is added: decide here whether it only reads.
        for verb in every {
            match verb {
                Verb::ListBackups | Verb::ShowBackup { .. } | Verb::Recover { .. } => {}
            }
        }
        let formed: BTreeSet<_> = every.iter().map(|verb| verb.name()).collect();
        assert_eq!(formed.into_iter().collect::<Vec<_>>(), ["list-backups", "recover", "show-backup"]);
        let words = recover.arguments(&setting());
        for needed in ["--no-get-wal", "fast disk:/s/ts/1", "/s/barman.conf"] {
            assert!(words.contains(&needed.into()), "{needed} in {words:?}");
        }
        assert!(!words.iter().any(|word| word.to_string_lossy().contains("ssh")), "{words:?}");
    }
}
