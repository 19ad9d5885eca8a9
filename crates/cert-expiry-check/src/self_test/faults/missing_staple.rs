//! The certificate promises a stapled OCSP response, and none comes: Firefox refuses it, others do not.

use evidence_report::record::Outcome;
use rcgen::CustomExtension;

use crate::{
    checks::TLS_STAPLE,
    self_test::{
        farm::{Behaviour, Lifetime},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "promised OCSP response that is not stapled",
    proves: &TLS_STAPLE,
    outcome: Outcome::Failed,
    says: "none was stapled",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    // The TLS feature extension with status_request (RFC 7633).
    let must_staple =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
    let identity =
        bench.authority().issue_changed(&["127.0.0.1"], Lifetime::days_left(90, 60), |parameters| {
            parameters.custom_extensions.push(must_staple);
        })?;
    bench.scan_server(Behaviour::Tls(identity))
}
