//! `verify FILE…`: is what an evidence file says what was recorded?

use std::path::Path;

use super::{
    checks::CONSISTENT,
    history,
    signature::{self, Signers},
};
use crate::{
    document::{self, ReadError, Verification},
    record::{Finding, Outcome},
};

/// The findings about one file: is it as recorded, who signed it, and is its chain of runs whole?
pub(super) fn verify_file(path: &Path, signers: Option<&Signers>) -> Vec<Finding> {
    let name = path.display().to_string();
    let bytes = match fs_err::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return vec![
                CONSISTENT
                    .inconclusive(name)
                    .expected("a file that can be read")
                    .observed(error.to_string())
                    .remedy("Name a file that exists and that you may read."),
            ];
        }
    };
    let mut findings = vec![verify_bytes(&name, &bytes)];
    if findings[0].outcome == Outcome::Passed
        && let Ok(document) = document::read(&String::from_utf8_lossy(&bytes))
    {
        findings.extend(signature::judge(&name, &document, signers));
        findings.extend(history::judge_file(path, &document));
    }
    findings
}

/// The finding about one file's content.
pub(super) fn verify_bytes(name: &str, bytes: &[u8]) -> Finding {
    let expected = "text and seal as recorded";
    let Ok(text) = std::str::from_utf8(bytes) else {
        return CONSISTENT.failed(name).expected(expected).observed("the file is not UTF-8 text");
    };
    match document::verify(text) {
        Verification::Consistent(record) => CONSISTENT.passed(name).expected(expected).observed(format!(
            "consistent ({}); it says {} of {} finished {}",
            if is_signed(text) { "signed" } else { "unsigned" },
            record.verdict,
            record.environment,
            record.finished
        )),
        Verification::Altered(alterations) => {
            let first = alterations.iter().find_map(document::Alteration::line);
            let told: Vec<_> = alterations.iter().take(5).map(ToString::to_string).collect();
            let more = match alterations.len().saturating_sub(told.len()) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            CONSISTENT
                .failed(name)
                .expected(expected)
                .observed(format!("ALTERED: {}{more}", told.join("; ")))
                .at(name, first.and_then(|line| u32::try_from(line).ok()))
        }
        Verification::Unverified(error) => {
            let remedy = match &error {
                ReadError::Newer { .. } => "Upgrade evidence-report.",
                _ => "Run the tool that makes this evidence; a page by hand cannot be verified.",
            };
            CONSISTENT.inconclusive(name).expected(expected).observed(error.to_string()).remedy(remedy)
        }
    }
}

/// Whether somebody signed; by whom, the finding about the signature tells. Ten thousand files are not read twice for
/// a word.
fn is_signed(text: &str) -> bool {
    text.contains(document::SIGNATURE_TAG) && document::read(text).is_ok_and(|read| read.signature.is_some())
}
