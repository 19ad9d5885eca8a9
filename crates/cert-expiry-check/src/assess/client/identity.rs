//! How the client certificate stands that we present.

use std::sync::Arc;

use evidence_report::record::Finding;

use crate::{
    assess::{
        Basis, Judged, Part, Sighting,
        lifetime::{self, Role},
        usage::{self, Side},
    },
    certificate::Certificate,
    checks::{CLIENT_IDENTITY, CLIENT_LIFETIME},
    wire::Identity,
};

/// Judges the client certificate that is presented, and the issuers that go with it, once a run. `place` is its file,
/// `key` that of its key.
#[must_use]
pub fn identity(place: &str, key: &str, presented: &Identity, basis: &Basis) -> Judged {
    let (subject, ours) = (format!("client certificate {place}"), &presented.certificate);
    let (finding, judgement) =
        lifetime::finding(&CLIENT_LIFETIME, subject.clone(), ours, Role::Leaf, basis.now, &basis.thresholds);
    let finding = finding.remedy(format!(
        "Renew '{}', which this monitoring presents to servers, and put it at {place}, before it shuts us out everywhere.",
        ours.name
    ));
    let issuers = needed(presented).map(|(number, issuer)| {
        let subject = format!("{subject}, element {number}");
        lifetime::finding(&CLIENT_LIFETIME, subject, issuer, Role::Issuer, basis.now, &basis.thresholds).0
    });
    let findings = [finding, fitness(&subject, place, presented, key)].into_iter().chain(issuers).collect();
    let sighting = Sighting {
        place: subject,
        part: Part::Client,
        certificate: Arc::clone(ours),
        standing: judgement.standing,
    };
    Judged { findings, sightings: vec![sighting], ..Judged::default() }
}

/// Those of the issuers that a server may need to find its root, with their numbers. Roots it has itself.
fn needed(presented: &Identity) -> impl Iterator<Item = (usize, &Certificate)> {
    let readable = || presented.issuers.iter().flatten();
    let has_issued = move |issuer: &Certificate| {
        let mut issued = std::iter::once(&*presented.certificate).chain(readable());
        issued.any(|one| *one.issuer_der == *issuer.subject_der)
    };
    (2..)
        .zip(&presented.issuers)
        .filter_map(|(number, issuer)| Some((number, issuer.as_ref().ok()?)))
        .filter(move |(_, issuer)| !issuer.is_self_issued && has_issued(issuer))
}

fn fitness(subject: &str, place: &str, presented: &Identity, key: &str) -> Finding {
    let damaged =
        (2..).zip(&presented.issuers).find_map(|(number, issuer)| Some((number, issuer.as_ref().err()?)));
    let finding = if let Some(fault) = usage::fault(&presented.certificate, Side::Client) {
        let finding =
            if fault.is_fatal { CLIENT_IDENTITY.failed(subject) } else { CLIENT_IDENTITY.warned(subject) };
        finding.observed(fault.observed).remedy(fault.remedy)
    } else if let Some((number, error)) = damaged {
        CLIENT_IDENTITY
            .failed(subject)
            .observed(format!("element {number} is no X.509 certificate: {error}"))
            .remedy(format!(
                "Put the client certificate into {place} anew, with the issuers that it came with."
            ))
    } else if presented.is_key_open {
        CLIENT_IDENTITY
            .warned(subject)
            .observed(format!("every user of this machine can read its key, {key}"))
            .remedy(format!(
                "Close it to other users (chmod o= {key}); in Kubernetes mount the Secret with defaultMode: 0400."
            ))
    } else {
        CLIENT_IDENTITY.passed(subject).observed("as expected: no other use, no open key")
    };
    finding.expected("meant for clients, with a key that not everybody can read")
}
