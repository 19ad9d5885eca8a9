//! Asks Prometheus and Alertmanager what they know of an alert. It judges nothing.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use jiff::Timestamp;
use reqwest::{Method, Url, header::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};

use crate::http::{Http, ask};

/// A server on loopback answers within this, or something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(3);

/// An answer that could not be had. What it means depends on whether the server still lives.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// No answer, or none that can be read.
    #[error("asking {what}: {source}")]
    Transport {
        /// What was asked.
        what: String,
        /// Why there was no answer.
        source: reqwest::Error,
    },
    /// A real server does not answer, or not as it should.
    #[error("asking {what}: {why}")]
    NoAnswer {
        /// What was asked.
        what: String,
        /// Why.
        why: String,
    },
    /// The server refused.
    #[error("{what} was refused: {message}")]
    Refused {
        /// What was asked.
        what: String,
        /// The server's words.
        message: String,
    },
}

impl ApiError {
    /// What the server said, or why it said nothing.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Refused { message, .. } => message.clone(),
            Self::Transport { .. } | Self::NoAnswer { .. } => self.to_string(),
        }
    }
}

/// The alert as Prometheus has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActiveAlert {
    pub(super) labels: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub(super) state: String,
    pub(super) active_at: Timestamp,
}

/// A rule as Prometheus has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoadedRule {
    pub(super) name: String,
    /// `ok`, `err` or `unknown` (not yet evaluated).
    pub(super) health: String,
    #[serde(default)]
    pub(super) last_error: String,
    pub(super) last_evaluation: Timestamp,
}

/// A series of an answer, with its value.
#[derive(Debug, Clone)]
pub(super) struct Valued {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Alerts {
    alerts: Vec<ActiveAlert>,
}

#[derive(Debug, Deserialize)]
struct Rules {
    groups: Vec<RuleGroup>,
}

#[derive(Debug, Deserialize)]
struct RuleGroup {
    rules: Vec<LoadedRule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alertmanagers {
    active_alertmanagers: Vec<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryData {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct VectorElement {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Debug, Deserialize)]
struct MatrixElement {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// An element of an expression over a stretch of time: at which evaluations (milliseconds since 1970) it was returned,
/// and with which value.
#[derive(Debug, Clone)]
pub(super) struct Ranged {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) values: Vec<(i64, f64)>,
}

#[derive(Debug, Deserialize)]
struct BuildInfo {
    version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertmanagerStatus {
    version_info: BuildInfo,
}

/// An alert as Alertmanager has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldAlert {
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) fingerprint: String,
    #[serde(default)]
    pub(super) status: HeldStatus,
    #[serde(default)]
    pub(super) receivers: Vec<Named>,
    /// When Alertmanager last took it in.
    pub(super) updated_at: Timestamp,
}

/// Whether Alertmanager keeps an alert from being notified.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HeldStatus {
    /// Ids of silences.
    pub(super) silenced_by: Vec<String>,
    /// Fingerprints of alerts.
    pub(super) inhibited_by: Vec<String>,
}

/// Something with a name.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// A target that Prometheus scrapes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScrapedTarget {
    pub(super) scrape_pool: String,
    pub(super) last_scrape: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetList {
    active_targets: Vec<ScrapedTarget>,
}

/// One server's API.
#[derive(Debug, Clone)]
pub(super) struct Api {
    asker: Asker,
    base: Url,
    /// The moment that is asked about; now, where there is none.
    moment: Option<Timestamp>,
}

/// How a server is asked.
#[derive(Debug, Clone)]
enum Asker {
    /// One that we started ourselves.
    Ours(reqwest::Client),
    /// A real one, with what it wants to be sent.
    Real(Http, HeaderMap),
}

/// So much is read of what a real server answers.
const MOST_BYTES: usize = 64 * 1024 * 1024;

impl Api {
    /// The API of a server on loopback. Proxies of the environment are not for loopback.
    pub(super) fn new(address: SocketAddr) -> Result<Self, String> {
        Self::patient(address, PATIENCE)
    }

    /// The same, where an answer may take longer.
    pub(super) fn patient(address: SocketAddr, patience: Duration) -> Result<Self, String> {
        let client = reqwest::Client::builder().no_proxy().timeout(patience).build();
        let base = Url::parse(&format!("http://{address}/")).map_err(|error| error.to_string())?;
        Ok(Self { asker: Asker::Ours(client.map_err(|error| error.to_string())?), base, moment: None })
    }

    /// The same server, asked about another moment than now.
    pub(super) fn of_moment(&self, moment: Timestamp) -> Self {
        Self { moment: Some(moment), ..self.clone() }
    }

    /// The API of a real server.
    pub(super) fn real(http: &Http, url: &crate::config::Url, headers: &HeaderMap) -> Self {
        Self { asker: Asker::Real(http.clone(), headers.clone()), base: url.0.clone(), moment: None }
    }

    /// Whether the server says that it is ready.
    pub(super) async fn is_ready(&self) -> bool {
        match &self.asker {
            Asker::Ours(client) => {
                let answer = client.get(self.at("-/ready")).send().await;
                answer.is_ok_and(|answer| answer.status().is_success())
            }
            Asker::Real(http, headers) => {
                let url = crate::config::Url(self.at("-/ready"));
                let request = http.request(&Method::GET, &url, headers);
                ask(request, PATIENCE, MOST_BYTES).await.is_ok_and(|answer| answer.status == 200)
            }
        }
    }

