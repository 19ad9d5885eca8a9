//! Requests, flows, sockets and Alertmanagers, as the plan holds them: validated, with the secrets read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use evidence_report::run::Usage;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::{Headers, headers, optional_seconds, seconds};
use crate::{
    config::{
        AlertmanagerConfig, BUILT_IN, CaptureConfig, FindConfig, FlowConfig, HeaderName, HttpConfig,
        JsonAssertion, JsonPath, Matchers, Method, Pattern, PhaseLimits, Reach, SilencesConfig, Statuses,
        StepConfig, TcpConfig, Template, Url, Values, Version, WebSocketConfig, WebSocketUrl, as_it_is,
        for_json, for_url, is_name,
    },
    error::Error,
};

/// What is sent; `${name}` in it is filled in when the values are known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Request {
    pub(crate) method: Method,
    #[serde(serialize_with = "without_query")]
    url: Template,
    pub(crate) headers: Headers,
    #[serde(skip)]
    filled_headers: BTreeMap<HeaderName, Template>,
    #[serde(skip)]
    body: Option<Template>,
    pub(crate) follow_redirects: bool,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
}

/// A request with everything filled in.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) url: reqwest::Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
}

/// What the answer must be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Expected {
    pub(crate) status: Statuses,
    pub(crate) body_contains: Option<Template>,
    pub(crate) body_matches: Option<Pattern>,
    pub(crate) json: Vec<JsonAssertion>,
    #[serde(skip)]
    pub(crate) headers: BTreeMap<HeaderName, Pattern>,
}

/// A request to a service, and what its answer must be.
#[derive(Debug, Serialize)]
pub(crate) struct HttpProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) request: Request,
    pub(crate) expected: Expected,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
    pub(crate) phases: PhaseLimits,
    /// How many nodes the name must have at least, where each of them is asked.
    pub(crate) every_node: Option<usize>,
}

/// Several requests in a row.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) found_in: Vec<Find>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) expected: Expected,
    pub(crate) capture: BTreeMap<String, CaptureConfig>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
}

/// Where the correlation id must be found.
#[derive(Debug, Serialize)]
pub(crate) struct Find {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) json: JsonPath,
    pub(crate) contains: Template,
    pub(crate) at_least: usize,
    #[serde(serialize_with = "seconds")]
    pub(crate) within: Duration,
    #[serde(serialize_with = "seconds")]
    pub(crate) every: Duration,
}

/// A port, and what must become of a connection to it.
#[derive(Debug, Serialize)]
pub(crate) struct TcpProbe {
    pub(crate) config: TcpConfig,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
}

/// A WebSocket.
#[derive(Debug, Serialize)]
pub(crate) struct WebSocketProbe {
    pub(crate) name: String,
    pub(crate) url: WebSocketUrl,
    pub(crate) headers: Headers,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) refused: bool,
    #[serde(skip)]
    pub(crate) send: Option<String>,
    pub(crate) expect_contains: Option<String>,
    pub(crate) expect_matches: Option<Pattern>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
    pub(crate) every_node: bool,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
}

/// An Alertmanager, and what must be true of it.
#[derive(Debug, Serialize)]
pub(crate) struct AlertmanagerProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) min_version: Option<Version>,
    pub(crate) members: Option<u64>,
    pub(crate) receivers: Vec<String>,
    pub(crate) silences: SilencesConfig,
    pub(crate) never_muted: Vec<Matchers>,
}

fn without_query<S: serde::Serializer>(url: &Template, serializer: S) -> Result<S::Ok, S::Error> {
    let text = url.to_string();
    serializer.serialize_str(text.split(['?', '#']).next().unwrap_or_default())
}

impl Request {
    /// Fills in the values.
    ///
    /// # Errors
    /// What cannot be sent; never the value.
    pub(crate) fn fill(&self, values: &Values) -> Result<Filled, String> {
        let url = self.url.fill(values, for_url).parse::<Url>()?.0;
        let mut headers = self.headers.0.clone();
        for (name, template) in &self.filled_headers {
            let mut value = HeaderValue::from_str(&template.fill(values, as_it_is)).map_err(|_| {
                format!("a captured value holds characters that the header {} may not", name.as_str())
            })?;
            // What another answer brought may be a token.
            value.set_sensitive(template.names().any(|name| !BUILT_IN.contains(&name)));
            let name = reqwest::header::HeaderName::from_bytes(name.as_str().as_bytes());
            headers.insert(name.map_err(|error| error.to_string())?, value);
        }
        let body = self.body.as_ref().map(|body| {
            let is_json = body.to_string().trim_start().starts_with(['{', '[']);
            if is_json { body.fill(values, for_json) } else { body.fill(values, as_it_is) }
        });
        Ok(Filled { url, headers, body })
    }

