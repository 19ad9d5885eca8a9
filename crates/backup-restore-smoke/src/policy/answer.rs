//! Asks a backup tool, and keeps its whole answer: the list of a large repository is longer than what is kept
//! of a child's output.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use evidence_report::run::{Run, child::ChildCommand};

use crate::{checks::POLICY_FOUND, halt::Halt, size};

/// A list of some ten thousand backups is no longer than this.
const ANSWER_TAKEN: u64 = 8 << 20;

/// What a tool said.
pub(super) struct Answer {
    /// Whether it ended with 0.
    pub(super) success: bool,
    /// Its standard output.
    pub(super) text: String,
    /// Its last complaint.
    pub(super) said: String,
}

/// Runs the tool to its end.
///
/// # Errors
/// An inconclusive finding where it cannot be run here, or that the run was asked to stop.
pub(super) async fn ask(
    run: &Run,
    name: &str,
    program: &'static str,
    command: ChildCommand,
) -> Result<Answer, Halt> {
    let file = run.folder().join(format!("{program}.json"));
    let cannot = |why: String| {
        let finding =
            POLICY_FOUND.inconclusive(name).expected(format!("{program} can be asked")).observed(why);
        finding.remedy(format!("install {program} here, or run where it is"))
    };
    let output = command.env("LC_ALL", "C.UTF-8").answer_to(&file).output(run.stop()).await;
    let output = output.map_err(|error| cannot(error.to_string()))?;
    if output.stopped {
        return Err(Halt::Stopped);
    }
    let text = text_of(&file).map_err(|error| cannot(format!("reading its answer: {error}")))?;
    if text.len() as u64 > ANSWER_TAKEN {
        let why =
            format!("its answer is longer than {}: that is no list of backups", size::shown(ANSWER_TAKEN));
        return Err(POLICY_FOUND.inconclusive(name).expected("a list of backups").observed(why).into());
    }
    let last =
        |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).map(str::trim).map(str::to_owned);
    let said = last(&output.stderr).or_else(|| last(&text)).unwrap_or_else(|| output.status.to_string());
    Ok(Answer { success: output.status.success(), text, said })
}

/// What it printed, at most one byte more than is taken. A file that it cannot decipher it quotes as it is.
fn text_of(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(ANSWER_TAKEN + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
