//! Five days left of ninety: the last week.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_LIFETIME,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "nearly expired certificate",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Failed,
    says: "in 5 d",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Tls(bench.identity(Lifetime::days_left(90, 5))?))
}
