//! The backup before it is restored: made, chosen, whole, with its log.

use evidence_report::record::Check;

/// The backup was made.
pub const BACKUP_MADE: Check = Check {
    id: "backup.made",
    title: "The backup was made",
    explanation: "pg_dump ran to its end in the same snapshot that the fingerprint was taken in.",
    remedy: "Read pg_dump's messages in the details; run it by hand with the same role.",
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
                  uncompressed dump restores without an error. Only a fingerprint that was taken with the dump can. \
                  The files of a cluster cannot either, where a table that was cut is one of fewer rows: a manifest can \
                  (pgBackRest holds its own against what it restores), the content of the source, or assertions.",
    remedy: "Make a fingerprint with each dump, and give it with --fingerprint. Take base backups with a manifest.",
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
