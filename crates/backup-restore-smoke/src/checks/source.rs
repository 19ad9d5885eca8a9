//! The live source: read, undisturbed, apart.

use evidence_report::record::Check;

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
