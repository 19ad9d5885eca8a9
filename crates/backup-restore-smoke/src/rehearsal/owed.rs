//! What a rehearsal owes by its plan: the checks without which it is no pass, whatever became of their observation.

use evidence_report::{record::Check, run::Run};

use crate::{
    checks::{
        BACKUP_CHOSEN, BACKUP_COMPLETE, BACKUP_EXPECTATION, BACKUP_MADE, BACKUP_VERIFIED, BACKUP_WAL,
        CLEANED_UP, INTEGRITY_AMCHECK, INTEGRITY_CHECKSUMS, INTEGRITY_FILES, RECOVERY_CANARY,
        RECOVERY_DATA_LOSS, RECOVERY_EXPOSURE, RECOVERY_TARGET, RECOVERY_TIME, RECOVERY_TIMELINE,
        RESTORE_ASSERTIONS, RESTORE_COLLATIONS, RESTORE_COMMENTS, RESTORE_COMPLETED, RESTORE_CONSTRAINTS,
        RESTORE_CONTAINED, RESTORE_CONTENT, RESTORE_EXTENSIONS, RESTORE_GLOBALS, RESTORE_GRANTS,
        RESTORE_INDEXES, RESTORE_ISOLATED, RESTORE_ROW_SECURITY, RESTORE_ROWS, RESTORE_SCHEMA,
        RESTORE_SEQUENCES, RESTORE_STEPS, RESTORE_WRITABLE, SOURCE_READABLE, SOURCE_UNDISTURBED,
        TARGET_HARMLESS,
    },
    plan::{Amcheck, Backup, Rehearse},
};

/// What a rehearsal is made for: each of these came to a result, or is said not to have been checked.
pub(super) const ESSENTIAL: [&Check; 3] = [&RESTORE_CONTENT, &RESTORE_WRITABLE, &RECOVERY_TIME];

/// What every rehearsal says besides, be it that it was not asked for.
const OWED: [&Check; 2] = [&CLEANED_UP, &RECOVERY_DATA_LOSS];

/// What a dump is asked that is made now.
const OF_A_NEW_DUMP: [&Check; 4] = [&SOURCE_READABLE, &SOURCE_UNDISTURBED, &BACKUP_MADE, &RESTORE_COMPLETED];

/// What a dump is asked that exists.
const OF_A_DUMP: [&Check; 4] = [&BACKUP_COMPLETE, &BACKUP_EXPECTATION, &RESTORE_COMPLETED, &RESTORE_ROWS];

/// What the files of a cluster are asked.
const OF_FILES: [&Check; 10] = [
    &BACKUP_CHOSEN,
    &BACKUP_EXPECTATION,
    &BACKUP_VERIFIED,
    &BACKUP_WAL,
    &RESTORE_CONTAINED,
    &RECOVERY_TARGET,
    &RECOVERY_TIMELINE,
    &INTEGRITY_FILES,
    &INTEGRITY_CHECKSUMS,
    &INTEGRITY_AMCHECK,
];

/// Whoever compares content compares all of these: each is told of, also where nothing differs.
pub(crate) const COMPARED: [&Check; 9] = [
    &RESTORE_SEQUENCES,
    &RESTORE_SCHEMA,
    &RESTORE_CONSTRAINTS,
    &RESTORE_INDEXES,
    &RESTORE_ROW_SECURITY,
    &RESTORE_GRANTS,
    &RESTORE_COMMENTS,
    &RESTORE_EXTENSIONS,
    &RESTORE_COLLATIONS,
];

/// By the plan of a rehearsal.
pub(super) fn by(work: &Rehearse, run: &Run) {
    run.owes(ESSENTIAL);
    run.owes(OWED);
    run.owes_beside(&RESTORE_CONTENT, COMPARED);
    let into_scratch = work.target.is_none();
    let (of_backup, globals): (&[&Check], bool) = match &work.backup {
        Backup::DumpNow => (&OF_A_NEW_DUMP, false),
        Backup::DumpFile(existing) => (&OF_A_DUMP, existing.globals.is_some()),
        Backup::Physical(_) => (&OF_FILES, false),
        Backup::Unrecognised(_) => (&[&BACKUP_COMPLETE], false),
    };
    run.owes(of_backup.iter().copied());
    let is_dump = matches!(work.backup, Backup::DumpNow | Backup::DumpFile(_));
    let asked = [
        (!work.assertions.is_empty(), &RESTORE_ASSERTIONS),
        (!work.after_restore.is_empty(), &RESTORE_STEPS),
        (globals, &RESTORE_GLOBALS),
        (into_scratch, &RESTORE_ISOLATED),
        (!into_scratch, &TARGET_HARMLESS),
        (into_scratch && is_dump, &RECOVERY_CANARY),
        (into_scratch && is_dump && work.amcheck != Amcheck::Off, &INTEGRITY_AMCHECK),
        (into_scratch && work.schedule.is_some(), &RECOVERY_EXPOSURE),
    ];
    run.owes(asked.into_iter().filter(|(asked, _)| *asked).map(|(_, check)| check));
}
