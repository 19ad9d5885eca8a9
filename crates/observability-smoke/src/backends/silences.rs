//! Whether the silences that must be there are, the others are not, and none lasts too long. Pure.

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::alertmanager_api::{Reach, Silence};
use crate::{
    config::Matchers,
    http::excerpt,
    plan::AlertmanagerProbe,
    probes::{checks::ALERTMANAGER_SILENCES, reading::counted},
};

pub(super) fn wants_silences(probe: &AlertmanagerProbe) -> bool {
    let silences = &probe.silences;
    !silences.must_exist.is_empty() || !silences.must_not_exist.is_empty() || silences.longest.is_some()
}

pub(super) fn assess_silences(
    probe: &AlertmanagerProbe,
    silences: &[Silence],
    now: Timestamp,
) -> Vec<Finding> {
    let check = &ALERTMANAGER_SILENCES;
    let (name, wanted) = (&probe.name, &probe.silences);
    let unreadable = |labels: &Matchers| {
        let unread = silences.iter().filter(|silence| !silence.is("expired"));
        unread.filter(|silence| silence.mutes(&labels.0).is_none()).count()
    };
    let mut findings = Vec::new();
    for labels in &wanted.must_exist {
        let subject = format!("{name}: {labels}");
        let found = silences.iter().filter(|silence| silence.is("active"));
        let count = found.filter(|silence| silence.mutes(&labels.0) == Some(true)).count() as u64;
        let finding = match (count, unreadable(labels)) {
            (0, 0) => check.failed(subject).observed("no active silence mutes it"),
            (0, unread) => check
                .inconclusive(subject)
                .observed(format!("{unread} silences have a pattern that cannot be read here")),
            (count, _) => check.passed(subject).observed(counted(count, "active silence", "active silences")),
        };
        findings.push(finding.expected("an active silence"));
    }
    for labels in &wanted.must_not_exist {
        let subject = format!("{name}: {labels}");
        let live = silences.iter().filter(|silence| !silence.is("expired"));
        let reaching: Vec<_> = live.map(|silence| (silence, silence.reach(&labels.0))).collect();
        let muting: Vec<_> =
            reaching.iter().filter(|(_, reach)| *reach == Some(Reach::Every)).map(|(it, _)| it).collect();
        let in_part = reaching.iter().find_map(|(silence, reach)| match reach {
            Some(Reach::Some(names)) => Some((silence, names.join(", "))),
            _ => None,
        });
        let finding = match (muting.first(), in_part, unreadable(labels)) {
            (Some(first), ..) => check.failed(subject).observed(format!(
                "muted by {} ({})",
                counted(muting.len() as u64, "silence", "silences"),
                told(first)
            )),
            (None, Some((first, names)), _) => check
                .warned(subject)
                .observed(format!(
                    "no silence mutes all of them, and one mutes those with a certain {} ({})",
                    excerpt(&names, 60),
                    told(first)
                ))
                .remedy(
                    "Look at the silence on Alertmanager's page, and expire it if these are to be heard.",
                ),
            (None, None, 0) => check.passed(subject).observed("no silence mutes it"),
            (None, None, unread) => check
                .inconclusive(subject)
                .observed(format!("{unread} silences have a pattern that cannot be read here")),
        };
        findings.push(finding.expected("no active or pending silence"));
    }
    if let Some(longest) = wanted.longest {
        findings.push(assess_longest(name, longest.0, silences, now));
    }
    findings
}

/// A silence, in a few words.
fn told(silence: &Silence) -> String {
    let (id, state) = (excerpt(&silence.id, 40), excerpt(silence.state(), 10));
    format!("{id}, {state}, until {}", excerpt(&silence.ends_at, 40))
}

fn assess_longest(name: &str, longest: std::time::Duration, silences: &[Silence], now: Timestamp) -> Finding {
    let subject = format!("{name}: how long silences last");
    let left = |silence: &&Silence| {
        let end: Timestamp = silence.ends_at.parse().ok()?;
        Some(end.duration_since(now).as_secs_f64())
    };
    let live: Vec<_> = silences.iter().filter(|silence| !silence.is("expired")).collect();
    // One whose end cannot be read never ends.
    let over = live.iter().filter(|silence| left(silence).is_none_or(|left| left > longest.as_secs_f64()));
    let over: Vec<_> = over.collect();
    let finding = match over.first() {
        Some(first) => ALERTMANAGER_SILENCES.failed(subject).observed(format!(
            "{} of {} last longer; {} until {}",
            over.len(),
            live.len(),
            excerpt(&first.id, 40),
            excerpt(&first.ends_at, 40)
        )),
        None => {
            ALERTMANAGER_SILENCES.passed(subject).observed(counted(live.len() as u64, "silence", "silences"))
        }
    };
    finding.expected(format!("none for more than {} s from now", longest.as_secs_f64()))
}
