//! The oldest of all: nobody renewed.

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
    title: "expired certificate",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Failed,
    says: "3 d ago",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Tls(bench.identity(Lifetime::expired(90, 3))?))
}
