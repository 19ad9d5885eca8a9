//! Paths into JSON, the part of RFC 9535 that people write by hand: `$`, `.name`, `['name']`, `[0]`, `[-1]`,
//! `[*]`, `.*` and `..name`. Filters and slices are refused, not ignored.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// A path, as it was written and as it is followed.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct JsonPath {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(i64),
    Every,
    /// This name at any depth.
    Anywhere(String),
}

impl JsonPath {
    /// What stands at the path; nothing where it leads nowhere.
    pub(crate) fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for segment in &self.segments {
            let mut next = Vec::new();
            for value in found {
                segment.step(value, &mut next);
            }
            found = next;
        }
        found
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |at: usize, what: &str| Err(format!("'{text}' is no JSON path: {what} at character {}", at + 1));
        let Some(mut rest) = text.strip_prefix('$') else {
            return wrong(0, "it starts with $, which is missing");
        };
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let at = text.chars().count() - rest.chars().count();
            if let Some(behind) = rest.strip_prefix('[') {
                let Some((segment, behind)) = bracket(behind) else {
                    return wrong(
                        at,
                        "a name in quotes, a whole number or * must stand between the brackets",
                    );
                };
                segments.push(segment);
                rest = behind;
                continue;
            }
            let Some(behind) = rest.strip_prefix('.') else {
                return wrong(at, "a point or a bracket must stand");
            };
            let anywhere = behind.strip_prefix('.');
            let behind = anywhere.unwrap_or(behind);
            if let (Some(behind), None) = (behind.strip_prefix('*'), anywhere) {
                segments.push(Segment::Every);
                rest = behind;
                continue;
            }
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let name = &behind[..end];
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-') || !c.is_ascii();
            if name.is_empty() || !name.chars().all(plain) {
                return wrong(at + 1, "a name of letters, digits, _ and - must stand (others as ['name'])");
            }
            segments.push(match anywhere {
                Some(_) => Segment::Anywhere(name.to_owned()),
                None => Segment::Name(name.to_owned()),
            });
            rest = &behind[end..];
        }
        Ok(Self { text: text.to_owned(), segments })
    }
}

/// What stands between brackets, and what follows them.
fn bracket(text: &str) -> Option<(Segment, &str)> {
    if let Some(rest) = text.strip_prefix("*]") {
        return Some((Segment::Every, rest));
    }
    let quote = text.chars().next()?;
    if matches!(quote, '\'' | '"') {
        let (name, rest) = text[1..].split_once(quote)?;
        return Some((Segment::Name(name.to_owned()), rest.strip_prefix(']')?));
    }
    let (number, rest) = text.split_once(']')?;
    Some((Segment::Index(number.parse().ok()?), rest))
}

impl Segment {
    fn step<'a>(&self, value: &'a Value, found: &mut Vec<&'a Value>) {
        match (self, value) {
            (Self::Name(name), Value::Object(members)) => found.extend(members.get(name)),
            (Self::Index(index), Value::Array(items)) => {
                let from_end = i64::try_from(items.len()).unwrap_or(i64::MAX).saturating_add(*index);
                let index = if *index < 0 { from_end } else { *index };
                found.extend(usize::try_from(index).ok().and_then(|index| items.get(index)));
            }
            (Self::Every, Value::Array(items)) => found.extend(items),
            (Self::Every, Value::Object(members)) => found.extend(members.values()),
            (Self::Anywhere(name), Value::Array(items)) => {
                items.iter().for_each(|item| Self::Anywhere(name.clone()).step(item, found));
            }
            (Self::Anywhere(name), Value::Object(members)) => {
                found.extend(members.get(name));
                members.values().for_each(|member| Self::Anywhere(name.clone()).step(member, found));
            }
            _ => {}
        }
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for JsonPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl Serialize for JsonPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_every_value_that_it_names() {
        let document: Value =
            serde_json::from_str(r#"{"a":{"b c":[1,2,{"d":3}],"d":4},"list":[{"d":5},{"e":6}],"ключ":7}"#)
                .unwrap();
        for (path, found) in [
            ("$", 1),
            ("$.a.d", 1),
            ("$.a['b c'][0]", 1),
            ("$.a[\"b c\"][-1].d", 1),
            ("$.a['b c'][3]", 0),
            ("$.a['b c'][-4]", 0),
            ("$.list[*].d", 1),
            ("$.list.*", 2),
            ("$.*", 3),
            ("$..d", 3),
            ("$.ключ", 1),
            ("$.list.d", 0),
            ("$.a.d.x", 0),
        ] {
            let path = JsonPath::parse(path).unwrap();
            assert_eq!(path.find(&document).len(), found, "{path}");
        }
        assert_eq!(JsonPath::parse("$.a['b c'][-1].d").unwrap().find(&document), [&Value::from(3)]);
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_place() {
        for (text, place) in [
            ("a.b", 1),
            ("", 1),
            ("$a", 2),
            ("$.", 3),
            ("$.a b", 3),
            ("$[", 2),
            ("$.a[1:2]", 4),
            ("$.a[?(@.b)]", 4),
            ("$['a", 2),
            ("$..*", 3),
        ] {
            let error = JsonPath::parse(text).unwrap_err();
            assert!(error.ends_with(&format!("character {place}")), "{text}: {error}");
        }
    }
}
