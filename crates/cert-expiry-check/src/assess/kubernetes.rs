//! Judges what was seen in Kubernetes objects. An issuer that stands in many of them (the cluster's own root
//! is in a ConfigMap of every namespace) is judged once, at the end of the run.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use evidence_report::record::{Finding, Requirement};

use super::{
    Basis, Judged, KeySighting, ListSighting, Part, Sighting, crl,
    lifetime::{self, Role},
    strength,
};
use crate::{
    certificate::Certificate,
    checks::{KUBERNETES_CERTIFICATE, KUBERNETES_LIFETIME, KUBERNETES_READABLE},
    stores::{
        Content, Contents, Entry,
        kubernetes::{Broken, Object, Value},
    },
    targets::files::has_promising_ending,
    wording::printable,
};

/// So many places of an issuer are named; the rest is counted.
const NAMED: usize = 3;

/// Judges one object.
#[must_use]
pub fn judge(object: &Object, basis: &Basis) -> Judged {
    let mut judged = Judged::default();
    for value in &object.values {
        let place = format!("{}, {}", object.place, value.name);
        match &value.content {
            Content::Holds(contents) => {
                holds(&object.place, &place, value, contents, basis, &mut judged);
            }
            Content::Nothing(why) => judged.findings.push(no_certificate(&place, why)),
        }
    }
    judged
}

fn holds(object: &str, place: &str, value: &Value, contents: &Contents, basis: &Basis, judged: &mut Judged) {
    let Contents { certificates, keys, lists, closed, other_labels, flaw } = contents;
    if let Some((_, flaw)) = flaw.filter(|_| has_promising_ending(Path::new(&value.name))) {
        let finding = match flaw.is_read_by_some() {
            true => KUBERNETES_CERTIFICATE.warned(place),
            false => KUBERNETES_CERTIFICATE.failed(place),
        };
        judged.findings.push(finding.expected("a whole certificate").observed(flaw.to_string()));
    }
    let whole = || certificates.iter().flat_map(|entry| &entry.certificate);
    let is_chain = whole().any(|one| Role::of_stored(one) == Role::Leaf);
    for (number, entry) in (1_usize..).zip(certificates) {
        let place = match (&entry.alias, number) {
            (Some(alias), _) => format!("{place}, alias {}", printable(alias, 80)),
            (None, 1) => place.to_owned(),
            (None, _) => format!("{place} #{number}"),
        };
        if let Ok(one) = &entry.certificate
            && (Role::of_stored(one) == Role::Leaf || is_chain && strength::is_link(entry))
        {
            let weak = strength::of_stored(&place, one, judged);
            judged.findings.extend(weak);
        }
        certificate(place, entry, basis, judged);
    }
    judged.keys.extend(keys.iter().map(|key| KeySighting {
        place: place.to_owned(),
        source: object.to_owned(),
        public_key: key.public_key.clone(),
    }));
    for (number, entry) in (1_usize..).zip(lists) {
        let place = if lists.len() == 1 { place.to_owned() } else { format!("{place} list #{number}") };
        match &entry.list {
            Ok(list) => {
                judged.findings.push(crl::judge(&place, list, basis));
                judged.lists.push(ListSighting { place, list: Arc::clone(list) });
            }
            Err(error) => {
                let finding = KUBERNETES_CERTIFICATE.failed(place).expected("a whole revocation list");
                judged.findings.push(finding.observed(error.as_str()));
            }
        }
    }
    if let Some(closed) = closed {
        let requirement = if value.is_copy { Requirement::Optional } else { Requirement::Required };
        let beside = if value.is_copy { "; the certificates beside it are judged" } else { "" };
        let observed = format!("{}{beside}", closed.what);
        let finding = KUBERNETES_CERTIFICATE.not_checked(requirement, place, observed);
        judged.findings.push(finding.remedy(closed.remedy.clone()));
    } else if certificates.is_empty() && lists.is_empty() && value.must_hold_certificates {
        judged.findings.push(no_certificate(place, &format!("it holds only {}", other_labels.join(", "))));
    }
}

