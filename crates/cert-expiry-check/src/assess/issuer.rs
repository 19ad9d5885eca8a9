//! Judges the issuers that servers present. Thousands of endpoints may present the same one: it is judged
//! once, and says who presents it.

use evidence_report::record::{Finding, Outcome};

use super::{
    Basis,
    lifetime::{self, Role},
    strength,
};
use crate::{certificate::Certificate, checks::TLS_LIFETIME, wording::printable};

/// So many endpoints are named; the rest is counted.
const NAMED: usize = 3;

/// The endpoints that present an issuer.
#[derive(Debug, Clone, Copy)]
pub struct Presenters<'p> {
    /// The first of them, sorted; at least one.
    pub named: &'p [String],
    /// How many more there are.
    pub more: usize,
}

/// Judges an issuer that these endpoints present: its lifetime, and its key and signature where they are too weak.
#[must_use]
pub fn judge(certificate: &Certificate, presented_by: Presenters<'_>, basis: &Basis) -> Vec<Finding> {
    let subject = format!("issuer '{}', serial {}", certificate.name, certificate.serial);
    let (lifetime, _) = lifetime::finding(
        &TLS_LIFETIME,
        subject.clone(),
        certificate,
        Role::Issuer,
        basis.now,
        &basis.thresholds,
    );
    let key = strength::key_finding(&subject, certificate);
    // Nobody looks at the signature of a root: whoever trusts it, trusts it without.
    let signature = (!certificate.is_self_issued).then(|| strength::signature_finding(&subject, certificate));
    let weak = [Some(key), signature].into_iter().flatten().filter(|one| one.outcome != Outcome::Passed);
    let named: Vec<_> = presented_by.named.iter().take(NAMED).map(|place| printable(place, 100)).collect();
    let rest = match (presented_by.named.len() + presented_by.more).saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let by = |finding: Finding| {
        let observed = format!("{}; presented by {}{rest}", finding.observed, named.join(", "));
        finding.observed(observed)
    };
    std::iter::once(lifetime).chain(weak).map(by).collect()
}
