//! Every user of the machine can read the key that the monitoring presents.

use evidence_report::record::Outcome;

use crate::{
    checks::CLIENT_IDENTITY,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "client key that everybody can read",
    proves: &CLIENT_IDENTITY,
    outcome: Outcome::Warned,
    says: "every user of this machine can read its key",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let ours = bench.authority().issue_client("monitoring", Lifetime::days_left(90, 60))?;
    let scene = bench.scan_server(Behaviour::Tls13DemandsClientCertificate(bench.sound()?))?;
    bench.presenting(scene, &ours, 0o644)
}
