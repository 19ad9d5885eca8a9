//! The same key before anybody serves it: in a file that the next reload takes.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_KEY,
    self_test::{
        farm::Lifetime,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "key that is too short, in a file",
    proves: &TLS_KEY,
    outcome: Outcome::Failed,
    says: "1024 bits",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.authority().issue_for_short_key(&["shop.example"], Lifetime::days_left(90, 60))?;
    bench.scan_file("shop.pem", identity.pem())
}
