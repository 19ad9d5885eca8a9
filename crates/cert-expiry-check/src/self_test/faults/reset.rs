//! The connection is reset in the middle of the handshake.

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
    title: "reset during the handshake",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "reset the connection",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Reset)
}
