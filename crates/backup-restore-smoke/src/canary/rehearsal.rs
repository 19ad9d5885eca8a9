//! The canary in a rehearsal: the source is asked at the incident, the copy after its first write.

use std::time::Duration;

use evidence_report::{record::Outcome, run::Run};

use super::{
    judge::{Backup, Incident, judge},
    reading::{Canary, Copy, clock, newest, place_of_newest},
    table,
};
use crate::{
    checks::RECOVERY_TARGET,
    connection::{QueryFailure, Resolved, Session},
    fingerprint::Content,
    halt::Halt,
    risk_note,
    source::session_of_ones_own,
    wal::Lsn,
    wording::seconds,
};

/// How long the source may take to answer each question.
const AT_MOST: Duration = Duration::from_secs(10);

/// Whether these tables hold the canary's.
pub(crate) fn is_among(tables: &Content) -> bool {
    tables.contains_key(&table::name())
}

/// An incident now, of a source that is not asked.
pub(crate) fn unasked(run: &Run) -> Incident {
    Incident { at: run.started() + run.elapsed(), newest: None }
}

/// Asks the source for its clock and its newest beat: one short session that only reads. A source that does not
/// answer any more has had its incident.
///
/// # Errors
/// When the run is asked to stop.
pub(crate) async fn at_incident(run: &Run, source: &Resolved, name: &str) -> Result<Incident, Halt> {
    let session = session_of_ones_own(source, name, run.stop(), AT_MOST).await;
    let Ok(session) = session else { return stopped_or(run, unasked(run)) };
    match ask(run, &session).await {
        Ok(incident) => Ok(incident),
        Err(_) => stopped_or(run, unasked(run)),
    }
}

/// The place that the end of the log must not lie before: that of the source's newest beat which is at least so old.
///
/// # Errors
/// A finding that says why there is none, or that the run was asked to stop.
pub(crate) async fn expected_end(
    run: &Run,
    source: &Resolved,
    name: &str,
    age: Duration,
) -> Result<Lsn, Halt> {
    let session = session_of_ones_own(source, name, run.stop(), AT_MOST).await?;
    let no_place = |observed: String| {
        RECOVERY_TARGET
            .inconclusive("canary of the source")
            .expected(format!("a beat at least {} old, with its place in the write-ahead log", seconds(age)))
            .observed(observed)
            .remedy(
                "let the canary beat at the source (backup-restore-smoke canary install, canary beat), by a role that may \
                 call pg_current_wal_insert_lsn(); or give a place: --expect-lsn LSN",
            )
    };
    match place_of_newest(&session, run.stop(), age).await {
        Ok(Some(place)) => Ok(place),
        Ok(None) => Err(no_place("there is none".to_owned()).into()),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) => Err(no_place(failure.to_string()).into()),
    }
}

async fn ask(run: &Run, session: &Session) -> Result<Incident, QueryFailure> {
    let found = newest(session, run.stop(), Copy::Physical).await?;
    let at = clock(session, run.stop()).await?;
    let newest = match found {
        Canary::Beating(beat) => Some(beat),
        Canary::Idle | Canary::NotInstalled => None,
    };
    Ok(Incident { at, newest })
}

fn stopped_or<T>(run: &Run, otherwise: T) -> Result<T, Halt> {
    if run.stop().is_requested() { Err(Halt::Stopped) } else { Ok(otherwise) }
}

/// Reads the copy, and says what was lost; gives what came of it.
///
/// # Errors
/// When the copy cannot be read, or the run is asked to stop.
pub(crate) async fn measure(
    run: &Run,
    copy: &Session,
    kind: Copy,
    incident: &Incident,
    backup: Backup,
    objective: Option<Duration>,
) -> Result<Outcome, QueryFailure> {
    let found = newest(copy, run.stop(), kind).await?;
    let (finding, measurement) = judge(&found, incident, backup, objective);
    let outcome = finding.outcome;
    risk_note::add(run, std::slice::from_ref(&finding));
    run.finding(finding);
    measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    Ok(outcome)
}
