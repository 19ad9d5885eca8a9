//! Text with `${name}` in it: values that an earlier request brought, and those that every flow has.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What every flow has from its beginning.
pub(crate) const BUILT_IN: [&str; 2] = ["correlation_id", "traceparent"];

/// Values by name. They may be secrets: nothing shows them.
pub(crate) type Values = BTreeMap<String, String>;

/// Text with names in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// Whether this can be the name of a value.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Template {
    /// Text without names.
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), parts: vec![Part::Text(text.to_owned())] }
    }

    /// Reads text with names.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, after)) = behind.split_once('}').filter(|(name, _)| is_name(name)) else {
                return Err("after ${ a name and a closing brace must stand, as in ${token}".to_owned());
            };
            parts.extend([Part::Text(before.to_owned()), Part::Name(name.to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with the values in place of the names, each passed through `escape`.
    pub(crate) fn fill(&self, values: &Values, escape: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Name(name) => values.get(name).map(|value| escape(value)).unwrap_or_default(),
        };
        self.parts.iter().map(part).collect()
    }
}

/// Keeps a value as it is.
pub(crate) fn as_it_is(value: &str) -> String {
    value.to_owned()
}

/// A value as a part of a URL's path or query: it cannot lead to another host, nor add a parameter.
pub(crate) fn for_url(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

/// A value inside a JSON string: it cannot end the string.
pub(crate) fn for_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_what_a_server_sent_stays_where_it_was_put() {
        let values = Values::from([("id".to_owned(), "a/b?c=\"d\"".to_owned())]);
        let template = Template::parse("x=${id}&$y").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["id"]);
        assert_eq!(template.fill(&values, for_url), "x=a%2Fb%3Fc%3D%22d%22&$y");
        assert_eq!(template.fill(&values, for_json), "x=a/b?c=\\\"d\\\"&$y");
        assert_eq!(template.fill(&values, as_it_is), "x=a/b?c=\"d\"&$y");
        assert_eq!(Template::parse("$${id}").unwrap().fill(&values, |_| "1".to_owned()), "$1");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for wrong in ["${", "${}", "${a b}", "${1a}", "${a"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
