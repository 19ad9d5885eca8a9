//! What a refusal of the source means: something wrong out there, or something that we lack.

use evidence_report::record::Finding;

use crate::{
    checks::{SOURCE_READABLE, SOURCE_UNDISTURBED},
    comparison::TableName,
    connection::{ConnectFailure, QueryFailure},
    halt::Halt,
};

const POOLER: &str = "connect to the PostgreSQL server itself, not through a transaction pooler: a snapshot needs a \
                      session of its own";

/// What a standby says when it takes rows or locks away from a reader (SQLSTATE 40001, 57P01).
pub(crate) const RECOVERY_CONFLICT: &str = "conflict with recovery";

/// What to do about it.
pub(crate) const STANDBY: &str = "the standby replayed what our snapshot still needed: turn hot_standby_feedback on there, or raise \
                                  max_standby_streaming_delay, and run again";

/// What is said of a standby that still answers although a session of ours was lost: it has ended the session
/// (an idle one learns no more than that the connection is closed). `None` for anything else.
pub(crate) fn ended_by_standby(finding: &Finding) -> Option<Finding> {
    let is_loss =
        finding.check.id == SOURCE_READABLE.id && finding.observed.contains("the connection was lost");
    is_loss.then(|| {
        SOURCE_READABLE
            .inconclusive(finding.subject.as_str())
            .expected("sessions that the standby lets live")
            .observed(format!("{}; the standby still answers", finding.observed))
            .remedy(STANDBY)
    })
}

/// A session with the source did not come about.
pub(crate) fn from_connect(failure: ConnectFailure, subject: &str) -> Halt {
    match failure {
        ConnectFailure::Stopped => Halt::Stopped,
        ConnectFailure::Settings(error) => SOURCE_READABLE
            .inconclusive(subject)
            .expected("usable settings")
            .observed(error.to_string())
            .into(),
        ConnectFailure::Refused(attempts) => {
            let observed = attempts.join("; ");
            let expected = "a connection to the source";
            if observed.contains("unsupported startup parameter") {
                return SOURCE_READABLE
                    .inconclusive(subject)
                    .expected(expected)
                    .observed(observed)
                    .remedy(POOLER)
                    .into();
            }
            SOURCE_READABLE.failed(subject).expected(expected).observed(observed).into()
        }
    }
}

/// A query on the source was refused.
pub(crate) fn from_query(failure: QueryFailure, subject: impl Into<String>) -> Halt {
    let subject = subject.into();
    let observed = failure.to_string();
    let code = match failure {
        QueryFailure::Stopped => return Halt::Stopped,
        _ if observed.contains(RECOVERY_CONFLICT) => {
            return SOURCE_READABLE.inconclusive(subject).observed(observed).remedy(STANDBY).into();
        }
        QueryFailure::Lost(_) => return SOURCE_READABLE.failed(subject).observed(observed).into(),
        QueryFailure::Refused { code, .. } => code,
    };
    let ours = |remedy: &str| -> Finding {
        SOURCE_READABLE.inconclusive(subject.as_str()).observed(observed.clone()).remedy(remedy)
    };
    match code.as_str() {
        "42501" if subject == TableName::large_objects().to_string() => ours(
            "pg_read_all_data does not cover large objects: grant SELECT ON LARGE OBJECT on each (psql: SELECT format('GRANT \
             SELECT ON LARGE OBJECT %s TO rehearsal', oid) FROM pg_largeobject_metadata \\gexec), or rehearse as their \
             owner or a superuser",
        )
        .into(),
        "42501" => ours(
            "give the role the right to read everything (GRANT pg_read_all_data TO …; for row security BYPASSRLS), \
             or rehearse as a role that has it",
        )
        .into(),
        "55P03" => SOURCE_UNDISTURBED
            .inconclusive("source")
            .expected("every table readable within 10 s")
            .observed("another session holds an exclusive lock on a table, and kept it for 10 s")
            .remedy("rehearse when no schema change or maintenance is under way")
            .into(),
        "42P01" | "42703" | "3F000" => ours("the schema was changed while it was read; run again").into(),
        "57014" | "25P03" | "25P04" | "57P05" => ours("a timeout of the server ended it; raise --timeout, or run again").into(),
        "53200" => ours(
            "the server's table of locks is full: raise max_locks_per_transaction there; pg_dump needs as many",
        )
        .into(),
        "54000" => ours("a row is larger than 1 GB as text: neither this tool nor pg_dump can read it; leave it to a physical backup").into(),
        "22021" | "22P05" => ours(
            "a name in the database has no spelling in UTF-8, which this tool speaks: rename what is \
             named so, or keep to pg_dump and assertions of your own",
        )
        .into(),
        "26000" | "42P05" | "08P01" => ours(POOLER).into(),
        _ => SOURCE_READABLE.failed(subject).observed(observed).into(),
    }
}

/// Our sessions have no server process of their own.
pub(crate) fn pooled(subject: &str) -> Halt {
    SOURCE_READABLE
        .inconclusive(subject)
        .expected("a server process for each session")
        .observed("our sessions are served by whatever process is free: this is a transaction pooler")
        .remedy(POOLER)
        .into()
}
