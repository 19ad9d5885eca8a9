//! The part of Prometheus' HTTP API that is asked. Of an error only its type and message are kept.

use std::{collections::BTreeMap, time::Duration};

use reqwest::header::HeaderMap;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    config::Url,
    http::{Answer, Http, NoAnswer, ask, excerpt},
};

/// So much of an answer is read.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// A server, and how to ask it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) http: &'a Http,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) timeout: Duration,
}

/// What stands around every answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    error_type: Option<String>,
    error: Option<String>,
}

/// `/api/v1/status/buildinfo`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BuildInfo {
    pub(crate) version: String,
}

/// `/api/v1/status/runtimeinfo`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RuntimeInfo {
    /// When the server was started.
    pub(crate) start_time: String,
}

/// `/api/v1/targets`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Targets {
    pub(crate) active_targets: Vec<Target>,
}

/// A target that is scraped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) scrape_url: String,
    #[serde(default)]
    pub(crate) last_error: String,
    /// `up`, `down` or `unknown`
    pub(crate) health: String,
    /// The job that found it.
    #[serde(default)]
    pub(crate) scrape_pool: String,
    /// Between two scrapes, as Prometheus writes it.
    #[serde(default)]
    pub(crate) scrape_interval: String,
}

/// `/api/v1/rules`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rules {
    pub(crate) groups: Vec<Group>,
}

/// A group of rules.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// Seconds between two evaluations.
    #[serde(default)]
    pub(crate) interval: Option<f64>,
    /// Seconds that the last evaluation took.
    #[serde(default)]
    pub(crate) evaluation_time: Option<f64>,
    /// RFC 3339; the year 1 before the first one.
    #[serde(default)]
    pub(crate) last_evaluation: Option<String>,
}

/// A rule that is loaded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// `ok`, `err` or `unknown`
    #[serde(default)]
    pub(crate) health: String,
    #[serde(default)]
    pub(crate) last_error: String,
    /// The expression, as Prometheus writes it.
    #[serde(default)]
    pub(crate) query: String,
    /// `for`, in seconds.
    #[serde(default)]
    pub(crate) duration: f64,
    /// `keep_firing_for`, in seconds.
    #[serde(default)]
    pub(crate) keep_firing_for: f64,
    /// Those of its group among them; without empty ones, which the server shows and which are none.
    #[serde(default, deserialize_with = "without_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    /// `alerting` or `recording`
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
}

fn without_empty<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut labels = BTreeMap::deserialize(from)?;
    labels.retain(|_, value: &mut String| !value.is_empty());
    Ok(labels)
}

/// `/api/v1/alertmanagers`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alertmanagers {
    #[serde(default)]
    pub(crate) active_alertmanagers: Vec<Discovered>,
    #[serde(default)]
    pub(crate) dropped_alertmanagers: Vec<Discovered>,
}

/// An Alertmanager that was discovered.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Discovered {
    #[serde(default)]
    pub(crate) url: String,
}

/// `/api/v1/status/config`: of its text only a digest is ever kept.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct StatusConfig {
    pub(crate) yaml: String,
}

/// `/api/v1/query`
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(crate) enum QueryResult {
    Vector(Vec<Element>),
    Scalar((f64, String)),
    String((f64, String)),
    Matrix(Vec<Range>),
}

/// One series of an instant vector. A native histogram has no value.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Element {
    pub(crate) value: Option<(f64, String)>,
}

/// One series of a range.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Range {
    #[serde(default)]
    pub(crate) values: Vec<(f64, String)>,
}

