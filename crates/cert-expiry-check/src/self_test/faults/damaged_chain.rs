//! A chain file that an editor or a template cut.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_CERTIFICATE,
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "damaged element in the chain",
    proves: &TLS_CERTIFICATE,
    outcome: Outcome::Failed,
    says: "no X.509 certificate",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.sound()?;
    let chain = identity.chain.iter().cloned().chain([b"rubbish".to_vec().into()]).collect();
    bench.scan_server(Behaviour::Tls(identity.with_chain(chain)))
}
