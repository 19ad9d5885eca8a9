//! The server's own certificate is young, and its issuer ends in three weeks.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_LIFETIME,
    self_test::{
        farm::{Authority, Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "issuer that ends soon",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Failed,
    says: "presented by",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let root = Lifetime::days_left(3650, 3000);
    let authority = Authority::with_lifetimes(root, Lifetime::days_left(1825, 20))?;
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
