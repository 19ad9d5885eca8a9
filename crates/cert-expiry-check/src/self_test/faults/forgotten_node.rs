//! One of two nodes behind a name was forgotten at the last renewal.

use std::net::{Ipv4Addr, SocketAddr};

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_NODES,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "node with another certificate",
    proves: &TLS_NODES,
    outcome: Outcome::Warned,
    says: "they differ",
    build,
};

/// The other node's address.
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let old = bench.identity(Lifetime::days_left(90, 40))?;
    let first = bench.open(Behaviour::Tls(bench.sound()?))?;
    let second = SocketAddr::new(SECOND.into(), first.address.port());
    bench.farm().open_at(second, Behaviour::Tls(old))?;
    let mut scene = bench.scan(&[&format!("localhost:{}", first.address.port())]);
    scene.addresses = vec![first.address.ip(), second.ip()];
    Ok(scene)
}
