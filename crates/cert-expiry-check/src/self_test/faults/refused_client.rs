//! Our client certificate comes from a CA that the server does not know.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_CLIENT_ACCEPTED,
    self_test::{
        farm::{Authority, Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "client certificate of a CA that the server does not trust",
    proves: &TLS_CLIENT_ACCEPTED,
    outcome: Outcome::Failed,
    says: "with the TLS alert UnknownCA",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let long = Lifetime::days_left(3650, 3000);
    let elsewhere = Authority::named("Elsewhere", long, long)?;
    let stranger = elsewhere.issue_client("monitoring", Lifetime::days_left(90, 60))?;
    let scene = bench.scan_server(Behaviour::Tls13DemandsClientCertificate(bench.sound()?))?;
    bench.presenting(scene, &stranger, 0o600)
}
