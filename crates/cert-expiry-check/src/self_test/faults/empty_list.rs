//! The script that writes the list has failed.

use evidence_report::record::Outcome;

use crate::{
    checks::TARGETS_NAMED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "list of targets that names none",
    proves: &TARGETS_NAMED,
    outcome: Outcome::Inconclusive,
    says: "names none",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let list = bench.write("targets.txt", "# none today\n")?;
    Ok(bench.scan(&[]).with_words(&["--targets", &list]))
}
