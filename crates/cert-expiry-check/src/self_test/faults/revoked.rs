//! The key leaked, the issuer has revoked the certificate, and a server goes on presenting it.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_REVOCATION,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "revoked certificate served",
    proves: &TLS_REVOCATION,
    outcome: Outcome::Failed,
    says: "key compromise",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.sound()?;
    let list = bench.authority().revocation_list(Lifetime::days_left(7, 6), &[&identity])?;
    let list = bench.write("ca.crl.pem", list)?;
    let server = bench.open(Behaviour::Tls(identity))?;
    Ok(bench.scan(&[&server.target(), "--crl", &list]))
}
