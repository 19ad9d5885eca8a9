//! What Prometheus says about its own health: whether its rules were evaluated lately, whether notifications get
//! out, whom it sends them to, whether its configuration is the one on disk, and whether it is new enough.
//! What a server does not offer is found out, and told as not checked.

use std::time::Duration;

use evidence_report::record::{Check, Finding, Requirement};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::prometheus_api::{Alertmanagers, Api, Group, QueryResult, Rules, StatusConfig};
use crate::{
    config::Version,
    exposition::{Reader, Syntax},
    http::{NoAnswer, excerpt},
    plan::PrometheusProbe,
    probes::{
        checks::{
            PROMETHEUS_ALERTMANAGERS, PROMETHEUS_CONFIG, PROMETHEUS_NOTIFICATIONS, PROMETHEUS_RULE_FRESHNESS,
            PROMETHEUS_VERSION,
        },
        reading::counted,
    },
};

/// What was asked.
#[derive(Debug)]
pub(super) struct Health {
    /// The server's own clock, in seconds since 1970; ours may differ.
    pub(super) now: Option<f64>,
    alertmanagers: Option<Result<Alertmanagers, NoAnswer>>,
    /// Its own counters, now and after the time that the plan says.
    own: Result<Own, NoAnswer>,
    later: Option<Result<Own, NoAnswer>>,
}

/// The server's own counters.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Own {
    started: Option<f64>,
    reload_succeeded: Option<f64>,
    sent: Option<f64>,
    failed: Option<f64>,
    dropped: Option<f64>,
    evaluation_failures: Option<f64>,
}

/// Asks the server.
pub(super) async fn observe(api: &Api<'_>, probe: &PrometheusProbe) -> Health {
    let now = api.data::<QueryResult>(&["query"], &[("query", "time()")]).await;
    let now = now.ok().and_then(|answer| answer.values().first().copied());
    let alertmanagers = match probe.alertmanagers {
        Some(_) => Some(api.data(&["alertmanagers"], &[]).await),
        None => None,
    };
    let own = own(api).await;
    let later = match probe.watch {
        Some(watch) if own.is_ok() => {
            tokio::time::sleep(watch).await;
            Some(self::own(api).await)
        }
        _ => None,
    };
    Health { now, alertmanagers, own, later }
}

/// SHA-256 of the configuration, and nothing else of it.
pub(super) async fn configuration_digest(api: &Api<'_>) -> Option<String> {
    let config: StatusConfig = api.data(&["status", "config"], &[]).await.ok()?;
    Some(digest(&config.yaml))
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().fold("sha256:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

async fn own(api: &Api<'_>) -> Result<Own, NoAnswer> {
    let answer = api.metrics().await?;
    Ok(read_own(&answer.body))
}

fn read_own(text: &[u8]) -> Own {
    let mut own = Own::default();
    let mut reader = Reader::new(Syntax::Prometheus);
    let mut take = |sample: &crate::exposition::Sample<'_>| {
        let slot = match sample.name {
            "process_start_time_seconds" => &mut own.started,
            "prometheus_config_last_reload_successful" => &mut own.reload_succeeded,
            "prometheus_notifications_sent_total" => &mut own.sent,
            "prometheus_notifications_errors_total" => &mut own.failed,
            "prometheus_notifications_dropped_total" => &mut own.dropped,
            "prometheus_rule_evaluation_failures_total" => &mut own.evaluation_failures,
            _ => return,
        };
        *slot = Some(slot.unwrap_or(0.0) + sample.value);
    };
    reader.feed(text, &mut take);
    reader.finish(&mut take);
    own
}

/// The checks of the server's health that the plan asks for, beside those that are always made.
pub(super) fn asked_for(probe: &PrometheusProbe) -> impl Iterator<Item = &'static Check> {
    let version = probe.min_version.is_some().then_some(&PROMETHEUS_VERSION);
    let alertmanagers = probe.alertmanagers.is_some().then_some(&PROMETHEUS_ALERTMANAGERS);
    let watched = probe.watch.is_some().then_some(&PROMETHEUS_NOTIFICATIONS);
    [version, alertmanagers, watched].into_iter().flatten()
}

