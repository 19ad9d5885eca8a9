//! A network in which nothing answers: the wrong one, or a firewall in between.

use evidence_report::record::Outcome;

use crate::{
    checks::NETWORK_FOUND,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "network without endpoints",
    proves: &NETWORK_FOUND,
    outcome: Outcome::Inconclusive,
    says: "0 answered",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    // Loopback, and a port on which nobody listens.
    let (address, held) = bench.farm().dead_port()?;
    Ok(bench.scan(&[&format!("127.0.0.0/30:{}", address.port())]).holding(held))
}
