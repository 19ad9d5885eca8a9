//! A file that was read while it was written, or a disk that was full.

use evidence_report::record::Outcome;

use crate::{
    checks::FILE_CERTIFICATE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "truncated PEM",
    proves: &FILE_CERTIFICATE,
    outcome: Outcome::Failed,
    says: "truncated",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pem = bench.sound()?.pem();
    bench.scan_file("cut.pem", &pem[..pem.len() - 100])
}
