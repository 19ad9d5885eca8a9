//! Takes a fingerprint from a server.

use evidence_report::run::{Progress, Stop};

use super::{
    catalogue::{Kind, Relation},
    content::content,
    objects::objects,
    sequences::sequences,
    value::{Fingerprint, Readings, TableBuckets, Taken},
};
use crate::connection::{QueryFailure, Row, Session};

/// Something that could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// A table, or a part of the catalogue.
    pub(crate) subject: String,
    pub(crate) failure: QueryFailure,
}

const TAKEN: &str = "
SELECT current_database(), current_setting('server_version'), current_setting('server_version_num')::int / 10000,
       getdatabaseencoding(), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

/// Describes a database. The sessions are pinned ([`super::pin`]) and each is within a transaction; all of
/// them see the same rows (one snapshot, or nobody writes). The relations come from [`super::relations`].
///
/// The sequences are read first; read them again when the copy has been made, and add that with
/// [`Fingerprint::read_again`].
///
/// # Errors
/// The first thing that cannot be read.
pub(crate) async fn describe(
    sessions: &[Session],
    relations: &[Relation],
    system_identifier: Option<&str>,
    stop: &Stop,
    progress: &Progress,
) -> Result<Fingerprint, Unreadable> {
    let of = |subject: &'static str| move |failure| Unreadable { subject: subject.to_owned(), failure };
    let lost = || QueryFailure::Lost("no session".to_owned());
    let first = sessions.first().ok_or_else(lost).map_err(of("database"))?;
    let row = first.one(stop, TAKEN).await.map_err(of("database"))?;
    let taken = taken(row, system_identifier)
        .ok_or_else(|| QueryFailure::Lost("an unreadable answer".to_owned()))
        .map_err(of("database"))?;
    let standing = sequences(first, stop).await.map_err(of("sequences"))?;
    let objects = objects(first, stop).await.map_err(of("catalogue"))?;
    let tables = content(sessions, relations, stop, progress).await?;
    Ok(Fingerprint {
        taken,
        tables,
        apart: relations
            .iter()
            .filter_map(|relation| match relation.kind {
                Kind::Apart(why) => Some((relation.name.clone(), why)),
                Kind::Table => None,
            })
            .collect(),
        unlogged: relations
            .iter()
            .filter(|relation| relation.unlogged && relation.kind == Kind::Table)
            .map(|relation| relation.name.clone())
            .collect(),
        sequences: standing
            .into_iter()
            .map(|(name, state)| (name, Readings { before: state, after: state }))
            .collect(),
        objects,
        buckets: TableBuckets::new(),
    })
}

fn taken(row: Row, system_identifier: Option<&str>) -> Option<Taken> {
    let [database, server_version, major, encoding, at] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(Taken {
        database: database?,
        server_version: server_version?,
        major: major?.parse().ok()?,
        system_identifier: system_identifier.map(str::to_owned),
        encoding: encoding?,
        at: at?,
    })
}
