//! Files, pages and structures of what was recovered.

use evidence_report::record::Check;

/// Page checksums.
pub const INTEGRITY_CHECKSUMS: Check = Check {
    id: "integrity.checksums",
    title: "Page checksums",
    explanation: "pg_checksums reads every page of the recovered copy after a clean shutdown. It needs a cluster that \
                  was made with data checksums.",
    remedy: "Find the disk that returns other bytes than were written: the backup, or the source itself, is \
             corrupt.",
};

/// The files that the catalogues ask for.
pub const INTEGRITY_FILES: Check = Check {
    id: "integrity.files",
    title: "Every relation has its file",
    explanation: "The catalogue of every database of the copy is held against its files: a table, an index or a sequence \
                  without a file, an index without its first page and a sequence of another length than one page fail. \
                  A table whose file is shorter than its statistics say is a warning, where no manifest said how long \
                  the files were. PostgreSQL itself takes an emptied or cut file for a table of fewer rows.",
    remedy: "Do not rely on this backup: its storage, or the tool that copied it, lost files. Take another one, with a \
             manifest.",
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
