//! What a server does behind a handshake in which it asked for a client certificate: it may refuse us only there.
//! What that says of the server is judged elsewhere.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use rustls::{Error, ProtocolVersion};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::{
    first_bytes::FirstBytes,
    http_answer,
    observation::{Afterwards, Closing, Refusal},
};
use crate::targets::Endpoint;

/// A server that wants a client certificate says no only after a TLS 1.3 handshake looks done. It is given
/// so long to say it, and longer where the handshake showed that the way is long.
const LATE_REFUSAL: Duration = Duration::from_millis(500);

/// One that is given a certificate may ask others about it (OCSP, a directory) before it says no. Nearly every server
/// sends a session ticket when it is content; who sends none is given so long in all.
const LATE_VERDICT: Duration = Duration::from_secs(3);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// One HTTP request, for those that refuse only in their answer.
pub(super) struct Question<'e> {
    pub(super) host: &'e Endpoint,
    pub(super) limit: Duration,
}

/// How long a server may take to say what it thinks of us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// In any case.
    refusal: Duration,
    /// In all, until it shows that its side of the handshake is done.
    verdict: Duration,
}

impl Patience {
    pub(super) fn after(took: Duration, limit: Duration, presents: bool) -> Self {
        let left = limit.saturating_sub(took);
        let refusal = left.min(LATE_REFUSAL + 2 * took);
        let verdict = if presents { left.min(LATE_VERDICT + 2 * took) } else { refusal };
        Self { refusal, verdict }
    }
}

/// What came behind a handshake.
#[derive(Debug, Default)]
pub(super) struct Behind {
    pub(super) afterwards: Afterwards,
    pub(super) is_confirmed: bool,
}

/// Waits for a late refusal where one may come, asks where that is wanted, then closes in good order.
pub(super) async fn say_goodbye(
    mut tls: TlsStream<FirstBytes>,
    asked: bool,
    patience: Patience,
    question: Option<Question<'_>>,
) -> Behind {
    let mut behind = Behind::default();
    if asked {
        behind = listen(&mut tls, patience).await;
        if let (Afterwards::Silent(_), Some(question)) = (&behind.afterwards, question) {
            let asking = http_answer::ask(&mut tls, question.host);
            behind.afterwards = match timeout(question.limit, asking).await {
                Ok(Ok(Some(status))) => Afterwards::Answered(status),
                Ok(Err(error)) => end(&error, Closing::AfterRequest),
                Ok(Ok(None)) | Err(_) => Afterwards::NotHttp,
            };
            behind.is_confirmed |= is_confirmed(&tls);
        }
    }
    let _ = timeout(GOODBYE, tls.shutdown()).await;
    behind
}

/// What a server says by itself.
async fn listen(tls: &mut TlsStream<FirstBytes>, patience: Patience) -> Behind {
    let (began, mut waited) = (Instant::now(), patience.refusal);
    let mut heard = timeout(waited, tls.read(&mut [0; 1])).await.ok();
    if heard.is_none() && !is_confirmed(tls) {
        waited = patience.verdict;
        let left = waited.saturating_sub(began.elapsed());
        heard = timeout(left, read_or_ticket(tls)).await.ok().flatten();
    }
    let speaks = matches!(heard, Some(Ok(_)));
    let afterwards = match heard {
        None => Afterwards::Silent(waited),
        Some(Ok(0)) => Afterwards::Closed(Closing::AtOnce),
        Some(Ok(_)) => Afterwards::Greeted,
        Some(Err(error)) => end(&error, Closing::AtOnce),
    };
    Behind { afterwards, is_confirmed: speaks || is_confirmed(tls) }
}

/// Reads; `None`, when a session ticket came first.
async fn read_or_ticket(tls: &mut TlsStream<FirstBytes>) -> Option<io::Result<usize>> {
    let mut byte = [0; 1];
    poll_fn(|context| {
        let mut buffer = ReadBuf::new(&mut byte);
        match Pin::new(&mut *tls).poll_read(context, &mut buffer) {
            Poll::Ready(read) => Poll::Ready(Some(read.map(|()| buffer.filled().len()))),
            Poll::Pending if is_confirmed(tls) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whether the handshake is known to be done for the server as well. Stacks that ask for a client certificate send
/// tickets only when they have looked at what they were given.
fn is_confirmed(tls: &TlsStream<FirstBytes>) -> bool {
    let connection = tls.get_ref().1;
    connection.protocol_version() == Some(ProtocolVersion::TLSv1_2) || connection.tls13_tickets_received() > 0
}

/// An alert is a refusal. An end without one may be the end of a server that had let us in.
fn end(error: &io::Error, closing: Closing) -> Afterwards {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(alert)) => Afterwards::Refused(Refusal::Alert(format!("{alert:?}"))),
        _ => Afterwards::Closed(closing),
    }
}
