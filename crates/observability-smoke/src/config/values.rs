//! The values of the configuration that are more than text. Each is refused while it is read when it cannot
//! be meant.

use std::{fmt, str::FromStr};

use evidence_report::run::parse_duration;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::exposition::unescape;

/// Reads text and turns it into a value, or says why not.
fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(D::Error::custom)
}

/// An http or https address without user name and password.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Url(#[schemars(skip)] pub(crate) reqwest::Url);

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text itself is not shown: it may hold a password.
        let url = reqwest::Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL must start with http:// or https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a user name or a password; keep secrets in files (basic_auth, header_files, bearer_token_file)".to_owned());
        }
        Ok(Self(url))
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, str::parse)
    }
}

/// Without its query: it may hold a secret.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&evidence_report::run::redact::url(self.0.as_str()))
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A ws or wss address without user name and password.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct WebSocketUrl(#[schemars(skip)] pub(crate) reqwest::Url);

impl<'de> Deserialize<'de> for WebSocketUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| {
            let url = reqwest::Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
            if !matches!(url.scheme(), "ws" | "wss") {
                return Err("the URL must start with ws:// or wss://".to_owned());
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err("the URL holds a user name or a password; put them into basic_auth".to_owned());
            }
            Ok(Self(url))
        })
    }
}

/// Without its query: it may hold a secret.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&evidence_report::run::redact::url(self.0.as_str()))
    }
}

impl Serialize for WebSocketUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A version, as far as it is compared: `2.42`, `0.25.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Version(#[schemars(skip)] Vec<u64>);

impl FromStr for Version {
    type Err = String;

    /// What follows the numbers (`-rc.0`, `+ds`) is not compared.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim_start_matches('v').split(['-', '+', '~']).next().unwrap_or_default();
        let numbers: Result<Vec<u64>, _> = plain.split('.').map(str::parse).collect();
        numbers.map(Self).map_err(|_| format!("'{text}' is no version; write it as 2.42 or 2.42.1"))
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, str::parse)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time as people write it: `500ms`, `10s`, `2m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Duration(#[schemars(skip)] pub(crate) std::time::Duration);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| match parse_duration(text)? {
            std::time::Duration::ZERO => Err("the duration must be more than zero".to_owned()),
            duration => Ok(Self(duration)),
        })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A regular expression.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Pattern(#[schemars(skip)] pub(crate) regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| {
            let wrong = |error| format!("this is no regular expression: {error}");
            regex::Regex::new(text).map(Self).map_err(wrong)
        })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// The method of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Method(#[schemars(skip)] pub(crate) reqwest::Method);

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| {
            let method = reqwest::Method::from_bytes(text.as_bytes()).ok();
            let known = method.filter(|method| method.as_str().bytes().all(|b| b.is_ascii_uppercase()));
            known
                .map(Self)
                .ok_or_else(|| format!("'{text}' is no method; write GET, HEAD, POST and the like"))
        })
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// The name of a header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct HeaderName(#[schemars(skip)] String);

impl HeaderName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| {
            let known = reqwest::header::HeaderName::from_bytes(text.as_bytes());
            known
                .map(|name| Self(name.as_str().to_owned()))
                .map_err(|_| format!("'{text}' is no name of a header"))
        })
    }
}

impl Serialize for HeaderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The name of a sample.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct MetricName(#[schemars(skip)] pub(crate) String);

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, |text| {
            // Since Prometheus 3 a name may hold anything, in quotes.
            let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
            if let Some(quoted) = inner.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                return whole_name(quoted).ok_or_else(|| format!("'{text}' is not one name in quotes"));
            }
            // Without quotes, what looks like a selector is a mistake.
            let never =
                |c: char| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | '"' | '=' | ',');
            let good =
                !text.is_empty() && !text.contains(never) && !text.starts_with(|c: char| c.is_ascii_digit());
            good.then(|| Self(text.to_owned()))
                .ok_or_else(|| format!("'{text}' is no metric name; labels stand under the key labels"))
        })
    }
}

/// The name within the quotes, if it is one, with its escapes replaced.
fn whole_name(quoted: &str) -> Option<MetricName> {
    let name = unescape(quoted);
    // A quote that is not escaped ends the name before its end.
    let whole = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    (!name.is_empty() && whole == quoted.replace('\n', "\\n")).then_some(MetricName(name))
}

/// How many requests are under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "u16")]
pub(crate) struct Concurrency(#[schemars(skip)] pub(crate) usize);

impl Default for Concurrency {
    fn default() -> Self {
        Self(8)
    }
}

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u16::deserialize(deserializer)? {
            count @ 1..=256 => Ok(Self(usize::from(count))),
            count => Err(D::Error::custom(format!("concurrency must be from 1 to 256, not {count}"))),
        }
    }
}

/// The statuses that an answer may have; none named is any from 200 to 299.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "OneOrMany")]
pub(crate) struct Statuses(#[schemars(skip)] Vec<u16>);

/// One status, or many.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a status is a number such as 200, or a list such as [200, 204]")]
enum OneOrMany {
    One(u16),
    Many(Vec<u16>),
}

impl Statuses {
    pub(crate) fn allow(&self, status: u16) -> bool {
        if self.0.is_empty() { (200..300).contains(&status) } else { self.0.contains(&status) }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let statuses = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(status) => vec![status],
            OneOrMany::Many(statuses) => statuses,
        };
        match statuses.iter().find(|status| !(100..600).contains(*status)) {
            Some(status) => Err(D::Error::custom(format!("{status} is no HTTP status"))),
            None if statuses.is_empty() => Err(D::Error::custom("name at least one HTTP status")),
            None => Ok(Self(statuses)),
        }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("a status from 200 to 299"),
            statuses => {
                let words: Vec<_> = statuses.iter().map(u16::to_string).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_name_may_hold_anything_in_quotes() {
        let read = |text: &str| serde_json::from_value::<MetricName>(text.into()).map(|name| name.0);
        for (text, name) in [
            ("up", "up"),
            ("http.server.duration", "http.server.duration"),
            ("\"queue depth\"", "queue depth"),
            ("{\"1 a,b=c\"}", "1 a,b=c"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
        ] {
            assert_eq!(read(text).ok().as_deref(), Some(name), "{text}");
        }
        for wrong in
            ["", "\"\"", "queue depth", "up{job=\"a\"}", "{\"up\",job=\"a\"}", "1a", "\"a\"b\"", "\"a"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
