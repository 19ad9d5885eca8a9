//! The issuer's clock is ahead, or ours behind.

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
    title: "certificate that is not valid yet",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Failed,
    says: "not valid before",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Tls(bench.identity(Lifetime::begins_in(90, 3))?))
}
