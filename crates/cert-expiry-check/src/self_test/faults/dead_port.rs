//! Nothing listens any more.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_REACHABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault =
    Fault { title: "dead port", proves: &TLS_REACHABLE, outcome: Outcome::Failed, says: "refused", build };

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let (address, held) = bench.farm().dead_port()?;
    Ok(bench.scan(&[&address.to_string()]).holding(held))
}
