//! The heartbeat from which data loss is measured.

use evidence_report::record::Check;

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
