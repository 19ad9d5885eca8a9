//! TCP: a port that must be open, or that a network policy must keep from us. Being blocked is proven only while
//! the control, an address that is open from here, answers: a dead network looks the same as a good policy.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use evidence_report::record::{Decimal, Finding, Measurement, Objective};

use super::{
    checks::{PROBE_BLOCKED, PROBE_TCP},
    nodes::{self, troubled},
};
use crate::{
    checks::PROBE_LATENCY,
    config::{Address, Reach},
    plan::TcpProbe,
    wire::{Cause, Place, Trouble, Wire},
};

/// What became of the connections.
#[derive(Debug)]
pub(crate) struct Seen {
    /// One for each node; one without an address where they are not told apart.
    nodes: Vec<(Option<SocketAddr>, Result<Duration, Trouble>)>,
    /// The control before and after, where there is one.
    control: Option<[Result<Duration, Trouble>; 2]>,
}

/// Tries to connect.
pub(crate) async fn observe(wire: &Wire, probe: &TcpProbe) -> Seen {
    let config = &probe.config;
    let before = match &config.control {
        Some(control) => Some(open(wire, control, None, probe.timeout).await),
        None => None,
    };
    let place = place(&config.address);
    // What is blocked at one address and open at another is not blocked.
    let every = config.every_node || config.expect == Reach::Blocked;
    let nodes = match nodes::behind(wire, &place, every, probe.timeout).await {
        Err(trouble) => vec![(None, Err(trouble))],
        Ok(found) => {
            let tried = found
                .into_iter()
                .map(async |node| (node, open(wire, &config.address, node, probe.timeout).await));
            let tried = futures_util::future::join_all(tried).await;
            let told_apart = config.every_node || tried.len() > 1;
            tried.into_iter().map(|(node, opened)| (node.filter(|_| told_apart), opened)).collect()
        }
    };
    let control = match (before, &config.control) {
        (Some(before), Some(control)) => Some([before, open(wire, control, None, probe.timeout).await]),
        _ => None,
    };
    Seen { nodes, control }
}

fn place(address: &Address) -> Place {
    Place { host: address.host.clone(), port: address.port, secure: false }
}

async fn open(
    wire: &Wire,
    address: &Address,
    node: Option<SocketAddr>,
    timeout: Duration,
) -> Result<Duration, Trouble> {
    let connected = wire.connect(&place(address), node, Instant::now() + timeout).await?;
    Ok(connected.phases.connect)
}

/// Judges the connections.
pub(crate) fn assess(probe: &TcpProbe, seen: &Seen) -> (Vec<Finding>, Vec<Measurement>) {
    let config = &probe.config;
    let whole = format!("{}: {}", config.name, config.address);
    let (mut findings, mut measurements) = (Vec::new(), Vec::new());
    for (node, opened) in &seen.nodes {
        let subject = nodes::subject(&whole, *node);
        if config.expect == Reach::Blocked {
            findings.push(assess_blocked(&subject, config.refused_counts, opened, seen.control.as_ref()));
            continue;
        }
        let took = match opened {
            Ok(took) => *took,
            Err(trouble) => {
                findings.push(troubled(&PROBE_TCP, subject, trouble).expected("open"));
                continue;
            }
        };
        let seconds = took.as_secs_f64();
        findings
            .push(PROBE_TCP.passed(&subject).expected("open").observed(format!("open in {seconds:.3} s")));
        let mut measurement =
            Measurement::seconds("probe_tcp_connect_seconds", seconds).label("probe", &config.name);
        if let Some(node) = node {
            measurement = measurement.label("node", node.to_string());
        }
        if let Some(objective) = config.latency.map(|latency| latency.0) {
            measurement = measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)));
            let within = took <= objective;
            let finding = if within { PROBE_LATENCY.passed(subject) } else { PROBE_LATENCY.failed(subject) };
            let expected = format!("at most {} s", objective.as_secs_f64());
            findings.push(finding.expected(expected).observed(format!("{seconds:.3} s")));
        }
        measurements.push(measurement);
    }
    (findings, measurements)
}