    /// Whether it may need TLS.
    pub(crate) fn may_need_tls(&self) -> bool {
        self.follow_redirects || self.url.to_string().starts_with("https:")
    }
}

/// What stands in a request, in the configuration.
struct Written {
    method: Method,
    url: Template,
    headers: Headers,
    filled_headers: BTreeMap<HeaderName, Template>,
    body: Option<Template>,
    follow_redirects: bool,
    timeout: Duration,
}

/// The request, if every name in it is known and its host does not depend on one.
fn request(written: Written, known: &BTreeSet<String>, whose: &str) -> Result<Request, Error> {
    let Written { method, url, headers, filled_headers, body, follow_redirects, timeout } = written;
    let templates = filled_headers.values().chain(&body).chain([&url]);
    for name in templates.flat_map(Template::names) {
        if !known.contains(name) {
            let message = format!(
                "{whose} uses ${{{name}}}, which no request before it captures (known: {})",
                known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            );
            return Err(Usage(message).into());
        }
    }
    for name in filled_headers.keys() {
        super::no_secret_in_the_configuration(name, filled_headers[name].names().next().is_some())?;
    }
    let tried = |value: &str| {
        let all = known.iter().map(|name| (name.clone(), value.to_owned())).collect();
        let parsed = url.fill(&all, for_url).parse::<Url>();
        parsed.map_err(|why| Usage(format!("the URL of {whose}: {why}")))
    };
    if tried("a")?.0.origin() != tried("b")?.0.origin() {
        let message =
            format!("the host in the URL of {whose} must stand in the configuration, not in an answer");
        return Err(Usage(message).into());
    }
    Ok(Request { method, url, headers, filled_headers, body, follow_redirects, timeout })
}

pub(super) fn http_probe(config: HttpConfig, timeout: Duration) -> Result<HttpProbe, Error> {
    let every_node = config.every_node.then(|| config.nodes.unwrap_or(1));
    if config.nodes.is_some() && every_node.is_none() {
        let message = format!("the probe {} names nodes without every_node: true", config.name);
        return Err(Usage(message).into());
    }
    let headers = headers(
        &config.headers,
        &config.header_files,
        config.bearer_token_file.as_ref(),
        config.basic_auth.as_ref(),
    )?;
    let request = Request {
        method: config.method,
        url: Template::plain(config.url.0.as_str()),
        headers,
        filled_headers: BTreeMap::new(),
        body: config.body.as_deref().map(Template::plain),
        follow_redirects: config.follow_redirects,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    };
    let expected = Expected {
        status: config.status,
        body_contains: config.body_contains.as_deref().map(Template::plain),
        body_matches: config.body_matches,
        json: config.json,
        headers: config.response_headers,
    };
    expected.no_contradiction(&config.name)?;
    Ok(HttpProbe {
        name: config.name,
        url: config.url,
        request,
        expected,
        latency: config.latency.map(|latency| latency.0),
        phases: config.phases,
        every_node,
    })
}

impl Expected {
    fn no_contradiction(&self, whose: &str) -> Result<(), Error> {
        for assertion in &self.json {
            let asks = assertion.equals.is_some()
                || assertion.matches.is_some()
                || assertion.min.is_some()
                || assertion.max.is_some()
                || assertion.at_least.is_some()
                || assertion.at_most.is_some();
            let empty_range = assertion.min.zip(assertion.max).is_some_and(|(min, max)| min > max)
                || assertion.at_most.is_some_and(|most| most < assertion.at_least.unwrap_or(1));
            if (assertion.absent && asks) || empty_range {
                let message = format!("{whose}: what is asked of {} can never be met", assertion.path);
                return Err(Usage(message).into());
            }
        }
        Ok(())
    }
}

pub(super) fn flow(config: FlowConfig, timeout: Duration) -> Result<Flow, Error> {
    if config.steps.is_empty() {
        return Err(Usage(format!("the flow {} has no steps", config.name)).into());
    }
    super::named_apart(&format!("steps of {}", config.name), config.steps.iter().map(|step| &step.name))?;
    let mut known: BTreeSet<String> = BUILT_IN.iter().map(|name| (*name).to_owned()).collect();
    let mut steps = Vec::new();
    for config in config.steps {
        steps.push(step(config, &mut known, timeout)?);
    }
    let found_in: Vec<_> =
        config.found_in.into_iter().map(|find| find_step(find, &known, timeout)).collect::<Result<_, _>>()?;
    Ok(Flow { name: config.name, steps, found_in, latency: config.latency.map(|latency| latency.0) })
}

