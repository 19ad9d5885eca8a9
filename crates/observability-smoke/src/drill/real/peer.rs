//! Talks to a real Alertmanager: its state, its alerts, its counters, and posting. It judges nothing. Of what it
//! says of its configuration, which holds secrets in clear, only the model and the digest are kept.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use reqwest::{Method, header::HeaderMap};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    alertmanager::{Configuration, Labels},
    config::Url,
    drill::prometheus::HeldAlert,
    http::{Http, NoAnswer, ask},
};

/// One answer may take so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// So much of an answer is read.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// One Alertmanager.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) url: Url,
    pub(crate) http: Http,
    pub(crate) headers: HeaderMap,
}

/// An alert as it is posted.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Post<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) annotations: &'a BTreeMap<String, String>,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

/// What an Alertmanager says of itself.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) version: String,
    /// When it was started.
    pub(crate) since: String,
    pub(crate) configuration: Result<Configuration, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version_info: Version,
    uptime: String,
    config: Original,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Original {
    original: String,
}

/// How many notifications were sent, and how many of them failed, by kind of integration.
pub(crate) type Counters = BTreeMap<String, (f64, f64)>;

impl Peer {
    /// Version, start and configuration.
    pub(crate) async fn state(&self) -> Result<State, NoAnswer> {
        let status: Status = self.get(&["api", "v2", "status"]).await?;
        let configuration = Configuration::read(&status.config.original).map_err(|error| error.to_string());
        Ok(State { version: status.version_info.version, since: status.uptime, configuration })
    }

    /// The alerts that it has.
    pub(crate) async fn held(&self) -> Result<Vec<HeldAlert>, NoAnswer> {
        self.get(&["api", "v2", "alerts"]).await
    }

    /// Its own count of notifications.
    pub(crate) async fn counters(&self) -> Result<Counters, NoAnswer> {
        Ok(counted(&String::from_utf8_lossy(&self.ask(Method::GET, &["metrics"], None).await?)))
    }

    /// Posts alerts.
    pub(crate) async fn post(&self, alerts: &[Post<'_>]) -> Result<(), NoAnswer> {
        let body = serde_json::to_string(alerts).map_err(|error| NoAnswer(error.to_string()))?;
        self.ask(Method::POST, &["api", "v2", "alerts"], Some(body)).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, NoAnswer> {
        let body = self.ask(Method::GET, path, None).await?;
        serde_json::from_slice(&body)
            .map_err(|_| NoAnswer("the answer is not what Alertmanager's API answers".to_owned()))
    }

    async fn ask(&self, method: Method, path: &[&str], body: Option<String>) -> Result<Vec<u8>, NoAnswer> {
        let mut url = self.url.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.set_query(None);
        let mut request = self.http.request(&method, &Url(url), &self.headers);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = ask(request, PATIENCE, MOST_BYTES).await?;
        if !(200..300).contains(&answer.status) {
            return Err(NoAnswer(format!("status {}", answer.status)));
        }
        Ok(answer.body)
    }
}

fn counted(text: &str) -> Counters {
    let mut counters = Counters::new();
    for line in text.lines() {
        let failed = line.starts_with("alertmanager_notifications_failed_total{");
        if !failed && !line.starts_with("alertmanager_notifications_total{") {
            continue;
        }
        let integration = line.split_once("integration=\"").and_then(|(_, rest)| rest.split_once('"'));
        let value = line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
        if let (Some((integration, _)), Some(value)) = (integration, value) {
            let entry = counters.entry(integration.to_owned()).or_default();
            if failed { entry.1 += value } else { entry.0 += value }
        }
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_counted_by_integration() {
        let text = "# TYPE alertmanager_notifications_total counter\n\
            alertmanager_notifications_total{integration=\"webhook\"} 3\n\
            alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"b\"} 2\n\
            alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"other\"} 1\n\
            alertmanager_notifications_suppressed_total 9\n";
        assert_eq!(counted(text), Counters::from([("webhook".to_owned(), (5.0, 1.0))]));
    }
}
