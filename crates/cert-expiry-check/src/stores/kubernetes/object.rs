//! One object, as far as it matters here. What its fields mean depends on its kind, which may come last.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};

use super::{
    Object,
    values::{bundle, of_config_map, of_conversion, of_secret, of_webhooks},
};
use crate::{
    stores::{
        Passwords,
        lenient::{Each, Maybe, Text, Texts},
    },
    wording::printable,
};

/// What is read of any object; what it means depends on its kind, which may come last.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) kind: Text,
    pub(super) metadata: Maybe<Metadata>,
    secret_type: Text,
    data: Texts,
    binary_data: Texts,
    webhooks: Each<Maybe<Webhook>>,
    spec: Maybe<Spec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: Text,
    namespace: Text,
    /// Of a list: where its next page begins.
    r#continue: Text,
    remaining_item_count: Text,
}

impl Metadata {
    /// How many objects of a list stand on other pages, in words; nothing where it is the last page.
    pub(super) fn missing(&self) -> Option<String> {
        self.r#continue.0.as_deref().filter(|next| !next.is_empty())?;
        let count: Option<u64> = self.remaining_item_count.0.as_deref().and_then(|count| count.parse().ok());
        Some(match count {
            Some(1) => "1 object is missing".to_owned(),
            Some(count) => format!("{count} objects are missing"),
            None => "objects are missing".to_owned(),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Webhook {
    pub(super) name: Text,
    pub(super) client_config: Maybe<ClientConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClientConfig {
    pub(super) ca_bundle: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    /// Of an APIService.
    pub(super) ca_bundle: Text,
    /// Of a CustomResourceDefinition.
    pub(super) conversion: Maybe<Conversion>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Conversion {
    pub(super) webhook: Maybe<Webhook>,
    /// As v1beta1 has it.
    pub(super) webhook_client_config: Maybe<ClientConfig>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Kubernetes object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut raw = Raw::default();
                while let Some(Text(key)) = map.next_key()? {
                    raw.field(key.as_deref(), &mut map)?;
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Raw {
    pub(super) fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: Option<&str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            Some("kind") => self.kind = map.next_value()?,
            Some("metadata") => self.metadata = map.next_value()?,
            Some("type") => self.secret_type = map.next_value()?,
            Some("data") => self.data = map.next_value()?,
            Some("binaryData") => self.binary_data = map.next_value()?,
            Some("webhooks") => self.webhooks = map.next_value()?,
            Some("spec") => self.spec = map.next_value()?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    pub(super) fn into_object(self, kind_of_list: &str, passwords: &Passwords) -> Object {
        let kind = self.kind.0.clone().unwrap_or_else(|| kind_of_list.to_owned());
        let metadata = self.metadata.0.as_ref();
        let place = place(&kind, metadata);
        let values = match kind.as_str() {
            "Secret" => Some(of_secret(self.secret_type.0.as_deref(), self.data, passwords)),
            "ConfigMap" => Some(of_config_map(self.data, self.binary_data, passwords)),
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
                Some(of_webhooks(self.webhooks))
            }
            "APIService" => {
                Some(bundle("caBundle", self.spec.0.and_then(|spec| spec.ca_bundle.0)).into_iter().collect())
            }
            "CustomResourceDefinition" => Some(of_conversion(self.spec)),
            _ => None,
        };
        let known = values.is_some();
        Object { kind: printable(&kind, 60), place, values: values.unwrap_or_default(), known }
    }
}

/// `secret shop/shop-tls`, as one types it behind `kubectl get`, but for the `/`.
fn place(kind: &str, metadata: Option<&Metadata>) -> String {
    let text = |pick: fn(&Metadata) -> &Text| metadata.and_then(|metadata| pick(metadata).0.as_deref());
    let name = text(|metadata| &metadata.name).unwrap_or("(no name)");
    let kind = kind.to_ascii_lowercase();
    let place = match text(|metadata| &metadata.namespace) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    printable(&place, 200)
}
