//! Asks HTTP servers, with a bound on time and size, and says in a few words why there was no answer. URLs are
//! shown without userinfo and query; of an answer's body nothing is shown here.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::run::why_unread;
use reqwest::{
    Certificate, Client, Method, RequestBuilder, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};

use crate::config::Url;

/// At most so many redirects are followed.
pub(crate) const REDIRECTS: usize = 5;

/// The clients of a run; they differ in the redirects that they follow. Proxies of the environment are not
/// used: what is measured is the target.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    /// Takes a redirect for the answer: what is posted goes where it was sent.
    direct: Client,
    following: Client,
    /// Follows only to where the first request went: for requests that carry secrets.
    faithful: Client,
}

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The file with the trusted certificates cannot be read.
    #[error("reading the trusted certificates {path}: {why}", path = path.display(), why = why_unread(source))]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no certificates.
    #[error("the file {path} holds no certificate in PEM", path = path.display())]
    NoRoots {
        /// The file.
        path: PathBuf,
    },
    /// A file with a header's value cannot be used.
    #[error("reading the value of the header {header} from {path}: {reason}", path = path.display())]
    Header {
        /// The header.
        header: String,
        /// The file.
        path: PathBuf,
        /// Why; never the value.
        reason: String,
    },
    /// The machine trusts nobody.
    #[error("preparing TLS: {0}. Install ca-certificates, or name the trusted certificates with `roots`")]
    Tls(String),
}

/// Whom TLS trusts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trust<'a> {
    /// The certificates of this PEM file, and no others.
    File(&'a Path),
    /// The system's.
    System,
    /// Nobody, as long as no URL needs TLS.
    Nobody,
}

impl Http {
    /// Prepares the clients.
    pub(crate) fn new(trust: Trust<'_>) -> Result<Self, HttpError> {
        let roots = match trust {
            Trust::File(path) => Some(read_roots(path)?),
            Trust::System => None,
            Trust::Nobody => Some(Vec::new()),
        };
        let build = |policy| {
            let builder = Client::builder()
                .no_proxy()
                .redirect(policy)
                .pool_max_idle_per_host(0)
                .user_agent(concat!("observability-smoke/", env!("CARGO_PKG_VERSION")));
            let builder = match &roots {
                Some(roots) => builder.tls_certs_only(roots.iter().cloned()),
                None => builder,
            };
            builder.build().map_err(|error| HttpError::Tls(innermost(&error)))
        };
        Ok(Self {
            direct: build(redirect::Policy::none())?,
            following: build(redirect::Policy::limited(REDIRECTS))?,
            faithful: build(redirect::Policy::custom(within_the_origin))?,
        })
    }

    /// A request that takes a redirect for the answer.
    pub(crate) fn request(&self, method: &Method, url: &Url, headers: &HeaderMap) -> RequestBuilder {
        self.direct.request(method.clone(), url.0.clone()).headers(headers.clone())
    }

    /// A request that follows redirects; with a secret among its headers only within the same origin, since
    /// whoever answers there would get it.
    pub(crate) fn request_following(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
    ) -> RequestBuilder {
        let carries_secret = headers.values().any(HeaderValue::is_sensitive);
        let client = if carries_secret { &self.faithful } else { &self.following };
        client.request(method.clone(), url.0.clone()).headers(headers.clone())
    }
}

fn within_the_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let stays = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    match (stays, attempt.previous().len() > REDIRECTS) {
        (false, _) => attempt.stop(),
        (true, true) => attempt.error(TooManyRedirects),
        (true, false) => attempt.follow(),
    }
}

/// The end of a loop of redirects.
#[derive(Debug, thiserror::Error)]
#[error("too many redirects")]
struct TooManyRedirects;

