//! The ends of certificates as dates for a calendar: one for each certificate, however many places it was seen
//! in. Pure.

use evidence_report::record::Deadline;

use super::{One, Seen};
use crate::assess::Part;

/// The deadline of every certificate that has an end.
#[must_use]
pub fn deadlines(seen: &Seen) -> Vec<Deadline> {
    let all = seen.soonest_first().filter(|one| !one.certificate.validity.is_endless());
    all.map(|one| deadline(&one)).collect()
}

/// What tells it from others is its name and its first place, not its serial number: its successor is the same
/// event on a later day.
fn deadline(one: &One) -> Deadline {
    let certificate = &one.certificate;
    let kind = if certificate.is_issuer { "issuer" } else { "certificate" };
    let mut lines = vec![format!("Issued by {}, serial {}", certificate.issuer, certificate.serial)];
    for (part, words) in [
        (Part::Server, "Served at"),
        (Part::Issuer, "Presented as issuer at"),
        (Part::Spare, "Presented without need at"),
        (Part::File, "In the file"),
        (Part::Secret, "In the object"),
        (Part::Client, "Presented as client by"),
    ] {
        lines.extend(one.places_as(part).iter().map(|place| format!("{words} {place}")));
    }
    Deadline {
        key: [kind, certificate.name.as_str(), &certificate.key_algorithm, one.place()].join("\0"),
        at: certificate.validity.not_after,
        title: format!("{} expires ({kind})", certificate.name),
        lines,
    }
}
