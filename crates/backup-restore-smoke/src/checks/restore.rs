//! The copy: isolated, complete, and the same as its source.

use evidence_report::record::Check;

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
                  with whether it is deferrable and whether its rows have been proven (NOT VALID), and which \
                  foreign keys are not enforced because their triggers are disabled. A restore that lost one \
                  lets bad rows in from then on.",
    remedy: "Add the constraint that is named, or enable its triggers (ALTER TABLE … ENABLE TRIGGER ALL), and look \
             for rows that break it.",
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
                  takes away from it (-), grants on columns and large objects, default privileges, and security \
                  labels. Where the backup carries them, also the roles' attributes, memberships, settings and \
                  comments, rights on parameters, and the database's own owner, grants and settings; a dump does \
                  not, and passwords are never compared.",
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
                  dump; materialised views are computed anew. They are listed, not compared. What an extension \
                  marks as its configuration is part of a dump, and is compared.",
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
