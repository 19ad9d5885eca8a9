//! What a real Prometheus says of itself before a drill: the drill's scrape job, the rules, the Alertmanagers. It
//! only reads. Of the configuration, of which some parts are nobody's business, only what is needed is kept.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::header::HeaderMap;
use serde::Deserialize;
use tokio::time::sleep;

use super::{
    reach::{LiveRule, Others},
    relabel::{Relabel, relabelled, scraped},
};
use crate::{
    backends::prometheus_api::{
        Alertmanagers, Api, BuildInfo, Group, Rules, RuntimeInfo, StatusConfig, Target, Targets,
    },
    config::Url,
    drill::series::Labels,
    http::{Http, NoAnswer},
    rules::duration,
};

/// One answer may take so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// After its start, or when its configuration was read anew, Prometheus takes some five seconds to discover what it
/// scrapes and sends to. What it lacks for longer, it lacks.
pub(crate) const DISCOVERY: Duration = Duration::from_secs(12);

/// It is asked again after so long.
pub(crate) const AGAIN: Duration = Duration::from_millis(500);

/// Series that were there within this time count as there.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3600);

/// What a Prometheus is, as far as a drill needs it.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) version: String,
    /// When it was started.
    pub(super) started: String,
    /// SHA-256 of its configuration.
    pub(super) digest: String,
    pub(super) config: LiveConfig,
    /// The targets of the drill's job.
    pub(super) targets: Vec<Target>,
    pub(super) groups: Vec<Group>,
    /// The Alertmanagers that it sends to.
    pub(super) alertmanagers: Vec<String>,
}