/// Whether a policy blocks it, which takes a control that answers.
fn assess_blocked(
    subject: &str,
    refused_counts: bool,
    opened: &Result<Duration, Trouble>,
    control: Option<&[Result<Duration, Trouble>; 2]>,
) -> Finding {
    let expected = if refused_counts { "dropped or rejected" } else { "dropped: nothing comes back" };
    let closed = control.and_then(|control| control.iter().find_map(|opened| opened.as_ref().err()));
    let passed =
        |how: &str| PROBE_BLOCKED.passed(subject).observed(format!("{how}, while the control is open"));
    let finding = match opened {
        Ok(took) => PROBE_BLOCKED
            .failed(subject)
            .observed(format!("open: connected in {:.3} s", took.as_secs_f64())),
        Err(trouble) if trouble.cause == Cause::OurOwn => troubled(&PROBE_BLOCKED, subject, trouble),
        Err(trouble) if trouble.cause == Cause::Unresolved => PROBE_BLOCKED
            .inconclusive(subject)
            .observed(trouble.to_string())
            .remedy("Name the address instead: what does not resolve was never tried."),
        Err(trouble) if trouble.cause == Cause::Refused && !refused_counts => PROBE_BLOCKED
            .failed(subject)
            .observed("refused: our packets arrive there, and nobody listens at the moment")
            .remedy("Correct the policy; if it is one that rejects instead of dropping, say refused_counts: true."),
        Err(_) if closed.is_some() => {
            let why = closed.map(ToString::to_string).unwrap_or_default();
            PROBE_BLOCKED
                .inconclusive(subject)
                .observed(format!("nothing came back, but the control is not open either: {why}"))
                .remedy("Repair this machine's network, or name a control that is open from here.")
        }
        Err(trouble) => match trouble.cause {
            Cause::Refused => passed("rejected"),
            Cause::Unreachable => passed("rejected as unreachable"),
            Cause::Silent => passed("dropped"),
            Cause::OurOwn | Cause::Unresolved | Cause::Talk => PROBE_BLOCKED
                .inconclusive(subject)
                .observed(format!("neither open nor dropped nor refused: {trouble}"))
                .remedy("Try the connection by hand: what this machine's network says of it is none of these."),
        },
    };
    finding.expected(expected)
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn blocked_is_told_apart_from_refused_and_from_a_network_that_is_down() {
        use Outcome::{Failed, Inconclusive, Passed};
        let trouble = |cause| Err(Trouble::new(cause, "…"));
        let open = || Ok(Duration::from_millis(1));
        for (opened, refused_counts, before, after, outcome) in [
            (open(), false, open(), open(), Failed),
            (open(), true, open(), open(), Failed),
            (trouble(Cause::Silent), false, open(), open(), Passed),
            (trouble(Cause::Silent), false, trouble(Cause::Silent), open(), Inconclusive),
            (trouble(Cause::Silent), false, open(), trouble(Cause::Silent), Inconclusive),
            (trouble(Cause::Refused), false, open(), open(), Failed),
            (trouble(Cause::Refused), true, open(), open(), Passed),
            (trouble(Cause::Refused), true, trouble(Cause::Refused), open(), Inconclusive),
            (trouble(Cause::Unreachable), false, open(), open(), Passed),
            (trouble(Cause::Unreachable), false, trouble(Cause::Unreachable), open(), Inconclusive),
            (trouble(Cause::OurOwn), false, open(), open(), Inconclusive),
            (trouble(Cause::OurOwn), true, open(), open(), Inconclusive),
            (trouble(Cause::Unresolved), false, open(), open(), Inconclusive),
            (trouble(Cause::Talk), true, open(), open(), Inconclusive),
        ] {
            let finding = assess_blocked("db", refused_counts, &opened, Some(&[before, after]));
            assert_eq!(finding.outcome, outcome, "{opened:?}: {finding:?}");
        }
    }
}
