//! How a physical copy is started: with a configuration of our own, and everything that could reach out, write
//! elsewhere or wait for a person on the command line, which no file of the backup can undo.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use jiff::Timestamp;

use crate::{
    control_data::ControlData,
    engines::physical::Landing,
    plan::{Recovery, RecoveryTarget},
};

/// Who may connect to the copy: whoever reaches its socket, which is ours alone.
const RULES: &str = "local all all trust\n";

/// Writes the copy's own configuration files beside its data folder, and gives the settings that name them.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn own_configuration(home: &Path) -> std::io::Result<Vec<String>> {
    let files = [
        ("config_file", "postgresql.conf", ""),
        ("hba_file", "pg_hba.conf", RULES),
        ("ident_file", "pg_ident.conf", ""),
    ];
    let mut settings = Vec::new();
    for (setting, name, text) in files {
        let path = home.join(name);
        fs_err::write(&path, text)?;
        // The server's own user reads them, whatever the umask is; there is no secret in them.
        fs_err::set_permissions(&path, Permissions::from_mode(0o644))?;
        settings.push(format!("{setting}={}", path.display()));
    }
    Ok(settings)
}

/// The settings of the recovery. A copy must not have less room than its source had: PostgreSQL would refuse.
pub(crate) fn settings(landing: &Landing, control: &ControlData, recovery: &Recovery) -> Vec<String> {
    let room = [
        ("max_connections", control.max_connections.max(100)),
        ("max_worker_processes", control.max_worker_processes.max(16)),
        ("max_wal_senders", control.max_wal_senders.max(10)),
        ("max_prepared_transactions", control.max_prepared_transactions.max(16)),
        ("max_locks_per_transaction", control.max_locks_per_transaction.max(256)),
    ];
    let mut settings: Vec<String> = room.map(|(name, value)| format!("{name}={value}")).into();
    settings.extend(
        [
            "hot_standby=on",
            "wal_level=replica",
            "external_pid_file=",
            "archive_cleanup_command=",
            "primary_slot_name=",
            "synchronous_standby_names=",
            "ssl=off",
            "recovery_target_action=pause",
        ]
        .map(str::to_owned),
    );
    settings.push(format!("restore_command={}", restore_command(&landing.wal)));
    settings.push(format!("recovery_target_timeline={}", recovery.timeline));
    settings.push(format!("recovery_target_inclusive={}", if recovery.inclusive { "on" } else { "off" }));
    settings.extend(match &recovery.target {
        RecoveryTarget::Consistent => Some("recovery_target=immediate".to_owned()),
        RecoveryTarget::Time(at) => Some(format!("recovery_target_time={}", instant(*at))),
        RecoveryTarget::Lsn(place) => Some(format!("recovery_target_lsn={place}")),
        RecoveryTarget::Name(name) => Some(format!("recovery_target_name={name}")),
        RecoveryTarget::End { .. } => None,
    });
    settings
}

/// An instant as this setting takes it: neither `T` nor `Z` are known to it.
fn instant(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', "+00")
}

/// Copies a segment out of the landing, and out of nowhere else. PostgreSQL hands it to a shell, with `%` as
/// its own mark.
fn restore_command(wal: &Path) -> String {
    let folder = wal.to_string_lossy().replace('\'', "'\\''").replace('%', "%%");
    format!("test -f '{folder}'/\"%f\" && cp '{folder}'/\"%f\" \"%p\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_folder_stays_one_word_of_the_command() {
        let command = restore_command(Path::new("/a 'b' 100%/wal"));
        assert_eq!(
            command,
            "test -f '/a '\\''b'\\'' 100%%/wal'/\"%f\" && cp '/a '\\''b'\\'' 100%%/wal'/\"%f\" \"%p\""
        );
    }

    #[test]
    fn an_instant_has_no_letters() {
        let at = Timestamp::from_microsecond(1_000_000_500_000).unwrap();
        assert_eq!(instant(at), "1970-01-12 13:46:40.5+00");
    }

    #[test]
    fn the_copy_has_at_least_its_sources_room_and_one_target() {
        let landing = Landing {
            home: "/h".into(),
            data: "/h/d".into(),
            tablespaces: "/h/t".into(),
            wal: "/h/w".into(),
        };
        let control = ControlData { max_connections: 700, ..ControlData::default() };
        let recovery =
            Recovery { target: RecoveryTarget::Name("x".into()), inclusive: false, timeline: "3".into() };
        let all = settings(&landing, &control, &recovery);
        for wanted in [
            "max_connections=700",
            "max_worker_processes=16",
            "recovery_target_name=x",
            "recovery_target_inclusive=off",
            "recovery_target_timeline=3",
            "archive_cleanup_command=",
            "primary_slot_name=",
            "external_pid_file=",
            "ssl=off",
        ] {
            assert!(all.iter().any(|setting| setting == wanted), "{wanted} in {all:?}");
        }
    }
}
