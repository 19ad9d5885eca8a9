//! Pages and structures of the recovered files.

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
