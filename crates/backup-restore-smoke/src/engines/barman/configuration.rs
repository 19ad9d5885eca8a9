//! The configuration that Barman is given by us: what the user's own says of where the backups are and how they are
//! packed, and nothing else. Pure: text comes in, text goes out.
//!
//! `barman recover` with the user's own configuration moves what stands in `incoming` into the catalogue, writes into
//! `barman.log`, takes locks beside the backups and runs the hook scripts (seen with 3.4). Ours has folders of the
//! scratch for all of these, no hooks, no retention, and no way to the server.

use std::path::{Path, PathBuf};

use super::super::ini::Ini;

/// What is taken over: where the backups and the segments are, and how they were packed.
const TAKEN_OVER: [&str; 11] = [
    "backup_directory",
    "basebackups_directory",
    "wals_directory",
    "compression",
    "custom_compression_filter",
    "custom_decompression_filter",
    "custom_compression_magic",
    "backup_compression",
    "backup_compression_format",
    "backup_compression_location",
    "parallel_jobs",
];

/// The folders that ours has instead, below one of the scratch.
pub(super) const FOLDERS: [&str; 5] = ["locks", "incoming", "streaming", "errors", "staging"];

/// Where the server's backups are, as the user's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Catalogue {
    server: String,
    home: String,
    settings: Vec<(&'static str, String)>,
    incoming: Option<String>,
    streaming: Option<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    NoHome,
    NoServer,
}

impl Catalogue {
    /// Takes over what is needed of a server.
    ///
    /// # Errors
    /// When the configuration does not name it.
    pub(super) fn of(ini: &Ini, server: &str) -> Result<Self, Unusable> {
        if !ini.has_section(server) {
            return Err(Unusable::NoServer);
        }
        let own = |key: &str| ini.value(server, key).map(str::to_owned);
        let value = |key: &str| own(key).or_else(|| ini.value("barman", key).map(str::to_owned));
        Ok(Self {
            home: ini.value("barman", "barman_home").ok_or(Unusable::NoHome)?.to_owned(),
            settings: TAKEN_OVER.iter().filter_map(|key| Some((*key, value(key)?))).collect(),
            incoming: own("incoming_wals_directory"),
            streaming: own("streaming_wals_directory"),
            server: server.to_owned(),
        })
    }

    /// The folder of the server's backups.
    pub(super) fn folder(&self) -> PathBuf {
        let named = self.settings.iter().find(|(key, _)| *key == "backup_directory");
        named.map_or_else(
            || Path::new(&self.plain(&self.home)).join(&self.server),
            |(_, path)| self.path(path),
        )
    }

    /// The folder of the segments in the catalogue.
    pub(super) fn segments(&self) -> PathBuf {
        let named = self.settings.iter().find(|(key, _)| *key == "wals_directory");
        named.map_or_else(|| self.folder().join("wals"), |(_, path)| self.path(path))
    }

    /// Where segments stand that Barman has not taken into its catalogue yet.
    pub(super) fn arrivals(&self) -> [PathBuf; 2] {
        let place = |named: &Option<String>, usual: &str| {
            named.as_deref().map_or_else(|| self.folder().join(usual), |path| self.path(path))
        };
        [place(&self.incoming, "incoming"), place(&self.streaming, "streaming")]
    }

    fn path(&self, text: &str) -> PathBuf {
        PathBuf::from(self.plain(text))
    }

    /// A value as Barman takes it: without quotes, its references put in.
    fn plain(&self, text: &str) -> String {
        let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
        let text = inner.unwrap_or(text).replace("%(name)s", &self.server);
        if text.contains("%(barman_home)s") {
            text.replace("%(barman_home)s", &self.plain(&self.home))
        } else {
            text
        }
    }

    /// The configuration for one run: locks, log and whatever else is written go into `scratch`.
    pub(super) fn text(&self, user: &str, scratch: &Path) -> String {
        let place = |name: &str| scratch.join(name).display().to_string().replace('%', "%%");
        let mut lines = vec![
            "[barman]".to_owned(),
            format!("barman_home = {}", self.home),
            format!("barman_user = {user}"),
            format!("log_file = {}", place("barman.log")),
            format!("barman_lock_directory = {}", place("locks")),
            format!("[{}]", self.server),
            // Barman refuses a server without a connection; this one leads nowhere.
            format!("conninfo = host={} dbname=postgres", place("nowhere")),
            "backup_method = postgres".to_owned(),
            "archiver = on".to_owned(),
            format!("incoming_wals_directory = {}", place("incoming")),
            format!("streaming_wals_directory = {}", place("streaming")),
            format!("errors_directory = {}", place("errors")),
            format!("recovery_staging_path = {}", place("staging")),
        ];
        lines.extend(self.settings.iter().map(|(key, value)| format!("{key} = {value}")));
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[barman]\nbarman_home = /b\nlog_file = /var/log/barman/barman.log\nbarman_user = barman\n\
        pre_recovery_script = /bin/global-hook\nbarman_lock_directory = /run/barman\ncompression = gzip\n\
        configuration_files_directory = /etc/barman.d\n\
        [shop]\nconninfo = host=db password=secret\nssh_command = ssh db\npost_recovery_script = /bin/hook\n\
        archiver = on\nretention_policy = REDUNDANCY 1\ncompression = bzip2\nslot_name = x\n\
        incoming_wals_directory = \"%(barman_home)s/in/%(name)s\"\n";

    #[test]
    fn what_could_write_run_or_reach_out_is_not_taken_over() {
        let catalogue = Catalogue::of(&Ini::read(TEXT), "shop").unwrap();
        let text = catalogue.text("me", Path::new("/s"));
        for forbidden in
            ["hook", "secret", "ssh", "retention", "slot", "/var/log", "/run/barman", "barman.d", "/in/"]
        {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
        for needed in [
            "barman_home = /b\n",
            "compression = bzip2\n",
            "log_file = /s/barman.log\n",
            "barman_user = me\n",
        ] {
            assert!(text.contains(needed), "{needed} in {text}");
        }
        assert_eq!(catalogue.folder(), Path::new("/b/shop"));
        assert_eq!(catalogue.arrivals(), [PathBuf::from("/b/in/shop"), PathBuf::from("/b/shop/streaming")]);
    }

    #[test]
    fn a_server_that_is_not_configured_is_told() {
        assert_eq!(Catalogue::of(&Ini::read(TEXT), "other"), Err(Unusable::NoServer));
        assert_eq!(Catalogue::of(&Ini::read("[shop]\nx = y\n"), "shop"), Err(Unusable::NoHome));
    }
}
