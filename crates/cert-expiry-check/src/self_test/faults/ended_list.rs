//! A revocation list that nobody fetched again: strict clients now refuse every certificate of its issuer.

use evidence_report::record::Outcome;

use crate::{
    checks::CRL_FRESHNESS,
    self_test::{
        farm::Lifetime,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "revocation list past its end",
    proves: &CRL_FRESHNESS,
    outcome: Outcome::Failed,
    says: "ended",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let list = bench.authority().revocation_list(Lifetime::expired(7, 1), &[])?;
    bench.scan_file("ca.crl.pem", list)
}
