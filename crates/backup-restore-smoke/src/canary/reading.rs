//! Reads the newest beat, of the source or of a copy.

use std::time::Duration;

use evidence_report::run::Stop;
use jiff::Timestamp;

use super::table::{SCHEMA, TABLE};
use crate::{
    connection::{QueryFailure, Session},
    wal::Lsn,
};

/// One heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Its number; each has its own.
    pub(crate) sequence: u64,
    /// When it was committed, by the source's clock.
    pub(crate) at: Timestamp,
    /// How that is known.
    pub(crate) known_by: KnownBy,
}

/// Where a beat's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// The commit's own time (`track_commit_timestamp`).
    Commit,
    /// The time in the row, moments before its commit.
    Row,
}

/// How a copy came about: only a physical one still knows when its rows were committed at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copy {
    /// Rows were written anew by a restore.
    Logical,
    /// The files are the source's: also the source itself.
    Physical,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Canary {
    /// There is no such table.
    NotInstalled,
    /// It has no row.
    Idle,
    /// The newest beat.
    Beating(Beat),
}

/// The newest beat that this session sees.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn newest(session: &Session, stop: &Stop, copy: Copy) -> Result<Canary, QueryFailure> {
    let commits = copy == Copy::Physical
        && session.value(stop, "SELECT pg_catalog.current_setting('track_commit_timestamp')").await? == "on";
    let (time, known_by) = match commits {
        true => ("coalesce(pg_catalog.pg_xact_commit_timestamp(xmin), at)", KnownBy::Commit),
        false => ("at", KnownBy::Row),
    };
    let query = format!(
        "SELECT sequence, (extract(epoch FROM {time}) * 1000000)::bigint FROM {SCHEMA}.{TABLE} \
         ORDER BY sequence DESC LIMIT 1"
    );
    let rows = match session.query(stop, &query).await {
        Err(failure) if failure.is("42P01") || failure.is("3F000") => return Ok(Canary::NotInstalled),
        answer => answer?,
    };
    let Some(row) = rows.into_iter().next() else { return Ok(Canary::Idle) };
    let unreadable = || QueryFailure::Lost("an unreadable beat".to_owned());
    let [Some(sequence), Some(microseconds)] = row.as_slice() else { return Err(unreadable()) };
    let microseconds = microseconds.parse().map_err(|_| unreadable())?;
    Ok(Canary::Beating(Beat {
        sequence: sequence.parse().map_err(|_| unreadable())?,
        at: Timestamp::from_microsecond(microseconds).map_err(|_| unreadable())?,
        known_by,
    }))
}

/// The place in the write-ahead log of the newest beat that is at least so old; `None` where none is, or where the beats
/// bear no place.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn place_of_newest(
    session: &Session,
    stop: &Stop,
    age: Duration,
) -> Result<Option<Lsn>, QueryFailure> {
    let query = format!(
        "SELECT lsn::text FROM {SCHEMA}.{TABLE} \
         WHERE at <= pg_catalog.clock_timestamp() - {} * interval '1 ms' ORDER BY sequence DESC LIMIT 1",
        age.as_millis()
    );
    let rows = match session.query(stop, &query).await {
        Err(failure) if failure.is("42P01") || failure.is("3F000") => return Ok(None),
        answer => answer?,
    };
    let place = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    place.map(|text| text.parse().map_err(QueryFailure::Lost)).transpose()
}

/// The clock of the server.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn clock(session: &Session, stop: &Stop) -> Result<Timestamp, QueryFailure> {
    let query = "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint";
    let microseconds = session.value(stop, query).await?;
    let unreadable = || QueryFailure::Lost("an unreadable clock".to_owned());
    Timestamp::from_microsecond(microseconds.parse().map_err(|_| unreadable())?).map_err(|_| unreadable())
}
