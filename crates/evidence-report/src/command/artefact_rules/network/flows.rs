//! Declared flows against computed ones: what is allowed and not declared, what is declared and blocked.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    declared::{Declared, End, Flow},
    dns_ports,
    policy::{Direction, Peer, PeerKind, Policy},
    ports::Ports,
    reach::{Reach, World},
};
use crate::{
    command::artefact_rules::checks::{NETWORK_BLOCKED, NETWORK_UNDECLARED},
    record::{Finding, Requirement},
};

/// More undeclared flows than this are counted, not listed.
const LISTED: usize = 100;

/// The finding where flows cannot be compared.
pub(super) fn without(requirement: Requirement, subject: &str, why: &str) -> Finding {
    NETWORK_UNDECLARED.not_checked(requirement, subject, why).expected("declared flows").at(subject, None)
}

/// What is allowed and not declared, and what is declared and blocked.
pub(super) fn assess(world: &World<'_>, governed: &BTreeSet<String>, path: &str) -> Vec<Finding> {
    let declared = world.declared();
    let mut findings = undeclared(world, governed, path);
    findings.extend(addresses(world.policies(), declared));
    if findings.is_empty() {
        findings.push(
            NETWORK_UNDECLARED
                .passed(path)
                .expected("only declared flows are allowed")
                .observed(format!("{} declared, nothing else is allowed", declared.flows.len())),
        );
    }
    let blocked: Vec<_> = declared.flows.iter().flat_map(|flow| blocked(world, flow, path)).collect();
    if blocked.is_empty() {
        let finding = match declared.flows.len() {
            0 => NETWORK_BLOCKED.failed(path).observed("no flow is declared"),
            flows => NETWORK_BLOCKED.passed(path).observed(format!("all {flows} get through")),
        };
        findings.push(finding.expected("declared flows that get through").at(path, None));
    }
    findings.extend(blocked);
    findings
}

/// Every end that there is.
fn ends(declared: &Declared) -> Vec<End> {
    let workloads = (0..declared.workloads.len()).map(End::Workload);
    workloads.chain((0..declared.outside.len()).map(End::Outside)).chain([End::Anywhere]).collect()
}

/// What is declared between two ends.
fn wanted(declared: &Declared, from: End, to: End) -> Ports {
    // Who may reach the whole internet may reach anywhere.
    let is = |list: &[End], end: End| match end {
        End::Anywhere => list.iter().any(|other| match other {
            End::Outside(at) => declared.outside[*at].blocks.iter().any(|block| block.is_everything()),
            _ => false,
        }),
        end => list.contains(&end),
    };
    let flows = declared.flows.iter().filter(|flow| is(&flow.from, from) && is(&flow.to, to));
    let own = flows.fold(Ports::default(), |sum, flow| sum.union(&flow.ports));
    if declared.dns.is_some_and(|dns| to == End::Workload(dns)) && matches!(from, End::Workload(_)) {
        own.union(&dns_ports())
    } else {
        own
    }
}

/// By the end that is reached, what reaches it and how surely: who does.
type Groups = BTreeMap<(End, Ports, bool), Vec<End>>;

fn undeclared(world: &World<'_>, governed: &BTreeSet<String>, path: &str) -> Vec<Finding> {
    let declared = world.declared();
    let is_governed = |end: End| match end {
        End::Workload(at) => governed.contains(&declared.workloads[at].namespace),
        _ => false,
    };
    let ends = ends(declared);
    let mut groups = Groups::new();
    for &from in &ends {
        for &to in ends.iter().filter(|&&to| is_governed(from) || is_governed(to)) {
            let Reach { sure, possible } = world.between(from, to);
            let wanted = wanted(declared, from, to);
            let certain = sure.without(&wanted);
            let perhaps = possible.without(&wanted).without(&certain);
            for (ports, sure) in [(certain, true), (perhaps, false)] {
                if !ports.is_empty() {
                    groups.entry((to, ports, sure)).or_default().push(from);
                }
            }
        }
    }
    let all = groups.len();
    // Those that are sure stand first among those that are listed.
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((to, _, sure), _)| (!sure, *to));
    let mut findings: Vec<_> = (groups.iter().take(LISTED))
        .map(|((to, ports, sure), from)| group(world, (*to, ports, *sure), from, path))
        .collect();
    if all > LISTED {
        findings.push(
            NETWORK_UNDECLARED
                .failed(path)
                .expected("only declared flows are allowed")
                .observed(format!("{} more groups of undeclared flows, not listed", all - LISTED)),
        );
    }
    findings
}

