//! A certificate that vouches for itself.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_TRUST,
    self_test::{
        farm::{Behaviour, Identity, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "self-signed certificate",
    proves: &TLS_TRUST,
    outcome: Outcome::Failed,
    says: "self-signed",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = Identity::self_signed(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
