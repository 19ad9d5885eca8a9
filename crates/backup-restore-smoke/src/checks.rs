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
        &BACKUP_CHOSEN,
        &BACKUP_VERIFIED,
        &BACKUP_WAL,
        &TARGET_HARMLESS,
        &RESTORE_ISOLATED,
        &RESTORE_CONTAINED,
        &RESTORE_GLOBALS,
        &RESTORE_COMPLETED,
        &RESTORE_STEPS,
        &RESTORE_ROWS,
        &RESTORE_CONTENT,
        &RESTORE_SEQUENCES,
        &RESTORE_SCHEMA,
        &RESTORE_CONSTRAINTS,
        &RESTORE_INDEXES,
        &RESTORE_ROW_SECURITY,
        &RESTORE_GRANTS,
        &RESTORE_COMMENTS,
        &RESTORE_EXTENSIONS,
        &RESTORE_COLLATIONS,
        &RESTORE_DERIVED,
        &RESTORE_WRITABLE,
        &RECOVERY_TARGET,
        &RECOVERY_TIMELINE,
        &RECOVERY_TIME,
        &RECOVERY_DATA_LOSS,
        &INTEGRITY_CHECKSUMS,
        &INTEGRITY_AMCHECK,
        &CLEANED_UP,
        &RESTORE_ASSERTIONS,
        &RECOVERY_CANARY,
        &RECOVERY_EXPOSURE,
        &RECOVERY_FORECAST,
        &POLICY_FOUND,
        &POLICY_SOUND,
        &POLICY_NEWEST,
        &POLICY_INTERVAL,
        &POLICY_SIZE,
        &POLICY_DROP,
        &POLICY_REDUNDANCY,
        &POLICY_RETENTION,
        &POLICY_ARCHIVE,
        &CANARY_INSTALLED,
        &CANARY_BEATS,
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
    title: "The scratch does not share the disk of the source or of the backup",
    explanation: "A copy on the file system of the source, of its write-ahead log or of its repository can fill it: \
                  production stops, or no further backup is made. Where the source or the backup (a dump, a base \
                  backup, archived segments, a repository of pgBackRest or Barman) is on this machine and can be \
                  looked at, it must lie on another file system than the scratch; where it cannot, that is said.",
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
                  libraries, and runs in a network namespace of its own, in which it sees no socket of another \
                  program, so that foreign tables, subscriptions or triggers of the copy cannot touch anything \
                  real. Where the kernel allows it, it can write nowhere but into the scratch.",
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
                  the sum of the 64-bit hashes of every row, each a chain over the texts of its columns. A \
                  missing, extra or changed row and a missing table change it.",
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

/// All definitions.
pub const RESTORE_SCHEMA: Check = Check {
    id: "restore.schema",
    title: "The definitions are the same",
    explanation: "Schemas, tables with their columns (type, default, identity, generation, storage), partitions and \
                  inheritance, views, functions, triggers, rules, types, domains, operators, text search, foreign \
                  data, publications, event triggers and statistics are read from the catalogues on both sides, \
                  in a form that does not depend on the major version. Tablespaces are not compared, and of \
                  options that may be secrets only a digest is.",
    remedy: "Read which object differs and in what; restore it from version control, and find out why the backup \
             lacks it.",
};

/// Constraints.
pub const RESTORE_CONSTRAINTS: Check = Check {
    id: "restore.constraints",
    title: "The constraints are the same, and as valid",
    explanation: "Every check, unique, exclusion and primary- and foreign-key constraint of tables and domains, \
                  with whether it is deferrable and whether its rows have been proven (NOT VALID). A restore that \
                  lost one lets bad rows in from then on.",
    remedy: "Add the constraint that is named, and look for rows that break it.",
};

/// Indexes.
pub const RESTORE_INDEXES: Check = Check {
    id: "restore.indexes",
    title: "The indexes are the same, and valid",
    explanation: "Every index with its definition, and whether it is valid and ready: one that is missing or \
                  invalid makes an application slow after a restore, or lets duplicates in.",
    remedy: "Create or REINDEX the index that is named. Is it INVALID in the source, too? Then an index was left \
             half built there.",
};

/// Row security.
pub const RESTORE_ROW_SECURITY: Check = Check {
    id: "restore.row_security",
    title: "Row security is the same",
    explanation: "Whether row security is enabled and forced, table by table, and every policy: without them a \
                  restored database shows rows to people who must not see them.",
    remedy: "Do not open a restored database to users before the named policy is back.",
};

/// Owners and grants.
pub const RESTORE_GRANTS: Check = Check {
    id: "restore.grants",
    title: "Owners and grants are the same",
    explanation: "The owner of every object, what its access list grants beyond the default of its kind (+) or \
                  takes away from it (-), grants on columns and large objects, and default privileges. Where the \
                  backup carries them, also the roles' attributes and memberships, and the database's own owner, \
                  grants and settings; a dump does not, and passwords are never compared.",
    remedy: "Grant or revoke what is named; restore the globals (pg_dumpall --globals-only) first.",
};

