//! The canary in a rehearsal: the source is asked at the incident, the copy after its first write.

use std::time::Duration;

use evidence_report::run::Run;

use super::{
    judge::{Backup, Incident, judge},
    reading::{Canary, Copy, clock, newest},
    table,
};
use crate::{
    connection::{QueryFailure, Resolved, Session, connect},
    fingerprint::{Relation, pin},
    halt::Halt,
    risk_note,
};

/// Asks the source for its clock and its newest beat: one short session that only reads. A source that does not
/// answer any more has had its incident.
///
/// # Errors
/// When the run is asked to stop.
pub(crate) async fn at_incident(
    run: &Run,
    source: &Resolved,
    name: &str,
    relations: &[Relation],
) -> Result<Incident, Halt> {
    let gone = Incident { at: run.started() + run.elapsed(), newest: None };
    if !relations.iter().any(|relation| relation.name == table::name()) {
        return Ok(gone);
    }
    let Ok(session) = connect(source, name, run.stop()).await else { return stopped_or(run, gone) };
    match ask(run, &session).await {
        Ok(incident) => Ok(incident),
        Err(_) => stopped_or(run, gone),
    }
}

async fn ask(run: &Run, session: &Session) -> Result<Incident, QueryFailure> {
    pin(session, run.stop(), Duration::from_secs(10)).await?;
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

/// Reads the copy, and says what was lost.
///
/// # Errors
/// When the run is asked to stop.
pub(crate) async fn measure(
    run: &Run,
    copy: &Session,
    incident: &Incident,
    objective: Option<Duration>,
) -> Result<(), QueryFailure> {
    let found = newest(copy, run.stop(), Copy::Logical).await?;
    let (finding, measurement) = judge(&found, incident, Backup::Fresh, objective);
    risk_note::add(run, std::slice::from_ref(&finding));
    run.finding(finding);
    measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    Ok(())
}
