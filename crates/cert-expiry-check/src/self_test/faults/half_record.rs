//! A TLS record that begins and never ends.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_HANDSHAKE,
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "record that never ends",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "did not end the handshake",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.scan_impatiently(&bench.open(Behaviour::HalfRecord)?.target()))
}