/// Comments.
pub const RESTORE_COMMENTS: Check = Check {
    id: "restore.comments",
    title: "The comments are the same",
    explanation: "The comment of every object and column, by digest.",
    remedy: "Was the backup made with --no-comments? Otherwise find out why it lacks them.",
};

/// Extensions.
pub const RESTORE_EXTENSIONS: Check = Check {
    id: "restore.extensions",
    title: "The extensions are there",
    explanation: "Every extension of the source, and its schema. Another version is a warning: a dump installs the \
                  version that the new server brings.",
    remedy: "Install the extension that is named; for another version, read its notes on updating.",
};

/// Locale and collations.
pub const RESTORE_COLLATIONS: Check = Check {
    id: "restore.collations",
    title: "Locale and collations are the same",
    explanation: "Encoding, locale and provider of the database, and the versions of the collations that columns and \
                  indexes use. A difference is a warning: after a physical restore on another operating system \
                  text indexes may be in the wrong order.",
    remedy: "After a physical restore REINDEX what uses the collation, then ALTER … REFRESH COLLATION VERSION.",
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
                  to the first committed write of an application, with every mandatory assertion passed, and \
                  held against --rto. Detection, the decision, fetching the backup and other hardware are not in \
                  the figure.",
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

/// What the user asserts about the restored data.
pub const RESTORE_ASSERTIONS: Check = Check {
    id: "restore.assertions",
    title: "The user's assertions hold",
    explanation: "Each assertion of the configuration is a query on the restored copy, run after the first \
                  committed write by a role without superuser rights, in a READ ONLY transaction with a \
                  timeout. A mandatory one that does not hold is a failure, and the database does not count as \
                  recovered before all of them hold; an advisory one warns. Values of rows are shown with \
                  --show-values only.",
    remedy: "Run the query on the source: where it does not hold there either, mend the data or the \
             assertion; where it does, the backup lost what it asks for.",
};

/// Data loss as the canary measures it.
pub const RECOVERY_CANARY: Check = Check {
    id: "recovery.canary",
    title: "Data loss, measured by the canary",
    explanation: "The newest heartbeat in the restored copy against the incident, by the source's own clock. A \
                  source that did not beat is idle, and nothing is said about loss. Of a backup that the \
                  rehearsal made itself the figure is the least that this way of backing up can lose: it can \
                  miss --rpo, and never prove it.",
    remedy: "`backup-restore-smoke canary install --source … --role …` once, and `canary beat` from a \
             timer; then rehearse again.",
};

/// The worst that the schedule can lose.
pub const RECOVERY_EXPOSURE: Check = Check {
    id: "recovery.exposure",
    title: "Worst-case exposure",
    explanation: "Computed from the schedule, not measured: what an incident just before the next backup is \
                  safe would lose (interval, duration and upload of a backup), or with an archived write-ahead \
                  log archive_timeout and the archive's lag. Held against --rpo.",
    remedy: "Back up more often, archive the write-ahead log with a shorter archive_timeout, or agree on \
             another objective.",
};

/// A recovery time for another size.
pub const RECOVERY_FORECAST: Check = Check {
    id: "recovery.forecast",
    title: "Forecast of the recovery time",
    explanation: "With --forecast SIZE: the recovery time for that size, from the throughput of this and \
                  earlier rehearsals whose evidence stands beside this one. It is arithmetic, not a \
                  measurement, and carries its range; above --rto it warns, and it never passes.",
    remedy: "Rehearse with the real size before anything is promised; restore with more jobs or better \
             disks, or use a physical backup.",
};

/// There are backups.
pub const POLICY_FOUND: Check = Check {
    id: "policy.found",
    title: "Backups are there",
    explanation: "A folder, a pattern, a stanza of pgBackRest or a server of Barman holds at least one backup. \
                  A pattern that matches nothing is a failure, never a pass: that is how backups that stopped \
                  months ago look.",
    remedy: "Look whether the job that makes the backups runs, and whether it writes where it is looked \
             for.",
};

/// The source of backups complains of nothing.
pub const POLICY_SOUND: Check = Check {
    id: "policy.sound",
    title: "Nothing is complained of",
    explanation: "No backup is empty, and the tool that made them reports none of them, and nothing of its \
                  repository, as bad (pgBackRest's status and page checksums, Barman's FAILED).",
    remedy: "Read what the backup tool says about the one that is named; make another, and do not count \
             on this one.",
};

/// The newest backup is young enough.
pub const POLICY_NEWEST: Check = Check {
    id: "policy.newest",
    title: "Age of the newest backup",
    explanation: "The newest backup is at most as old as newest_age allows. The time of a file is read from \
                  its name where one stands in it, so that a copied file does not look fresh; otherwise its \
                  last change. A time that is yet to come proves nothing, and is a failure.",
    remedy: "Look why the last backup was not made or not finished; make one now.",
};

/// The schedule was kept.
pub const POLICY_INTERVAL: Check = Check {
    id: "policy.interval",
    title: "The interval was kept",
    explanation: "No two backups that follow each other lie further apart than interval and a tenth of it, nor \
                  the newest and now, over the last seven intervals (interval_over says otherwise). Older ones \
                  may be thinned out.",
    remedy: "Find out why the schedule was interrupted; a gap that is explained can be waived until it \
             has left the window.",
};

/// The newest backup is large enough.
pub const POLICY_SIZE: Check = Check {
    id: "policy.size",
    title: "Size of the newest backup",
    explanation: "The newest backup is at least as large as minimum_size says: a dump of an empty or of the \
                  wrong database is complete, valid and small.",
    remedy: "Look into the backup for what is missing, and at the job's messages.",
};

/// The newest backup has not shrunk.
pub const POLICY_DROP: Check = Check {
    id: "policy.drop",
    title: "Size against the backups before",
    explanation: "The newest backup is not smaller than the median of the ten before it by more than \
                  maximum_drop. The median, because one odd backup must not move the yardstick.",
    remedy: "Find out what is no longer in the backup, or what was deleted.",
};

/// There are several.
pub const POLICY_REDUNDANCY: Check = Check {
    id: "policy.redundancy",
    title: "Enough backups",
    explanation: "At least so many backups that need no other are there. Incremental and differential ones do \
                  not count: they die with the full one that they lean on.",
    remedy: "Keep more full backups.",
};

/// They reach back far enough.
pub const POLICY_RETENTION: Check = Check {
    id: "policy.retention",
    title: "Retention",
    explanation: "The oldest backup that needs no other reaches back at least as far as retention says. What \
                  is kept beyond keep_at_most (twice the retention unless said) is a warning: old copies of \
                  personal data are a liability.",
    remedy: "Let backups expire later, or earlier; where the schedule is younger than the retention, \
             waive it until it is not.",
};

/// The archived log covers the backups.
pub const POLICY_ARCHIVE: Check = Check {
    id: "policy.archive",
    title: "The archived write-ahead log covers the backups",
    explanation: "The archive holds the write-ahead log from the oldest backup's start to the newest one's \
                  end, as the backup tool tells. Tools do not tell without a restore whether a segment in \
                  between is missing.",
    remedy: "Look at archive_command and at the server's log; make a new backup as soon as archiving \
             works.",
};

/// The canary is installed.
pub const CANARY_INSTALLED: Check = Check {
    id: "canary.installed",
    title: "The canary is installed",
    explanation: "`canary install` made the heartbeat table in a schema of its own, and a role that may read \
                  and write that one table and nothing else. It has no password and cannot log in before an \
                  administrator says so.",
    remedy: "Connect as a role that may make schemas and roles; `canary install --dry-run` prints the SQL \
             for an administrator.",
};

/// The canary beats.
pub const CANARY_BEATS: Check = Check {
    id: "canary.beats",
    title: "The canary beats",
    explanation: "`canary beat` wrote a row into the heartbeat table of the source, and committed it.",
    remedy: "Try the same connection string with psql; `canary install` makes the table.",
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
                  this cluster, and of every timeline its history. PostgreSQL takes the first gap for the end of the log and starts happily, \
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
                  file may have a second name outside, or be a device; and the write-ahead log must not make a tablespace anew \
                  at its old place. Otherwise nothing is started.",
    remedy: "Take the link that is named out of the backup, or rehearse a backup that pg_basebackup made.",
};

/// Recovery came where it was to end.
pub const RECOVERY_TARGET: Check = Check {
    id: "recovery.target",
    title: "Recovery reached its target",
    explanation: "The copy recovers to the time, the place in the log or the restore point that was asked for, and \
                  is looked at before it is promoted. A log that ends earlier is a failure, never a server that \
                  started without its last commits. A recovery that makes no progress for so long as \
                  --recovery-patience says is given up, inconclusive.",
    remedy: "Read the message: the log ends before the target, or holds no such restore point. Check the archive, \
             and whether the target lies after the backup's end.",
};

/// The timelines that recovery went through.
pub const RECOVERY_TIMELINE: Check = Check {
    id: "recovery.timeline",
    title: "Recovery followed the right timeline",
    explanation: "After a failover the same place in the log means other rows on each timeline. The history that the \
                  copy writes when it is promoted says which ones recovery went through; it is held against the way to \
                  the timeline that was asked for (--target-timeline; by default the newest of the archive). A backup \
                  from which no way leads there is not started.",
    remedy: "Take a backup from before the timeline was left (--set, --backup-id, --backup), or name the timeline that \
             counts with --target-timeline.",
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
