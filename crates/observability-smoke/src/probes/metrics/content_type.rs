//! What Prometheus makes of a Content-Type. Prometheus 2 read everything that it did not know as its text format;
//! Prometheus 3 refuses the scrape, unless `fallback_scrape_protocol` is set (`extractMediaType` in its
//! `model/textparse`). Both parse the header with Go's `mime.ParseMediaType`, whose rules stand here.

use evidence_report::record::Finding;

use crate::{
    checks::METRICS_CONTENT_TYPE,
    exposition::Syntax,
    http::{NoAnswer, excerpt},
};

/// What a version of Prometheus reads the answer as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadAs {
    Text,
    OpenMetrics,
    /// Protocol buffers, which we do not read.
    Protobuf,
}

/// What both versions make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) by_two: ReadAs,
    /// Why Prometheus 3 refuses it, where it does.
    pub(crate) by_three: Result<ReadAs, &'static str>,
}

/// Judges a header.
pub(crate) fn judge(content_type: Option<&str>) -> Judged {
    let refused = |why| Judged { by_two: ReadAs::Text, by_three: Err(why) };
    let Some(text) = content_type.filter(|text| !text.is_empty()) else {
        return refused("there is none");
    };
    let Some(media_type) = media_type(text) else { return refused("it cannot be parsed") };
    let read_as = match media_type.as_str() {
        "text/plain" => ReadAs::Text,
        "application/openmetrics-text" => ReadAs::OpenMetrics,
        "application/vnd.google.protobuf" => ReadAs::Protobuf,
        _ => return refused("it is none of an exposition"),
    };
    Judged { by_two: read_as, by_three: Ok(read_as) }
}

/// The format that Prometheus reads the answer as: what it does not know, 2 reads as text, and so does 3 where
/// `fallback_scrape_protocol` says so.
///
/// # Errors
/// When it is one that is not read here.
pub(crate) fn syntax_of(content_type: Option<&str>) -> Result<Syntax, NoAnswer> {
    match judge(content_type).by_two {
        ReadAs::Text => Ok(Syntax::Prometheus),
        ReadAs::OpenMetrics => Ok(Syntax::OpenMetrics),
        ReadAs::Protobuf => Err(NoAnswer(
            "an answer in protocol buffers, which are not read here: let it answer in text".to_owned(),
        )),
    }
}

/// The finding about a header; `asked` says what was asked for.
pub(crate) fn assess(subject: &str, content_type: Option<&str>, asked: &str) -> Finding {
    let shown = content_type.map_or("no Content-Type".to_owned(), |text| excerpt(text, 100));
    let shown = format!("{shown} ({asked})");
    let finding = match judge(content_type).by_three {
        Ok(_) => METRICS_CONTENT_TYPE.passed(subject).observed(shown),
        Err(why) => METRICS_CONTENT_TYPE.warned(subject).observed(format!(
            "{shown}: Prometheus 3 refuses the scrape ({why}) unless fallback_scrape_protocol is set, Prometheus 2 reads it as text"
        )),
    };
    finding.expected("text/plain or application/openmetrics-text")
}

/// The media type in small letters; `None` where Go's parser reports an error.
fn media_type(text: &str) -> Option<String> {
    let (base, mut rest) = text.find(';').map_or((text, ""), |at| text.split_at(at));
    let base = base.trim().to_ascii_lowercase();
    let (kind, behind) = token(&base)?;
    if !behind.is_empty() {
        let (_, nothing) = token(behind.strip_prefix('/')?)?;
        if !nothing.is_empty() {
            return None;
        }
    } else if kind.is_empty() {
        return None;
    }
    let mut seen = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest == ";" {
            return Some(base);
        }
        let (name, behind) = token(rest.strip_prefix(';')?.trim_start())?;
        let name = name.to_ascii_lowercase();
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        rest = value(behind.trim_start().strip_prefix('=')?.trim_start())?;
    }
}

/// A token at the beginning, and what follows.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What follows the value of a parameter.
fn value(text: &str) -> Option<&str> {
    let Some(mut quoted) = text.strip_prefix('"') else { return token(text).map(|(_, rest)| rest) };
    loop {
        let at = quoted.find(['"', '\\'])?;
        if quoted.as_bytes()[at] == b'"' {
            return Some(&quoted[at + 1..]);
        }
        let mut behind = quoted[at + 1..].chars();
        behind.next()?;
        quoted = behind.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_judged_as_prometheus_2_and_3_do() {
        for (text, by_two, by_three) in [
            (Some("text/plain"), ReadAs::Text, true),
            (Some("text/plain; version=0.0.4; charset=utf-8"), ReadAs::Text, true),
            (Some("text/plain; version=1.0.0; escaping=allow-utf-8"), ReadAs::Text, true),
            (Some("TEXT/Plain;"), ReadAs::Text, true),
            (Some("text/plain; version=\"0.0.4\""), ReadAs::Text, true),
            (Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), ReadAs::OpenMetrics, true),
            (Some("application/openmetrics-text"), ReadAs::OpenMetrics, true),
            (
                Some("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily"),
                ReadAs::Protobuf,
                true,
            ),
            (None, ReadAs::Text, false),
            (Some(""), ReadAs::Text, false),
            (Some("text/html"), ReadAs::Text, false),
            (Some("application/json"), ReadAs::Text, false),
            (Some("application/octet-stream"), ReadAs::Text, false),
            (Some("text/plain; charset"), ReadAs::Text, false),
            (Some("text/plain; a=1; a=2"), ReadAs::Text, false),
            (Some("text/plain charset=utf-8"), ReadAs::Text, false),
            (Some("text/plain; version="), ReadAs::Text, false),
            (Some("text/plain; version=\"1"), ReadAs::Text, false),
            (Some("application/openmetrics-text; version"), ReadAs::Text, false),
            (Some(";"), ReadAs::Text, false),
        ] {
            let judged = judge(text);
            assert_eq!((judged.by_two, judged.by_three.is_ok()), (by_two, by_three), "{text:?}");
        }
    }
}
