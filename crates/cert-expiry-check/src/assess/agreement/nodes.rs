//! Whether the nodes behind one name serve the same certificate.

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::listed;
use crate::{
    certificate::Certificate,
    checks::TLS_NODES,
    wording::{distance, moment},
};

/// Compares what the addresses of one name serve (and the ports there, where it matters); with fewer than two
/// there is nothing to compare.
#[must_use]
pub fn judge(name: &str, served: &[(String, &Certificate)], now: Timestamp) -> Option<Finding> {
    let mut distinct: Vec<(&Certificate, Vec<String>)> = Vec::new();
    for (address, certificate) in served {
        match distinct.iter_mut().find(|(known, _)| known.fingerprint == certificate.fingerprint) {
            Some((_, addresses)) => addresses.push(address.clone()),
            None => distinct.push((certificate, vec![address.clone()])),
        }
    }
    let expected = "the same certificate at every address";
    match (served.len(), distinct.len()) {
        (0 | 1, _) => None,
        (count, 1) => Some(
            TLS_NODES.passed(name).expected(expected).observed(format!("the same at all {count} addresses")),
        ),
        _ => {
            distinct.sort_by_key(|(certificate, _)| certificate.validity.not_after);
            let each = distinct.iter().map(|(certificate, addresses)| {
                let end = certificate.validity.not_after;
                let expires = if end < now { "expired" } else { "expires" };
                let at = listed(addresses, 4);
                format!("the one at {at} {expires} {}, {}", moment(end), distance(now, end))
            });
            let observed = format!("they differ: {}", each.collect::<Vec<_>>().join("; "));
            let (soonest, forgotten) = distinct.first()?;
            let forgotten = listed(forgotten, 4);
            Some(
                TLS_NODES
                    .warned(name)
                    .expected(expected)
                    .observed(observed)
                    .remedy(format!(
                        "Look at {forgotten} first: it may have been forgotten at the last renewal. Install the \
                         newest certificate there too, and reload."
                    ))
                    .hurts_at(soonest.validity.not_after),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Validity;
    use evidence_report::record::Outcome;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn certificate(number: u8, age: i64) -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        certificate.fingerprint = [number; 32];
        certificate.validity = Validity::from_unix(NOW - age, NOW - age + 90 * DAY);
        certificate
    }

    #[test]
    fn a_node_that_serves_another_certificate_is_named() {
        let now = Timestamp::from_second(NOW).unwrap();
        let (new, old) = (certificate(1, 5 * DAY), certificate(2, 60 * DAY));
        let node = |last: u8| format!("192.0.2.{last}");
        assert_eq!(judge("shop:443", &[(node(1), &new)], now), None);
        let same = judge("shop:443", &[(node(1), &new), (node(2), &new)], now).unwrap();
        assert_eq!((same.outcome, same.observed.as_str()), (Outcome::Passed, "the same at all 2 addresses"));
        let differ = judge("shop:443", &[(node(1), &new), (node(2), &old), (node(3), &new)], now).unwrap();
        assert_eq!(differ.outcome, Outcome::Warned);
        assert_eq!(
            differ.observed,
            "they differ: the one at 192.0.2.2 expires 2027-02-14 08:00 UTC, in 30 d; \
             the one at 192.0.2.1, 192.0.2.3 expires 2027-04-10 08:00 UTC, in 85 d"
        );
        assert!(differ.remedy.contains("Look at 192.0.2.2 first"), "{}", differ.remedy);
        assert_eq!(differ.hurts_at, Some(old.validity.not_after));
    }
}
