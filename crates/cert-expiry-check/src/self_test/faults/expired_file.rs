//! Nobody serves it yet; the next reload would.

use evidence_report::record::Outcome;

use crate::{
    checks::FILE_LIFETIME,
    self_test::{
        farm::Lifetime,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "expired certificate in a file",
    proves: &FILE_LIFETIME,
    outcome: Outcome::Failed,
    says: "3 d ago",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_file("old.pem", bench.identity(Lifetime::expired(90, 3))?.pem())
}
