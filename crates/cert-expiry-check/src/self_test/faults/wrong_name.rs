//! The default host's certificate, served to those who asked for another.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_NAME,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "certificate for another name",
    proves: &TLS_NAME,
    outcome: Outcome::Failed,
    says: "shop.example",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.authority().issue(&["shop.example"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
