//! kubectl was not allowed to look, or looked elsewhere.

use evidence_report::record::Outcome;

use crate::{
    checks::KUBERNETES_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "Kubernetes list without objects",
    proves: &KUBERNETES_READABLE,
    outcome: Outcome::Inconclusive,
    says: "no object",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_kubernetes(r#"{"apiVersion": "v1", "kind": "List", "items": []}"#)
}
