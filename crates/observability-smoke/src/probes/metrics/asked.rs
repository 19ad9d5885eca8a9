//! As which Prometheus an endpoint is asked. By the `Accept` header an exporter decides what it shows: to Prometheus 3
//! names in UTF-8 as they are, to Prometheus 2 with underscores in their place.

use std::fmt;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exposition::Reader;

/// The generation of Prometheus whose question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schemars(with = "u8")]
pub(crate) enum AskAs {
    /// Prometheus 3.
    #[default]
    #[value(name = "3")]
    Three,
    /// Prometheus 2.
    #[value(name = "2")]
    Two,
}

impl AskAs {
    /// The `Accept` header of its scrapes, as it is unless `scrape_protocols` says otherwise.
    pub(crate) const fn accept(self) -> &'static str {
        match self {
            Self::Three => {
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            }
            Self::Two => {
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            }
        }
    }

    /// The reader of an answer with this Content-Type: quoted names are as they were asked for where it says so.
    pub(crate) fn prepare(self, reader: Reader, content_type: Option<&str>) -> Reader {
        let quoted = self == Self::Three && content_type.is_some_and(names_are_quoted);
        if quoted { reader.with_quoted_names() } else { reader }
    }
}

impl fmt::Display for AskAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked as Prometheus {} asks", u8::from(*self))
    }
}

impl TryFrom<u8> for AskAs {
    type Error = String;

    fn try_from(generation: u8) -> Result<Self, String> {
        match generation {
            3 => Ok(Self::Three),
            2 => Ok(Self::Two),
            _ => Err(format!("ask_as is 3 or 2, the generation of Prometheus that asks, not {generation}")),
        }
    }
}

impl From<AskAs> for u8 {
    fn from(asked: AskAs) -> Self {
        match asked {
            AskAs::Three => 3,
            AskAs::Two => 2,
        }
    }
}

fn names_are_quoted(content_type: &str) -> bool {
    content_type.split(';').skip(1).any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("escaping") && value.trim().trim_matches('"') == "allow-utf-8"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_the_answer_says_so() {
        for (content_type, quoted) in [
            ("text/plain; version=1.0.0; escaping=allow-utf-8", true),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8", true),
            ("text/plain;Escaping=\"allow-utf-8\"", true),
            ("text/plain; version=1.0.0; escaping=underscores", false),
            ("text/plain; version=0.0.4", false),
            ("escaping=allow-utf-8", false),
        ] {
            assert_eq!(names_are_quoted(content_type), quoted, "{content_type}");
        }
    }
}
