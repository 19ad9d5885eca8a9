//! Makes the requests of a flow, fills in what earlier ones brought, and searches for the correlation id until
//! it is found or its time is over.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{FoundSeen, Seen, StepSeen};
use crate::{
    config::{CaptureConfig, Values, as_it_is},
    plan::{Find, Flow, Step},
    probes::{answer::fault, http::ask},
    wire::{Answer, Wire},
};

/// Makes the requests and the searches.
pub(crate) async fn observe(wire: &Wire, flow: &Flow) -> Seen {
    let mut values = fresh_values();
    let (started, mut steps) = (Instant::now(), Vec::new());
    for step in &flow.steps {
        let seen = make(wire, step, &mut values).await;
        let goes_on = seen.answer.is_ok() && seen.fault.is_none() && seen.not_captured.is_none();
        steps.push(seen);
        if !goes_on {
            return Seen { steps, found: Vec::new(), took: started.elapsed() };
        }
    }
    let took = started.elapsed();
    let searches = flow.found_in.iter().map(|find| search(wire, find, &values));
    Seen { steps, found: futures_util::future::join_all(searches).await, took }
}

/// A correlation id that nobody has used before, alone and as a W3C trace context.
fn fresh_values() -> Values {
    let mut bytes = [0_u8; 24];
    // The provider of TLS has a generator that the operating system seeded.
    let _ = rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (trace, span) = hex.split_at(32);
    Values::from([
        ("correlation_id".to_owned(), trace.to_owned()),
        ("traceparent".to_owned(), format!("00-{trace}-{span}-01")),
    ])
}

async fn make(wire: &Wire, step: &Step, values: &mut Values) -> StepSeen {
    let answer = ask(wire, &step.request, None, values).await;
    let (mut wrong, mut not_captured) = (None, None);
    if let Ok(answer) = &answer {
        wrong = fault(&step.expected, answer, values);
        if wrong.is_none() {
            for (name, capture) in &step.capture {
                match captured(capture, answer) {
                    Some(value) => {
                        values.insert(name.clone(), value);
                    }
                    None => not_captured = Some(name.clone()),
                }
            }
        }
    }
    StepSeen { answer, fault: wrong, not_captured }
}

/// The value of a capture; an empty one is none.
fn captured(capture: &CaptureConfig, answer: &Answer) -> Option<String> {
    let value = if let Some(header) = &capture.header {
        answer.headers.get(header.as_str())?.to_str().ok()?.to_owned()
    } else if let Some(path) = &capture.json {
        let document: Value = serde_json::from_slice(&answer.body).ok()?;
        match path.find(&document).first()? {
            Value::String(text) => text.clone(),
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            _ => return None,
        }
    } else {
        let body = String::from_utf8_lossy(&answer.body);
        let found = capture.matches.as_ref()?.0.captures(&body)?;
        found.get(1).or_else(|| found.get(0))?.as_str().to_owned()
    };
    Some(value).filter(|value| !value.is_empty())
}

async fn search(wire: &Wire, find: &Find, values: &Values) -> FoundSeen {
    let started = Instant::now();
    let wanted = find.contains.fill(values, as_it_is);
    let mut asked = 0;
    loop {
        asked += 1;
        let entries = match ask(wire, &find.request, None, values).await {
            Ok(answer) => entries(find, &answer, &wanted),
            Err(trouble) => Err(trouble.to_string()),
        };
        let after = started.elapsed();
        let enough = entries.as_ref().is_ok_and(|&entries| entries >= find.at_least);
        if enough || after + find.every >= find.within {
            return FoundSeen { entries, after, asked };
        }
        tokio::time::sleep(find.every.max(Duration::from_millis(10))).await;
    }
}

/// How many entries of the answer hold the text.
fn entries(find: &Find, answer: &Answer, wanted: &str) -> Result<usize, String> {
    if !(200..300).contains(&answer.status) {
        return Err(format!("status {}", answer.status));
    }
    let document: Value = serde_json::from_slice(&answer.body).map_err(|_| {
        format!("status {}, and a body of {} bytes that is no JSON", answer.status, answer.body.len())
    })?;
    let holds = |value: &&&Value| match value {
        Value::String(text) => text.contains(wanted),
        other => other.to_string().contains(wanted),
    };
    Ok(find.json.find(&document).iter().filter(holds).count())
}
