//! Reading files that may lie on another machine, or on a disk that does not answer: on a thread of its own, so that
//! a stop is heard all the same. It knows no backup.

use std::{io, time::Duration};

use evidence_report::run::Run;

use crate::halt::Halt;

/// So long a reader that was asked to stop may take to leave off; after that it is left behind.
const LEAVING: Duration = Duration::from_secs(5);

/// Runs it aside.
///
/// # Errors
/// That the run was asked to stop. What the reader itself says comes back as it is.
pub(super) async fn aside<T: Send + 'static>(
    run: &Run,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<io::Result<T>, Halt> {
    let mut reader = tokio::task::spawn_blocking(read);
    match run.stop().guard(&mut reader).await {
        Ok(answer) => Ok(answer.unwrap_or_else(|error| Err(io::Error::other(error.to_string())))),
        Err(stopped) => {
            // Whoever still writes into the scratch would be in the way of its removal.
            let _ = tokio::time::timeout(LEAVING, reader).await;
            Err(stopped.into())
        }
    }
}
