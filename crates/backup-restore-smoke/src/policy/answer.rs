//! Asks a backup tool, and keeps its whole answer: the list of a large repository is longer than what is kept
//! of a child's output.

use evidence_report::run::{Run, child::ChildCommand};

use crate::{checks::POLICY_FOUND, halt::Halt};

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
    let text =
        std::fs::read_to_string(&file).map_err(|error| cannot(format!("reading its answer: {error}")))?;
    let last =
        |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).map(str::trim).map(str::to_owned);
    let said = last(&output.stderr).or_else(|| last(&text)).unwrap_or_else(|| output.status.to_string());
    Ok(Answer { success: output.status.success(), text, said })
}