fn step(config: StepConfig, known: &mut BTreeSet<String>, timeout: Duration) -> Result<Step, Error> {
    let whose = format!("the step {}", config.name);
    let written = Written {
        method: config.method,
        url: config.url,
        headers: headers(
            &BTreeMap::new(),
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        filled_headers: config.headers,
        body: config.body,
        follow_redirects: config.follow_redirects,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    };
    let request = request(written, known, &whose)?;
    for name in config.body_contains.iter().flat_map(Template::names) {
        if !known.contains(name) {
            let message = format!("{whose} expects ${{{name}}}, which no request before it captures");
            return Err(Usage(message).into());
        }
    }
    for (name, capture) in &config.capture {
        let sources = usize::from(capture.json.is_some())
            + usize::from(capture.header.is_some())
            + usize::from(capture.matches.is_some());
        if !is_name(name) || sources != 1 {
            let message = format!(
                "{whose}: the capture '{name}' needs a name of letters, digits and _, and one of json, header and matches"
            );
            return Err(Usage(message).into());
        }
        known.insert(name.clone());
    }
    let expected = Expected {
        status: config.status,
        body_contains: config.body_contains,
        body_matches: config.body_matches,
        json: config.json,
        headers: config.response_headers,
    };
    expected.no_contradiction(&whose)?;
    Ok(Step {
        name: config.name,
        request,
        expected,
        capture: config.capture,
        latency: config.latency.map(|latency| latency.0),
    })
}

fn find_step(config: FindConfig, known: &BTreeSet<String>, timeout: Duration) -> Result<Find, Error> {
    let whose = format!("the search {}", config.name);
    let contains = match config.contains {
        Some(contains) => contains,
        None => Template::parse("${correlation_id}").map_err(Usage)?,
    };
    let fresh = |template: &Template| template.names().next().is_some();
    if !fresh(&contains) || contains.names().any(|name| !known.contains(name)) {
        let message = format!(
            "{whose}: contains must hold a value of this run, such as ${{correlation_id}}; anything else is found without the request, too"
        );
        return Err(Usage(message).into());
    }
    let written = Written {
        method: config.method,
        url: config.url,
        headers: headers(
            &BTreeMap::new(),
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        filled_headers: config.headers,
        body: config.body,
        follow_redirects: false,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    };
    let request = request(written, known, &whose)?;
    Ok(Find {
        name: config.name,
        request,
        json: config.json,
        contains,
        at_least: config.at_least.unwrap_or(1).max(1),
        within: config.within.map_or(Duration::from_secs(30), |within| within.0),
        every: config.every.map_or(Duration::from_secs(1), |every| every.0),
    })
}

pub(super) fn tcp_probe(config: TcpConfig) -> Result<TcpProbe, Error> {
    let message = match (config.expect, &config.control) {
        (Reach::Blocked, None) => Some(
            "expects blocked without a control: name an address that is open from here, so that a policy can be told from a network that is down",
        ),
        (Reach::Blocked, Some(control)) if *control == config.address => {
            Some("names the address that must be blocked as its own control")
        }
        (Reach::Open, Some(_)) => Some("names a control, which only `expect: blocked` needs"),
        (Reach::Open, None) if config.refused_counts => {
            Some("says refused_counts, which only `expect: blocked` needs")
        }
        (Reach::Blocked, _) if config.latency.is_some() => Some("has a latency although it must be blocked"),
        _ => None,
    };
    if let Some(message) = message {
        return Err(Usage(format!("the tcp probe {} {message}", config.name)).into());
    }
    let timeout = config.timeout.map_or(Duration::from_secs(3), |timeout| timeout.0);
    Ok(TcpProbe { config, timeout })
}

pub(super) fn websocket_probe(config: WebSocketConfig, timeout: Duration) -> Result<WebSocketProbe, Error> {
    let answers = config.expect_contains.is_some() || config.expect_matches.is_some();
    if config.refused && (answers || config.send.is_some()) {
        let message = format!(
            "the websocket probe {} must be refused, and cannot send or expect anything",
            config.name
        );
        return Err(Usage(message).into());
    }
    Ok(WebSocketProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        name: config.name,
        url: config.url,
        subprotocols: config.subprotocols,
        refused: config.refused,
        send: config.send,
        expect_contains: config.expect_contains,
        expect_matches: config.expect_matches,
        latency: config.latency.map(|latency| latency.0),
        every_node: config.every_node,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    })
}

pub(super) fn alertmanager_probe(
    config: AlertmanagerConfig,
    timeout: Duration,
) -> Result<AlertmanagerProbe, Error> {
    Ok(AlertmanagerProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        min_version: config.min_version,
        members: config.members,
        receivers: config.receivers,
        silences: config.silences,
        never_muted: config.never_muted,
    })
}
