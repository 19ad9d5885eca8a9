//! A heartbeat in the source, from which data loss is measured: `canary install` and `canary beat` write it
//! (nothing else of this tool writes to a source, and these only because they are asked for by name), a
//! rehearsal reads the newest beat that came back ([`reading::newest`]) and says what was lost ([`judge::judge`]).

mod command;
pub(crate) mod judge;
pub(crate) mod reading;
mod rehearsal;
mod table;

pub(crate) use command::{CanaryCommand, command};
pub(crate) use judge::{Backup, Incident};
pub(crate) use reading::Copy;
pub(crate) use rehearsal::{at_incident, expected_end, is_among, measure, unasked};
