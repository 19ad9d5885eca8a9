//! Standard output carries results, and only results. A broken pipe is no error: whoever reads has seen
//! enough.

use std::io::{ErrorKind, Write};

use super::publish::PublishError;

/// Prints a result.
///
/// # Errors
/// When it cannot be printed (a full disk behind a redirection), a broken pipe apart.
pub fn print(text: &str) -> Result<(), PublishError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(PublishError::Stdout(error)),
        _ => Ok(()),
    }
}
