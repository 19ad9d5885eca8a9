//! Which values of an object hold certificates, or should: a matter of its kind, of their names, and of what they hold.

use std::{io::ErrorKind, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{
    Value,
    object::{Spec, Webhook},
};
use crate::{
    stores::{
        Content, Contents, KeyEntry, Passwords,
        kubeconfig::{self, Held},
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
    let names: Vec<_> = data.0.iter().map(|(name, _)| name.as_str()).collect();
    let mut values: Vec<_> = (data.0.iter())
        .flat_map(|(name, text)| match is_key_of_pair(name, &names) {
            true => vec![key_from_base64(name, text, passwords)],
            false => from_base64(name, text, is_tls && name == "tls.crt", passwords),
        })
        .collect();
    if is_tls && !values.iter().any(|value| value.name == "tls.crt") {
        values.push(Value::new("tls.crt", Content::Nothing("it is missing".to_owned())));
    }
    only_with_certificates(values)
}

/// In a ConfigMap only PEM is looked for: its texts are of every kind.
pub(super) fn of_config_map(data: Texts, binary_data: Texts, passwords: &Passwords) -> Vec<Value> {
    let texts = data.0.into_iter().flat_map(|(name, text)| {
        let text = text.0.unwrap_or_default();
        let is_promised = has_promising_ending(Path::new(&name)) && text.contains("-----BEGIN ");
        match is_promised {
            true => vec![Value::new(&name, read_content(text.as_bytes(), passwords))],
            false => of_any_text(&name, &text, passwords),
        }
    });
    let mut values: Vec<_> = texts.collect();
    values.extend(binary_data.0.iter().flat_map(|(name, text)| from_base64(name, text, false, passwords)));
    only_with_certificates(values)
}

/// `tls.key` where `tls.crt` stands beside it.
fn is_key_of_pair(name: &str, names: &[&str]) -> bool {
    let is_its_certificate = |stem: &str, other: &str| {
        other.strip_prefix(stem).is_some_and(|end| matches!(end, ".crt" | ".pem" | ".cer" | ".cert"))
    };
    name.strip_suffix(".key").is_some_and(|stem| names.iter().any(|other| is_its_certificate(stem, other)))
}

/// A key, or the place where one should have been.
fn key_from_base64(name: &str, text: &Text, passwords: &Passwords) -> Value {
    let content = content_of(text, passwords);
    let why = content.lacks_a_key();
    let mut contents = match content {
        Content::Holds(contents) => contents,
        Content::Nothing(_) => Contents::default(),
    };
    contents.keys = why.map_or(contents.keys, |why| vec![KeyEntry::damaged(why)]);
    Value::new(name, Content::Holds(contents))
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
    from_base64(name, &Text(Some(text)), true, &Passwords::default()).pop()
}

/// Reads a value. One that need not hold certificates is passed over where it does not.
fn from_base64(name: &str, text: &Text, must_hold_some: bool, passwords: &Passwords) -> Vec<Value> {
    if must_hold_some || has_promising_ending(Path::new(name)) {
        let value = Value::new(name, content_of(text, passwords));
        return vec![Value { must_hold_certificates: must_hold_some, ..value }];
    }
    let Ok(bytes) = decoded(text) else { return Vec::new() };
    if let Ok(text) = std::str::from_utf8(&bytes) {
        return of_any_text(name, text, passwords);
    }
    match read_content(&bytes, passwords) {
        // Other bytes than a certificate's may begin like a damaged one.
        Content::Holds(contents) if !is_only_damage(&contents) => {
            vec![Value::new(name, Content::Holds(contents))]
        }
        _ => Vec::new(),
    }
}

fn content_of(text: &Text, passwords: &Passwords) -> Content {
    decoded(text).map_or_else(|why| Content::Nothing(why.to_owned()), |bytes| read_content(&bytes, passwords))
}

/// The bytes of a value in base64, or why there are none.
fn decoded(text: &Text) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let text = text.0.as_deref().ok_or("it is no text")?;
    // Not the decoder's words: they repeat a byte.
    let bytes =
        BASE64_STANDARD.decode(text.trim_ascii()).map(Zeroizing::new).map_err(|_| "its base64 is damaged")?;
    if bytes.trim_ascii().is_empty() { Err("it is empty") } else { Ok(bytes) }
}

/// What stands in a text whose name promises nothing: a script or a manual may speak of certificates.
fn of_any_text(name: &str, text: &str, passwords: &Passwords) -> Vec<Value> {
    // What `-----BEGIN ` comes to in base64.
    if text.trim_ascii_start().starts_with("LS0tLS1CRUdJTi") {
        let once_more = BASE64_STANDARD.decode(without_blanks(text)).map(Zeroizing::new).unwrap_or_default();
        let inner = std::str::from_utf8(&once_more).unwrap_or_default();
        return of_pem(name, inner, passwords).into_iter().collect();
    }
    if kubeconfig::looks_like_one(text.as_bytes()) && !text.contains("-----BEGIN ") {
        return of_kubeconfig(name, text, passwords);
    }
    of_pem(name, text, passwords).into_iter().collect()
}

fn without_blanks(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect())
}

