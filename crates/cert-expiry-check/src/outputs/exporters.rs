//! Every certificate and every endpoint as numbers, under the names and labels by which x509-certificate-exporter
//! and blackbox_exporter are known to dashboards and alert rules. What was seen is told however bad it is. Pure.

use std::{collections::BTreeMap, path::Path};

use evidence_report::record::{Finding, Metric, Outcome, Requirement, Series};
use jiff::Timestamp;

use super::{One, Seen};
use crate::{
    assess::{Judged, Part},
    checks::{
        FILE_CERTIFICATE, FILE_READABLE, KUBERNETES_CERTIFICATE, TLS_HANDSHAKE, TLS_NAME, TLS_REACHABLE,
        TLS_TRUST,
    },
};

static NOT_BEFORE: Metric = Metric {
    name: "x509_cert_not_before",
    help: "First moment at which the certificate is valid, in Unix seconds.",
};
static NOT_AFTER: Metric = Metric {
    name: "x509_cert_not_after",
    help: "Last moment at which the certificate is valid, in Unix seconds.",
};
static EXPIRED: Metric =
    Metric { name: "x509_cert_expired", help: "1 if the certificate has expired, 0 otherwise." };
static ERROR: Metric =
    Metric { name: "x509_cert_error", help: "1 if the certificate cannot be read, 0 otherwise." };
static SUCCESS: Metric =
    Metric { name: "probe_success", help: "1 if a verifying client is served by the endpoint, 0 otherwise." };
static EARLIEST: Metric = Metric {
    name: "probe_ssl_earliest_cert_expiry",
    help: "The earliest end among the certificates that the endpoint presents, in Unix seconds.",
};
static LAST_CHAIN: Metric = Metric {
    name: "probe_ssl_last_chain_expiry_timestamp_seconds",
    help: "The end of the chain that leads to a trusted root, in Unix seconds.",
};

/// What stands before the path of the client certificate that is presented.
const CLIENT: &str = "client certificate ";

