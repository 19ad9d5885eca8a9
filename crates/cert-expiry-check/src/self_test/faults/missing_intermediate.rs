//! Browsers that have seen the intermediate elsewhere hide this one; other clients fail.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_TRUST,
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "missing intermediate",
    proves: &TLS_TRUST,
    outcome: Outcome::Failed,
    says: "missing intermediate",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Tls(bench.sound()?.leaf_only()))
}