fn of_pem(name: &str, text: &str, passwords: &Passwords) -> Option<Value> {
    if !text.contains("-----BEGIN ") {
        return None;
    }
    let holds = |text: &str| match read_content(text.as_bytes(), passwords) {
        Content::Holds(contents) => contents,
        Content::Nothing(_) => Contents::default(),
    };
    let (mut contents, unescaped) = (holds(text), unescaped(text));
    if unescaped.is_some() || !text.trim_ascii_start().starts_with("-----BEGIN ") {
        let is_meant = |line: Option<u32>| line.is_none_or(|line| !is_example(text, line));
        contents.certificates.retain(|entry| entry.certificate.is_ok() || is_meant(entry.line));
        contents.lists.retain(|entry| entry.list.is_ok() || is_meant(entry.line));
        contents.keys.retain(|key| key.public_key.is_ok() || is_meant(key.line));
    }
    if let Some(unescaped) = unescaped {
        let certificates = holds(&unescaped).certificates;
        contents.certificates.extend(certificates.into_iter().filter(|entry| entry.certificate.is_ok()));
    }
    let is_one = !is_only_damage(&contents) || !contents.certificates.is_empty();
    is_one.then(|| Value::new(name, Content::Holds(contents)))
}

/// Whether a block is none that anybody reads: no line of its own begins or ends it, or it is shorter than any
/// certificate.
fn is_example(text: &str, line: u32) -> bool {
    const SHORTEST: usize = 200;
    let mut lines = text.lines().skip(line.saturating_sub(1) as usize).map(str::trim_ascii);
    let is_begun =
        lines.next().is_some_and(|line| line.starts_with("-----BEGIN ") && line.ends_with("-----"));
    let mut length = 0;
    let end = lines.find(|line| {
        length += line.len();
        line.starts_with("-----")
    });
    !is_begun || length < SHORTEST || !end.is_some_and(|end| end.starts_with("-----END "))
}

/// The certificates that stand in one line, with their line ends escaped, as in JSON and in a shell's variables.
fn unescaped(text: &str) -> Option<String> {
    let mut found = String::new();
    for block in text.split("-----BEGIN ").skip(1) {
        let is_certificate = block.split("-----").next().is_some_and(|label| label.ends_with("CERTIFICATE"));
        let Some((body, behind)) = block.split_once("-----END ").filter(|_| is_certificate) else { continue };
        let Some((label, _)) = behind.split_once("-----") else { continue };
        if body.contains("\\n") && !body.contains('\n') {
            let body = body.replace("\\r", "").replace("\\n", "\n").replace("\\/", "/");
            found.push_str(&format!("-----BEGIN {body}-----END {label}-----\n"));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The certificates that a kubeconfig brings along; no file that it refers to is one of this object.
fn of_kubeconfig(name: &str, text: &str, passwords: &Passwords) -> Vec<Value> {
    let nowhere = |_: &Path| Err(ErrorKind::NotFound.into());
    let config = kubeconfig::read(text.as_bytes(), Path::new(""), passwords, &nowhere).unwrap_or_default();
    let parts = config.parts.into_iter().filter_map(|part| {
        let keys = match &part.key {
            Some(Held::Inside(content)) => {
                content.lacks_a_key().map_or_else(|| part.keys().to_vec(), |why| vec![KeyEntry::damaged(why)])
            }
            _ => Vec::new(),
        };
        match part.certificates? {
            Held::Inside(Content::Holds(contents)) => {
                let name = format!("{name}, {}", part.name);
                Some(Value::new(&name, Content::Holds(Contents { keys, ..contents })))
            }
            _ => None,
        }
    });
    parts.collect()
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
