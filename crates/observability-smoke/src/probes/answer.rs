//! What is wrong with an answer: status, headers, text, pattern, JSON. Pure. Of a body nothing is shown, neither
//! its text nor its values: it may hold anything.

use std::fmt::Write;

use serde_json::Value;

use super::json::Document;
use crate::{
    config::{JsonAssertion, Values, as_it_is},
    http::excerpt,
    plan::Expected,
    wire::Answer,
};

/// What is expected, in words.
pub(crate) fn expectation(expected: &Expected) -> String {
    let mut words = match expected.status.to_string() {
        range if range.starts_with('a') => range,
        statuses => format!("status {statuses}"),
    };
    if let Some(text) = &expected.body_contains {
        let _ = write!(words, ", a body with `{text}`");
    }
    if let Some(pattern) = &expected.body_matches {
        let _ = write!(words, ", a body that matches /{}/", pattern.0);
    }
    for (name, pattern) in &expected.headers {
        let _ = write!(words, ", the header {} matching /{}/", name.as_str(), pattern.0);
    }
    for assertion in &expected.json {
        let _ = write!(words, ", {}", asked(assertion));
    }
    words
}

/// What is wrong with the answer; `None` when nothing is.
pub(crate) fn fault(expected: &Expected, answer: &Answer, values: &Values) -> Option<String> {
    let mut status = format!("status {}", answer.status);
    if let Some(why) = answer.not_followed {
        let _ = write!(status, ", {why}");
    }
    if !expected.status.allow(answer.status) {
        return Some(status);
    }
    for (name, pattern) in &expected.headers {
        let mut carried = answer.headers.get_all(name.as_str()).iter().peekable();
        if carried.peek().is_none() {
            return Some(format!("{status}, and no header {}", name.as_str()));
        }
        if !carried.any(|value| pattern.0.is_match(&String::from_utf8_lossy(value.as_bytes()))) {
            return Some(format!("{status}, and a header {} that does not match", name.as_str()));
        }
    }
    let body = String::from_utf8_lossy(&answer.body);
    let size = format!("a body of {} bytes{}", answer.body.len(), packed(answer));
    let wanted = expected.body_contains.as_ref().map(|text| text.fill(values, as_it_is));
    if wanted.is_some_and(|text| !body.contains(&text)) {
        return Some(format!("{status}, and {size} without that text"));
    }
    if expected.body_matches.as_ref().is_some_and(|pattern| !pattern.0.is_match(&body)) {
        return Some(format!("{status}, and {size} that does not match"));
    }
    if expected.json.is_empty() {
        return None;
    }
    let document = match Document::read(&answer.body) {
        Ok(document) => document,
        Err(why) => return Some(format!("{status}, and {size} {why}")),
    };
    let two_valued = |assertion: &JsonAssertion| {
        let path = &assertion.path;
        let twice =
            || format!("{path} leads over a name that stands twice in one object, with different values");
        document.is_ambiguous_at(path).then(twice)
    };
    expected
        .json
        .iter()
        .find_map(|assertion| json_fault(assertion, document.value()).or_else(|| two_valued(assertion)))
        .map(|why| format!("{status}, and {why}"))
}

/// Bodies are read as they come; no request asks for a packed one.
fn packed(answer: &Answer) -> String {
    let encoding = answer.headers.get("content-encoding").and_then(|encoding| encoding.to_str().ok());
    let packed = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    packed
        .map_or(String::new(), |by| format!(", packed as {} although nobody asked for it,", excerpt(by, 20)))
}

fn asked(assertion: &JsonAssertion) -> String {
    let mut words = assertion.path.to_string();
    if assertion.absent {
        words.push_str(" absent");
    }
    if let Some(value) = &assertion.equals {
        let _ = write!(words, " equal to {value}");
    }
    if let Some(pattern) = &assertion.matches {
        let _ = write!(words, " matching /{}/", pattern.0);
    }
    if let Some(min) = assertion.min {
        let _ = write!(words, " not below {min}");
    }
    if let Some(max) = assertion.max {
        let _ = write!(words, " not above {max}");
    }
    match (assertion.at_least, assertion.at_most) {
        (Some(least), Some(most)) => {
            let _ = write!(words, " with {least} to {most} values");
        }
        (Some(least), None) => {
            let _ = write!(words, " with at least {least} values");
        }
        (None, Some(most)) => {
            let _ = write!(words, " with at most {most} values");
        }
        (None, None) if words == assertion.path.to_string() => words.push_str(" present"),
        (None, None) => {}
    }
    words
}