fn read_roots(path: &Path) -> Result<Vec<Certificate>, HttpError> {
    let pem = std::fs::read(path).map_err(|source| HttpError::Roots { path: path.to_owned(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(roots) if !roots.is_empty() => Ok(roots),
        _ => Err(HttpError::NoRoots { path: path.to_owned() }),
    }
}

/// Reads a header's value from a file; a line feed at its end is no part of it.
pub(crate) fn header_from_file(
    name: &str,
    prefix: &str,
    path: &Path,
) -> Result<(HeaderName, HeaderValue), HttpError> {
    let wrong = |reason: String| HttpError::Header { header: name.to_owned(), path: path.to_owned(), reason };
    let content = std::fs::read_to_string(path).map_err(|error| wrong(why_unread(&error).into_owned()))?;
    let content = content.trim_end_matches(['\r', '\n']);
    if content.is_empty() {
        return Err(wrong("the file is empty".to_owned()));
    }
    let (header, mut value) = header(name, &format!("{prefix}{content}")).map_err(wrong)?;
    value.set_sensitive(true);
    Ok((header, value))
}

/// Basic authentication with the password of a file.
pub(crate) fn basic_from_file(username: &str, path: &Path) -> Result<(HeaderName, HeaderValue), HttpError> {
    use base64::Engine;
    let wrong = |reason: &str| HttpError::Header {
        header: "authorization".to_owned(),
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if username.contains(':') {
        return Err(wrong("the user name holds a colon, which basic authentication cannot send"));
    }
    let password = std::fs::read_to_string(path).map_err(|error| wrong(&why_unread(&error)))?;
    let password = password.trim_end_matches(['\r', '\n']);
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    let (name, mut value) =
        header("authorization", &format!("Basic {encoded}")).map_err(|why| wrong(&why))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A header.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "it is no name of a header".to_owned())?;
    let value = HeaderValue::from_str(value)
        .map_err(|_| "it holds characters that no header may hold (a line feed?)".to_owned())?;
    Ok((name, value))
}

/// The beginning of an answer: status and headers; the body is still to come.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) response: Response,
    pub(crate) started: Instant,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there was no whole answer, in words that hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAnswer(pub(crate) String);

/// Sends a request and waits for status and headers.
pub(crate) async fn head(request: RequestBuilder, timeout: Duration) -> Result<Head, NoAnswer> {
    let started = Instant::now();
    match tokio::time::timeout(timeout, request.send()).await {
        Ok(Ok(response)) => Ok(Head { response, started }),
        Ok(Err(error)) => Err(explain(error)),
        Err(_) => Err(late(timeout)),
    }
}

/// Sends a request and reads the whole answer, at most `limit` bytes of body.
pub(crate) async fn ask(
    request: RequestBuilder,
    timeout: Duration,
    limit: usize,
) -> Result<Answer, NoAnswer> {
    let Head { response, started } = head(request, timeout).await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    each_chunk(response, started, timeout, limit, |chunk| body.extend_from_slice(chunk)).await?;
    Ok(Answer { status, body })
}

/// Reads a body chunk by chunk, until `timeout` after `started` and at most `limit` bytes.
pub(crate) async fn each_chunk(
    mut response: Response,
    started: Instant,
    timeout: Duration,
    limit: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<usize, NoAnswer> {
    let mut size = 0;
    loop {
        let left = timeout.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, response.chunk()).await {
            Err(_) => return Err(late(timeout)),
            Ok(Err(error)) => return Err(explain(error)),
            Ok(Ok(None)) => return Ok(size),
            Ok(Ok(Some(chunk))) => {
                size += chunk.len();
                if size > limit {
                    return Err(NoAnswer(format!("the answer is longer than {limit} bytes")));
                }
                take(&chunk);
            }
        }
    }
}

fn late(timeout: Duration) -> NoAnswer {
    NoAnswer(format!("no whole answer within {} s", timeout.as_secs_f64()))
}

fn explain(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let cause = innermost(&error);
    NoAnswer(if error.is_redirect() {
        format!("it redirects more than {REDIRECTS} times")
    } else if error.is_connect() {
        format!("no connection: {cause}")
    } else if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_body() || error.is_decode() {
        format!("the answer was cut off or cannot be decoded: {cause}")
    } else {
        format!("no HTTP answer: {cause}")
    })
}

/// The cause of all causes, without URLs' secrets.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    evidence_report::run::redact::text(&cause.to_string())
}

/// The first of a text, in one line: what a server says may be long.
pub(crate) fn excerpt(text: &str, characters: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = one_line.chars().take(characters).collect();
    if short.len() < one_line.len() {
        short.push('…');
    }
    evidence_report::run::redact::text(&short)
}
