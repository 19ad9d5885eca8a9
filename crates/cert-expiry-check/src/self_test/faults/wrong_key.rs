//! The certificate was renewed with a new key, and the server still holds the old one.

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
    title: "server without the certificate's key",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "does not prove",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::WrongKey(bench.sound()?, bench.sound()?))
}
