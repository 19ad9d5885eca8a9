//! Certificate and key of two different renewals: all is well until the next restart.

use evidence_report::record::Outcome;

use crate::{
    checks::KEY_MATCH,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "key file of another certificate",
    proves: &KEY_MATCH,
    outcome: Outcome::Failed,
    says: "does not belong to the certificate",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.write("shop.pem", bench.sound()?.pem())?;
    bench.write("shop.key", bench.sound()?.key_pem())?;
    Ok(bench.scan(&[&bench.path("")]))
}
