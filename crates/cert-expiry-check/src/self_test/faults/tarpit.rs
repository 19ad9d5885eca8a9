//! It accepts, and then nothing: a stuck process behind a listening socket.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_HANDSHAKE,
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault =
    Fault { title: "tarpit", proves: &TLS_HANDSHAKE, outcome: Outcome::Failed, says: "said nothing", build };

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.scan_impatiently(&bench.open(Behaviour::Tarpit)?.target()))
}
