//! A whole chain, to a root that nobody trusts.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_TRUST,
    self_test::{
        farm::{Authority, Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "chain to an untrusted root",
    proves: &TLS_TRUST,
    outcome: Outcome::Failed,
    says: "Foreign",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let long = Lifetime::days_left(3650, 3000);
    let authority = Authority::named("Foreign", long, long)?;
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
