//! The faults, one a file. Each names the check that has to catch it; `tests/it/self_test.rs` lists the checks
//! that none proves, with reasons. A new one: a file, its `mod` and its line in [`FAULTS`].

mod broken_globals;
mod broken_index;
mod broken_page;
mod broken_step;
mod cancelled_query;
mod changed_row;
mod commands;
mod corrupt_record;
mod cut_archive;
mod cut_dump;
mod cut_fingerprint;
mod cut_globals;
mod cut_script;
mod cut_segment;
mod cut_tar;
mod damage;
mod dead_server;
mod deadline;
mod deaf_server;
mod deleted_data_file;
mod disk;
mod doubled_row;
mod dropped_table;
mod dumped_extension;
mod dumped_page;
mod dumps;
mod emptied_data_file;
mod emptied_table_file;
mod empty_backup;
mod expired_role;
mod false_assertion;
mod flipped_bit;
mod flipped_byte;
mod flipped_packed_byte;
mod flipped_page;
mod foreign_view;
mod full_disk;
mod full_disk_later;
mod full_disk_step;
mod halved_data_file;
mod hidden_rows;
mod hold;
mod kept;
mod killed;
mod killed_copy;
mod killed_source;
mod left_branch;
mod live_tablespace;
mod locked_parent;
mod locked_table;
mod lone_backup;
mod lost_comment;
mod lost_constraint;
mod lost_control_file;
mod lost_default;
mod lost_extension;
mod lost_file;
mod lost_grant;
mod lost_index;
mod lost_large_object;
mod lost_policy;
mod lost_row;
mod lost_table;
mod lost_table_file;
mod lost_view;
mod missed_night;
mod missed_rpo;
mod missed_rto;
mod missing_database;
mod missing_extension;
mod missing_role;
mod missing_segment;
mod newer_dump;
mod no_backups;
mod no_fingerprint;
mod no_more_connections;
mod no_programs;
mod old_backup;
mod old_snapshot;
mod orphan;
mod other_major;
mod other_majors_files;
mod read_only_copy;
mod read_only_disk;
mod repositories;
mod sequence_behind;
mod shared_disk;
mod shared_repository;
mod short_log;
mod short_retention;
mod shrunken_backup;
mod silent_page;
mod silent_source;
mod small_backup;
mod small_disk;
mod sound;
mod source_as_target;
mod swallowed_row;
mod terminated;
mod unknown_age;
mod unknown_target;
mod unqualified_function;
mod unreadable_table;
mod unverified_page;
mod waiting_migration;
mod wide_schedule;
mod wrong_password;

use super::fault::Fault;

/// What is sound: of this nothing may be said.
pub static SOUND: &[&Fault] = &[
    &sound::DATABASE,
    &sound::NO_CHECKSUMS,
    &sound::HAMMERED,
    &sound::LATIN,
    &sound::ODD_NAMES,
    &sound::TABLESPACE,
    &sound::HURRIED,
    &sound::STALE_LOCK,
    &sound::EMBEDDED,
    &sound::DUMP,
    &sound::SCHEDULE,
    &sound::BASE_BACKUP,
    &sound::POINT_IN_TIME,
    &sound::HUNG_RESTORE_COMMAND,
    &sound::FAILING_RESTORE_COMMAND,
    &sound::STALE_PID_FILE,
    &commands::SOUND,
    &repositories::PGBACKREST,
    &repositories::PGBACKREST_LOCKED,
    &repositories::BARMAN,
];

