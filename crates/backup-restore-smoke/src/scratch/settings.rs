//! What stands on the command line of every throw-away server, so that no file and no `ALTER SYSTEM` of a copy can undo
//! it. Pure.

use std::path::Path;

use super::quiet;

/// Begins each line of the server's log, so that SQLSTATE and message can be read from it.
const LOG_PREFIX: &str = "@%e@";

/// What stands on the server's command line, where no `ALTER SYSTEM` of the copy can undo it.
pub(super) fn settings(major: u32, socket: &Path) -> Vec<String> {
    let mut settings: Vec<String> = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        // The copy reaches nobody and writes nowhere else.
        "archive_mode=off",
        "archive_command=",
        "primary_conninfo=",
        "restore_command=",
        "recovery_end_command=",
        "shared_preload_libraries=",
        "max_logical_replication_workers=0",
        "wal_level=minimal",
        "max_wal_senders=0",
        // A crashed backend ends the server, so that nobody takes half a restore for a whole one.
        "restart_after_crash=off",
        // Durable as in production, with the settings that a restore is usually given.
        "fsync=on",
        "autovacuum=off",
        "maintenance_work_mem=256MB",
        "max_wal_size=8GB",
        "checkpoint_timeout=30min",
        "max_locks_per_transaction=1024",
        // Shared memory in files of the data folder: in /dev/shm a kill -9 would leave it behind.
        "dynamic_shared_memory_type=mmap",
        // The log is read for SQLSTATE and messages; rows do not go into it.
        "logging_collector=off",
        "log_destination=stderr",
        "log_error_verbosity=default",
        "log_min_messages=warning",
        "log_min_error_statement=panic",
        "log_statement=none",
        "log_checkpoints=off",
        "lc_messages=C",
    ]
    .map(str::to_owned)
    .into();
    if major >= 14 {
        // A busy backend learns of its client's death within a second, and so of a kill -9 of ours.
        settings.push("client_connection_check_interval=1s".to_owned());
    }
    if major >= 15 {
        settings.push("archive_library=".to_owned());
    }
    settings.extend(quiet::settings(major));
    settings.push(format!("log_line_prefix={LOG_PREFIX}"));
    settings.push(format!("unix_socket_directories={}", quoted_list_item(socket)));
    settings
}

/// A folder inside a comma-separated setting.
fn quoted_list_item(folder: &Path) -> String {
    format!("\"{}\"", folder.to_string_lossy().replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_reach_out_or_run_a_program_is_off_by_the_command_line() {
        let all = settings(18, Path::new("/s/a \"b\""));
        for needed in [
            "listen_addresses=",
            "archive_mode=off",
            "archive_command=",
            "archive_library=",
            "primary_conninfo=",
            "restore_command=",
            "recovery_end_command=",
            "shared_preload_libraries=",
            "session_preload_libraries=",
            "local_preload_libraries=",
            "event_triggers=off",
            "max_logical_replication_workers=0",
            "logging_collector=off",
            "unix_socket_permissions=0700",
            "unix_socket_directories=\"/s/a \"\"b\"\"\"",
        ] {
            assert!(all.iter().any(|setting| setting == needed), "{needed} in {all:?}");
        }
        // What an older server does not know would keep it from starting.
        let old = settings(13, Path::new("/s"));
        for unknown in ["archive_library", "event_triggers", "client_connection_check_interval"] {
            assert!(!old.iter().any(|setting| setting.starts_with(unknown)), "{unknown} in {old:?}");
        }
    }
}
