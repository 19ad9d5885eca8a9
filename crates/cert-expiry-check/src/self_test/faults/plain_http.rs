//! The TLS in front of it is gone.

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
    title: "plain HTTP on a TLS port",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "plain HTTP",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::PlainHttp)
}
