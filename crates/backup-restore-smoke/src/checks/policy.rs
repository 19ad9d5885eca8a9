//! Whether backups are there, without restoring.

use evidence_report::record::Check;

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
