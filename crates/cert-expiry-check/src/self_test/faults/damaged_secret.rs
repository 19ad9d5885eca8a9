//! A Secret into which something else was pasted.

use evidence_report::record::Outcome;

use crate::{
    checks::KUBERNETES_CERTIFICATE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "Kubernetes Secret without a certificate",
    proves: &KUBERNETES_CERTIFICATE,
    outcome: Outcome::Failed,
    says: "without a PEM certificate",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_kubernetes(&bench.secret("not a certificate"))
}