/// The faults, in the order in which they are shown.
pub static FAULTS: &[&Fault] = &[
    &locked_table::FAULT,
    &locked_parent::FAULT,
    &waiting_migration::FAULT,
    &old_snapshot::FAULT,
    &wrong_password::FAULT,
    &expired_role::FAULT,
    &missing_database::FAULT,
    &dead_server::FAULT,
    &deaf_server::FAULT,
    &no_more_connections::FAULT,
    &unreadable_table::FAULT,
    &hidden_rows::FAULT,
    &dropped_table::FAULT,
    &cancelled_query::FAULT,
    &cut_fingerprint::FAULT,
    &cut_dump::FAULT,
    &silent_source::FAULT,
    &killed_source::FAULT,
    &broken_page::FAULT,
    &flipped_bit::FAULT,
    &cut_archive::FAULT,
    &cut_script::FAULT,
    &deleted_data_file::FAULT,
    &emptied_data_file::FAULT,
    &halved_data_file::FAULT,
    &flipped_packed_byte::FAULT,
    &no_fingerprint::FAULT,
    &flipped_byte::FAULT,
    &dumped_page::FAULT,
    &cut_globals::FAULT,
    &broken_globals::FAULT,
    &missing_role::FAULT,
    &swallowed_row::FAULT,
    &source_as_target::FAULT,
    &missing_segment::FAULT,
    &left_branch::FAULT,
    &cut_segment::FAULT,
    &corrupt_record::FAULT,
    &unknown_target::FAULT,
    &short_log::FAULT,
    &commands::HUNG_LIST,
    &commands::HUNG_FETCH,
    &commands::HUNG_WAL,
    &commands::FAILING_LIST,
    &commands::FAILING_FETCH,
    &commands::FAILING_WAL,
    &commands::UNDECIDED_WAL,
    &commands::LOST_WAL,
    &repositories::PGBACKREST_LOST_WAL,
    &repositories::PGBACKREST_DAMAGED_WAL,
    &repositories::PGBACKREST_DAMAGED_FILE,
    &repositories::PGBACKREST_OTHER_STANZA,
    &repositories::PGBACKREST_NONE_SO_OLD,
    &repositories::PGBACKREST_EMPTIED,
    &repositories::BARMAN_LOST_WAL,
    &repositories::BARMAN_DAMAGED_FILE,
    &repositories::BARMAN_OTHER_SERVER,
    &repositories::BARMAN_NONE_SO_OLD,
    &flipped_page::FAULT,
    &lost_file::FAULT,
    &unverified_page::FAULT,
    &lost_table_file::FAULT,
    &emptied_table_file::FAULT,
    &lost_control_file::FAULT,
    &cut_tar::FAULT,
    &live_tablespace::FAULT,
    &broken_index::FAULT,
    &silent_page::FAULT,
    &lost_row::FAULT,
    &changed_row::FAULT,
    &doubled_row::FAULT,
    &lost_table::FAULT,
    &lost_view::FAULT,
    &lost_large_object::FAULT,
    &sequence_behind::FAULT,
    &lost_default::FAULT,
    &lost_constraint::FAULT,
    &lost_index::FAULT,
    &lost_policy::FAULT,
    &lost_grant::FAULT,
    &lost_comment::FAULT,
    &lost_extension::FAULT,
    &orphan::FAULT,
    &unqualified_function::FAULT,
    &foreign_view::FAULT,
    &broken_step::FAULT,
    &read_only_copy::FAULT,
    &missed_rto::FAULT,
    &missed_rpo::FAULT,
    &unknown_age::FAULT,
    &false_assertion::FAULT,
    &no_backups::FAULT,
    &empty_backup::FAULT,
    &old_backup::FAULT,
    &missed_night::FAULT,
    &small_backup::FAULT,
    &shrunken_backup::FAULT,
    &lone_backup::FAULT,
    &short_retention::FAULT,
    &wide_schedule::FAULT,
    &no_programs::FAULT,
    &other_major::FAULT,
    &missing_extension::FAULT,
    &dumped_extension::FAULT,
    &newer_dump::FAULT,
    &shared_disk::FAULT,
    &shared_repository::FAULT,
    &other_majors_files::FAULT,
    &small_disk::FAULT,
    &full_disk::FAULT,
    &full_disk_later::FAULT,
    &full_disk_step::FAULT,
    &read_only_disk::FAULT,
    &killed_copy::FAULT,
    &deadline::FAULT,
    &terminated::SNAPSHOT,
    &terminated::FINGERPRINT,
    &terminated::DUMP,
    &terminated::INITDB,
    &terminated::START,
    &terminated::RESTORE,
    &terminated::WRITE,
    &terminated::FETCH,
    &terminated::RECOVERY,
    &terminated::VERIFY,
    &killed::SNAPSHOT,
    &killed::FINGERPRINT,
    &killed::DUMP,
    &killed::INITDB,
    &killed::START,
    &killed::RESTORE,
    &killed::WRITE,
    &killed::FETCH,
    &killed::RECOVERY,
    &killed::VERIFY,
];
