//! A client's certificate where a server's should be: same CA, same name, and every client refuses it.

use evidence_report::record::Outcome;
use rcgen::ExtendedKeyUsagePurpose;

use crate::{
    checks::TLS_USAGE,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "certificate that is meant for clients",
    proves: &TLS_USAGE,
    outcome: Outcome::Failed,
    says: "not for servers",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity =
        bench.authority().issue_changed(&["127.0.0.1"], Lifetime::days_left(90, 60), |parameters| {
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })?;
    bench.scan_server(Behaviour::Tls(identity))
}
