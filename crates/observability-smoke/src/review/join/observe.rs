//! Asks Prometheus and Alertmanager, by GET alone.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use futures_util::{StreamExt, stream};
use promql_parser::parser::{Expr, parse};
use reqwest::header::HeaderMap;
use serde::Deserialize;
use tokio::time::sleep;

use super::{Alertmanager, Prometheus, Selected};
use crate::{
    alertmanager::{Configuration, Labels},
    backends::{
        alertmanager_api::{Alert, Silence, Status},
        prometheus_api::{Alertmanagers, Api, Rules, StatusConfig},
    },
    config::Url,
    drill::live::{AGAIN, DISCOVERY, LiveConfig},
    error::Error,
    http::{Http, NoAnswer, header_from_file},
    plan::REQUEST_TIMEOUT,
    review::{RuleFile, alerts},
    rules::expression::{metric_name, selectors},
};

/// So many series of a selector are looked at.
const SHOWN: usize = 50;
/// So many questions are under way at once.
const CONCURRENCY: usize = 4;

/// A server of the join.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Its address.
    pub(crate) url: Url,
    /// How it is asked; with the token, where there is one.
    pub(crate) headers: HeaderMap,
}

impl Server {
    /// A server, with the token of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn new(url: Url, token: Option<&PathBuf>) -> Result<Self, Error> {
        let mut headers = HeaderMap::new();
        if let Some(path) = token {
            let (name, value) = header_from_file("authorization", "Bearer ", path)?;
            headers.insert(name, value);
        }
        Ok(Self { url, headers })
    }
}

#[derive(Debug, Deserialize)]
struct Active {
    alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    result: Vec<Element>,
}

#[derive(Debug, Deserialize)]
struct Element {
    metric: Labels,
}

/// Asks Prometheus for its rules, where and how it sends alerts, which are active, and every selector of the alerts.
///
/// # Errors
/// When it does not say what rules it has.
pub(crate) async fn prometheus(
    http: &Http,
    server: &Server,
    files: &[RuleFile],
) -> Result<Prometheus, NoAnswer> {
    let api = Api { http, url: &server.url, headers: &server.headers, timeout: REQUEST_TIMEOUT };
    let rules: Rules = api.data(&["rules"], &[("type", "alert")]).await?;
    let status: Result<StatusConfig, _> = api.data(&["status", "config"], &[]).await;
    let config = status.ok().and_then(|status| serde_saphyr::from_str::<LiveConfig>(&status.yaml).ok());
    let finds_some = config.as_ref().is_some_and(LiveConfig::names_alertmanagers);
    let alertmanagers = alertmanagers(&api, finds_some).await;
    let active: Result<Active, _> = api.data(&["alerts"], &[]).await;
    let asked: BTreeSet<(String, Option<String>)> = alerts(files)
        .filter_map(|alert| parse(&alert.rule.expression).ok())
        .flat_map(|expression| questions(&expression))
        .collect();
    let api = &api;
    let selected = stream::iter(asked)
        .map(|(selector, metric)| async move {
            let selected = select(api, &selector, metric.as_deref()).await;
            (selector, selected)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let firing = active.map(|active| active.alerts.into_iter().map(|alert| alert.labels).collect());
    Ok(Prometheus {
        loaded: rules.groups,
        config,
        alertmanagers,
        firing: firing.unwrap_or_default(),
        selected,
    })
}

/// The Alertmanagers that it sends to; after a start it takes a while to find those that its configuration names.
async fn alertmanagers(api: &Api<'_>, finds_some: bool) -> Option<Vec<String>> {
    let asking = Instant::now();
    loop {
        let found: Alertmanagers = api.data(&["alertmanagers"], &[]).await.ok()?;
        let found: Vec<_> = found.active_alertmanagers.into_iter().map(|found| found.url).collect();
        if !found.is_empty() || !finds_some || asking.elapsed() > DISCOVERY {
            return Some(found);
        }
        sleep(AGAIN).await;
    }
}

fn questions(expression: &Expr) -> Vec<(String, Option<String>)> {
    selectors(expression).iter().map(|selector| (selector.to_string(), metric_name(selector))).collect()
}

async fn select(api: &Api<'_>, selector: &str, metric: Option<&str>) -> Selected {
    let series = |query: String| async move {
        let vector: Vector = api.data(&["query"], &[("query", &query)]).await?;
        Ok::<_, NoAnswer>(vector.result.into_iter().map(|element| element.metric).collect::<Vec<_>>())
    };
    match series(format!("topk({SHOWN}, {selector})")).await {
        Err(why) => Selected::Unknown(why.to_string()),
        Ok(found) if !found.is_empty() => Selected::Series(found),
        Ok(_) => match metric {
            None => Selected::Nothing,
            Some(name) => match series(format!("count({{__name__={name:?}}})")).await {
                Err(why) => Selected::Unknown(why.to_string()),
                Ok(found) if found.is_empty() => Selected::Nothing,
                // Histograms have no values to rank: they are there all the same.
                Ok(_) if name == selector => Selected::Series(Vec::new()),
                Ok(_) => Selected::OnlyOthers,
            },
        },
    }
}

/// Asks Alertmanager for its configuration, its silences and its alerts. The configuration's text, full of tokens,
/// ends here.
///
/// # Errors
/// When it does not answer, or its configuration is not understood.
pub(crate) async fn alertmanager(
    http: &Http,
    server: &Server,
) -> Result<(Configuration, Alertmanager), NoAnswer> {
    let api = Api { http, url: &server.url, headers: &server.headers, timeout: REQUEST_TIMEOUT };
    let status: Status = api.plain(&["api", "v2", "status"]).await?;
    let text = status.config.map(|config| config.original).unwrap_or_default();
    let configuration = Configuration::read(&text)
        .map_err(|why| NoAnswer(format!("its configuration is not understood: {why}")))?;
    let all: Vec<Silence> = api.plain(&["api", "v2", "silences"]).await?;
    let firing: Vec<Alert> = api.plain(&["api", "v2", "alerts"]).await?;
    let (mut silences, mut unread) = (Vec::new(), 0);
    for silence in all.into_iter().filter(|silence| silence.is("active")) {
        match silence.conditions() {
            Some(conditions) => silences.push((silence.id, conditions)),
            None => unread += 1,
        }
    }
    let firing = firing.into_iter().map(|alert| alert.labels).collect();
    Ok((configuration, Alertmanager { silences, unread, firing, url: Some(server.url.clone()) }))
}
