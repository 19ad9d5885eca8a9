//! What is sent, and what the answer must be, wherever a request is made: validated, with the secrets read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use evidence_report::run::Usage;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::{Headers, access::no_secret_in_the_configuration, seconds};
use crate::{
    config::{
        BUILT_IN, HeaderName, JsonAssertion, Method, Pattern, Statuses, Template, Url, Values, as_it_is,
        for_json, for_url,
    },
    error::Error,
};

/// What is sent; `${name}` in it is filled in when the values are known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Request {
    pub(crate) method: Method,
    #[serde(serialize_with = "without_query")]
    pub(super) url: Template,
    pub(crate) headers: Headers,
    #[serde(skip)]
    pub(super) filled_headers: BTreeMap<HeaderName, Template>,
    #[serde(skip)]
    pub(super) body: Option<Template>,
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
pub(super) struct Written {
    pub(super) method: Method,
    pub(super) url: Template,
    pub(super) headers: Headers,
    pub(super) filled_headers: BTreeMap<HeaderName, Template>,
    pub(super) body: Option<Template>,
    pub(super) follow_redirects: bool,
    pub(super) timeout: Duration,
}

/// The request, if every name in it is known and its host does not depend on one.
pub(super) fn request(written: Written, known: &BTreeSet<String>, whose: &str) -> Result<Request, Error> {
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
        no_secret_in_the_configuration(name, filled_headers[name].names().next().is_some())?;
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

impl Expected {
    pub(super) fn no_contradiction(&self, whose: &str) -> Result<(), Error> {
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
