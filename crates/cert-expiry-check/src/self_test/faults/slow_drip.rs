//! One byte at a time, for ever: each read succeeds, the handshake does not.

use std::time::Duration;

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
    title: "slow drip",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "did not end the handshake",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.scan_impatiently(&bench.open(Behaviour::Drip(Duration::from_millis(50)))?.target()))
}
