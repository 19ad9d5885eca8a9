//! Standard output carries results, and only results; standard error what the user should know beside them. A
//! broken pipe is no error: whoever reads has seen enough.

use std::io::{ErrorKind, IsTerminal, Write};

use super::publish::PublishError;
use crate::formats::wrapped;

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

/// Tells the user something beside the result. Where standard error takes nothing, the exit code alone has to tell it.
pub fn tell(remark: &str) {
    let _ = writeln!(std::io::stderr(), "{remark}");
}

/// Prints a text for people: on a terminal its long lines go on below their own words.
///
/// # Errors
/// As [`print()`].
pub fn print_text(text: &str) -> Result<(), PublishError> {
    let stdout = std::io::stdout();
    let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
    match size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0) {
        Some(columns) => print(&wrapped(text, columns)),
        None => print(text),
    }
}