fn certificate(place: String, entry: &Entry, basis: &Basis, judged: &mut Judged) {
    let certificate = match &entry.certificate {
        Ok(certificate) => certificate,
        Err(error) => {
            let finding = KUBERNETES_CERTIFICATE.failed(place).expected("a whole certificate");
            return judged.findings.push(finding.observed(error.as_str()));
        }
    };
    judged.quiet.push(&KUBERNETES_CERTIFICATE);
    let role = Role::of_stored(certificate);
    let (finding, judgement) = lifetime::finding(
        &KUBERNETES_LIFETIME,
        place.clone(),
        certificate,
        role,
        basis.now,
        &basis.thresholds,
    );
    let finding = match lifetime::due(certificate, &judgement) {
        Some((which, by_when)) => finding.remedy(format!(
            "Renew {which} {by_when}, put it into {place}, and see that the pods take it up. Where cert-manager is in \
             charge, `kubectl describe certificate -A` says why it has not."
        )),
        None => finding,
    };
    judged.findings.extend((role == Role::Leaf).then_some(finding));
    judged.sightings.push(Sighting {
        place,
        part: Part::Secret,
        certificate: Arc::clone(certificate),
        standing: judgement.standing,
    });
}

fn no_certificate(place: &str, observed: &str) -> Finding {
    KUBERNETES_CERTIFICATE.failed(place).expected("at least one certificate").observed(observed)
}

/// Judges an issuer that stands in these places (sorted, at least one).
#[must_use]
pub fn issuer(certificate: &Certificate, places: &[String], basis: &Basis) -> Finding {
    let subject = format!("issuer '{}', serial {}", certificate.name, certificate.serial);
    let (finding, judgement) = lifetime::finding(
        &KUBERNETES_LIFETIME,
        subject,
        certificate,
        Role::Issuer,
        basis.now,
        &basis.thresholds,
    );
    let named: Vec<_> = places.iter().take(NAMED).map(String::as_str).collect();
    let rest = match places.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let observed = format!("{}; in {}{rest}", finding.observed, named.join("; "));
    let finding = finding.observed(observed);
    match lifetime::due(certificate, &judgement) {
        Some((which, by_when)) => finding.remedy(format!(
            "Replace {which} {by_when} by its successor in each of these objects, by whatever writes them \
             (cert-manager and its cainjector, the operator, the control plane), and issue anew what it has issued."
        )),
        None => finding,
    }
}

