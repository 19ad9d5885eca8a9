//! The path verifies, because verifiers take a root for trusted whatever its dates say; others refuse it.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_TRUST,
    self_test::{
        farm::{Authority, Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "expired root",
    proves: &TLS_TRUST,
    outcome: Outcome::Failed,
    says: "which expired",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let intermediate = Lifetime::days_left(1825, 900);
    let authority = Authority::with_lifetimes(Lifetime::expired(3650, 5), intermediate)?;
    let roots = bench.write("expired-root.pem", authority.root_pem())?;
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    let server = bench.open(Behaviour::Tls(identity))?;
    Ok(bench.scan_trusting(&[&server.target()], &roots))
}
