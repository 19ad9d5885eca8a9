//! An Alertmanager that was dead when the drill began, and comes back while it lasts. Prometheus then sends to it, too,
//! so that its routes must be those from which everything was computed: otherwise the drill ends.

use std::time::Duration;

use super::super::real::peer::Peer;

/// Nobody waits longer for an answer that is not expected.
const PATIENCE: Duration = Duration::from_millis(500);

/// An Alertmanager that may be dead by the user's word, and is.
#[derive(Debug)]
pub(super) struct Dead {
    pub(super) peer: Peer,
    /// The digest of the configuration that the living ones have.
    pub(super) digest: String,
}

/// Which of them is back with other routes, in words.
pub(super) async fn returned(dead: &[Dead]) -> Option<String> {
    for one in dead {
        let Ok(Ok(state)) = tokio::time::timeout(PATIENCE, one.peer.state()).await else { continue };
        let same = state.configuration.is_ok_and(|configuration| configuration.digest == one.digest);
        if !same {
            return Some(format!(
                "Alertmanager {}, which was dead, is back with another configuration: nobody can tell whom it tells",
                one.peer.url
            ));
        }
    }
    None
}
