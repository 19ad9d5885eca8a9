//! A firewall that drops what it does not like.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_REACHABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "port that never answers",
    proves: &TLS_REACHABLE,
    outcome: Outcome::Failed,
    says: "no answer within",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let (address, held) = bench.farm().deaf_port()?;
    Ok(bench.scan_impatiently(&address.to_string()).holding(held))
}
