//! Judges what was fetched from a URL: certificates there are judged as those of a file that was named.

use evidence_report::record::Finding;

use super::{Basis, Judged, file};
use crate::{
    checks::FILE_READABLE,
    stores::{Content, file::FileObservation},
    targets::{Remote, files::FoundFile},
    wire::fetch::Trouble,
};

/// Judges the document at a URL, or why there is none.
#[must_use]
pub fn judge(remote: &Remote, fetched: Result<Content, Trouble>, basis: &Basis) -> Judged {
    let subject = remote.to_string();
    let content = match fetched {
        Ok(content) => content,
        Err(trouble) => return Judged { findings: vec![unfetched(&subject, &trouble)], ..Judged::default() },
    };
    let nothing_there = match &content {
        Content::Nothing(what) => Some(Trouble::Failed(what.replace("the file", "the answer"))),
        Content::Holds(_) => None,
    };
    if let Some(trouble) = nothing_there {
        return Judged { findings: vec![unfetched(&subject, &trouble)], ..Judged::default() };
    }
    let file = FoundFile { path: subject.into(), named: true };
    let mut judged = file::judge(&file, &FileObservation::Read(content), basis);
    // A URL is no place in a folder: what points at lines of files must not point there.
    judged.findings.iter_mut().for_each(|finding| finding.location = None);
    judged
}

fn unfetched(subject: &str, trouble: &Trouble) -> Finding {
    let expected = "an answer 200 with at least one certificate";
    match trouble {
        Trouble::Failed(why) => {
            FILE_READABLE.failed(subject).expected(expected).observed(why.as_str()).remedy(
                "Open the address with `curl -v` from this machine, and name the address of the PEM or DER itself.",
            )
        }
        Trouble::Ours(_) => FILE_READABLE
            .inconclusive(subject)
            .expected(expected)
            .observed(trouble.to_string())
            .remedy("Check this machine's routes and its limit of open files."),
    }
}
