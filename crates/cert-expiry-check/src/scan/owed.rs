//! What a scan owes by its plan: the checks without which it is no pass, whatever became of their observation.

use evidence_report::record::Check;

use crate::{
    checks::{KUBERNETES_READABLE, TLS_HANDSHAKE, TLS_KEY, TLS_LIFETIME, TLS_NAME, TLS_REACHABLE, TLS_TRUST},
    plan::Plan,
};

/// Of servers and objects that are named. What a file holds is known only when it has been read, and what is looked
/// for says by itself whether there was any.
pub(super) fn by(plan: &Plan) -> Vec<&'static Check> {
    let servers = super::endpoints(plan).next().is_some();
    let owed: [(bool, &[&'static Check]); 2] = [
        (servers, &[&TLS_REACHABLE, &TLS_HANDSHAKE, &TLS_LIFETIME, &TLS_NAME, &TLS_TRUST, &TLS_KEY]),
        (!plan.kubernetes.is_empty(), &[&KUBERNETES_READABLE]),
    ];
    owed.into_iter().filter(|(asked, _)| *asked).flat_map(|(_, checks)| checks).copied().collect()
}
