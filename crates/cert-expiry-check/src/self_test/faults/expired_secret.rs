//! The ingress has a copy of its own, and serves the old one until somebody looks into the cluster.

use evidence_report::record::Outcome;

use crate::{
    checks::KUBERNETES_LIFETIME,
    self_test::{
        farm::Lifetime,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "expired certificate in a Kubernetes Secret",
    proves: &KUBERNETES_LIFETIME,
    outcome: Outcome::Failed,
    says: "3 d ago",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pem = bench.identity(Lifetime::expired(90, 3))?.pem();
    bench.scan_kubernetes(&bench.secret(&pem))
}
