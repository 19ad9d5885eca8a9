//! It talks, and never stops: who reads to the end runs out of memory.

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
    title: "endless banner",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "no TLS",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::EndlessBanner)
}
