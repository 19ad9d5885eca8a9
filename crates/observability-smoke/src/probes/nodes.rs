//! The nodes behind a name, and whether there are enough of them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use evidence_report::record::Finding;

use super::{checks::PROBE_NODES, reading::counted};
use crate::wire::{Cause, Place, Trouble, Wire};

/// One after the other for each of `every`, or the first that answers where that is not asked for.
pub(crate) async fn behind(
    wire: &Wire,
    place: &Place,
    every: bool,
    timeout: Duration,
) -> Result<Vec<Option<SocketAddr>>, Trouble> {
    if !every {
        return Ok(vec![None]);
    }
    let (addresses, _) = wire.resolve(place, Instant::now() + timeout).await?;
    Ok(addresses.into_iter().map(Some).collect())
}

/// What a finding about a node is called.
pub(crate) fn subject(of: &str, node: Option<SocketAddr>) -> String {
    node.map_or_else(|| of.to_owned(), |node| format!("{of} at {node}"))
}

/// Whether the name has so many addresses.
pub(crate) fn enough(subject: &str, wanted: usize, found: usize) -> Finding {
    let finding = if found >= wanted { PROBE_NODES.passed(subject) } else { PROBE_NODES.failed(subject) };
    finding
        .expected(format!("at least {}", counted(wanted as u64, "address", "addresses")))
        .observed(counted(found as u64, "address", "addresses"))
}

/// The finding for a target that could not be asked: failed, or inconclusive where our own machine is the reason.
pub(crate) fn troubled(
    check: &'static evidence_report::record::Check,
    subject: impl Into<String>,
    trouble: &Trouble,
) -> Finding {
    if trouble.cause == Cause::OurOwn {
        return check.inconclusive(subject).observed(trouble.to_string()).remedy(
            "This machine prevented it: look at its routes, its firewall and its limits (ulimit -n).",
        );
    }
    check.failed(subject).observed(trouble.to_string())
}
