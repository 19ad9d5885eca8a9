//! The database that is rehearsed from: only ever read, in one snapshot, under the eye of a second session
//! that lets go when somebody waits for us.

mod facts;
mod failures;
mod kept;
mod neighbourhood;
mod pooler;
mod snapshot;
mod watcher;

pub(crate) use facts::Database;
pub(crate) use failures::{RECOVERY_CONFLICT, STANDBY, ended_by_standby, from_query};
pub(crate) use kept::Kept;
pub(crate) use neighbourhood::{apart, apart_from_backup};
pub(crate) use snapshot::{Snapshot, session_of_ones_own};
