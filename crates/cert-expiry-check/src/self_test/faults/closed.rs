//! The connection is closed where an answer should be.

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
    title: "close during the handshake",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "closed the connection",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Close)
}
