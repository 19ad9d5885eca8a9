//! Judges the issuers that servers present. Thousands of endpoints may present the same one: it is judged
//! once, and says who presents it.

use evidence_report::record::Finding;

use super::{
    Basis,
    lifetime::{self, Role},
};
use crate::{certificate::Certificate, checks::TLS_LIFETIME, wording::printable};

/// So many endpoints are named; the rest is counted.
const NAMED: usize = 3;

/// Judges an issuer that these endpoints present (sorted, at least one).
#[must_use]
pub fn judge(certificate: &Certificate, presented_by: &[String], basis: &Basis) -> Finding {
    let subject = format!("issuer '{}', serial {}", certificate.name, certificate.serial);
    let (finding, _) =
        lifetime::finding(&TLS_LIFETIME, subject, certificate, Role::Issuer, basis.now, &basis.thresholds);
    let named: Vec<_> = presented_by.iter().take(NAMED).map(|place| printable(place, 100)).collect();
    let rest = match presented_by.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let observed = format!("{}; presented by {}{rest}", finding.observed, named.join(", "));
    finding.observed(observed)
}
