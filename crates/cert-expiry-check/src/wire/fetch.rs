//! Fetches a small document by HTTP or HTTPS: GET and nothing else, bounded in time, size and redirects. What
//! a URL hides (user, password, query) is shown nowhere, and goes to no other server than its own.

use std::{error, io, time::Duration};

use evidence_report::run::redact;
use reqwest::{Client, Response, StatusCode, Url, header::LOCATION, redirect::Policy};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::{Approach, address::is_ours, capture::PROVIDER};
use crate::{assess::trust::Trust, wording::printable};

/// At most so many redirects are followed.
const REDIRECTS: usize = 3;

/// How long the answer may take, once the connection stands.
const ANSWER: Duration = Duration::from_secs(30);

/// Fetches documents.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    approach: Approach,
}

/// Why there is no document, in words without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Something is wrong out there.
    #[error("{0}")]
    Failed(String),
    /// This machine could not even ask.
    #[error("this machine could not ask: {0}")]
    Ours(String),
}

impl Fetcher {
    /// A fetcher that trusts whom the first of these stores trusts, and uses no proxy.
    ///
    /// # Errors
    /// When TLS cannot be prepared.
    pub fn new(trust: &Trust, approach: &Approach) -> Result<Self, String> {
        let timeouts = approach.timeouts;
        let mut roots = RootCertStore::empty();
        if let Some(store) = trust.stores().first() {
            roots.add_parsable_certificates(store.certificates().iter().map(|root| root.der.clone()));
        }
        let config = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .connect_timeout(timeouts.connect + timeouts.handshake)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .user_agent(concat!("cert-expiry-check/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| innermost(&error))?;
        Ok(Self { client, approach: approach.clone() })
    }

    /// The document at a URL, at most `limit` bytes of it.
    ///
    /// # Errors
    /// When there is none, or it is larger.
    pub async fn get(&self, url: &Url, limit: usize) -> Result<Vec<u8>, Trouble> {
        let timeouts = self.approach.timeouts;
        let whole = timeouts.connect + timeouts.handshake + ANSWER;
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            self.approach.pace.turn().await;
            match timeout(whole, self.ask(&url, limit)).await {
                Ok(Ok(Answer::Document(document))) => return Ok(document),
                Ok(Ok(Answer::Elsewhere(there))) => url = there,
                Ok(Err(trouble)) => return Err(trouble),
                Err(_) => {
                    let late = format!("no whole answer within {} s", whole.as_secs_f64());
                    return Err(Trouble::Failed(late));
                }
            }
        }
        Err(Trouble::Failed(format!("it redirects more than {REDIRECTS} times")))
    }

    async fn ask(&self, url: &Url, limit: usize) -> Result<Answer, Trouble> {
        let response = self.client.get(url.clone()).send().await.map_err(|error| explain(&error))?;
        match (response.status(), response.headers().get(LOCATION)) {
            (StatusCode::OK, _) => read(response, limit).await.map(Answer::Document),
            (status, Some(location)) if status.is_redirection() => {
                next(url, location.to_str().unwrap_or_default()).map(Answer::Elsewhere)
            }
            (status, _) => Err(Trouble::Failed(format!("the server answers {status}"))),
        }
    }
}

enum Answer {
    Document(Vec<u8>),
    Elsewhere(Url),
}

/// Where a redirect leads. A user and a password stay with their own server.
fn next(from: &Url, location: &str) -> Result<Url, Trouble> {
    let refuse = |reason: String| Err(Trouble::Failed(format!("{reason}, which is not followed")));
    let Ok(to) = from.join(location) else {
        return refuse("it redirects to something that is no URL".to_owned());
    };
    let shown = printable(&redact::url(to.as_str()), 120);
    match (from.scheme(), to.scheme()) {
        ("https", "https") | ("http", "http" | "https") => Ok(to),
        ("https", "http") => refuse(format!("it redirects from https to {shown}")),
        _ => refuse(format!("it redirects to {shown}")),
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Trouble> {
    let too_long = || Trouble::Failed(format!("the answer is longer than {} MiB", limit / 1024 / 1024));
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn explain(error: &reqwest::Error) -> Trouble {
    let cause = innermost(error);
    if io_errors(error).any(is_ours) {
        return Trouble::Ours(cause);
    }
    Trouble::Failed(if error.is_timeout() {
        "no connection in time".to_owned()
    } else if error.is_connect() {
        format!("no connection: {cause}")
    } else if error.is_body() || error.is_decode() {
        format!("the answer was cut off: {cause}")
    } else {
        format!("no HTTP answer: {cause}")
    })
}

fn causes<'e>(
    error: &'e (dyn error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn io_errors<'e>(error: &'e (dyn error::Error + 'static)) -> impl Iterator<Item = &'e io::Error> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>())
}

/// The cause of all causes; the outer ones repeat the URL.
fn innermost(error: &(dyn error::Error + 'static)) -> String {
    let words = causes(error).last().map(ToString::to_string).unwrap_or_default();
    // rustls names a page of its manual.
    let words = words.split(": https://docs.rs/").next().unwrap_or_default();
    printable(&redact::text(words), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_nowhere_less_safe_and_takes_no_password_along() {
        let from = |url: &str| Url::parse(url).unwrap();
        for (url, location, leads_to) in [
            ("https://a.example/x", "/y", Some("https://a.example/y")),
            ("https://u:p@a.example/x", "https://b.example/y", Some("https://b.example/y")),
            ("https://u:p@a.example/x", "//b.example/y", Some("https://b.example/y")),
            ("http://a.example/x", "https://a.example/x", Some("https://a.example/x")),
            ("https://a.example/x", "http://a.example/x?token=hunter2", None),
            ("https://a.example/x", "file:///etc/passwd", None),
            ("http://a.example/x", "ftp://a.example/", None),
            ("http://a.example/x", "http://[", None),
        ] {
            let led = next(&from(url), location);
            assert_eq!(led.as_ref().ok().map(Url::as_str), leads_to, "{location}");
            assert!(!format!("{led:?}").contains("hunter2"));
        }
    }
}
