//! Three quarters of an hour left of twenty-four: limits in days would have failed it from its first second, or never.

use std::time::Duration;

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
    title: "short-lived certificate in its last hour",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Failed,
    says: "in 44 min",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let lifetime = Lifetime::left(Duration::from_secs(24 * 3600), Duration::from_secs(2670));
    bench.scan_server(Behaviour::Tls(bench.identity(lifetime)?))
}
