//! Kubernetes objects as `kubectl get … -o json` prints them: a list, one object, or several documents in a
//! row. They are read from a stream, one object at a time, so that ten thousand Secrets need no more memory
//! than one. Of a private key nothing is kept.

use std::{
    cell::Cell,
    fmt,
    io::{self, BufRead, Read},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use zeroize::Zeroizing;

use super::{
    Content, Contents, Passwords,
    lenient::{Each, Maybe, Text, Texts},
    read as read_content,
};
use crate::{targets::files::has_promising_ending, wording::printable};

/// One object holds at most so many bytes of JSON: etcd takes no more than 1.5 MiB, and a list shall not
/// fill the memory because its quotation mark is lost.
const LARGEST_OBJECT: u64 = 16 * 1024 * 1024;

/// The type of a Secret that has to hold a certificate and its key.
const TLS_SECRET: &str = "kubernetes.io/tls";

/// One object of a document.
#[derive(Debug)]
pub struct Object {
    /// What it is, as Kubernetes writes it, such as `Secret`.
    pub kind: String,
    /// What people call it: `secret shop/shop-tls`.
    pub place: String,
    /// What in it holds certificates, or should.
    pub values: Vec<Value>,
    /// Whether this reader knows where objects of this kind keep certificates.
    pub known: bool,
}

/// A value of an object that holds certificates, or should.
#[derive(Debug)]
pub struct Value {
    /// Its name in the object, such as `tls.crt`.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Whether a certificate in the open beside it makes this one dispensable: a key store that was made from
    /// it.
    pub is_copy: bool,
    /// Whether something relies on a certificate here: the `tls.crt` of a TLS Secret, a `caBundle`.
    pub must_hold_certificates: bool,
}

/// What broke the reading of a document, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, counted from 1; none where nothing stands at all.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: usize,
    /// Why, without a word of what stands there.
    pub reason: String,
}

/// Reads every object of every document, and hands each over as it comes, until `take` wants no more. Key
/// stores inside them are opened with the passwords.
///
/// # Errors
/// When the text breaks off or is none of this kind; what came before has been handed over.
pub fn read(
    reader: impl BufRead,
    passwords: &Passwords,
    take: &mut dyn FnMut(Object) -> bool,
) -> Result<(), Broken> {
    let mut take = |raw: Raw, kind: &str| take(raw.into_object(kind, passwords));
    let left = Cell::new(LARGEST_OBJECT);
    let mut json = serde_json::Deserializer::from_reader(Metered { reader, left: &left });
    loop {
        left.set(LARGEST_OBJECT);
        match json.end() {
            Ok(()) => return Ok(()),
            Err(error) if error.is_io() => return Err(Broken::from(error)),
            Err(_) => {}
        }
        let document = Document { take: &mut take, left: &left };
        match document.deserialize(&mut json) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(Broken::from(error)),
        }
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let reason = match error.classify() {
            Category::Eof => "it ends in the middle".to_owned(),
            // The parser's words name what is missing, never what stands there.
            Category::Syntax => {
                let words = error.to_string();
                words.split(" at line ").next().unwrap_or_default().to_owned()
            }
            // These words would repeat a value.
            Category::Data => "something else than a Kubernetes object stands there".to_owned(),
            Category::Io => {
                let (line, column) = (error.line(), error.column());
                let reason = io::Error::from(error).to_string();
                return Self { line: u32::try_from(line).ok(), column, reason };
            }
        };
        Self { line: u32::try_from(error.line()).ok(), column: error.column(), reason }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}, column {}: {}", self.column, self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// A reader that gives out no more than what is left.
struct Metered<'l, R> {
    reader: R,
    left: &'l Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            let limit = LARGEST_OBJECT / 1024 / 1024;
            return Err(io::Error::other(format!(
                "the object is larger than {limit} MiB, which none can be"
            )));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        self.left.set(left - count as u64);
        Ok(count)
    }
}

