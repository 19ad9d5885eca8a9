//! Everything that this tool can check. `--explain` and the documentation are written from here.

use evidence_report::{
    record::{Check, Tool},
    run::WAIVER,
};

/// The tool.
pub static TOOL: Tool = Tool {
    name: "backup-restore-smoke",
    version: env!("CARGO_PKG_VERSION"),
    checks: &[
        &ENVIRONMENT,
        &SOURCE_READABLE,
        &SOURCE_UNDISTURBED,
        &SOURCE_APART,
        &BACKUP_MADE,
        &BACKUP_COMPLETE,
        &BACKUP_EXPECTATION,
        &TARGET_HARMLESS,
        &BACKUP_CHOSEN,
        &BACKUP_VERIFIED,
        &BACKUP_WAL,
        &RESTORE_ISOLATED,
        &RESTORE_CONTAINED,
        &RESTORE_GLOBALS,
        &RESTORE_COMPLETED,
        &RESTORE_STEPS,
        &RESTORE_ROWS,
        &RESTORE_CONTENT,
        &RESTORE_SEQUENCES,
        &RESTORE_DERIVED,
        &RESTORE_WRITABLE,
        &RECOVERY_TARGET,
        &RECOVERY_TIME,
        &RECOVERY_DATA_LOSS,
        &INTEGRITY_CHECKSUMS,
        &INTEGRITY_AMCHECK,
        &CLEANED_UP,
        &SELF_TEST,
        &WAIVER,
    ],
};

/// What this machine must have for a rehearsal.
pub const ENVIRONMENT: Check = Check {
    id: "rehearsal.environment",
    title: "This machine can rehearse",
    explanation: "A rehearsal needs the PostgreSQL programs of the source's major version, its extensions and \
                  locales, space, and a user id that PostgreSQL accepts. What is missing here says nothing \
                  about the backup: the result is inconclusive, never a failure.",
    remedy: "Install what is named, or name its place (--pg-bin, --scratch), and run again.",
};

/// The source answers and lets itself be read.
pub const SOURCE_READABLE: Check = Check {
    id: "source.readable",
    title: "The source can be read",
    explanation: "The rehearsal opens one read-only snapshot of the source and reads every table in it. A \
                  source that refuses, does not answer or cannot be read in full cannot be backed up either.",
    remedy: "Check host, port, service and role with `psql` and the same connection string.",
};

/// Nobody waited for our locks.
pub const SOURCE_UNDISTURBED: Check = Check {
    id: "source.undisturbed",
    title: "Nobody waited for us",
    explanation: "A dump holds ACCESS SHARE locks on every table; a migration that waits for one makes everyone \
                  behind it wait too. A second connection looks twice a second whether a session waits for us; \
                  after 5 s we let everything go, and the rehearsal ends inconclusive. So it does when the snapshot \
                  is older than --max-snapshot-age: an old snapshot keeps dead rows from being cleared away.",
    remedy: "Rehearse at a time without schema changes, or from a standby.",
};

/// The backup was made.
pub const BACKUP_MADE: Check = Check {
    id: "backup.made",
    title: "The backup was made",
    explanation: "pg_dump ran to its end in the same snapshot that the fingerprint was taken in.",
    remedy: "Read pg_dump's messages in the details; run it by hand with the same role.",
};

/// The copy does not take the source's space.
pub const SOURCE_APART: Check = Check {
    id: "source.apart",
    title: "The scratch does not share the source's disk",
    explanation: "A copy on the file system of the source, of its write-ahead log or of its repository can fill it \
                  and stop production. Where the source is on this machine and its folders can be looked at, they \
                  must lie on another file system than the scratch; where they cannot, that is said.",
    remedy: "Name a folder on another file system with --scratch, or allow it by --scratch-shares-filesystem.",
};

/// The dump is all there.
pub const BACKUP_COMPLETE: Check = Check {
    id: "backup.complete",
    title: "The backup is whole",
    explanation: "The dump is read through before anything of it is restored. A script must end with pg_dump's last \
                  line, not within a statement or within rows; an archive must have a table of contents that can \
                  be read and every block of data that it names, each to its end and its checksum. The stock tools \
                  restore a script that was cut within rows, a directory whose file was emptied or halved, and say \
                  nothing.",
    remedy: "Do not rely on this backup. Make another, and look at why this one is not whole (disk, transfer, a \
             killed pg_dump).",
};

/// Something besides the dump says what it should hold.
pub const BACKUP_EXPECTATION: Check = Check {
    id: "backup.expectation",
    title: "Something says what the backup should contain",
    explanation: "A dump by itself cannot show that it holds what the source held: one byte that was changed in an \
                  uncompressed dump restores without an error. Only a fingerprint that was taken with the dump can.",
    remedy: "Make a fingerprint with each dump, and give it with --fingerprint.",
};

