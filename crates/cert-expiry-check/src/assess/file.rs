//! Judges what was seen in a file.

use std::io;

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, Judged, Part, Sighting,
    lifetime::{self, Role},
};
use crate::{
    checks::{FILE_CERTIFICATE, FILE_LIFETIME, FILE_READABLE},
    stores::{Content, Entry, file::FileObservation},
    targets::files::{FoundFile, has_promising_ending},
    wording::printable,
};

/// Judges a file. One that merely lies in a searched folder and is of another kind yields no finding.
#[must_use]
pub fn judge(file: &FoundFile, observation: &FileObservation, basis: &Basis) -> Judged {
    let subject = printable(&file.path.to_string_lossy(), 200);
    let promised = file.named || has_promising_ending(&file.path);
    let finding = match observation {
        FileObservation::Read(Content::Certificates(entries)) => {
            return certificates(&subject, entries, basis);
        }
        FileObservation::Read(Content::Closed(what, remedy)) => FILE_READABLE
            .not_checked(Requirement::Required, &subject, format!("{what}: this version does not read it"))
            .remedy(*remedy),
        FileObservation::Read(Content::OtherBlocks(labels)) if file.named => {
            no_certificate(&subject, &format!("it holds only {}", labels.join(", ")))
        }
        FileObservation::Read(Content::Nothing(what)) if promised => no_certificate(&subject, what),
        FileObservation::TooLarge if promised => FILE_READABLE
            .not_checked(Requirement::Required, &subject, "larger than 64 MiB")
            .remedy("No file of certificates is as large: check what was written there."),
        FileObservation::Unreadable(error) => unreadable(&subject, error),
        FileObservation::Read(_) | FileObservation::TooLarge => return Judged::default(),
    };
    Judged { findings: vec![finding.at(subject, None)], sightings: Vec::new() }
}

/// A path that could not be read. Gone is a fault out there; forbidden is one of ours.
#[must_use]
pub fn unreadable(subject: &str, error: &io::Error) -> Finding {
    let expected = "a readable file";
    if error.kind() == io::ErrorKind::NotFound {
        return FILE_READABLE
            .failed(subject)
            .expected(expected)
            .observed("there is no such file")
            .remedy("Correct the path, or find out what should have written the file.");
    }
    FILE_READABLE
        .inconclusive(subject)
        .expected(expected)
        .observed(format!("cannot be read: {}", printable(&error.to_string(), 160)))
        .remedy("Give the user of this program the right to read it.")
}

fn no_certificate(subject: &str, observed: &str) -> Finding {
    FILE_READABLE.failed(subject).expected("at least one certificate").observed(observed)
}

fn certificates(path: &str, entries: &[Entry], basis: &Basis) -> Judged {
    let mut judged = Judged::default();
    let whole = entries.iter().filter(|entry| entry.certificate.is_ok()).count();
    if whole > 0 {
        let observed = format!("{whole} certificate{}", if whole == 1 { "" } else { "s" });
        let finding = FILE_READABLE.passed(path).expected("at least one certificate").observed(observed);
        judged.findings.push(finding.at(path, None));
    }
    for (number, entry) in (1_usize..).zip(entries) {
        let place = if entries.len() == 1 { path.to_owned() } else { format!("{path} #{number}") };
        let finding = match &entry.certificate {
            Err(error) => {
                FILE_CERTIFICATE.failed(place).expected("a whole certificate").observed(error.as_str())
            }
            Ok(certificate) => {
                let role = if certificate.is_issuer { Role::Issuer } else { Role::Leaf };
                let (finding, judgement) = lifetime::finding(
                    &FILE_LIFETIME,
                    place.clone(),
                    certificate,
                    role,
                    basis.now,
                    &basis.thresholds,
                );
                let certificate = certificate.as_ref().clone();
                judged.sightings.push(Sighting {
                    place,
                    part: Part::File,
                    certificate,
                    standing: judgement.standing,
                });
                finding
            }
        };
        judged.findings.push(finding.at(path, entry.line));
    }
    judged
}