/// What is read of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LiveConfig {
    global: Global,
    alerting: Alerting,
    scrape_configs: Vec<Job>,
    remote_write: Vec<RemoteWrite>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Global {
    evaluation_interval: Option<String>,
    rule_query_offset: Option<String>,
    external_labels: Labels,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Alerting {
    alert_relabel_configs: Vec<Relabel>,
    alertmanagers: Vec<SentTo>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct SentTo {
    alert_relabel_configs: Vec<Relabel>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RemoteWrite {
    write_relabel_configs: Vec<Relabel>,
}

/// A scrape job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) job_name: String,
    pub(super) honor_labels: bool,
    pub(super) scrape_interval: Option<String>,
    metrics_path: Option<String>,
    scheme: Option<String>,
    relabel_configs: Vec<Relabel>,
    metric_relabel_configs: Vec<Relabel>,
}

/// Asks Prometheus; `job` is the drill's scrape job, which has a target already unless the drill brings it.
pub(super) async fn ask(
    http: &Http,
    url: &Url,
    headers: &HeaderMap,
    job: &str,
    brings_target: bool,
) -> Result<Scene, NoAnswer> {
    let api = Api { http, url, headers, timeout: PATIENCE };
    let version = api.data::<BuildInfo>(&["status", "buildinfo"], &[]).await?.version;
    let started = api.data::<RuntimeInfo>(&["status", "runtimeinfo"], &[]).await?.start_time;
    let text = api.data::<StatusConfig>(&["status", "config"], &[]).await?.yaml;
    let config: LiveConfig = serde_saphyr::from_str(&text)
        .map_err(|_| NoAnswer("what it says of its configuration is not understood".to_owned()))?;
    let groups = api.data::<Rules>(&["rules"], &[]).await?.groups;
    let wants_target = !brings_target && config.scrape_configs.iter().any(|one| one.job_name == job);
    let wants_alertmanager = config.names_alertmanagers();
    let asking = Instant::now();
    let (targets, alertmanagers) = loop {
        let mut targets = api.data::<Targets>(&["targets"], &[("state", "active")]).await?.active_targets;
        targets.retain(|target| target.scrape_pool == job);
        let alertmanagers = api.data::<Alertmanagers>(&["alertmanagers"], &[]).await?.active_alertmanagers;
        let lacks = wants_target && targets.is_empty() || wants_alertmanager && alertmanagers.is_empty();
        if !lacks || asking.elapsed() > DISCOVERY {
            break (targets, alertmanagers);
        }
        sleep(AGAIN).await;
    };
    Ok(Scene {
        version,
        started,
        digest: crate::backends::health::digest(&text),
        config,
        targets,
        groups,
        alertmanagers: alertmanagers.into_iter().map(|found| found.url).collect(),
    })
}

/// The series that each selector takes besides the drill's own: those without the label of a drill. A selector
/// that asks for no name is not asked about: the answer could be everything there is.
pub(super) async fn others(
    http: &Http,
    url: &Url,
    headers: &HeaderMap,
    selectors: impl Iterator<Item = &String>,
) -> Result<Others, NoAnswer> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Found(Vec<BTreeMap<String, String>>);
    let api = Api { http, url, headers, timeout: PATIENCE };
    let mut others = Others::new();
    let now = jiff::Timestamp::now().as_second();
    let since = (now - i64::try_from(LOOK_BACK.as_secs()).unwrap_or_default()).to_string();
    for selector in selectors {
        if others.contains_key(selector) || selector.starts_with('{') {
            continue;
        }
        let found: Found =
            api.data(&["series"], &[("match[]", selector.as_str()), ("start", since.as_str())]).await?;
        let theirs = found.0.into_iter().filter(|labels| !labels.contains_key(super::super::real::LABEL));
        others.insert(selector.clone(), theirs.collect());
    }
    Ok(others)
}

impl LiveConfig {
    /// Whether it names any Alertmanagers, or says how they are found.
    pub(crate) fn names_alertmanagers(&self) -> bool {
        !self.alerting.alertmanagers.is_empty()
    }

    /// The labels with which an alert arrives at Alertmanagers, one answer for each way to them; none where it is
    /// dropped on all of them.
    ///
    /// # Errors
    /// When a step of relabelling is one that is not computed here.
    pub(crate) fn as_sent(&self, alert: &Labels) -> Result<Vec<Labels>, String> {
        let mut labels = self.global.external_labels.clone();
        labels.extend(alert.clone());
        let alerting = &self.alerting;
        let Some(labels) = relabelled(&alerting.alert_relabel_configs, labels)? else {
            return Ok(Vec::new());
        };
        let ways: Vec<&[Relabel]> = match alerting.alertmanagers.as_slice() {
            [] => vec![&[]],
            all => all.iter().map(|one| one.alert_relabel_configs.as_slice()).collect(),
        };
        let mut sent: Vec<Labels> = Vec::new();
        for way in ways {
            sent.extend(relabelled(way, labels.clone())?.filter(|labels| !sent.contains(labels)));
        }
        Ok(sent)
    }
}

impl Scene {
    /// The drill's job, where there is one.
    pub(super) fn job(&self, name: &str) -> Option<&Job> {
        self.config.scrape_configs.iter().find(|job| job.job_name == name)
    }

    /// How far back the rules of groups look that have no `query_offset` of their own.
    pub(super) fn query_offset(&self) -> Duration {
        let text = self.config.global.rule_query_offset.as_deref();
        text.and_then(|text| duration::parse(text).ok()).unwrap_or_default()
    }

    /// Between two evaluations of groups that have no interval of their own.
    pub(super) fn evaluation_interval(&self) -> Duration {
        let text = self.config.global.evaluation_interval.as_deref().unwrap_or("1m");
        duration::parse(text).unwrap_or(Duration::from_secs(60))
    }

    /// Every rule, in order.
    pub(super) fn rules(&self) -> Vec<LiveRule> {
        let rules = self.groups.iter().flat_map(|group| {
            group.rules.iter().map(|rule| LiveRule {
                group: group.name.clone(),
                name: rule.name.clone(),
                records: rule.kind == "recording",
                expression: rule.query.clone(),
                labels: rule.labels.clone(),
            })
        });
        rules.collect()
    }

    /// As [`LiveConfig::as_sent`].
    pub(super) fn as_sent(&self, alert: &Labels) -> Result<Vec<Labels>, String> {
        self.config.as_sent(alert)
    }

    /// Whether anything changes the labels of alerts on their way to Alertmanager.
    pub(super) fn relabels_alerts(&self) -> bool {
        let alerting = &self.config.alerting;
        !alerting.alert_relabel_configs.is_empty()
            || alerting.alertmanagers.iter().any(|one| !one.alert_relabel_configs.is_empty())
    }

    /// Whether a remote storage would be sent one of these series.
    pub(super) fn writes_remotely(&self, series: &[Labels]) -> Result<bool, String> {
        for remote in &self.config.remote_write {
            for one in series {
                let mut labels = self.config.global.external_labels.clone();
                labels.extend(one.clone());
                if relabelled(&remote.write_relabel_configs, labels)?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl Job {
    /// Between two scrapes.
    pub(super) fn interval(&self) -> Option<Duration> {
        duration::parse(self.scrape_interval.as_deref()?).ok()
    }

    /// What is stored of a series that a target of the job exposes; `None` where it is dropped.
    pub(super) fn stored(&self, exposed: &Labels, target: &Labels) -> Result<Option<Labels>, String> {
        relabelled(&self.metric_relabel_configs, scraped(exposed, target, self.honor_labels))
    }

    /// The labels of a target at this address that is not there yet, with those that its file gives it.
    pub(super) fn target(&self, address: &str, own: &Labels) -> Result<Option<Labels>, String> {
        let mut labels = own.clone();
        let or = |text: &Option<String>, or: &str| text.clone().unwrap_or_else(|| or.to_owned());
        for (name, value) in [
            ("job", self.job_name.clone()),
            ("__address__", address.to_owned()),
            ("__metrics_path__", or(&self.metrics_path, "/metrics")),
            ("__scheme__", or(&self.scheme, "http")),
        ] {
            labels.entry(name.to_owned()).or_insert(value);
        }
        let Some(mut labels) = relabelled(&self.relabel_configs, labels)? else { return Ok(None) };
        let address = labels.get("__address__").cloned().unwrap_or_default();
        labels.entry("instance".to_owned()).or_insert(address);
        labels.retain(|name, _| !name.starts_with("__"));
        Ok(Some(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn scene(config: &str) -> Scene {
        Scene {
            version: String::new(),
            started: String::new(),
            digest: String::new(),
            config: serde_saphyr::from_str(config).unwrap(),
            targets: Vec::new(),
            groups: Vec::new(),
            alertmanagers: Vec::new(),
        }
    }

    /// As Prometheus 2.42 says it, cut.
    const CONFIG: &str = "global:
  scrape_interval: 1m
  evaluation_interval: 30s
  external_labels:
    cluster: a
alerting:
  alert_relabel_configs:
  - separator: ;
    regex: noise
    replacement: $1
    action: labeldrop
  alertmanagers:
  - follow_redirects: true
    scheme: http
    static_configs:
    - targets:
      - 127.0.0.1:9093
scrape_configs:
- job_name: ops-smoke-drill
  honor_labels: true
  honor_timestamps: true
  scrape_interval: 15s
  metrics_path: /metrics
  scheme: http
  relabel_configs:
  - source_labels: [__address__]
    separator: ;
    regex: (.*):.*
    target_label: host
    replacement: $1
    action: replace
remote_write:
- url: http://127.0.0.1:1/write
  write_relabel_configs:
  - source_labels: [drill]
    separator: ;
    regex: .+
    replacement: $1
    action: drop
";

    #[test]
    fn what_becomes_of_labels_is_computed_as_the_configuration_says() {
        let scene = scene(CONFIG);
        assert_eq!(scene.evaluation_interval(), Duration::from_secs(30));
        assert_eq!(scene.query_offset(), Duration::ZERO);
        let behind = self::scene("global: {rule_query_offset: 1m}\n");
        assert_eq!(behind.query_offset(), Duration::from_secs(60));
        let job = scene.job("ops-smoke-drill").unwrap();
        assert_eq!(job.interval(), Some(Duration::from_secs(15)));
        let target = job.target("127.0.0.1:9998", &labels(&[("drill", "standing")])).unwrap().unwrap();
        let expected = [
            ("drill", "standing"),
            ("host", "127.0.0.1"),
            ("instance", "127.0.0.1:9998"),
            ("job", "ops-smoke-drill"),
        ];
        assert_eq!(target, labels(&expected));
        let alert = labels(&[("alertname", "A"), ("noise", "x"), ("drill", "7")]);
        assert_eq!(
            scene.as_sent(&alert).unwrap(),
            [labels(&[("alertname", "A"), ("cluster", "a"), ("drill", "7")])]
        );
        let (ours, theirs) = (labels(&[("__name__", "x"), ("drill", "7")]), labels(&[("__name__", "x")]));
        assert_eq!(scene.writes_remotely(&[ours]), Ok(false));
        assert_eq!(scene.writes_remotely(&[theirs]), Ok(true));
    }
}