/// A server of the user's takes the copy.
pub const TARGET_HARMLESS: Check = Check {
    id: "target.harmless",
    title: "The target is a server kept for rehearsals",
    explanation: "A server given by --target must be another cluster than the source's (by its system identifier), \
                  no standby, and not the source's address. Only a database that this run made and marked is \
                  written to, and only such a one is ever dropped; roles and settings of the server stay as they \
                  are.",
    remedy: "Name a server that is kept for rehearsals, or leave --target out and use a scratch cluster.",
};

/// The copy could reach nobody.
pub const RESTORE_ISOLATED: Check = Check {
    id: "restore.isolated",
    title: "The copy reaches nobody",
    explanation: "The restored server listens on a unix socket only, archives nothing, loads no preload \
                  libraries, and runs in a network namespace of its own, so that foreign tables, subscriptions \
                  or triggers of the copy cannot touch anything real.",
    remedy: "Allow user namespaces for this user (kernel.unprivileged_userns_clone, the container's seccomp \
             profile), or run where the copy's foreign servers cannot be reached.",
};

/// Roles come from the globals.
pub const RESTORE_GLOBALS: Check = Check {
    id: "restore.globals",
    title: "Roles and memberships were restored",
    explanation: "A dump of one database holds no roles. The statements of pg_dumpall --globals-only are judged one by \
                  one and run first; passwords, the right to log in, tablespaces, settings that load libraries and \
                  ALTER SYSTEM are left out. Without them the roles that the dump names are made by name only.",
    remedy: "Keep the output of pg_dumpall --globals-only with each dump, and give it with --globals.",
};

/// The restore ran without an error.
pub const RESTORE_COMPLETED: Check = Check {
    id: "restore.completed",
    title: "The restore ran without an error",
    explanation: "pg_restore brought back every object with its owner and grants, without one error.",
    remedy: "Read the messages in the details: an object that does not restore is missing in an emergency too.",
};

/// The runbook's own steps.
pub const RESTORE_STEPS: Check = Check {
    id: "restore.steps",
    title: "The runbook's steps after a restore ran",
    explanation: "The SQL files of --after-restore are run on the restored database in order, as an \
                  administrator would run them. They count into the recovery time.",
    remedy: "Correct the file that is named; it would fail in an emergency too.",
};

/// The dump's rows are in the copy.
pub const RESTORE_ROWS: Check = Check {
    id: "restore.rows",
    title: "Every row of the dump came back",
    explanation: "The rows of COPY are counted in the dump itself, table by table, and in the copy. This shows that the \
                  restore lost none; what the dump never held, and whether a value is right, only a fingerprint tells \
                  (restore.content).",
    remedy: "Compare the named table in the copy with the dump; look for triggers or rules that swallow rows.",
};

/// The restored rows are the source's rows.
pub const RESTORE_CONTENT: Check = Check {
    id: "restore.content",
    title: "The content is the same",
    explanation: "Every table (each partition; large objects count as a table) is fingerprinted inside the \
                  snapshot that the dump is taken from, and again in the restored copy: the number of rows and \
                  the sum of the 64-bit hashes of every row's text. A missing, extra or changed row and a \
                  missing table change it.",
    remedy: "Do not rely on this backup. Compare the named table in the copy and in the source.",
};

/// The sequences stand where they stood.
pub const RESTORE_SEQUENCES: Check = Check {
    id: "restore.sequences",
    title: "The sequences stand where they stood",
    explanation: "Sequences do not belong to a snapshot: a restored one must lie between what was read before \
                  the dump and after it. One that is behind hands out keys that exist already.",
    remedy: "Set the named sequence behind the largest key after a restore, and find out why it was lost.",
};

/// What is computed or left out by a dump.
pub const RESTORE_DERIVED: Check = Check {
    id: "restore.derived",
    title: "What a dump leaves out or computes anew",
    explanation: "The content of foreign tables and of tables that belong to an extension is not part of a \
                  dump; materialised views are computed anew. They are listed, not compared.",
    remedy: "Back up foreign servers by themselves; refresh materialised views when they matter.",
};

/// The restored database takes a committed write.
pub const RESTORE_WRITABLE: Check = Check {
    id: "restore.writable",
    title: "An application can write",
    explanation: "A role without superuser rights connects, writes a row and commits; another connection sees \
                  the transaction committed and the row. Only then is a database recovered.",
    remedy: "Read the message: an application would meet the same refusal after a restore.",
};

/// Recovery time against its objective.
pub const RECOVERY_TIME: Check = Check {
    id: "recovery.time",
    title: "Recovery time",
    explanation: "Measured from the start of the restore work (the simulated incident, with the backup at hand) \
                  to the first committed write of an application, and held against --rto. Detection, the \
                  decision, fetching the backup and other hardware are not in the figure.",
    remedy: "Restore with more jobs or better disks, use a physical backup, or agree on another objective.",
};

