//! Which values of an object hold certificates, or should: a matter of its kind, of their names, and of what they hold.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{
    Value,
    object::{Spec, Webhook},
};
use crate::{
    stores::{
        Content, Contents, Passwords,
        lenient::{Each, Maybe, Text, Texts},
        read as read_content,
    },
    targets::files::has_promising_ending,
    wording::printable,
};

/// The type of a Secret that has to hold a certificate and its key.
const TLS_SECRET: &str = "kubernetes.io/tls";

/// Every value that holds certificates, or by its name should; and the keys beside them.
pub(super) fn of_secret(secret_type: Option<&str>, data: Texts, passwords: &Passwords) -> Vec<Value> {
    let is_tls = secret_type == Some(TLS_SECRET);
    let mut values: Vec<_> = (data.0.iter())
        .filter_map(|(name, text)| from_base64(name, text, is_tls && name == "tls.crt", passwords))
        .collect();
    if is_tls && !values.iter().any(|value| value.name == "tls.crt") {
        values.push(Value::new("tls.crt", Content::Nothing("it is missing".to_owned())));
    }
    only_with_certificates(values)
}

/// In a ConfigMap only PEM is looked for: its texts are of every kind.
pub(super) fn of_config_map(data: Texts, binary_data: Texts, passwords: &Passwords) -> Vec<Value> {
    let texts = data.0.into_iter().filter_map(|(name, text)| {
        let text = text.0.filter(|text| text.contains("-----BEGIN "))?;
        Some(Value::new(&name, read_content(text.as_bytes(), passwords)))
    });
    let mut values: Vec<_> = texts.collect();
    values.extend(binary_data.0.iter().filter_map(|(name, text)| from_base64(name, text, false, passwords)));
    only_with_certificates(values)
}

pub(super) fn of_webhooks(webhooks: Each<Maybe<Webhook>>) -> Vec<Value> {
    let webhooks = webhooks.0.into_iter().filter_map(|webhook| webhook.0);
    let bundles = webhooks.filter_map(|webhook| {
        let name = format!("webhook {}", webhook.name.0.as_deref().unwrap_or("(no name)"));
        bundle(&name, webhook.client_config.0.and_then(|config| config.ca_bundle.0))
    });
    bundles.collect()
}

pub(super) fn of_conversion(spec: Maybe<Spec>) -> Vec<Value> {
    let Some(conversion) = spec.0.and_then(|spec| spec.conversion.0) else { return Vec::new() };
    let configs = [
        conversion.webhook.0.and_then(|webhook| webhook.client_config.0),
        conversion.webhook_client_config.0,
    ];
    let bundles = configs.into_iter().flatten();
    bundles.filter_map(|config| bundle("conversion webhook", config.ca_bundle.0)).collect()
}

/// A `caBundle`; where none is set, the roots of the API server's own system count, and there is nothing to
/// look at.
pub(super) fn bundle(name: &str, text: Option<String>) -> Option<Value> {
    let text = text.filter(|text| !text.is_empty())?;
    from_base64(name, &Text(Some(text)), true, &Passwords::default())
}

/// Reads a value. One that need not hold certificates is passed over where it does not.
fn from_base64(name: &str, text: &Text, must_hold_some: bool, passwords: &Passwords) -> Option<Value> {
    let promised = must_hold_some || has_promising_ending(Path::new(name));
    let bytes = text.0.as_deref().map(|text| BASE64_STANDARD.decode(text.trim_ascii()).map(Zeroizing::new));
    let content = match bytes {
        Some(Ok(bytes)) if bytes.trim_ascii().is_empty() => Content::Nothing("it is empty".to_owned()),
        Some(Ok(bytes)) => read_content(&bytes, passwords),
        // Not the decoder's words: they repeat a byte.
        Some(Err(_)) => Content::Nothing("its base64 is damaged".to_owned()),
        None => Content::Nothing("it is no text".to_owned()),
    };
    let worth_it = match &content {
        // Other bytes than a certificate's may begin like a damaged one.
        Content::Holds(contents) => {
            promised
                || !is_only_damage(contents)
                || contents.certificates.iter().any(|entry| entry.line.is_some())
        }
        Content::Nothing(_) => promised,
    };
    worth_it.then(|| Value { must_hold_certificates: must_hold_some, ..Value::new(name, content) })
}

fn is_only_damage(contents: &Contents) -> bool {
    let Contents { certificates, keys, lists, closed, .. } = contents;
    certificates.iter().all(|entry| entry.certificate.is_err())
        && keys.is_empty()
        && lists.is_empty()
        && closed.is_none()
}

/// Keys are kept only beside certificates. A key store that stays closed stands for nothing new where its
/// object shows a certificate in the open: cert-manager writes both.
fn only_with_certificates(mut values: Vec<Value>) -> Vec<Value> {
    let shows_one = |value: &Value| matches!(&value.content, Content::Holds(contents) if contents.certificates.iter().any(|entry| entry.certificate.is_ok()));
    let is_shown = values.iter().any(shows_one);
    let is_worth_it = |value: &Value| match &value.content {
        Content::Holds(contents) => {
            is_shown
                || value.must_hold_certificates
                || !contents.certificates.is_empty()
                || !contents.lists.is_empty()
                || contents.closed.is_some()
        }
        Content::Nothing(_) => true,
    };
    values.retain(is_worth_it);
    for value in &mut values {
        value.is_copy = is_shown && !shows_one(value);
    }
    values
}

impl Value {
    fn new(name: &str, content: Content) -> Self {
        Self { name: printable(name, 100), content, is_copy: false, must_hold_certificates: false }
    }
}
