//! Twenty-three days left of ninety: no limit is reached, but whatever renews it has missed its turn.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_RENEWAL,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "stalled renewal",
    proves: &TLS_RENEWAL,
    outcome: Outcome::Warned,
    says: "renewal stalled",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_server(Behaviour::Tls(bench.identity(Lifetime::days_left(90, 23))?))
}