/// One document: an object, or a list of them. Says whether more is wanted.
struct Document<'t> {
    take: &'t mut dyn FnMut(Raw, &str) -> bool,
    left: &'t Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut own = Raw::default();
        let mut is_list = false;
        let mut go_on = true;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_deref() {
                // Lists come without end: their elements are handed over as they come.
                Some("items") => {
                    is_list = true;
                    let kind = own.kind.0.as_deref().and_then(|kind| kind.strip_suffix("List"));
                    let items =
                        Items { take: &mut *self.take, left: self.left, kind: kind.unwrap_or_default() };
                    go_on = map.next_value_seed(items)?;
                }
                key => own.field(key, &mut map)?,
            }
        }
        Ok(if is_list { go_on } else { (self.take)(own, "") })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        Items { take: self.take, left: self.left, kind: "" }.visit_seq(seq)
    }
}

/// The elements of a list. Those that do not say what they are, are what the list says.
struct Items<'t, 'k> {
    take: &'t mut dyn FnMut(Raw, &str) -> bool,
    left: &'t Cell<u64>,
    kind: &'k str,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut go_on = true;
        loop {
            self.left.set(LARGEST_OBJECT);
            if !go_on {
                // The rest of the list is passed over, so that the reader stays in step.
                match seq.next_element::<IgnoredAny>()? {
                    Some(_) => continue,
                    None => return Ok(false),
                }
            }
            match seq.next_element::<Maybe<Raw>>()? {
                Some(Maybe(Some(raw))) => go_on = (self.take)(raw, self.kind),
                Some(Maybe(None)) => {}
                None => return Ok(true),
            }
        }
    }
}

