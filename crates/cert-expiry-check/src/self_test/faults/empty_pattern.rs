//! A pattern that matches nothing is no pass.

use evidence_report::record::Outcome;

use crate::{
    checks::FILES_FOUND,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "pattern that matches nothing",
    proves: &FILES_FOUND,
    outcome: Outcome::Inconclusive,
    says: "none",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.scan(&[&bench.path("*.pem")]))
}