/// Judges everything but the rules.
pub(super) fn assess(
    subject: &str,
    probe: &PrometheusProbe,
    version: Option<&str>,
    health: &Health,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(least) = &probe.min_version {
        findings.push(assess_version(&PROMETHEUS_VERSION, subject, least, version));
    }
    if let (Some(least), Some(found)) = (probe.alertmanagers, &health.alertmanagers) {
        findings.push(assess_alertmanagers(subject, least, found));
    }
    findings.push(assess_reload(subject, &health.own));
    if let Some(watch) = probe.watch {
        findings.push(assess_notifications(subject, watch, &health.own, health.later.as_ref()));
    }
    findings
}

/// Whether a server is new enough.
pub(super) fn assess_version(
    check: &'static Check,
    subject: &str,
    least: &Version,
    version: Option<&str>,
) -> Finding {
    let expected = format!("{least} or newer");
    let Some(version) = version else {
        return check.not_checked(Requirement::Required, subject, "the server does not say its version");
    };
    let finding = match version.parse::<Version>() {
        Ok(known) if known >= *least => check.passed(subject),
        Ok(_) => check.failed(subject),
        Err(_) => {
            let reason = format!("the server says '{}', which is no version", excerpt(version, 40));
            return check.not_checked(Requirement::Required, subject, reason);
        }
    };
    finding.expected(expected).observed(excerpt(version, 40))
}

fn assess_alertmanagers(subject: &str, least: u64, found: &Result<Alertmanagers, NoAnswer>) -> Finding {
    let expected = format!("at least {}", counted(least, "Alertmanager", "Alertmanagers"));
    let found = match found {
        Ok(found) => found,
        Err(why) if why.0.starts_with("status 404") => {
            let reason = "this server has no /api/v1/alertmanagers";
            return PROMETHEUS_ALERTMANAGERS.not_checked(Requirement::Required, subject, reason);
        }
        Err(why) => {
            return PROMETHEUS_ALERTMANAGERS.failed(subject).expected(expected).observed(why.to_string());
        }
    };
    let active = found.active_alertmanagers.len() as u64;
    let shown: Vec<_> = found
        .active_alertmanagers
        .iter()
        .take(5)
        .map(|discovered| evidence_report::run::redact::url(&discovered.url))
        .collect();
    let dropped = match found.dropped_alertmanagers.len() {
        0 => String::new(),
        count => format!("; {count} dropped by relabelling"),
    };
    let finding = if active >= least {
        PROMETHEUS_ALERTMANAGERS.passed(subject)
    } else {
        PROMETHEUS_ALERTMANAGERS.failed(subject)
    };
    let observed = format!("{active} discovered {}{dropped}", shown.join(", "));
    finding.expected(expected).observed(observed.replace(" ;", ";").trim_end().to_owned())
}

fn assess_reload(subject: &str, own: &Result<Own, NoAnswer>) -> Finding {
    let expected = "the last reload of the configuration succeeded";
    match own.as_ref().map(|own| own.reload_succeeded) {
        Ok(Some(1.0)) => PROMETHEUS_CONFIG.passed(subject).expected(expected).observed("it succeeded"),
        Ok(Some(_)) => PROMETHEUS_CONFIG
            .failed(subject)
            .expected(expected)
            .observed("it failed: Prometheus runs with an older configuration than the one on disk"),
        Ok(None) => PROMETHEUS_CONFIG.not_checked(
            Requirement::Optional,
            subject,
            "the server's /metrics has no prometheus_config_last_reload_successful",
        ),
        Err(why) => PROMETHEUS_CONFIG.not_checked(
            Requirement::Optional,
            subject,
            format!("the server's own /metrics cannot be read: {why}"),
        ),
    }
}