/// What is read of any object; what it means depends on its kind, which may come last.
#[derive(Default)]
struct Raw {
    kind: Text,
    metadata: Maybe<Metadata>,
    secret_type: Text,
    data: Texts,
    binary_data: Texts,
    webhooks: Each<Maybe<Webhook>>,
    spec: Maybe<Spec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: Text,
    namespace: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Webhook {
    name: Text,
    client_config: Maybe<ClientConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClientConfig {
    ca_bundle: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    /// Of an APIService.
    ca_bundle: Text,
    /// Of a CustomResourceDefinition.
    conversion: Maybe<Conversion>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Conversion {
    webhook: Maybe<Webhook>,
    /// As v1beta1 has it.
    webhook_client_config: Maybe<ClientConfig>,
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
    fn field<'de, A: MapAccess<'de>>(&mut self, key: Option<&str>, map: &mut A) -> Result<(), A::Error> {
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

    fn into_object(self, kind_of_list: &str, passwords: &Passwords) -> Object {
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

/// Every value that holds certificates, or by its name should; and the keys beside them.
fn of_secret(secret_type: Option<&str>, data: Texts, passwords: &Passwords) -> Vec<Value> {
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
fn of_config_map(data: Texts, binary_data: Texts, passwords: &Passwords) -> Vec<Value> {
    let texts = data.0.into_iter().filter_map(|(name, text)| {
        let text = text.0.filter(|text| text.contains("-----BEGIN "))?;
        Some(Value::new(&name, read_content(text.as_bytes(), passwords)))
    });
    let mut values: Vec<_> = texts.collect();
    values.extend(binary_data.0.iter().filter_map(|(name, text)| from_base64(name, text, false, passwords)));
    only_with_certificates(values)
}

fn of_webhooks(webhooks: Each<Maybe<Webhook>>) -> Vec<Value> {
    let webhooks = webhooks.0.into_iter().filter_map(|webhook| webhook.0);
    let bundles = webhooks.filter_map(|webhook| {
        let name = format!("webhook {}", webhook.name.0.as_deref().unwrap_or("(no name)"));
        bundle(&name, webhook.client_config.0.and_then(|config| config.ca_bundle.0))
    });
    bundles.collect()
}

fn of_conversion(spec: Maybe<Spec>) -> Vec<Value> {
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
fn bundle(name: &str, text: Option<String>) -> Option<Value> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD as BASE64;
    use proptest::prelude::*;

    fn pem() -> String {
        let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
        let digits = BASE64.encode(made.cert.der());
        format!("-----BEGIN CERTIFICATE-----\n{digits}\n-----END CERTIFICATE-----\n")
    }

    /// Every object as `place: name=what, …`, and how the reading ended.
    fn shown(json: &str) -> (Vec<String>, Option<String>) {
        let mut objects = Vec::new();
        let ended = read(json.as_bytes(), &Passwords::default(), &mut |object| {
            let values = object.values.iter().map(|value| {
                let what = match &value.content {
                    Content::Holds(contents) => {
                        let all = contents.certificates.len();
                        let good =
                            contents.certificates.iter().filter(|entry| entry.certificate.is_ok()).count();
                        match (&contents.closed, contents.keys.len()) {
                            (Some(_), _) => format!("closed{}", if value.is_copy { ", a copy" } else { "" }),
                            (None, 1) => "a key".to_owned(),
                            (None, _) => format!("{good} of {all}"),
                        }
                    }
                    Content::Nothing(why) => why.clone(),
                };
                format!("{}={what}", value.name)
            });
            objects.push(format!("{}: {}", object.place, values.collect::<Vec<_>>().join(", ")));
            true
        });
        (objects, ended.err().map(|broken| broken.to_string()))
    }

    fn tls_secret(namespace: &str, name: &str, pem: &str) -> String {
        let (certificate, key) = (
            BASE64.encode(pem),
            BASE64.encode("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        );
        format!(
            r#"{{"apiVersion":"v1","data":{{"tls.crt":"{certificate}","tls.key":"{key}"}},"kind":"Secret",
            "metadata":{{"annotations":{{"x":"y"}},"name":"{name}","namespace":"{namespace}"}},"type":"kubernetes.io/tls"}}"#
        )
    }

    #[test]
    fn lists_objects_and_documents_in_a_row_are_read() {
        let (a, b) = (tls_secret("shop", "a", &pem()), tls_secret("shop", "b", &(pem() + &pem())));
        let wanted =
            ["secret shop/a: tls.crt=1 of 1, tls.key=a key", "secret shop/b: tls.crt=2 of 2, tls.key=a key"];
        for json in [
            format!(r#"{{"apiVersion":"v1","items":[{a},{b}],"kind":"List","metadata":{{}}}}"#),
            format!("{a}\n{b}\n"),
            format!("[{a},{b}]"),
            format!(r#"{{"items":[{a}]}} {{"items":null}} {b}"#),
        ] {
            assert_eq!(shown(&json), (wanted.map(str::to_owned).to_vec(), None), "{json}");
        }
        // As the API server itself answers: only the list says what its elements are.
        let bare = a.replace(r#""kind":"Secret","#, "");
        let list = format!(r#"{{"kind":"SecretList","apiVersion":"v1","items":[{bare}]}}"#);
        assert_eq!(shown(&list).0, [wanted[0]]);
        assert_eq!(shown(" \n"), (vec![], None));
    }

    #[test]
    fn every_place_where_kubernetes_keeps_certificates_is_looked_at() {
        let bundle = BASE64.encode(pem());
        let text = serde_json::to_string(&pem()).unwrap();
        for (json, wanted) in [
            (
                format!(
                    r#"{{"kind":"Secret","type":"Opaque","metadata":{{"name":"s","namespace":"n"}},"data":{{"password":"aHVudGVyMg==","any":"{bundle}","ca.crt":"{bundle}"}}}}"#
                ),
                "secret n/s: any=1 of 1, ca.crt=1 of 1",
            ),
            (
                format!(
                    r#"{{"kind":"ConfigMap","metadata":{{"name":"c","namespace":"n"}},"data":{{"ca":{text},"x.pem":"none"}},"binaryData":{{"b":"{bundle}"}}}}"#
                ),
                "configmap n/c: ca=1 of 1, b=1 of 1",
            ),
            (
                format!(
                    r#"{{"kind":"ValidatingWebhookConfiguration","metadata":{{"name":"v"}},"webhooks":[{{"name":"w","clientConfig":{{"caBundle":"{bundle}"}}}},{{"clientConfig":{{"caBundle":"Cg=="}}}},{{"name":"u","clientConfig":{{"url":"https://x"}}}}]}}"#
                ),
                "validatingwebhookconfiguration v: webhook w=1 of 1, webhook (no name)=it is empty",
            ),
            (
                format!(
                    r#"{{"kind":"APIService","metadata":{{"name":"v1.x"}},"spec":{{"caBundle":"{bundle}"}}}}"#
                ),
                "apiservice v1.x: caBundle=1 of 1",
            ),
            (
                format!(
                    r#"{{"kind":"CustomResourceDefinition","metadata":{{"name":"x"}},"spec":{{"conversion":{{"strategy":"Webhook","webhook":{{"clientConfig":{{"caBundle":"{bundle}"}}}}}}}}}}"#
                ),
                "customresourcedefinition x: conversion webhook=1 of 1",
            ),
            (
                r#"{"kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"containers":[]}}"#
                    .to_owned(),
                "pod n/p: ",
            ),
            (r#"{"spec":3}"#.to_owned(), " (no name): "),
        ] {
            assert_eq!(shown(&json), (vec![wanted.to_owned()], None));
        }
    }

    #[test]
    fn a_value_that_is_broken_does_not_hide_the_others() {
        let store = BASE64.encode(b"\x30\x82\x01\x00\x02\x01\x03\x30\x00");
        let bundle = BASE64.encode(pem());
        let cut = BASE64.encode(&pem()[..200]);
        for (data, wanted) in [
            (r#"{"tls.crt":"***"}"#.to_owned(), "tls.crt=its base64 is damaged"),
            (r#"{"tls.crt":""}"#.to_owned(), "tls.crt=it is empty"),
            (r#"{"tls.crt":null}"#.to_owned(), "tls.crt=it is no text"),
            ("{}".to_owned(), "tls.crt=it is missing"),
            ("null".to_owned(), "tls.crt=it is missing"),
            ("[1]".to_owned(), "tls.crt=it is missing"),
            (format!(r#"{{"tls.crt":"{cut}","other":"{bundle}"}}"#), "tls.crt=0 of 1, other=1 of 1"),
            (
                format!(r#"{{"keystore.p12":"{store}","tls.crt":"{bundle}"}}"#),
                "keystore.p12=0 of 1, tls.crt=1 of 1",
            ),
        ] {
            let json = format!(
                r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"s","namespace":"n"}},"data":{data}}}"#
            );
            assert_eq!(shown(&json), (vec![format!("secret n/s: {wanted}")], None));
        }
    }

    #[test]
    fn what_breaks_a_document_is_told_with_its_place_and_without_its_words() {
        let good = tls_secret("n", "s", &pem());
        for (json, objects, words) in [
            (format!("{good}\nhunter2"), 1, "line 3, column 1: expected value"),
            (format!(r#"{{"items":[{good},{{"data":{{"password":"hunter2""#), 1, "it ends in the middle"),
            (format!(r#"{{"items":[{good} {good}]}}"#), 1, "expected `,` or `]`"),
            (r#""hunter2""#.to_owned(), 0, "line 1, column 9: something else than a Kubernetes object"),
            (r#"{"items":"hunter2"}"#.to_owned(), 0, "something else than a Kubernetes object"),
            ("apiVersion: v1\nkind: Secret\n".to_owned(), 0, "line 1, column 1: expected value"),
        ] {
            let (seen, broken) = shown(&json);
            let broken = broken.unwrap();
            assert_eq!(seen.len(), objects, "{json}");
            assert!(broken.contains(words) && !broken.contains("hunter2"), "{json}: {broken}");
        }
    }

    #[test]
    fn an_object_that_never_ends_does_not_fill_the_memory() {
        let endless = io::BufReader::new(b"{\"items\":[{\"kind\":\"".chain(io::repeat(b'a')));
        let broken = read(endless, &Passwords::default(), &mut |_| true).unwrap_err();
        assert!(broken.reason.contains("larger than 16 MiB"), "{broken}");
    }

    #[test]
    fn whoever_takes_the_objects_may_have_enough() {
        let good = tls_secret("n", "s", &pem());
        let mut taken = 0;
        let json = format!(r#"{{"items":[{good},{good},{good}]}}{good}"#);
        let ended = read(json.as_bytes(), &Passwords::default(), &mut |_| {
            taken += 1;
            taken < 2
        });
        assert_eq!((taken, ended), (2, Ok(())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes[..], &Passwords::default(), &mut |_| true);
        }

        #[test]
        fn any_cut_of_a_list_is_refused(cut in 1_usize..900) {
            let json = format!(r#"{{"items":[{}]}}"#, tls_secret("n", "s", "no certificate"));
            let cut = cut % json.len();
            prop_assume!(cut > 0);
            prop_assert!(read(&json.as_bytes()[..cut], &Passwords::default(), &mut |_| true).is_err());
        }
    }
}