impl Api<'_> {
    /// Whether the server says that it is ready.
    pub(crate) async fn ready(&self) -> Result<u16, NoAnswer> {
        Ok(self.get(&["-", "ready"], &[]).await?.status)
    }

    /// `/api/v1/…`, decoded.
    pub(crate) async fn data<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, NoAnswer> {
        let path: Vec<_> = ["api", "v1"].iter().chain(path).copied().collect();
        decode(&self.get(&path, query).await?)
    }

    /// An answer of another API than Prometheus': any status but 200 is none.
    pub(crate) async fn plain<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, NoAnswer> {
        let answer = self.get(path, &[]).await?;
        if answer.status != 200 {
            return Err(NoAnswer(format!("status {}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| NoAnswer("status 200, and the body is no answer of this API".to_owned()))
    }

    /// The server's own `/metrics`.
    pub(crate) async fn metrics(&self) -> Result<Answer, NoAnswer> {
        let answer = self.get(&["metrics"], &[]).await?;
        if answer.status == 200 { Ok(answer) } else { Err(NoAnswer(format!("status {}", answer.status))) }
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let mut url = self.url.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request_following(&reqwest::Method::GET, &Url(url), self.headers);
        ask(request, self.timeout, ANSWER_LIMIT).await
    }
}

fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, NoAnswer> {
    let status = answer.status;
    let Ok(envelope) = serde_json::from_slice::<Envelope<T>>(&answer.body) else {
        let what =
            if (200..300).contains(&status) { ", and the body is no answer of Prometheus' API" } else { "" };
        return Err(NoAnswer(format!("status {status}{what}")));
    };
    match envelope {
        Envelope { status: ref success, data: Some(data), .. } if success == "success" => Ok(data),
        Envelope { error_type, error, .. } => {
            let kind = error_type.unwrap_or_else(|| "error".to_owned());
            let message = error.unwrap_or_else(|| "no message".to_owned());
            Err(NoAnswer(format!("status {status}: {}: {}", excerpt(&kind, 40), excerpt(&message, 200))))
        }
    }
}

impl QueryResult {
    /// The values of the answer, one a series.
    pub(crate) fn values(&self) -> Vec<f64> {
        let number = |text: &str| text.parse().unwrap_or(f64::NAN);
        match self {
            Self::Vector(elements) => elements
                .iter()
                .map(|element| element.value.as_ref().map_or(f64::NAN, |(_, value)| number(value)))
                .collect(),
            Self::Scalar((_, value)) | Self::String((_, value)) => vec![number(value)],
            Self::Matrix(ranges) => ranges
                .iter()
                .map(|range| range.values.last().map_or(f64::NAN, |(_, value)| number(value)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn an_error_keeps_its_type_and_message_and_garbage_is_named() {
        let error = decode::<BuildInfo>(&answer(
            422,
            r#"{"status":"error","errorType":"execution","error":"found duplicate series"}"#,
        ));
        assert_eq!(error.unwrap_err().to_string(), "status 422: execution: found duplicate series");
        let garbage = decode::<BuildInfo>(&answer(200, "<html>login</html>"));
        assert!(garbage.unwrap_err().to_string().contains("no answer of Prometheus' API"));
        assert_eq!(decode::<BuildInfo>(&answer(500, "oops")).unwrap_err().to_string(), "status 500");
        assert!(decode::<BuildInfo>(&answer(200, r#"{"status":"success"}"#)).is_err());
    }

    #[test]
    fn answers_of_every_type_are_decoded() {
        let of = |data: &str| {
            decode::<QueryResult>(&answer(200, &format!(r#"{{"status":"success","data":{data}}}"#)))
                .unwrap()
                .values()
        };
        assert_eq!(of(r#"{"resultType":"vector","result":[{"metric":{},"value":[1.5,"2"]}]}"#), [2.0]);
        assert_eq!(of(r#"{"resultType":"vector","result":[]}"#), [0.0; 0]);
        assert_eq!(of(r#"{"resultType":"scalar","result":[1.5,"+Inf"]}"#), [f64::INFINITY]);
        assert_eq!(
            of(r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"3"]]}]}"#),
            [3.0]
        );
        assert!(of(r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}"#)[0].is_nan());
    }
}
