//! An RSA key of 1024 bits: from an old template, or an appliance.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_KEY,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "key that is too short",
    proves: &TLS_KEY,
    outcome: Outcome::Failed,
    says: "1024 bits",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.authority().issue_for_short_key(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
