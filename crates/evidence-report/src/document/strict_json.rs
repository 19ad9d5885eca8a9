//! JSON without room for two readings: duplicate keys, fractions and integers beyond ±(2^53−1) are refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The largest integer that every reader of JSON reads alike (RFC 8259, section 6).
const LARGEST: i64 = (1 << 53) - 1;

/// A JSON value that has only one reading.
pub(super) struct StrictValue(pub(super) Value);

impl<'de> Deserialize<'de> for StrictValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value of one reading")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if (-LARGEST..=LARGEST).contains(&value) {
            Ok(Value::from(value))
        } else {
            Err(E::custom(format!("the integer {value} is beyond 2^53-1; it must be a string")))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        let small = i64::try_from(value)
            .map_err(|_| E::custom(format!("the integer {value} is beyond 2^53-1; it must be a string")))?;
        self.visit_i64(small)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format!("the fraction {value} must be a string")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(StrictValue(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, StrictValue(value))) = entries.next_entry::<String, StrictValue>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key '{key}' stands twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_two_readings_is_refused() {
        for (text, word) in [
            (r#"{"a":1,"a":1}"#, "twice"),
            (r#"[{"b":{"a":1,"a":2}}]"#, "twice"),
            ("9007199254740992", "beyond"),
            ("-9007199254740992", "beyond"),
            ("18446744073709551615", "beyond"),
            ("0.5", "string"),
            ("1e3", "string"),
        ] {
            let error = serde_json::from_str::<StrictValue>(text).err().unwrap().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(serde_json::from_str::<StrictValue>(r#"{"a":[null,true,"x",9007199254740991]}"#).is_ok());
    }
}
