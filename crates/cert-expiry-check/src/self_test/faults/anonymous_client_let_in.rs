//! A port of the internal network that should demand a client certificate, and lets everybody in.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_CLIENT_CERTIFICATE,
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "port open to clients without a certificate",
    proves: &TLS_CLIENT_CERTIFICATE,
    outcome: Outcome::Failed,
    says: "lets anonymous clients in",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let scene = bench.scan_server(Behaviour::Tls(bench.sound()?))?;
    Ok(scene.with_words(&["--client-certificate", "required"]))
}