/// What is wrong at the path.
fn json_fault(assertion: &JsonAssertion, document: &Value) -> Option<String> {
    let path = &assertion.path;
    let found = assertion.path.find(document);
    if assertion.absent {
        return (!found.is_empty()).then(|| format!("{path} is there"));
    }
    if found.is_empty() && assertion.at_least != Some(0) {
        return Some(format!("{path} leads nowhere"));
    }
    let (least, most) = (assertion.at_least.unwrap_or(1), assertion.at_most.unwrap_or(usize::MAX));
    if !(least..=most).contains(&found.len()) {
        return Some(format!("{path} leads to {} values", found.len()));
    }
    found.into_iter().find_map(|value| value_fault(assertion, value)).map(|why| format!("{path} {why}"))
}

fn value_fault(assertion: &JsonAssertion, value: &Value) -> Option<String> {
    if assertion.equals.as_ref().is_some_and(|wanted| !same(wanted, value)) {
        return Some(format!("is another value: {}", kind_of(value)));
    }
    if let Some(pattern) = &assertion.matches {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Some(format!("is {}, and no text", kind_of(value))),
        };
        if !pattern.0.is_match(&text) {
            return Some(format!("does not match: {}", kind_of(value)));
        }
    }
    if assertion.min.is_none() && assertion.max.is_none() {
        return None;
    }
    // Prometheus and others write numbers as text.
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let Some(number) = number else { return Some(format!("is {}, and no number", kind_of(value))) };
    let inside =
        assertion.min.is_none_or(|min| number >= min) && assertion.max.is_none_or(|max| number <= max);
    (!inside).then(|| "is a number out of bounds".to_owned())
}

/// Numbers are the same by their value: 1 is 1.0.
fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        #[expect(clippy::float_cmp, reason = "the same number, written in two ways")]
        (Some(wanted), Some(value)) => wanted == value,
        _ => wanted == value,
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("a text of {} characters", text.chars().count()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(members) => format!("an object of {} members", members.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assertion(yaml: &str) -> JsonAssertion {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_value_is_judged_and_never_shown() {
        let document: Value = serde_json::from_str(
            r#"{"status":"hunter2","lag":3,"text":"7.5","items":[{"id":1},{"id":2}],"gone":null,"on":true}"#,
        )
        .unwrap();
        for (asked, wrong) in [
            ("{path: $.status, equals: hunter2}", None),
            ("{path: $.status, equals: up}", Some("is another value: a text of 7 characters")),
            ("{path: $.status}", None),
            ("{path: $.stat}", Some("leads nowhere")),
            ("{path: $.stat, absent: true}", None),
            ("{path: $.status, absent: true}", Some("is there")),
            ("{path: $.lag, equals: 3.0}", None),
            ("{path: $.lag, min: 3, max: 3}", None),
            ("{path: $.lag, max: 2.9}", Some("out of bounds")),
            ("{path: $.lag, min: 3.1}", Some("out of bounds")),
            ("{path: $.text, max: 8}", None),
            ("{path: $.on, max: 8}", Some("no number")),
            ("{path: $.on, equals: true}", None),
            ("{path: $.gone, equals: null}", None),
            ("{path: $.lag, equals: null}", Some("another value: a number")),
            ("{path: '$.items[*].id', max: 2, at_least: 2}", None),
            ("{path: '$.items[*].id', at_least: 3}", Some("leads to 2 values")),
            ("{path: '$.items[*]', at_most: 1}", Some("leads to 2 values")),
            ("{path: '$.items[*].name', at_least: 0}", None),
            ("{path: '$.items[*].id', max: 1}", Some("out of bounds")),
            ("{path: $.status, matches: ^hunter}", None),
            ("{path: $.lag, matches: '^3$'}", None),
            ("{path: $.items, matches: x}", Some("a list of 2, and no text")),
        ] {
            let fault = json_fault(&assertion(asked), &document);
            match (&fault, wrong) {
                (None, None) => {}
                (Some(fault), Some(wrong)) if fault.contains(wrong) => {
                    assert!(!fault.contains("hunter2"), "{fault}");
                }
                _ => panic!("{asked}: {fault:?}, expected {wrong:?}"),
            }
        }
    }
}
