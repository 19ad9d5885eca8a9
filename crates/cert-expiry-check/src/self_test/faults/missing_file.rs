//! A path that is wrong.

use evidence_report::record::Outcome;

use crate::{
    checks::FILE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "file that is not there",
    proves: &FILE_READABLE,
    outcome: Outcome::Failed,
    says: "no such file",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.scan(&[&bench.path("nowhere.pem")]))
}
