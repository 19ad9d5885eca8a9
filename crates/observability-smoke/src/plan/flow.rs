//! Several requests in a row: what their configuration comes to. Every value that is used was captured before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use evidence_report::run::Usage;
use serde::Serialize;

use super::{
    headers, optional_seconds,
    request::{Expected, Request, Written, request},
    seconds,
    written::named_apart,
};
use crate::{
    config::{BUILT_IN, CaptureConfig, FindConfig, FlowConfig, JsonPath, StepConfig, Template, is_name},
    error::Error,
};

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

pub(super) fn flow(config: FlowConfig, timeout: Duration) -> Result<Flow, Error> {
    if config.steps.is_empty() {
        return Err(Usage(format!("the flow {} has no steps", config.name)).into());
    }
    if let Err((_, wrong)) = named_apart(config.steps.iter().map(|step| &step.name)) {
        return Err(Usage(format!("among the steps of {} {wrong}", config.name)).into());
    }
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