fn group(world: &World<'_>, (to, ports, sure): (End, &Ports, bool), from: &[End], path: &str) -> Finding {
    let declared = world.declared();
    let names: Vec<_> = from.iter().take(3).map(|end| declared.end_name(*end)).collect();
    let more = from.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let subject = format!("{}{more} → {}", names.join(", "), declared.end_name(to));
    let first = from.first().copied().unwrap_or(End::Anywhere);
    let by = world
        .allowing(Direction::Ingress, (to, first), ports)
        .or_else(|| world.allowing(Direction::Egress, (first, to), ports));
    let (finding, certainty) = if sure {
        (NETWORK_UNDECLARED.failed(subject), "allowed")
    } else {
        (NETWORK_UNDECLARED.warned(subject), "allowed for some addresses or by some network plugins")
    };
    let (observed, path, line) = match by {
        Some((policy, line)) => {
            (format!("{ports} {certainty}, by {}", policy.title()), policy.path.as_str(), Some(line))
        }
        None => (format!("{ports} {certainty}: no policy selects it"), path, None),
    };
    finding.expected("a declared flow, or none").observed(observed).at(path, line)
}

/// Blocks of addresses that no declared end outside holds.
fn addresses(policies: &[Policy], declared: &Declared) -> Vec<Finding> {
    let known: Vec<_> =
        (declared.outside.iter().flat_map(|outside| &outside.blocks)).chain(&declared.pod_networks).collect();
    let mut findings = Vec::new();
    for policy in policies {
        for direction in Direction::BOTH {
            let rules = policy.rules(direction).unwrap_or_default();
            for Peer { line, kind } in rules.iter().flat_map(|rule| rule.peers.iter().flatten()) {
                let PeerKind::Addresses(range) = kind else { continue };
                // The whole of it is judged as a flow from or to anywhere.
                if !range.block.is_everything() && !known.iter().any(|block| block.contains(range.block)) {
                    findings.push(
                        NETWORK_UNDECLARED
                            .failed(format!("{}, {}", policy.title(), direction.word()))
                            .expected("addresses within a declared end outside")
                            .observed(format!("it allows {}, which lies within no declared end", range.block))
                            .at(&policy.path, Some(*line)),
                    );
                }
            }
        }
    }
    findings
}

/// A declared flow that does not get through, with the end that blocks it.
fn blocked(world: &World<'_>, flow: &Flow, path: &str) -> Vec<Finding> {
    let declared = world.declared();
    let pairs = flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (*from, *to)));
    let mut findings = Vec::new();
    for (from, to) in pairs {
        let reach = world.between(from, to);
        let missing = flow.ports.without(&reach.sure);
        if missing.is_empty() {
            continue;
        }
        let subject = format!("{} → {}", declared.end_name(from), declared.end_name(to));
        let perhaps = missing.without(&reach.possible).is_empty();
        let finding = if perhaps { NETWORK_BLOCKED.warned(subject) } else { NETWORK_BLOCKED.failed(subject) };
        let sides = [(Direction::Egress, from, to), (Direction::Ingress, to, from)];
        let why = sides.into_iter().filter_map(|(direction, of, other)| {
            let side = world.side(direction, of, other);
            let short = missing.without(&side.sure);
            (!short.is_empty()).then(|| format!("{} of {}", direction.word(), declared.end_name(of)))
        });
        let why: Vec<_> = why.collect();
        let degree =
            if perhaps { "allowed only for some addresses or by some network plugins" } else { "blocked" };
        findings.push(
            finding
                .expected(format!("{} allowed", flow.ports))
                .observed(format!("{missing} {degree}, by the {}", why.join(" and the ")))
                .at(path, Some(flow.line)),
        );
    }
    findings
}
