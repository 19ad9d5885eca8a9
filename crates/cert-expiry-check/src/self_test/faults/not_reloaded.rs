//! Renewed on disk a month ago, and the old certificate still served: the classic outage. Whoever watches
//! only files sees nothing.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_AGREEMENT,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "renewed file, old certificate served",
    proves: &TLS_AGREEMENT,
    outcome: Outcome::Failed,
    says: "the old certificate is still served",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let renewed = bench.write("shop.pem", bench.identity(Lifetime::days_left(90, 80))?.pem())?;
    let old = bench.open(Behaviour::Tls(bench.identity(Lifetime::days_left(90, 12))?))?;
    Ok(bench.scan(&[&old.target(), &renewed]))
}
