//! What may be asked of pgBackRest: the allow-list. Only these verbs can be formed, each with everything switched off
//! or pinned that could touch the production installation. Pure.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::timeline::history_name;

/// A command that reads the repository. There is no way to form another one: not `backup`, `expire`, `check`, `stop`,
/// `start`, `archive-push`, nor anything of `stanza-*`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb<'a> {
    /// Its version.
    Version,
    /// The catalogue.
    Info,
    /// One backup of it, with its tablespaces.
    InfoOf { repository: u32, label: &'a str },
    /// Prints the history of a timeline.
    History { repository: u32, stanza: &'a str, archive: &'a str, timeline: u32 },
    /// Brings a backup into folders of the scratch.
    Restore {
        /// Which repository, of several.
        repository: u32,
        label: &'a str,
        data: &'a Path,
        /// Number and new place of each tablespace.
        tablespaces: &'a [(u32, PathBuf)],
        /// Where one would land that the catalogue does not name.
        others: &'a Path,
        jobs: usize,
    },
    /// Brings one file of the write-ahead log.
    ArchiveGet {
        /// Which repository, of several.
        repository: u32,
        file: &'a str,
        data: &'a Path,
        destination: &'a Path,
    },
}

/// Which repository it is, and the folders of ours that stand in for the installation's.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) stanza: String,
    pub(super) configuration: Option<PathBuf>,
    pub(super) locks: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) spool: PathBuf,
}

impl Verb<'_> {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Info | Self::InfoOf { .. } => "info",
            Self::History { .. } => "repo-get",
            Self::Restore { .. } => "restore",
            Self::ArchiveGet { .. } => "archive-get",
        }
    }

    /// The whole list of arguments.
    pub(super) fn arguments(self, setting: &Setting) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.name().into()];
        if matches!(self, Self::Version) {
            return words;
        }
        words.extend(setting.configuration.iter().map(|path| joined("--config=", path)));
        words.push(format!("--stanza={}", setting.stanza).into());
        // It takes no lock, and knows no option for one.
        if !matches!(self, Self::History { .. }) {
            words.push(joined("--lock-path=", &setting.locks));
        }
        words.push(joined("--log-path=", &setting.logs));
        words.extend(
            ["--log-level-file=off", "--log-level-console=off", "--log-level-stderr=warn"]
                .map(OsString::from),
        );
        match self {
            Self::Version => {}
            Self::Info => words.push("--output=json".into()),
            Self::InfoOf { repository, label } => {
                words.push("--output=json".into());
                words.push(format!("--repo={repository}").into());
                words.push(format!("--set={label}").into());
            }
            Self::History { repository, stanza, archive, timeline } => {
                words.push(format!("--repo={repository}").into());
                words.push("--ignore-missing".into());
                words.push(format!("archive/{stanza}/{archive}/{}", history_name(timeline)).into());
            }
            Self::Restore { repository, label, data, tablespaces, others, jobs } => {
                words.push(format!("--repo={repository}").into());
                words.push(format!("--set={label}").into());
                words.push(format!("--process-max={jobs}").into());
                words.push(joined("--spool-path=", &setting.spool));
                words.extend(into(data));
                words.push(joined("--tablespace-map-all=", others));
                let moved =
                    |(number, place): &(u32, PathBuf)| joined(&format!("--tablespace-map={number}="), place);
                words.extend(tablespaces.iter().map(moved));
                if tablespaces.is_empty() {
                    words.push("--reset-tablespace-map".into());
                }
                words.extend(RESTORE_PINS.map(OsString::from));
            }
            Self::ArchiveGet { repository, file, data, destination } => {
                words.push(format!("--repo={repository}").into());
                words.extend(into(data));
                words.push("--no-archive-async".into());
                words.push(file.into());
                words.push(destination.into());
            }
        }
        words
    }
}

