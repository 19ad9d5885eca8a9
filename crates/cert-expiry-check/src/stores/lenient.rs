//! Values in documents that others write (JSON, YAML), where anything may stand: what is of another type than
//! expected is passed over, so that one oddity does not hide the rest. And since nothing is refused for its
//! value, no value ever gets into an error message: tokens and keys stand beside the certificates.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A text, or a number as text; `None` where something else stands.
#[derive(Default)]
pub(super) struct Text(pub(super) Option<String>);

/// The texts of an object by their names, in its order; empty where something else stands.
#[derive(Default)]
pub(super) struct Texts(pub(super) Vec<(String, Text)>);

/// An object of a known shape; `None` where something else stands.
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// The elements of a list; empty where something else stands.
pub(super) struct Each<T>(pub(super) Vec<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What becomes of each kind of value: nothing, unless it says otherwise.
trait Take<'de>: Default {
    fn text(_: String) -> Self {
        Self::default()
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl Take<'_> for Text {
    fn text(text: String) -> Self {
        Self(Some(text))
    }
}

impl<'de> Take<'de> for Texts {
    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut texts = Vec::new();
        while let Some((name, text)) = map.next_entry::<Text, Text>()? {
            texts.extend(name.0.map(|name| (name, text)));
        }
        Ok(Self(texts))
    }
}

impl<'de, T: Deserialize<'de>> Take<'de> for Maybe<T> {
    fn map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Self(Some(object)))
    }
}

impl<'de, T: Deserialize<'de>> Take<'de> for Each<T> {
    fn seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

struct AnyValue<T>(PhantomData<T>);

impl<'de, T: Take<'de>> Visitor<'de> for AnyValue<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::text(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(T::text(number.to_string()))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<T, E> {
        Ok(T::text(number.to_string()))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<T, E> {
        Ok(T::text(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Ok(T::text(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<T, E> {
        Ok(T::text(text))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::seq(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Shape {
        name: Text,
        texts: Texts,
        inner: Maybe<Inner>,
        list: Each<Maybe<Inner>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        name: Text,
    }

    fn shown(json: &str) -> String {
        let shape: Shape = serde_json::from_str(json).unwrap();
        let name = |text: Text| text.0.unwrap_or_else(|| "-".to_owned());
        let inner = |inner: Maybe<Inner>| inner.0.map_or_else(|| "-".to_owned(), |inner| name(inner.name));
        let texts: Vec<_> = shape.texts.0.into_iter().map(|(key, text)| key + "=" + &name(text)).collect();
        let list: Vec<_> = shape.list.0.into_iter().map(inner).collect();
        let inner = shape.inner.0.map_or_else(|| "-".to_owned(), |inner| name(inner.name));
        format!("{} {} {inner} {}", name(shape.name), texts.join(","), list.join(","))
    }

    #[test]
    fn what_fits_is_read_and_what_does_not_is_passed_over() {
        let good =
            r#"{"name":"a","texts":{"x":"1","y":2},"inner":{"name":"i","z":[1,{}]},"list":[{"name":"l"}]}"#;
        assert_eq!(shown(good), "a x=1,y=2 i l");
        for odd in ["null", "true", "[1,[2]]", r#"{"a":{"b":1}}"#, r#""text""#, "1.5"] {
            let json = format!(
                r#"{{"name":"a","texts":{{"x":{odd}}},"inner":{odd},"list":[{odd},{{"name":"l"}}]}}"#
            );
            assert!(shown(&json).ends_with(",l"), "{json}: {}", shown(&json));
            let json = format!(r#"{{"name":{odd},"texts":{odd},"inner":{{"name":"i"}},"list":{odd}}}"#);
            assert!(shown(&json).contains(" i "), "{json}: {}", shown(&json));
        }
    }
}
