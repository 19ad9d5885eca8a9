//! An issuer of somebody else in the chain file: harmless today, and the sign of one that was put together by hand.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_CHAIN,
    self_test::{
        farm::{Authority, Behaviour},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "stranger in the chain",
    proves: &TLS_CHAIN,
    outcome: Outcome::Warned,
    says: "belongs to no path",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let stranger = Authority::new()?.intermediate().clone();
    let identity = bench.sound()?;
    let chain = identity.chain.iter().cloned().chain([stranger]).collect();
    bench.scan_server(Behaviour::Tls(identity.with_chain(chain)))
}
