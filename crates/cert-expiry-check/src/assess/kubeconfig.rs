//! Judges what was seen in a kubeconfig: the roots of its clusters, the certificates of its users.

use std::{io::ErrorKind, sync::Arc};

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, Judged, KeySighting, Part, Sighting,
    file::unreadable,
    lifetime::{self, Role},
    strength,
};
use crate::{
    checks::{FILE_CERTIFICATE, FILE_LIFETIME, FILE_READABLE},
    stores::{
        Content, Contents,
        kubeconfig::{self, Broken, Held, Kubeconfig, PartKind},
    },
    targets::files::FoundFile,
    wording::printable,
};

/// Judges a kubeconfig. One without a certificate that merely lies in a searched folder yields no finding.
#[must_use]
pub fn judge(
    file: &FoundFile,
    subject: &str,
    observation: &Result<Kubeconfig, Broken>,
    basis: &Basis,
) -> Judged {
    let mut judged = Judged::default();
    match observation {
        Err(broken) => judged.findings.push(no_yaml(subject, broken)),
        Ok(config) => {
            config.parts.iter().for_each(|part| self::part(subject, part, basis, &mut judged));
            judged.findings.extend(whole(file, subject, &judged));
        }
    }
    judged
}

fn no_yaml(subject: &str, broken: &Broken) -> Finding {
    let place =
        broken.line.map_or_else(String::new, |line| format!("line {line}, column {}: ", broken.column));
    FILE_READABLE
        .failed(subject)
        .expected("a kubeconfig")
        .observed(format!("{place}it is no YAML"))
        .remedy("See what `kubectl config view --kubeconfig FILE` says, and write the file again.")
        .at(subject, broken.line)
}

fn whole(file: &FoundFile, subject: &str, judged: &Judged) -> Option<Finding> {
    let expected = "a kubeconfig with certificates";
    let finding = match judged.sightings.len() {
        0 if !judged.findings.is_empty() || !file.named => return None,
        0 => FILE_READABLE
            .not_checked(
                Requirement::Required,
                subject,
                "a kubeconfig without a certificate: its users bring tokens, or run programs",
            )
            .remedy("Leave it out: nothing in it can expire here."),
        1 => FILE_READABLE.passed(subject).observed("a kubeconfig with 1 certificate"),
        many => FILE_READABLE.passed(subject).observed(format!("a kubeconfig with {many} certificates")),
    };
    Some(finding.expected(expected).at(subject, None))
}

/// What keeps clients from reading the key of a user with a certificate: they refuse the user then. A key that is
/// closed to this program alone is none of our business.
fn lost_key(place: &str, part: &kubeconfig::Part) -> Option<Finding> {
    let place = format!("{place}, client key");
    let lost = |observed: String| {
        FILE_READABLE
            .failed(place.as_str())
            .expected("the private key of the client certificate")
            .observed(observed)
            .remedy("Put the key that the certificate was issued for there; kubectl refuses this user until then.")
    };
    match &part.key {
        None if part.kind == PartKind::Cluster => None,
        None => Some(lost("there is neither client-key-data nor client-key".to_owned())),
        Some(Held::Inside(content)) => content.lacks_a_key().map(lost),
        Some(Held::File(path, content)) => {
            let refers_to = format!("it refers to {}", printable(&path.to_string_lossy(), 200));
            match content {
                Ok(content) => content.lacks_a_key().map(|why| lost(format!("{refers_to}: {why}"))),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Some(lost(format!("{refers_to}: there is no such file")))
                }
                Err(error) => Some(
                    FILE_READABLE
                        .not_checked(
                            Requirement::Optional,
                            place.as_str(),
                            format!("{refers_to}: cannot be read: {}", printable(&error.to_string(), 160)),
                        )
                        .remedy("Nothing: keys belong out of reach."),
                ),
            }
        }
    }
}

fn part(subject: &str, part: &kubeconfig::Part, basis: &Basis, judged: &mut Judged) {
    let place = format!("{subject}, {}", part.name);
    let mut findings = match &part.certificates {
        None => Vec::new(),
        Some(Held::Inside(content)) => content_of(&place, part.kind, content, basis, judged),
        Some(Held::File(_, Ok(content))) => content_of(&place, part.kind, content, basis, judged),
        Some(Held::File(path, Err(error))) => {
            let finding = unreadable(&place, error);
            let path = printable(&path.to_string_lossy(), 200);
            let observed = format!("it refers to {path}: {}", finding.observed);
            vec![finding.observed(observed)]
        }
    };
    findings.extend(part.certificates.as_ref().and_then(|_| lost_key(&place, part)));
    // Where a line is known, it is one of the embedded PEM, and not of this file.
    findings = findings.into_iter().map(|finding| finding.at(subject, None)).collect();
    judged.findings.extend(findings);
    judged.keys.extend(part.keys().iter().map(|key| KeySighting {
        place: format!("{place}, client key"),
        source: place.clone(),
        public_key: key.public_key.clone(),
    }));
}

fn content_of(
    place: &str,
    kind: PartKind,
    content: &Content,
    basis: &Basis,
    judged: &mut Judged,
) -> Vec<Finding> {
    let damaged = |observed: &str| {
        vec![FILE_CERTIFICATE.failed(place).expected("at least one certificate").observed(observed)]
    };
    match content {
        Content::Nothing(why) => damaged(why),
        Content::Holds(contents) if contents.certificates.is_empty() => {
            damaged(&format!("it holds only {}", contents.other_labels.join(", ")))
        }
        Content::Holds(contents) => certificates(place, kind, contents, basis, judged),
    }
}

fn certificates(
    place: &str,
    kind: PartKind,
    contents: &Contents,
    basis: &Basis,
    judged: &mut Judged,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, entry) in (1_usize..).zip(&contents.certificates) {
        let place = if number == 1 { place.to_owned() } else { format!("{place} #{number}") };
        let certificate = match &entry.certificate {
            Ok(certificate) => certificate,
            Err(error) => {
                let finding = FILE_CERTIFICATE.failed(place).expected("a whole certificate");
                findings.push(finding.observed(error.as_str()));
                continue;
            }
        };
        judged.quiet.push(&FILE_CERTIFICATE);
        if Role::of_stored(certificate) == Role::Leaf {
            findings.extend(strength::of_stored(&place, certificate, judged));
        }
        // What a user presents first stands for the user, whatever it says that it is.
        let is_leaf = (kind == PartKind::User && number == 1) || !certificate.is_issuer;
        let role = if is_leaf { Role::Leaf } else { Role::Issuer };
        let what_to_do = match kind {
            PartKind::User => "put it and its key into",
            PartKind::Cluster => "take the successor from whoever runs the cluster, and put it into",
        };
        let (finding, judgement) =
            lifetime::finding(&FILE_LIFETIME, place.clone(), certificate, role, basis.now, &basis.thresholds);
        findings.push(match lifetime::due(certificate, &judgement) {
            Some((which, by_when)) => {
                finding.remedy(format!("Replace {which} {by_when}: {what_to_do} {place}."))
            }
            None => finding,
        });
        judged.sightings.push(Sighting {
            place,
            part: Part::File,
            certificate: Arc::clone(certificate),
            standing: judgement.standing,
        });
    }
    findings
}