fn assess_notifications(
    subject: &str,
    watch: Duration,
    own: &Result<Own, NoAnswer>,
    later: Option<&Result<Own, NoAnswer>>,
) -> Finding {
    let check = &PROMETHEUS_NOTIFICATIONS;
    let not_checked = |reason: String| check.not_checked(Requirement::Required, subject, reason);
    let before = match own {
        Ok(own) => own,
        Err(why) => return not_checked(format!("the server's own /metrics cannot be read: {why}")),
    };
    let after = match later {
        Some(Ok(after)) => after,
        Some(Err(why)) => {
            return not_checked(format!("the server's own /metrics could not be read again: {why}"));
        }
        None => return not_checked("the server's own /metrics was not read again".to_owned()),
    };
    if before.failed.is_none() && before.dropped.is_none() && before.evaluation_failures.is_none() {
        return not_checked(
            "the server's /metrics has no counters of notifications and evaluations".to_owned(),
        );
    }
    if matches!((before.started, after.started), (Some(before), Some(after)) if after > before) {
        return not_checked("Prometheus started anew while it was watched".to_owned());
    }
    let rise = |of: fn(&Own) -> Option<f64>| of(after).unwrap_or(0.0) - of(before).unwrap_or(0.0);
    let failed = rise(|own| own.failed) + rise(|own| own.dropped);
    let evaluations = rise(|own| own.evaluation_failures);
    let sent = rise(|own| own.sent);
    let seconds = watch.as_secs_f64();
    let finding =
        if failed > 0.0 || evaluations > 0.0 { check.failed(subject) } else { check.passed(subject) };
    finding.expected("no notification fails, no rule's evaluation fails").observed(format!(
        "in {seconds} s: {failed} of {sent} notifications failed or were dropped, {evaluations} evaluations failed"
    ))
}

/// Whether each group was evaluated lately: `now` is the server's own clock.
pub(super) fn assess_freshness(name: &str, rules: &Rules, now: Option<f64>) -> Vec<Finding> {
    let check = &PROMETHEUS_RULE_FRESHNESS;
    if rules.groups.is_empty() {
        return Vec::new();
    }
    let Some(now) = now else {
        let reason = "the server's clock is not known: it does not answer the expression time()";
        return vec![check.not_checked(Requirement::Required, name, reason)];
    };
    let judged: Vec<_> = rules.groups.iter().map(|group| (group, lateness(group, now))).collect();
    let mut findings = Vec::new();
    for (group, lateness) in &judged {
        let subject = format!("{name}: group {}", group.name);
        let interval = group.interval.unwrap_or_default();
        let expected = format!("evaluated within two intervals of {interval} s");
        match lateness {
            Lateness::Late(age) => {
                findings.push(check.failed(subject).expected(expected).observed(format!("{age:.0} s ago")));
            }
            Lateness::Slow(took) => {
                let observed = format!("an evaluation takes {took:.1} s, longer than its interval");
                findings.push(check.warned(subject).expected(expected).observed(observed));
            }
            Lateness::Unknown(why) => {
                findings.push(check.not_checked(Requirement::Optional, subject, *why));
            }
            Lateness::InTime => {}
        }
    }
    let in_time = judged.iter().filter(|(_, lateness)| *lateness == Lateness::InTime).count() as u64;
    if in_time > 0 {
        let observed = format!(
            "{in_time} of {} evaluated within two of their intervals",
            counted(judged.len() as u64, "group", "groups")
        );
        findings.push(check.passed(name).expected("each group evaluated lately").observed(observed));
    }
    findings
}

/// How a group keeps its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lateness {
    InTime,
    /// So many seconds ago.
    Late(f64),
    /// So many seconds long.
    Slow(f64),
    Unknown(&'static str),
}

