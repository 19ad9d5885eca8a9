//! One HTTP/1.1 request and its whole answer, with bounds on time and size, and with redirects where they are
//! allowed.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Uri,
    body::{Bytes, Incoming},
    header::{HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{task::JoinSet, time::timeout_at};

use super::{
    Phases,
    connection::{Connected, Place, Wire, innermost},
    trouble::{Cause, Trouble},
};
use crate::http::REDIRECTS;

/// An answer with more headers is refused.
const MOST_HEADERS: usize = 1000;

/// What is sent, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a reqwest::Url,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Option<&'a str>,
    pub(crate) redirects: Redirects,
    /// This one of the nodes behind the name.
    pub(crate) node: Option<SocketAddr>,
    pub(crate) timeout: Duration,
    /// So many bytes of a body are read.
    pub(crate) limit: usize,
}

/// What is done with a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// It is the answer.
    Answer,
    /// It is followed, at most [`REDIRECTS`] times: never from https to http, and with a secret or a body only
    /// within the origin of the first request. Whatever else is then the answer.
    Follow,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The phases of all requests that were needed.
    pub(crate) phases: Phases,
    /// From the beginning to the last byte.
    pub(crate) took: Duration,
    /// Why a redirect is the answer.
    pub(crate) not_followed: Option<&'static str>,
}

impl Wire {
    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let started = Instant::now();
        let deadline = started + ask.timeout;
        let mut url = ask.url.clone();
        let (mut method, mut body) = (ask.method.clone(), ask.body);
        let (mut node, mut phases) = (ask.node, Phases::default());
        for _ in 0..=REDIRECTS {
            let step = Step { method: &method, url: &url, body, node, deadline };
            let mut answer = self.once(&ask, step).await.map_err(|trouble| behind(&ask, &url, trouble))?;
            phases = phases.then(answer.phases);
            (answer.phases, answer.took) = (phases, started.elapsed());
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let next = match followed(&ask, &url, &answer) {
                Ok(next) => next,
                Err(why) => return Ok(Answer { not_followed: Some(why), ..answer }),
            };
            if next.origin() != url.origin() {
                node = None;
            }
            // As every client does: what was posted is not posted again, unless the server asks for it.
            if answer.status == 303 || (matches!(answer.status, 301 | 302) && method == Method::POST) {
                (method, body) = (Method::GET, None);
            }
            url = next;
        }
        Err(Trouble::talk(format!("it redirects more than {REDIRECTS} times")))
    }

    async fn once(&self, ask: &Ask<'_>, step: Step<'_>) -> Result<Answer, Trouble> {
        let place = Place::of(step.url).ok_or_else(|| Trouble::talk("the URL names no host"))?;
        let Connected { stream, mut phases } = self.connect(&place, step.node, step.deadline).await?;
        let late = |_| Trouble::late("no whole answer", ask.timeout);
        let request = request(ask, &step)?;
        let sent = Instant::now();
        let opening = as_clients_do().handshake::<_, Full<Bytes>>(TokioIo::new(stream));
        let (mut sender, connection) = timeout_at(step.deadline.into(), opening)
            .await
            .map_err(late)?
            .map_err(|error| explain(&error))?;
        // Ends with this function, however that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let response = timeout_at(step.deadline.into(), sender.send_request(request)).await;
        let response = response.map_err(late)?.map_err(|error| explain(&error))?;
        phases.first_byte = sent.elapsed();
        let (head, incoming) = response.into_parts();
        let begun = Instant::now();
        let reading = read(incoming, ask.limit);
        let body = timeout_at(step.deadline.into(), reading).await.map_err(late)??;
        phases.transfer = begun.elapsed();
        let (status, took) = (head.status.as_u16(), Duration::ZERO);
        Ok(Answer { status, headers: head.headers, body, phases, took, not_followed: None })
    }
}

/// What every client takes, though it is not nice: many headers, a header in several lines, a blank before its colon.
fn as_clients_do() -> hyper::client::conn::http1::Builder {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder
        .max_headers(MOST_HEADERS)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true);
    builder
}

/// One request of those that redirects may make necessary.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    method: &'a Method,
    url: &'a reqwest::Url,
    body: Option<&'a str>,
    node: Option<SocketAddr>,
    deadline: Instant,
}

fn request(ask: &Ask<'_>, step: &Step<'_>) -> Result<Request<Full<Bytes>>, Trouble> {
    let url = step.url;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let target: Uri =
        target.parse().map_err(|_| Trouble::talk("the URL's path is none that HTTP can send"))?;
    let body = Full::new(step.body.map(|body| Bytes::from(body.to_owned())).unwrap_or_default());
    let mut request = Request::new(body);
    *request.method_mut() = step.method.clone();
    *request.uri_mut() = target;
    let headers = request.headers_mut();
    *headers = ask.headers.clone();
    if url.origin() != ask.url.origin() {
        // It was meant for the first server.
        headers.remove(HOST);
    }
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if !headers.contains_key(HOST) {
        let host = HeaderValue::from_str(&host).map_err(|_| Trouble::talk("the URL's host is no header"))?;
        headers.insert(HOST, host);
    }
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!("observability-smoke/", env!("CARGO_PKG_VERSION"))));
    Ok(request)
}

async fn read(mut incoming: Incoming, limit: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| {
            Trouble::talk(format!("the answer was cut off or cannot be decoded: {}", innermost(&error)))
        })?;
        if let Some(data) = frame.data_ref() {
            if body.len() + data.len() > limit {
                return Err(Trouble::talk(format!("the answer is longer than {limit} bytes")));
            }
            body.extend_from_slice(data);
        }
    }
    Ok(body)
}

fn explain(error: &hyper::Error) -> Trouble {
    let words = innermost(error);
    let no_http = error.is_parse() && words.contains("HTTP version");
    let hint = if no_http { " (HTTP/2 only, or no HTTP at all?)" } else { "" };
    let what =
        if error.is_parse() && !no_http { "an answer that is no right HTTP" } else { "no HTTP/1.1 answer" };
    Trouble::new(Cause::Talk, format!("{what}: {words}{hint}"))
}

/// Trouble with what a redirect led to says so: the finding shows the first URL.
fn behind(ask: &Ask<'_>, url: &reqwest::Url, trouble: Trouble) -> Trouble {
    if url == ask.url {
        return trouble;
    }
    let origin = url.origin().ascii_serialization();
    Trouble { what: format!("redirected to {origin}: {}", trouble.what), ..trouble }
}

/// Where a redirect sends us, or why we do not go there.
fn followed(ask: &Ask<'_>, url: &reqwest::Url, answer: &Answer) -> Result<reqwest::Url, &'static str> {
    if ask.redirects == Redirects::Answer {
        return Err("a redirect (`follow_redirects: true` follows it)");
    }
    let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok()).ok_or("a redirect to no URL")?;
    let carries_secret = ask.body.is_some() || ask.headers.values().any(HeaderValue::is_sensitive);
    match next.scheme() {
        "https" => {}
        "http" if url.scheme() == "https" => {
            return Err("a redirect from https to http, which is not followed");
        }
        "http" => {}
        _ => return Err("a redirect that leads away from HTTP"),
    }
    if carries_secret && next.origin() != ask.url.origin() {
        return Err("a redirect to another server, which a request with a secret or a body does not follow");
    }
    Ok(next)
}