/// Whatever the configuration file or the environment says: `link-all` follows links out of the data folder; `delta`
/// deletes what is not in the backup; `recovery-option` names commands. A `tablespace-map` there wins over
/// `--tablespace-map-all` and writes into live folders, and a tablespace whose name is a path leaves its folder (both
/// seen with 2.45): each is therefore mapped by its number, on the command line, which wins over both.
const RESTORE_PINS: [&str; 8] = [
    "--reset-link-map",
    "--no-link-all",
    "--no-delta",
    "--reset-recovery-option",
    "--reset-db-include",
    "--reset-db-exclude",
    "--archive-mode=off",
    "--type=none",
];

/// The data folder is ours, and on this machine, whatever the stanza says of its own.
fn into(data: &Path) -> [OsString; 2] {
    [joined("--pg1-path=", data), "--reset-pg1-host".into()]
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut word = OsString::from(option);
    word.push(path);
    word
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn setting() -> Setting {
        Setting {
            stanza: "shop".to_owned(),
            configuration: Some("/etc/p.conf".into()),
            locks: "/s/lock".into(),
            logs: "/s/log".into(),
            spool: "/s/spool".into(),
        }
    }

    fn every_verb() -> [Verb<'static>; 6] {
        let (data, others) = (Path::new("/s/data"), Path::new("/s/ts"));
        [
            Verb::Version,
            Verb::Info,
            Verb::InfoOf { repository: 1, label: "--stanza=other" },
            Verb::History { repository: 1, stanza: "--force", archive: "--delta", timeline: 2 },
            Verb::Restore { repository: 1, label: "--force", data, tablespaces: &[], others, jobs: 2 },
            Verb::ArchiveGet { repository: 1, file: "000000010000000000000001", data, destination: others },
        ]
    }

    #[test]
    fn only_verbs_that_read_can_be_formed() {
        // The match makes this test fail to compile when a verb is added: decide here whether it only reads.
        for verb in every_verb() {
            match verb {
                Verb::Version
                | Verb::Info
                | Verb::InfoOf { .. }
                | Verb::History { .. }
                | Verb::Restore { .. }
                | Verb::ArchiveGet { .. } => {}
            }
        }
        let formed: BTreeSet<_> = every_verb().map(|verb| verb.arguments(&setting())[0].clone()).into();
        let allowed = ["archive-get", "info", "repo-get", "restore", "version"].map(OsString::from);
        assert_eq!(formed.into_iter().collect::<Vec<_>>(), allowed);
    }

    #[test]
    fn every_path_that_is_written_to_is_ours_and_no_label_becomes_an_option() {
        for verb in every_verb().into_iter().skip(1) {
            let words: Vec<_> =
                verb.arguments(&setting()).into_iter().map(|w| w.into_string().unwrap()).collect();
            let locked = words[0] != "repo-get";
            assert_eq!(words.iter().any(|word| word == "--lock-path=/s/lock"), locked, "{words:?}");
            for needed in ["--log-path=/s/log", "--log-level-file=off"] {
                assert!(words.iter().any(|word| word == needed), "{needed} in {words:?}");
            }
            assert!(
                !words.iter().any(|word| word == "--force" || word == "--delta" || word == "--link-all"),
                "{words:?}"
            );
        }
        let [.., restore, get] = every_verb();
        let restore = restore.arguments(&setting());
        for needed in RESTORE_PINS.into_iter().chain([
            "--pg1-path=/s/data",
            "--tablespace-map-all=/s/ts",
            "--spool-path=/s/spool",
        ]) {
            assert!(restore.contains(&needed.into()), "{needed}");
        }
        assert!(restore.contains(&"--reset-tablespace-map".into()));
        let moved = [(16_384, PathBuf::from("/s/ts/16384"))];
        let (data, others) = (Path::new("/s/data"), Path::new("/s/ts"));
        let mapped = Verb::Restore { repository: 1, label: "x", data, tablespaces: &moved, others, jobs: 1 };
        let mapped = mapped.arguments(&setting());
        assert!(mapped.contains(&"--tablespace-map=16384=/s/ts/16384".into()));
        assert!(!mapped.contains(&"--reset-tablespace-map".into()), "the two exclude each other");
        assert!(get.arguments(&setting()).contains(&"--no-archive-async".into()));
    }
}
