//! What an Alertmanager says about itself: ready, its cluster, its receivers, what its silences and inhibitions
//! mute. Of its configuration only a digest is kept.

use evidence_report::record::{Check, Finding, Requirement};
use jiff::Timestamp;

use super::{
    alertmanager_api::{Alert, Cluster, Muted, Receiver, Silence, Status},
    health::{assess_version, digest},
    prometheus_api::Api,
    silences::{assess_silences, wants_silences},
};
use crate::{
    config::Matchers,
    http::{Http, NoAnswer, excerpt},
    plan::AlertmanagerProbe,
    probes::{
        checks::{
            ALERTMANAGER_CLUSTER, ALERTMANAGER_MUTED, ALERTMANAGER_READY, ALERTMANAGER_RECEIVERS,
            ALERTMANAGER_SILENCES, ALERTMANAGER_VERSION,
        },
        reading::counted,
    },
};

/// Everything that was asked of one Alertmanager.
#[derive(Debug)]
pub(crate) struct Observation {
    ready: Result<u16, NoAnswer>,
    asked: Option<Asked>,
    /// When, by our clock.
    at: Timestamp,
}

#[derive(Debug)]
struct Asked {
    status: Result<Status, NoAnswer>,
    receivers: Result<Vec<Receiver>, NoAnswer>,
    silences: Result<Vec<Silence>, NoAnswer>,
    alerts: Result<Vec<Alert>, NoAnswer>,
}

impl Observation {
    /// The digest of its configuration.
    pub(crate) fn configuration(&self) -> Option<String> {
        let status = self.asked.as_ref()?.status.as_ref().ok()?;
        status.config.as_ref().map(|config| digest(&config.original))
    }

    /// Its version.
    pub(crate) fn version(&self) -> Option<&str> {
        let status = self.asked.as_ref()?.status.as_ref().ok()?;
        status.version_info.as_ref().map(|info| info.version.as_str())
    }
}

/// Asks it.
pub(crate) async fn observe(http: &Http, probe: &AlertmanagerProbe) -> Observation {
    let api = Api { http, url: &probe.url, headers: &probe.headers.0, timeout: probe.timeout };
    let at = Timestamp::now();
    let ready = api.ready().await;
    if ready.as_ref().ok() != Some(&200) {
        return Observation { ready, asked: None, at };
    }
    let asked = Asked {
        status: api.plain(&["api", "v2", "status"]).await,
        receivers: api.plain(&["api", "v2", "receivers"]).await,
        silences: api.plain(&["api", "v2", "silences"]).await,
        alerts: api.plain(&["api", "v2", "alerts"]).await,
    };
    Observation { ready, asked: Some(asked), at }
}

/// Judges what it said.
pub(crate) fn assess(probe: &AlertmanagerProbe, observation: &Observation) -> Vec<Finding> {
    let subject = format!("{}: {}", probe.name, probe.url);
    let finding = match &observation.ready {
        Ok(200) => {
            let version = observation.version().unwrap_or("not told");
            ALERTMANAGER_READY.passed(&subject).observed(format!("ready, version {}", excerpt(version, 40)))
        }
        Ok(status) => ALERTMANAGER_READY.failed(&subject).observed(format!("status {status}")),
        Err(why) => ALERTMANAGER_READY.failed(&subject).observed(why.to_string()),
    };
    let mut findings = vec![finding.expected("status 200 of /-/ready")];
    let Some(asked) = &observation.asked else {
        let skipped = asked_for(probe).filter(|check| check.id != ALERTMANAGER_READY.id);
        findings
            .extend(skipped.map(|check| {
                check.not_checked(Requirement::Required, &subject, "Alertmanager is not ready")
            }));
        return findings;
    };
    match &asked.status {
        Ok(status) => findings.push(match &status.cluster {
            Some(cluster) => assess_cluster(&subject, probe.members, cluster),
            None => ALERTMANAGER_CLUSTER
                .failed(&subject)
                .observed("its status says nothing of a cluster: no answer of this API"),
        }),
        Err(why) => findings.push(ALERTMANAGER_CLUSTER.failed(&subject).observed(why.to_string())),
    }
    if let Some(least) = &probe.min_version {
        findings.push(assess_version(&ALERTMANAGER_VERSION, &subject, least, observation.version()));
    }
    if !probe.receivers.is_empty() {
        findings.extend(assess_receivers(&probe.name, &probe.receivers, &asked.receivers));
    }
    if wants_silences(probe) {
        match &asked.silences {
            Ok(silences) => findings.extend(assess_silences(probe, silences, observation.at)),
            Err(why) => findings.push(ALERTMANAGER_SILENCES.failed(&subject).observed(why.to_string())),
        }
    }
    for matchers in &probe.never_muted {
        let subject = format!("{}: {matchers}", probe.name);
        findings.push(match &asked.alerts {
            Ok(alerts) => assess_muted(&subject, matchers, alerts),
            Err(why) => ALERTMANAGER_MUTED.failed(subject).observed(why.to_string()),
        });
    }
    findings
}

