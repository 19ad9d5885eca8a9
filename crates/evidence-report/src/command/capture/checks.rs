//! The checks of `capture` beside the one that the user names.

use crate::record::Check;

pub(in crate::command) static DURATION: Check = Check {
    id: "capture.duration",
    title: "Duration within its objective",
    explanation: "How long the captured command ran is held against `--objective`: at most so long, or at least so \
        long (a load test that ends early has loaded nothing). Measured on the monotonic clock.",
    remedy: "Find out why it took so long, or ended so early; or agree on another objective.",
};

pub(in crate::command) static ARTEFACT: Check = Check {
    id: "capture.artefact",
    title: "Named file kept by its digest",
    explanation: "A file that `--artefact` names, for example a summary that the command writes or a script that it \
        reads, is kept by its digest, so that it can be told later whether a file is that one. Whether the command \
        wrote it is told, too: a file of last week's run looks the same otherwise.",
    remedy: "Let the command write the file, or correct the name.",
};