    /// Every alert that is pending or firing.
    pub(super) async fn active(&self) -> Result<Vec<ActiveAlert>, ApiError> {
        Ok(self.data::<Alerts>("api/v1/alerts", &[]).await?.alerts)
    }

    /// The targets that it scrapes.
    pub(super) async fn targets(&self) -> Result<Vec<ScrapedTarget>, ApiError> {
        Ok(self.data::<TargetList>("api/v1/targets", &[("state", "active")]).await?.active_targets)
    }

    /// Every rule that is loaded.
    pub(super) async fn rules(&self) -> Result<Vec<LoadedRule>, ApiError> {
        let rules: Rules = self.data("api/v1/rules", &[]).await?;
        Ok(rules.groups.into_iter().flat_map(|group| group.rules).collect())
    }

    /// How many Alertmanagers it sends to.
    pub(super) async fn alertmanagers(&self) -> Result<usize, ApiError> {
        let found: Alertmanagers = self.data("api/v1/alertmanagers", &[]).await?;
        Ok(found.active_alertmanagers.len())
    }

    /// What an expression comes to at each evaluation from `first` to `last`, in milliseconds since 1970.
    pub(super) async fn query_range(
        &self,
        expression: &str,
        (first, last): (i64, i64),
        interval: Duration,
    ) -> Result<Vec<Ranged>, ApiError> {
        let time = |at: i64| format!("{}.{:03}", at.div_euclid(1000), at.rem_euclid(1000));
        let (first, last, step) = (time(first), time(last), interval.as_secs_f64().to_string());
        let query = [("query", expression), ("start", &first), ("end", &last), ("step", &step)];
        let data: QueryData = self.data("api/v1/query_range", &query).await?;
        let elements: Vec<MatrixElement> = serde_json::from_value(data.result).map_err(|_| {
            let message = "what it answers is no list of series over time".to_owned();
            ApiError::Refused { what: "api/v1/query_range".to_owned(), message }
        })?;
        #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds")]
        let value =
            |(at, value): (f64, String)| ((at * 1000.0).round() as i64, value.parse().unwrap_or(f64::NAN));
        let ranged = |one: MatrixElement| Ranged {
            labels: one.metric,
            values: one.values.into_iter().map(value).collect(),
        };
        Ok(elements.into_iter().map(ranged).collect())
    }

    /// What an expression comes to now, or at the moment that is asked about. A scalar is one value without labels.
    pub(super) async fn query(&self, expression: &str) -> Result<Vec<Valued>, ApiError> {
        let moment = self.moment.map(|moment| format!("{:.3}", moment.as_duration().as_secs_f64()));
        let mut query = vec![("query", expression)];
        query.extend(moment.as_deref().map(|moment| ("time", moment)));
        let data: QueryData = self.data("api/v1/query", &query).await?;
        if data.result_type == "scalar" {
            let (_, value): (f64, String) = serde_json::from_value(data.result).unwrap_or_default();
            return Ok(vec![Valued { labels: BTreeMap::new(), value }]);
        }
        let elements: Vec<VectorElement> = serde_json::from_value(data.result).unwrap_or_default();
        Ok(elements.into_iter().map(|one| Valued { labels: one.metric, value: one.value.1 }).collect())
    }

    /// Prometheus' version.
    pub(super) async fn version(&self) -> Result<String, ApiError> {
        self.data::<BuildInfo>("api/v1/status/buildinfo", &[]).await.map(|info| info.version)
    }

    /// Alertmanager's version.
    pub(super) async fn alertmanager_version(&self) -> Result<String, ApiError> {
        let path = "api/v2/status";
        let status: AlertmanagerStatus = self.json(path, &[]).await?;
        Ok(status.version_info.version)
    }

    /// The alerts that Alertmanager has.
    pub(super) async fn held(&self) -> Result<Vec<HeldAlert>, ApiError> {
        self.json("api/v2/alerts", &[]).await
    }

    async fn data<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ApiError> {
        let envelope: Envelope<T> = self.json(path, query).await?;
        match envelope.data {
            Some(data) if envelope.status == "success" => Ok(data),
            _ => Err(ApiError::Refused {
                what: path.to_owned(),
                message: envelope.error.unwrap_or_else(|| "no reason given".to_owned()),
            }),
        }
    }

    async fn json<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ApiError> {
        let mut url = self.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match &self.asker {
            Asker::Ours(client) => {
                let failed = |source| ApiError::Transport { what: path.to_owned(), source };
                client.get(url).send().await.map_err(failed)?.json().await.map_err(failed)
            }
            Asker::Real(http, headers) => {
                let request = http.request(&Method::GET, &crate::config::Url(url), headers);
                let failed = |why: String| ApiError::NoAnswer { what: path.to_owned(), why };
                let answer =
                    ask(request, PATIENCE, MOST_BYTES).await.map_err(|why| failed(why.to_string()))?;
                serde_json::from_slice(&answer.body).map_err(|_| {
                    failed(format!("status {}, and the body is no answer of this API", answer.status))
                })
            }
        }
    }

    /// A path under the server's own.
    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url.set_query(None);
        url
    }
}