/// The checks that this server is asked for.
pub(crate) fn asked_for(probe: &AlertmanagerProbe) -> impl Iterator<Item = &'static Check> {
    let table = [
        (true, &ALERTMANAGER_READY),
        (true, &ALERTMANAGER_CLUSTER),
        (probe.min_version.is_some(), &ALERTMANAGER_VERSION),
        (wants_silences(probe), &ALERTMANAGER_SILENCES),
        (!probe.receivers.is_empty(), &ALERTMANAGER_RECEIVERS),
        (!probe.never_muted.is_empty(), &ALERTMANAGER_MUTED),
    ];
    table.into_iter().filter(|(asked, _)| *asked).map(|(_, check)| check)
}

fn assess_cluster(subject: &str, members: Option<u64>, cluster: &Cluster) -> Finding {
    let peers = cluster.peers.len() as u64;
    let expected = members.map_or("ready, or no cluster at all".to_owned(), |members| {
        format!("ready with {}", counted(members, "member", "members"))
    });
    let state = excerpt(&cluster.status, 20);
    let observed = format!("{state} with {}", counted(peers, "member", "members"));
    let finding = match (cluster.status.as_str(), members) {
        ("settling", _) => {
            let reason = "the cluster is still settling; ask again in a minute";
            return ALERTMANAGER_CLUSTER.not_checked(Requirement::Required, subject, reason);
        }
        ("ready", Some(members)) if peers == members => ALERTMANAGER_CLUSTER.passed(subject),
        ("ready", None) | ("disabled", None | Some(1)) => ALERTMANAGER_CLUSTER.passed(subject),
        _ => ALERTMANAGER_CLUSTER.failed(subject),
    };
    finding.expected(expected).observed(observed)
}

fn assess_receivers(name: &str, wanted: &[String], found: &Result<Vec<Receiver>, NoAnswer>) -> Vec<Finding> {
    let found = match found {
        Ok(found) => found,
        Err(why) => return vec![ALERTMANAGER_RECEIVERS.failed(name).observed(why.to_string())],
    };
    let judge = |wanted: &String| {
        let subject = format!("{name}: receiver {wanted}");
        let finding = if found.iter().any(|receiver| receiver.name == *wanted) {
            ALERTMANAGER_RECEIVERS.passed(subject).observed("configured")
        } else {
            let all = counted(found.len() as u64, "receiver", "receivers");
            ALERTMANAGER_RECEIVERS.failed(subject).observed(format!("not among the {all}"))
        };
        finding.expected("configured")
    };
    wanted.iter().map(judge).collect()
}

fn assess_muted(subject: &str, matchers: &Matchers, alerts: &[Alert]) -> Finding {
    let fits = |alert: &&Alert| {
        matchers.0.iter().all(|(name, value)| alert.labels.get(name).map_or("", String::as_str) == value)
    };
    let fitting: Vec<_> = alerts.iter().filter(fits).collect();
    if fitting.is_empty() {
        let reason = "no such alert is there at the moment";
        return ALERTMANAGER_MUTED.not_checked(Requirement::Optional, subject, reason);
    }
    let muted = fitting.iter().find_map(|alert| {
        let Muted { silenced_by, inhibited_by, muted_by } = &alert.status;
        [("a silence", silenced_by), ("an inhibition", inhibited_by), ("a time interval", muted_by)]
            .into_iter()
            .find_map(|(what, by)| Some(format!("{what} ({})", excerpt(by.first()?, 60))))
    });
    let alerts = counted(fitting.len() as u64, "alert", "alerts");
    let finding = match muted {
        Some(by) => ALERTMANAGER_MUTED.failed(subject).observed(format!("one of {alerts} is muted by {by}")),
        None => ALERTMANAGER_MUTED.passed(subject).observed(format!("{alerts}, none muted")),
    };
    finding.expected("not silenced, not inhibited")
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_cluster_is_judged_by_its_state_and_its_members() {
        use Outcome::{Failed, NotChecked, Passed};
        for (status, peers, members, outcome) in [
            ("ready", 3, Some(3), Passed),
            ("ready", 2, Some(3), Failed),
            ("ready", 4, Some(3), Failed),
            ("ready", 1, None, Passed),
            ("disabled", 0, None, Passed),
            ("disabled", 0, Some(1), Passed),
            ("disabled", 0, Some(2), Failed),
            ("settling", 3, Some(3), NotChecked(Requirement::Required)),
            ("odd", 3, Some(3), Failed),
        ] {
            let cluster = Cluster { status: status.to_owned(), peers: vec![serde_json::Value::Null; peers] };
            assert_eq!(
                assess_cluster("x", members, &cluster).outcome,
                outcome,
                "{status} {peers} {members:?}"
            );
        }
    }
}
