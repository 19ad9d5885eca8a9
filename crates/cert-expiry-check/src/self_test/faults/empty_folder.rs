//! A folder without certificates is no pass.

use evidence_report::record::Outcome;

use crate::{
    checks::FILES_FOUND,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "folder without certificates",
    proves: &FILES_FOUND,
    outcome: Outcome::Inconclusive,
    says: "none",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.write("README.md", "Certificates go here.\n")?;
    Ok(bench.scan(&[&bench.path("")]))
}