/// An evaluation may be as late as a second interval, and as long as it takes; the clocks of two answers differ by
/// a little.
fn lateness(group: &Group, now: f64) -> Lateness {
    let (Some(interval), Some(last)) = (group.interval, group.last_evaluation.as_deref()) else {
        return Lateness::Unknown("the server does not say when it was evaluated");
    };
    let Ok(last) = last.parse::<Timestamp>() else {
        return Lateness::Unknown("the server's time of the evaluation cannot be read");
    };
    if last.as_second() < 0 {
        return Lateness::Unknown("not evaluated yet; ask again after one evaluation interval");
    }
    let took = group.evaluation_time.unwrap_or_default();
    let age = now - last.as_duration().as_secs_f64();
    if age > 2.0 * interval + took + 5.0 {
        Lateness::Late(age)
    } else if took > interval {
        Lateness::Slow(took)
    } else {
        Lateness::InTime
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_group_is_late_after_two_intervals() {
        let group = |last: &str, took: f64| Group {
            name: "g".to_owned(),
            interval: Some(10.0),
            evaluation_time: Some(took),
            last_evaluation: Some(last.to_owned()),
            ..Group::default()
        };
        let now = 1_000_000.0;
        for (last, took, lateness) in [
            ("1970-01-12T13:46:40Z", 0.1, Lateness::InTime),
            ("1970-01-12T13:46:15Z", 0.1, Lateness::InTime),
            ("1970-01-12T13:46:14Z", 0.1, Lateness::Late(26.0)),
            ("1970-01-12T13:46:14Z", 11.0, Lateness::Slow(11.0)),
            (
                "0001-01-01T00:00:00Z",
                0.0,
                Lateness::Unknown("not evaluated yet; ask again after one evaluation interval"),
            ),
            ("soon", 0.0, Lateness::Unknown("the server's time of the evaluation cannot be read")),
        ] {
            assert_eq!(super::lateness(&group(last, took), now), lateness, "{last}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        use Outcome::{Failed, NotChecked, Passed};
        let least: Version = "2.42".parse().unwrap();
        for (version, outcome) in [
            (Some("2.42.0+ds"), Passed),
            (Some("2.100.0"), Passed),
            (Some("3.0.0-rc.1"), Passed),
            (Some("2.9.1"), Failed),
            (Some("unknown"), NotChecked(Requirement::Required)),
            (None, NotChecked(Requirement::Required)),
        ] {
            assert_eq!(
                assess_version(&PROMETHEUS_VERSION, "x", &least, version).outcome,
                outcome,
                "{version:?}"
            );
        }
    }

    #[test]
    fn only_what_failed_in_the_meantime_counts() {
        use Outcome::{Failed, NotChecked, Passed};
        let own = |started, failed, dropped, evaluation_failures| Own {
            started: Some(started),
            sent: Some(9.0),
            failed: Some(failed),
            dropped: Some(dropped),
            evaluation_failures: Some(evaluation_failures),
            reload_succeeded: Some(1.0),
        };
        let before = Ok(own(1.0, 7.0, 2.0, 3.0));
        for (after, outcome) in [
            (Some(Ok(own(1.0, 7.0, 2.0, 3.0))), Passed),
            (Some(Ok(own(1.0, 8.0, 2.0, 3.0))), Failed),
            (Some(Ok(own(1.0, 7.0, 3.0, 3.0))), Failed),
            (Some(Ok(own(1.0, 7.0, 2.0, 4.0))), Failed),
            (Some(Ok(own(2.0, 0.0, 0.0, 0.0))), NotChecked(Requirement::Required)),
            (Some(Err(NoAnswer("status 500".to_owned()))), NotChecked(Requirement::Required)),
            (None, NotChecked(Requirement::Required)),
        ] {
            let finding = assess_notifications("x", Duration::from_secs(1), &before, after.as_ref());
            assert_eq!(finding.outcome, outcome, "{finding:?}");
        }
    }
}