/// What the objects of one document come to.
#[derive(Debug, Default)]
pub struct Tally {
    objects: usize,
    with_certificates: usize,
    certificates: usize,
    has_findings: bool,
    of_other_kinds: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts an object.
    pub fn count(&mut self, object: &Object, judged: &Judged) {
        self.objects += 1;
        self.with_certificates += usize::from(!judged.sightings.is_empty());
        self.certificates += judged.sightings.len();
        self.has_findings |= !judged.findings.is_empty();
        if !object.known {
            let kind = if object.kind.is_empty() { "(no kind)" } else { &object.kind };
            // Whoever makes up kinds without end gets them counted as one.
            let kind = if self.of_other_kinds.len() < 20 { kind } else { "others" };
            *self.of_other_kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Whether the document could be read to its end, and held anything.
    #[must_use]
    pub fn finding(&self, document: &str, ended: Result<(), Broken>) -> Option<Finding> {
        let expected = "Kubernetes objects in JSON, with certificates";
        let inconclusive = |observed: String| {
            KUBERNETES_READABLE.inconclusive(document).expected(expected).observed(observed)
        };
        let finding = match (ended, self.objects, self.certificates) {
            (Err(broken), 0, _) => inconclusive(broken.to_string()).remedy(
                "Look at what wrote it: `kubectl get … -o json` (not yaml, not -w), and whether it was ended early.",
            ),
            (Err(broken), read, _) => {
                inconclusive(format!("{broken}; what came before it was looked at: {}", objects(read)))
                    .remedy(
                    "See what kubectl said, and why it ended early; run it again. Pages that were fetched one by one \
                     follow one another in one document.",
                )
            }
            (Ok(()), 0, _) => inconclusive("no object at all".to_owned()).remedy(
                "See what kubectl said; `kubectl auth can-i list secrets -A` tells whether it may look.",
            ),
            (Ok(()), ..) if self.with_certificates == 0 && self.has_findings => return None,
            (Ok(()), all, 0) => inconclusive(format!("{}, none with a certificate{}", objects(all), self.others())),
            (Ok(()), all, found) => KUBERNETES_READABLE.passed(document).expected(expected).observed(format!(
                "{found} certificate{} in {} of {}{}",
                if found == 1 { "" } else { "s" },
                self.with_certificates,
                objects(all),
                self.others()
            )),
        };
        Some(finding)
    }

    fn others(&self) -> String {
        if self.of_other_kinds.is_empty() {
            return String::new();
        }
        let others: Vec<_> =
            self.of_other_kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!("; kinds that are not looked into: {}", others.join(", "))
    }
}

fn objects(count: usize) -> String {
    format!("{count} object{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::chain::Roots;
    use crate::stores::{Passwords, kubernetes};
    use evidence_report::record::Outcome;
    use jiff::Timestamp;

    fn basis() -> Basis {
        Basis::new(Timestamp::from_second(1_800_000_000).unwrap(), Roots::new("none", []))
    }

    /// The findings of a document: outcome, subject, observed.
    fn findings(json: &str) -> Vec<(Outcome, String, String)> {
        let (basis, mut tally, mut findings) = (basis(), Tally::default(), Vec::new());
        let ended = kubernetes::read(json.as_bytes(), &Passwords::default(), &mut |object| {
            let judged = judge(&object, &basis);
            tally.count(&object, &judged);
            findings.extend(judged.findings);
            true
        });
        findings.extend(tally.finding("stdin", ended));
        findings.into_iter().map(|finding| (finding.outcome, finding.subject, finding.observed)).collect()
    }

    #[test]
    fn a_document_that_holds_nothing_is_no_pass() {
        for (json, words) in [
            ("", "no object at all"),
            (r#"{"kind":"List","items":[]}"#, "no object at all"),
            (r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#, "1 object, none with a certificate"),
            (
                r#"{"items":[{"kind":"Pod"},{"kind":"Pod"},{}]}"#,
                "3 objects, none with a certificate; kinds that are not looked into: (no kind) 1, Pod 2",
            ),
            ("error: you must be logged in", "line 1, column 1: expected value"),
            (
                r#"{"kind":"Pod"} {"#,
                "line 1, column 16: it ends in the middle; what came before it was looked at: 1 object",
            ),
        ] {
            assert_eq!(
                findings(json),
                [(Outcome::Inconclusive, "stdin".to_owned(), words.to_owned())],
                "{json}"
            );
        }
    }

    #[test]
    fn a_secret_that_should_hold_a_certificate_and_does_not_fails_by_its_name() {
        let secret = |data: &str| {
            format!(
                r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"tls","namespace":"shop"}},"data":{data}}}"#
            )
        };
        let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCkFBQUEKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=";
        for (data, words) in [
            ("{}".to_owned(), "it is missing"),
            (r#"{"tls.crt":""}"#.to_owned(), "it is empty"),
            (format!(r#"{{"tls.crt":"{key}"}}"#), "it holds only PRIVATE KEY"),
        ] {
            let expected = (Outcome::Failed, "secret shop/tls, tls.crt".to_owned(), words.to_owned());
            assert_eq!(findings(&secret(&data)), [expected]);
        }
    }
}
