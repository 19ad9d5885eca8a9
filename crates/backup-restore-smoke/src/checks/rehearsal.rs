//! The rehearsal itself: this machine, a server kept for it, what is left behind, the self-test.

use evidence_report::record::Check;

/// What this machine must have for a rehearsal.
pub const ENVIRONMENT: Check = Check {
    id: "rehearsal.environment",
    title: "This machine can rehearse",
    explanation: "A rehearsal needs the PostgreSQL programs of the source's major version, its extensions and \
                  locales, space, and a user id that PostgreSQL accepts. What is missing here says nothing \
                  about the backup: the result is inconclusive, never a failure.",
    remedy: "Install what is named, or name its place (--pg-bin, --scratch), and run again.",
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
