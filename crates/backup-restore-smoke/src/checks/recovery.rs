//! Where recovery came, how long it took, and what it lost.

use evidence_report::record::Check;

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

/// Recovery came where it was to end.
pub const RECOVERY_TARGET: Check = Check {
    id: "recovery.target",
    title: "Recovery reached its target",
    explanation: "The copy recovers to the time, the place in the log or the restore point that was asked for, and \
                  is looked at before it is promoted. A time before the backup was begun is a failure: what was committed up \
                  to then is in its files. A log that ends earlier is a failure, never a server that \
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