/// Data loss against its objective.
pub const RECOVERY_DATA_LOSS: Check = Check {
    id: "recovery.data_loss",
    title: "Data loss",
    explanation: "What would be lost is the age of the newest backup at the incident. A backup that the \
                  rehearsal made itself is seconds old and would flatter: it is judged only when the age of \
                  the real one is given by --backup-age.",
    remedy: "Back up more often, or archive the write-ahead log; give --backup-age to have it judged.",
};

/// Nothing is left.
pub const CLEANED_UP: Check = Check {
    id: "rehearsal.cleaned_up",
    title: "Nothing is left behind",
    explanation: "The throw-away server has ended and its folder with the copy of the data is gone.",
    remedy: "Run `backup-restore-smoke sweep`; it ends and removes what its journal names.",
};

/// The tool can fail.
pub const SELF_TEST: Check = Check {
    id: "self_test.faults",
    title: "Every fault is caught",
    explanation: "`self-test` makes the faults of the field on throw-away clusters, types a rehearsal of each, and \
                  looks whether its own check caught it, with the right exit code and nothing left behind; healthy \
                  backups in difficult settings have to pass.",
    remedy: "Do not rely on the checks that are named; report what slipped through as a defect.",
};

/// A physical backup was there, and could be unpacked.
pub const BACKUP_CHOSEN: Check = Check {
    id: "backup.chosen",
    title: "A backup was there",
    explanation: "The newest physical backup that existed at the incident, or the one that was named, was found, \
                  and its files could be read and unpacked to their end: label, control file and every \
                  tablespace are there.",
    remedy: "Do not rely on this backup; look at the named file, and take another one.",
};

/// The files of a base backup are those of its manifest.
pub const BACKUP_VERIFIED: Check = Check {
    id: "backup.verified",
    title: "The backup's files are what was written",
    explanation: "pg_verifybackup holds every file of a base backup against its manifest: none is missing, none \
                  is there in excess, and each has its size and checksum. An increment is verified before the \
                  chain is combined.",
    remedy: "Do not rely on this backup: its storage changed or lost what was written. Take another one.",
};

/// The write-ahead log is whole.
pub const BACKUP_WAL: Check = Check {
    id: "backup.wal",
    title: "The write-ahead log is whole",
    explanation: "Every segment from the start of the backup to the target of the recovery is there, whole, and of \
                  this cluster. PostgreSQL takes the first gap for the end of the log and starts happily, \
                  without the commits behind it.",
    remedy: "Find out why the named segment was not archived or was lost; until then recovery ends before it. Take \
             a new base backup, which needs no older segment.",
};

/// Nothing in the copy leads out of the scratch.
pub const RESTORE_CONTAINED: Check = Check {
    id: "restore.contained",
    title: "The copy writes only into the scratch",
    explanation: "A base backup holds links to the live tablespaces of its source. Every tablespace is linked anew \
                  into the scratch, and before the first start every link of the copy must resolve inside it; no \
                  file may have a second name outside; and the write-ahead log must not make a tablespace anew \
                  at its old place. Otherwise nothing is started.",
    remedy: "Take the link that is named out of the backup, or rehearse a backup that pg_basebackup made.",
};

/// Recovery came where it was to end.
pub const RECOVERY_TARGET: Check = Check {
    id: "recovery.target",
    title: "Recovery reached its target",
    explanation: "The copy recovers to the time, the place in the log or the restore point that was asked for, and \
                  is looked at before it is promoted. A log that ends earlier is a failure, never a server that \
                  started without its last commits.",
    remedy: "Read the message: the log ends before the target, or holds no such restore point. Check the archive, \
             and whether the target lies after the backup's end.",
};

/// Page checksums.
pub const INTEGRITY_CHECKSUMS: Check = Check {
    id: "integrity.checksums",
    title: "Page checksums",
    explanation: "pg_checksums reads every page of the recovered copy after a clean shutdown. It needs a cluster that \
                  was made with data checksums.",
    remedy: "Find the disk that returns other bytes than were written: the backup, or the source itself, is \
             corrupt.",
};

/// Structure of heaps and indexes.
pub const INTEGRITY_AMCHECK: Check = Check {
    id: "integrity.amcheck",
    title: "Heaps and indexes are sound",
    explanation: "pg_amcheck looks at every heap and every btree index of every database of the copy; with \
                  --heapallindexed also whether each row stands in each index. It finds what checksums do not: \
                  pages that were written wrong, and indexes whose order another collation broke.",
    remedy: "Run pg_amcheck on the source as well: if it finds the same, REINDEX or repair there; otherwise the \
             backup is bad.",
};
