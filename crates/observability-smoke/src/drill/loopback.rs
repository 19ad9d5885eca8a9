//! A small HTTP server, on loopback unless it is told otherwise, for the fixture exporter and for the webhook. It knows neither.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

/// The largest request that is read, in bytes: Alertmanager's notifications are far smaller.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What a handler answers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Answer {
    pub(super) const fn status(status: u16) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: String::new() }
    }
}

/// A server. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts it on a free port of 127.0.0.1. `handle` gets the method and path as `GET /metrics`, and the body.
    pub(super) async fn start<H>(handle: H) -> std::io::Result<Self>
    where
        H: Fn(&str, &[u8]) -> Answer + Send + Sync + 'static,
    {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), handle).await
    }

    /// Starts it where it is told.
    pub(super) async fn start_at<H>(address: SocketAddr, handle: H) -> std::io::Result<Self>
    where
        H: Fn(&str, &[u8]) -> Answer + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(handle)));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept<H>(listener: TcpListener, handle: Arc<H>)
where
    H: Fn(&str, &[u8]) -> Answer + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        // A failed accept (no more file descriptors) is told by what does not arrive.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let handle = Arc::clone(&handle);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&handle), request));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer<H>(handle: Arc<H>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible>
where
    H: Fn(&str, &[u8]) -> Answer + Send + Sync + 'static,
{
    let target = format!("{} {}", request.method(), request.uri().path());
    let given = match Limited::new(request.into_body(), MOST_BYTES).collect().await {
        Ok(body) => handle(&target, &body.to_bytes()),
        Err(_) => Answer::status(413),
    };
    let mut response = Response::new(Full::new(Bytes::from(given.body)));
    *response.status_mut() = StatusCode::from_u16(given.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = hyper::header::HeaderValue::from_static(given.content_type);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, content_type);
    Ok(response)
}
