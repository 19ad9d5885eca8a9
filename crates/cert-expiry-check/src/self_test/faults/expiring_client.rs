//! The certificate that the monitoring itself presents is about to end.

use evidence_report::record::Outcome;

use crate::{
    checks::CLIENT_LIFETIME,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "nearly expired client certificate of the monitoring",
    proves: &CLIENT_LIFETIME,
    outcome: Outcome::Failed,
    says: "(lifetime 90 d)",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let ours = bench.authority().issue_client("monitoring", Lifetime::days_left(90, 5))?;
    let scene = bench.scan_server(Behaviour::Tls13DemandsClientCertificate(bench.sound()?))?;
    bench.presenting(scene, &ours, 0o600)
}