type Labels = Vec<(&'static str, String)>;

/// Every certificate in every place, once each.
#[must_use]
pub fn certificates(seen: &Seen, now: Timestamp) -> Vec<Series> {
    let all: Vec<_> = seen.soonest_first().collect();
    let mut by_labels: BTreeMap<Labels, Vec<&One>> = BTreeMap::new();
    for one in &all {
        for (part, place) in one.places() {
            let same = by_labels.entry(labels(one, part, place)).or_default();
            if !same.iter().any(|other| other.certificate.fingerprint == one.certificate.fingerprint) {
                same.push(one);
            }
        }
    }
    let mut series = Vec::new();
    for (labels, ones) in by_labels {
        for one in &ones {
            let mut labels = labels.clone();
            // As that exporter does it: told only where two certificates could not be told apart otherwise.
            if ones.len() > 1 {
                let digits = one.certificate.fingerprint.iter().take(4).map(|byte| format!("{byte:02x}"));
                labels.push(("discriminator", digits.collect()));
            }
            series.push(Series { labels, values: values(one, now) });
        }
    }
    series
}

#[expect(clippy::cast_precision_loss, reason = "Unix seconds stay far below 2^53")]
fn seconds(at: Timestamp) -> f64 {
    at.as_second() as f64
}

fn values(one: &One, now: Timestamp) -> Vec<(&'static Metric, f64)> {
    let validity = one.certificate.validity;
    vec![
        (&NOT_BEFORE, seconds(validity.not_before)),
        (&NOT_AFTER, seconds(validity.not_after)),
        (&EXPIRED, f64::from(u8::from(validity.not_after < now))),
        (&ERROR, 0.0),
    ]
}

fn labels(one: &One, part: Part, place: &str) -> Labels {
    let certificate = &one.certificate;
    let mut labels = location(part, place);
    labels.push(("serial_number", decimal(&certificate.serial)));
    labels.push(("issuer_CN", certificate.issuer.to_string()));
    labels.push(("subject_CN", certificate.name.clone()));
    labels
}

/// Where it was seen, in that exporter's labels; an endpoint, which it does not know, is an `instance`.
fn location(part: Part, place: &str) -> Labels {
    match part {
        Part::Secret => object(place).unwrap_or_else(|| file(place)),
        Part::File | Part::Client => file(place),
        _ => vec![("instance", place.to_owned())],
    }
}

/// Objects with a `caBundle`, as they are written in places and in labels.
const WITH_BUNDLES: [(&str, &str); 4] = [
    ("mutatingwebhookconfiguration", "MutatingWebhookConfiguration"),
    ("validatingwebhookconfiguration", "ValidatingWebhookConfiguration"),
    ("apiservice", "APIService"),
    ("customresourcedefinition", "CustomResourceDefinition"),
];

/// `secret shop/tls, tls.crt`, `configmap shop/ca, ca.crt`, or `mutatingwebhookconfiguration hook, webhook a.b`.
fn object(place: &str) -> Option<Labels> {
    let (kind, rest) = place.split_once(' ')?;
    let (whole_name, key) = rest.split_once(", ").unwrap_or((rest, ""));
    if let Some((_, kind)) = WITH_BUNDLES.iter().find(|(word, _)| *word == kind) {
        let entry = without_number(key).strip_prefix("webhook ").unwrap_or_default();
        let names = ["cabundle_resource_kind", "cabundle_resource_name", "cabundle_entry"];
        return Some(names.into_iter().zip([kind, whole_name, entry].map(str::to_owned)).collect());
    }
    let (namespace, name) = whole_name.split_once('/')?;
    let names = match kind {
        "secret" => ["secret_namespace", "secret_name", "secret_key"],
        "configmap" => ["configmap_namespace", "configmap_name", "configmap_key"],
        _ => return None,
    };
    let key = without_number(key);
    Some(names.into_iter().zip([namespace, name, key].map(str::to_owned)).collect())
}

fn file(place: &str) -> Labels {
    let place = place.strip_prefix(CLIENT).unwrap_or(place);
    let path = place.split_once(", alias ").map_or_else(|| without_number(place), |(path, _)| path);
    let embedded = ["cluster", "user"].into_iter().find_map(|kind| {
        let (path, name) = path.rsplit_once(&format!(", {kind} "))?;
        Some((path, kind, name))
    });
    let path = embedded.map_or(path, |(path, ..)| path);
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let mut labels = vec![("filename", name.unwrap_or_default()), ("filepath", path.to_owned())];
    if let Some((_, kind, name)) = embedded {
        labels.extend([("embedded_kind", kind.to_owned()), ("embedded_key", name.to_owned())]);
    }
    labels
}

/// `bundle.pem #2` is in `bundle.pem`.
fn without_number(place: &str) -> &str {
    match place.rsplit_once(" #") {
        Some((path, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => path,
        _ => place,
    }
}

/// What a finding says could not be read; nothing where it says something else.
#[must_use]
pub fn unreadable(finding: &Finding) -> Option<Series> {
    if is_good(finding.outcome) {
        return None;
    }
    let labels = match finding.check.id {
        id if id == FILE_CERTIFICATE.id || id == FILE_READABLE.id => {
            file(finding.location.as_ref().map_or(&finding.subject, |place| &place.path))
        }
        id if id == KUBERNETES_CERTIFICATE.id => object(&finding.subject)?,
        _ => return None,
    };
    Some(Series { labels, values: vec![(&ERROR, 1.0)] })
}

/// What cannot be read, and the endpoints of one look.
#[must_use]
pub fn of_one_look(judged: &Judged, now: Timestamp) -> Vec<Series> {
    let broken = judged.findings.iter().filter_map(unreadable);
    let tried = judged.findings.iter().filter(|finding| finding.check.id == TLS_REACHABLE.id);
    broken.chain(tried.map(|finding| endpoint(&finding.subject, judged, now))).collect()
}

/// What blackbox_exporter tells of an endpoint that it probes with full verification.
fn endpoint(subject: &str, judged: &Judged, now: Timestamp) -> Series {
    let presented =
        || judged.sightings.iter().filter(|seen| seen.place == subject && !matches!(seen.part, Part::File));
    let of = |checks: &[&str]| {
        let wanted = |finding: &&Finding| finding.subject == subject && checks.contains(&finding.check.id);
        judged.findings.iter().filter(wanted).map(|finding| finding.outcome).collect::<Vec<_>>()
    };
    let good =
        |outcomes: &[Outcome]| !outcomes.is_empty() && outcomes.iter().all(|outcome| is_good(*outcome));
    let is_valid = |at: &Timestamp| *at >= now;
    let own = presented().find(|seen| seen.part == Part::Server).map(|seen| seen.certificate.validity);
    let served = good(&of(&[TLS_REACHABLE.id, TLS_HANDSHAKE.id, TLS_NAME.id, TLS_TRUST.id]))
        && own.is_some_and(|validity| validity.not_before <= now && is_valid(&validity.not_after));
    let mut values = vec![(&SUCCESS, f64::from(u8::from(served)))];
    let ends = |parts: &[Part]| {
        presented()
            .filter(|seen| parts.contains(&seen.part))
            .map(|seen| seen.certificate.validity.not_after)
            .min()
    };
    let all = presented().map(|seen| seen.certificate.validity.not_after).min();
    values.extend(all.map(|at| (&EARLIEST, seconds(at))));
    if good(&of(&[TLS_TRUST.id])) {
        values.extend(ends(&[Part::Server, Part::Issuer]).map(|at| (&LAST_CHAIN, seconds(at))));
    }
    Series { labels: vec![("instance", subject.to_owned())], values }
}

fn is_good(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Passed | Outcome::Warned | Outcome::NotChecked(Requirement::Optional))
}

/// A serial number in decimal digits, as that exporter writes it: up to 20 octets, more than any integer holds.
fn decimal(hexadecimal: &str) -> String {
    let mut digits = vec![0_u8];
    for character in hexadecimal.chars() {
        let Some(mut carry) = character.to_digit(16) else { return hexadecimal.to_owned() };
        for digit in &mut digits {
            let value = u32::from(*digit) * 16 + carry;
            *digit = u8::try_from(value % 10).unwrap_or(0);
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_decimal() {
        for (hexadecimal, expected) in [
            ("", "0"),
            ("00", "0"),
            ("0a", "10"),
            ("ff", "255"),
            ("0100", "256"),
            ("74fb11a6903ee83600000000000000000000ffff", "667841954047865783615153950606406552014827880447"),
        ] {
            assert_eq!(decimal(hexadecimal), expected, "{hexadecimal}");
        }
    }

    #[test]
    fn a_place_becomes_the_labels_of_its_kind() {
        for (part, place, expected) in [
            (Part::Server, "a:443", vec![("instance", "a:443")]),
            (Part::File, "/etc/a b.pem", vec![("filename", "a b.pem"), ("filepath", "/etc/a b.pem")]),
            (Part::File, "/etc/a.pem #2", vec![("filename", "a.pem"), ("filepath", "/etc/a.pem")]),
            (Part::File, "s.jks, alias x #2", vec![("filename", "s.jks"), ("filepath", "s.jks")]),
            (
                Part::File,
                "/root/.kube/config, user kube admin #2",
                vec![
                    ("filename", "config"),
                    ("filepath", "/root/.kube/config"),
                    ("embedded_kind", "user"),
                    ("embedded_key", "kube admin"),
                ],
            ),
            (
                Part::Client,
                "client certificate pki/ours.pem",
                vec![("filename", "ours.pem"), ("filepath", "pki/ours.pem")],
            ),
            (
                Part::Secret,
                "validatingwebhookconfiguration hook, webhook a.b #2",
                vec![
                    ("cabundle_resource_kind", "ValidatingWebhookConfiguration"),
                    ("cabundle_resource_name", "hook"),
                    ("cabundle_entry", "a.b"),
                ],
            ),
            (
                Part::Secret,
                "apiservice v1.x, caBundle",
                vec![
                    ("cabundle_resource_kind", "APIService"),
                    ("cabundle_resource_name", "v1.x"),
                    ("cabundle_entry", ""),
                ],
            ),
            (
                Part::Secret,
                "secret shop/tls, tls.crt #2",
                vec![("secret_namespace", "shop"), ("secret_name", "tls"), ("secret_key", "tls.crt")],
            ),
            (
                Part::Secret,
                "configmap shop/ca, ca.crt",
                vec![("configmap_namespace", "shop"), ("configmap_name", "ca"), ("configmap_key", "ca.crt")],
            ),
        ] {
            let expected: Labels =
                expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
            assert_eq!(location(part, place), expected, "{place}");
        }
    }
}
