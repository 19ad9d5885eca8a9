//! What a port does with whoever connects.

use std::{io, sync::Arc, time::Duration};

use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Identity,
    script::{Ending, Line, play},
    served::Seen,
};

/// What a port does with whoever connects.
#[derive(Debug)]
pub enum Behaviour {
    /// TLS 1.2 and 1.3.
    Tls(Identity),
    /// Only TLS 1.2.
    Tls12(Identity),
    /// Only TLS 1.3.
    Tls13(Identity),
    /// TLS 1.2 and nobody gets in without a client certificate.
    Tls12DemandsClientCertificate(Identity),
    /// TLS 1.3 and nobody gets in without a client certificate: the alert comes after the client believes
    /// that the handshake is done.
    Tls13DemandsClientCertificate(Identity),
    /// Asks for a client certificate, and lets in without one.
    AsksForClientCertificate(Identity),
    /// Asks for a client certificate, lets in without one, and then hangs up without a word.
    AsksAndHangsUp(Identity, HangUp),
    /// Plays this script in plain text first, then speaks TLS 1.2 and 1.3.
    Scripted(Vec<Line>, Identity),
    /// The same, and asks for a client certificate, and lets in without one.
    ScriptedAsking(Vec<Line>, Identity),
    /// TLS with a key that does not belong to the certificate.
    WrongKey(Identity, Identity),
    /// Accepts, and never says a word.
    Tarpit,
    /// Begins a TLS record, and never ends it.
    HalfRecord,
    /// Resets the connection when the client has spoken.
    Reset,
    /// Closes the connection when the client has spoken.
    Close,
    /// Answers whatever it hears like a plain HTTP server.
    PlainHttp,
    /// Sends these bytes at once, whatever it hears.
    Banner(&'static [u8]),
    /// Sends a banner that never ends.
    EndlessBanner,
    /// Sends one byte of a valid record header every so often.
    Drip(Duration),
}

/// When a server hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// At the end of a handshake of TLS 1.2.
    BehindTls12,
    /// At the end of a handshake of TLS 1.3, without having sent a session ticket: its client cannot know whether
    /// the server has come to the end as well.
    BehindTls13,
    /// When it has heard something.
    OnRequest,
}

/// Whether a server asks its clients for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    No,
    Letting,
    Demanding,
}

impl Behaviour {
    /// The rustls configuration, for those that speak TLS.
    pub(super) fn acceptor(&self) -> Result<Option<TlsAcceptor>, rustls::Error> {
        use rustls::version::{TLS12, TLS13};
        let (identity, key, versions, asking): (_, _, &[_], _) = match self {
            Self::Tls(identity) => (identity, identity.key(), &[&TLS12, &TLS13], Asking::No),
            Self::Tls12(identity) => (identity, identity.key(), &[&TLS12], Asking::No),
            Self::Tls13(identity) => (identity, identity.key(), &[&TLS13], Asking::No),
            Self::Tls12DemandsClientCertificate(identity) => {
                (identity, identity.key(), &[&TLS12], Asking::Demanding)
            }
            Self::Tls13DemandsClientCertificate(identity) => {
                (identity, identity.key(), &[&TLS13], Asking::Demanding)
            }
            Self::AsksForClientCertificate(identity) => {
                (identity, identity.key(), &[&TLS12, &TLS13], Asking::Letting)
            }
            Self::AsksAndHangsUp(identity, HangUp::BehindTls12) => {
                (identity, identity.key(), &[&TLS12], Asking::Letting)
            }
            Self::AsksAndHangsUp(identity, HangUp::BehindTls13) => {
                (identity, identity.key(), &[&TLS13], Asking::Letting)
            }
            Self::AsksAndHangsUp(identity, HangUp::OnRequest) => {
                (identity, identity.key(), &[&TLS12, &TLS13], Asking::Letting)
            }
            Self::Scripted(_, identity) => (identity, identity.key(), &[&TLS12, &TLS13], Asking::No),
            Self::ScriptedAsking(_, identity) => {
                (identity, identity.key(), &[&TLS12, &TLS13], Asking::Letting)
            }
            Self::WrongKey(shown, held) => (shown, held.key(), &[&TLS12, &TLS13], Asking::No),
            _ => return Ok(None),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions)?;
        let builder = if asking == Asking::No {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            roots.add(identity.chain.last().cloned().ok_or(rustls::Error::NoCertificatesPresented)?)?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier =
                if asking == Asking::Letting { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        };
        let signing_key = provider.key_provider.load_private_key(key)?;
        let mut certified = rustls::sign::CertifiedKey::new(identity.chain.clone(), signing_key);
        certified.ocsp = (!identity.staple.is_empty()).then(|| identity.staple.clone());
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        if matches!(self, Self::AsksAndHangsUp(_, HangUp::BehindTls13)) {
            config.send_tls13_tickets = 0;
        }
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }

    /// Treats one connection. What goes wrong is the point, and is nobody's error.
    pub(super) async fn treat(
        &self,
        mut stream: TcpStream,
        acceptor: Option<&TlsAcceptor>,
        seen: &Seen,
    ) -> io::Result<()> {
        if let Self::Scripted(script, _) | Self::ScriptedAsking(script, _) = self {
            let ending = play(script, &mut stream, |bytes| seen.plain(bytes)).await?;
            if ending == Ending::Done {
                return Ok(());
            }
        }
        if let Some(acceptor) = acceptor {
            let mut tls = acceptor.accept(stream).await?;
            seen.handshake(tls.get_ref().1.server_name());
            let mut buffer = [0; 1024];
            if let Self::AsksAndHangsUp(_, hang_up) = self {
                if *hang_up == HangUp::OnRequest {
                    seen.application_data(tls.read(&mut buffer).await?);
                }
                return tls.get_mut().0.shutdown().await;
            }
            loop {
                match tls.read(&mut buffer).await? {
                    0 => return tls.shutdown().await,
                    bytes => seen.application_data(bytes),
                }
            }
        }
        match self {
            Self::HalfRecord => {
                stream.write_all(&[22, 3, 3, 0, 200, 2]).await?;
                until_closed(&mut stream).await
            }
            Self::Reset => {
                // Closing a socket with unread bytes in it makes Linux send a reset.
                stream.peek(&mut [0; 1]).await.map(|_| ())
            }
            Self::Close => {
                let _ = stream.read(&mut [0; 4096]).await?;
                stream.shutdown().await
            }
            Self::PlainHttp => {
                let _ = stream.read(&mut [0; 4096]).await?;
                stream
                    .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .await?;
                stream.shutdown().await
            }
            Self::Banner(bytes) => {
                stream.write_all(bytes).await?;
                until_closed(&mut stream).await
            }
            Self::EndlessBanner => loop {
                stream.write_all(&b"welcome welcome ".repeat(64)).await?;
            },
            Self::Drip(pause) => {
                stream.write_all(&[22, 3, 3, 64, 0]).await?;
                loop {
                    stream.write_all(&[0]).await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            _ => until_closed(&mut stream).await,
        }
    }
}

/// Reads and throws away, so that the peer's end is noticed.
async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
