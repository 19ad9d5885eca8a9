//! Tells a transaction pooler from a server. It is asked before anything is set in a session: behind a pooler a setting
//! stays behind in a server process that serves somebody else next.

use evidence_report::run::Stop;

use super::failures::{from_query, pooled};
use crate::{connection::Session, halt::Halt};

/// Behind a transaction pooler a session that is idle lends its server process to others.
///
/// # Errors
/// A finding that says so, or that the server cannot be asked; or that the run was asked to stop.
pub(super) async fn refuse_pooler(
    one: &Session,
    other: &Session,
    stop: &Stop,
    subject: &str,
) -> Result<(), Halt> {
    let mut seen = [Vec::new(), Vec::new()];
    // Each twice in a row: a pooler that takes its processes in turn would give each of us always the same one.
    for (which, session) in [(0, one), (0, one), (1, other), (1, other), (0, one), (1, other)] {
        let process = session.value(stop, "SELECT pg_catalog.pg_backend_pid()").await;
        seen[which].push(process.map_err(|failure| from_query(failure, subject))?);
    }
    if have_one_each(&seen) { Ok(()) } else { Err(pooled(subject)) }
}

/// Whether each session was served by one process, and both by different ones.
fn have_one_each([one, other]: &[Vec<String>; 2]) -> bool {
    let is_one = |processes: &[String]| processes.windows(2).all(|pair| pair[0] == pair[1]);
    is_one(one) && is_one(other) && one.first() != other.first()
}

#[cfg(test)]
mod tests {
    use super::have_one_each;

    #[test]
    fn a_process_that_is_shared_or_changes_is_a_poolers() {
        let of = |processes: [u32; 3]| processes.map(|process| process.to_string()).to_vec();
        assert!(have_one_each(&[of([7, 7, 7]), of([8, 8, 8])]));
        for (one, other) in
            [([7, 7, 7], [7, 7, 7]), ([7, 8, 7], [8, 7, 8]), ([7, 7, 7], [8, 8, 9]), ([7, 7, 8], [9, 9, 9])]
        {
            assert!(!have_one_each(&[of(one), of(other)]), "{one:?} {other:?}");
        }
    }
}
