//! A signature over SHA-1: clients have refused it for years, and old tools pass it.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_SIGNATURE,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "signature over SHA-1",
    proves: &TLS_SIGNATURE,
    outcome: Outcome::Failed,
    says: "SHA-1",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.authority().issue_over_sha1(&["127.0.0.1"], Lifetime::days_left(90, 60))?;
    bench.scan_server(Behaviour::Tls(identity))
}
