//! A fatal alert instead of a certificate.

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
    title: "fatal TLS alert",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "TLS alert",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    // Alert (21), fatal (2), handshake_failure (40): RFC 8446, 6.
    bench.scan_server(Behaviour::Banner(&[21, 3, 3, 0, 2, 2, 40]))
}
