//! The TLS capture: a handshake that accepts every chain and keeps it, so that a bad certificate is seen
//! rather than missed. Whether the server holds the certificate's key is still verified; whether the chain
//! can be trusted is judged elsewhere. No application data is ever sent.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, InvalidMessage, PeerIncompatible, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{
    Approach, Identity, address,
    behind_handshake::{Behind, Patience, Question, say_goodbye},
    first_bytes::{FirstBytes, Received},
    observation::{
        Afterwards, Capture, ClientCertificate, HandshakeTrouble, Observation, Protocol, Rare, ReachTrouble,
        Refusal,
    },
    old_handshake, proof, rare, starttls,
};
use crate::targets::{Endpoint, KeyKind};

/// What is offered is what rustls offers, in another order: AES-128 with SHA-256 first. Most servers follow the
/// client's order, processors have instructions for SHA-256 and not for SHA-384, and no secret is sent. The one
/// key share that comes with the first message is X25519's: nearly every server takes it, and the shares of the
/// hybrid with ML-KEM, which is offered as well, would cost more than all the rest of the handshake.
pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite().as_str().is_none_or(|name| !name.ends_with("128_GCM_SHA256")));
    Arc::new(provider)
});

/// What the configurations of all connections have in common; each gets its own witness.
static COMMON: LazyLock<Result<ClientConfig, Error>> = LazyLock::new(|| common(&PROVIDER));

/// The same, for those that insist on what is rare.
static WIDE: LazyLock<Result<ClientConfig, Error>> = LazyLock::new(|| common(&rare::WIDE_PROVIDER));

fn common(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, Error> {
    let nobody = Arc::new(Witness::with(None));
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&nobody) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(nobody as Arc<dyn ResolvesClientCert>);
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Captures what an endpoint presents. Whatever happens there is a value.
pub async fn capture(endpoint: &Endpoint, approach: &Approach) -> Observation {
    let mut observation = shake_hands(endpoint, approach, Offer::Usual).await.0;
    if let Observation::Reached(capture) = &mut observation
        && capture.chain.is_empty()
        && endpoint.key.is_none()
    {
        if capture.trouble.as_ref().is_some_and(rare::may_help) {
            Box::pin(offer_more(capture, endpoint, approach)).await;
        }
        if capture.chain.is_empty() && capture.trouble.as_ref().is_some_and(old_handshake::may_help) {
            Box::pin(ask_in_old_words(capture, endpoint, approach)).await;
        }
    }
    observation
}

/// One handshake, and what a finished one came to that is rare.
async fn shake_hands(endpoint: &Endpoint, approach: &Approach, offer: Offer) -> (Observation, Rare) {
    let unreached = |trouble| (Observation::Unreached(trouble), Rare::Neither);
    let timeouts = approach.timeouts;
    let server_name = match endpoint.server_name() {
        Ok(name) => name,
        Err(error) => return unreached(ReachTrouble::Failed(error)),
    };
    let (address, mut stream) = match address::connect(endpoint, approach).await {
        Ok(connected) => connected,
        Err(trouble) => return unreached(trouble),
    };
    // Two messages may follow each other only around STARTTLS and an HTTP request. Everywhere else the kernel may
    // hold back what is small, so that a goodbye leaves together with the end of the stream.
    if endpoint.start.is_some() || approach.ask_http {
        let _ = stream.set_nodelay(true);
    }
    if let Some(start) = endpoint.start {
        let asked = endpoint.asked_as();
        let begun = Box::pin(starttls::begin(&mut stream, start, asked, timeouts.handshake)).await;
        if let Err(trouble) = begun {
            let capture = Capture::broken(address, HandshakeTrouble::NotStarted(trouble));
            return (Observation::Reached(capture), Rare::Neither);
        }
    }
    let witness = Arc::new(Witness { key: endpoint.key, offer, ..Witness::with(approach.identity.clone()) });
    let received = Received::default();
    let config = match client_config(&witness) {
        Ok(config) => config,
        Err(error) => return unreached(ReachTrouble::Ours(error.to_string())),
    };
    let began = Instant::now();
    let connecting =
        TlsConnector::from(Arc::new(config)).connect(server_name, FirstBytes::new(stream, received.clone()));
    let mut agreed = Rare::Neither;
    let behind = match timeout(timeouts.handshake, connecting).await {
        Err(_) => Err(timed_out(timeouts.handshake, &received)),
        Ok(Err(error)) => Err(trouble_of(&error, &received)),
        Ok(Ok(tls)) => {
            let took = began.elapsed();
            agreed = rare::agreed(tls.get_ref().1);
            let patience = Patience::after(took, timeouts.handshake, approach.identity.is_some());
            // Behind STARTTLS speaks no HTTP server: a request would be a command to another one.
            let asks = approach.ask_http && endpoint.start.is_none();
            let question = asks.then_some(Question { host: endpoint, limit: timeouts.handshake });
            Ok(say_goodbye(tls, witness.was_asked(), patience, question).await)
        }
    };
    let agreed = witness.seen().unverified.map_or(agreed, |name| Rare::Signature(name.to_owned()));
    (Observation::Reached(witness.testify(address, behind)), agreed)
}

/// A server that refused what is usual is asked once more with all that can be offered. What it presents then is
/// judged like any other, and what it insists on is the trouble.
async fn offer_more(capture: &mut Capture, endpoint: &Endpoint, approach: &Approach) {
    let there = endpoint.at(capture.address.ip());
    let (observation, agreed) = shake_hands(&there, approach, Offer::Wide).await;
    if let Observation::Reached(second) = observation
        && !second.chain.is_empty()
        && !matches!(second.trouble, Some(HandshakeTrouble::Broken(_)))
    {
        let trouble = second.trouble.clone().unwrap_or(HandshakeTrouble::OnlyRare(agreed));
        *capture = Capture { trouble: Some(trouble), ..second };
    }
}

/// A server of old TLS is asked once more, in its own words; what it presents is judged like any other.
async fn ask_in_old_words(capture: &mut Capture, endpoint: &Endpoint, approach: &Approach) {
    let random = PROVIDER.secure_random;
    if let Some(old) = old_handshake::present(endpoint, capture.address, approach, random).await {
        capture.protocol = Some(old.protocol);
        capture.chain = old.chain;
        capture.trouble = Some(HandshakeTrouble::OnlyOld(old.suite));
    }
}

/// What is offered to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// What clients of today offer.
    Usual,
    /// That, and what hardly any of them does.
    Wide,
}

fn client_config(witness: &Arc<Witness>) -> Result<ClientConfig, Error> {
    let mut config = match witness.offer {
        Offer::Usual => COMMON.clone()?,
        Offer::Wide => WIDE.clone()?,
    };
    config.dangerous().set_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>);
    config.client_auth_cert_resolver = Arc::clone(witness) as Arc<dyn ResolvesClientCert>;
    Ok(config)
}

fn timed_out(limit: Duration, received: &Received) -> HandshakeTrouble {
    match received.so_far() {
        (_, 0) => HandshakeTrouble::Silent(limit),
        (_, bytes) => HandshakeTrouble::Unfinished(limit, bytes),
    }
}

fn trouble_of(error: &io::Error, received: &Received) -> HandshakeTrouble {
    let (first, _) = received.so_far();
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match (tls, error.kind()) {
        (Some(Error::InvalidMessage(_)), _) if !begins_as_tls(&first) => HandshakeTrouble::NotTls(first),
        (Some(error), _) => trouble_of_tls(error),
        (None, _) if !first.is_empty() && !begins_as_tls(&first) => HandshakeTrouble::NotTls(first),
        (None, io::ErrorKind::UnexpectedEof) => HandshakeTrouble::Closed,
        (None, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => HandshakeTrouble::Reset,
        (None, _) => HandshakeTrouble::Broken(error.to_string()),
    }
}

/// A record of TLS begins with its type (an alert or a handshake) and the major version 3 (RFC 8446, 5.1).
fn begins_as_tls(first: &[u8]) -> bool {
    matches!(first, [21 | 22, 3, ..])
}

fn trouble_of_tls(error: &Error) -> HandshakeTrouble {
    use PeerIncompatible as Lacks;
    match error {
        Error::AlertReceived(alert) => match *alert {
            rustls::AlertDescription::ProtocolVersion => HandshakeTrouble::TooOld,
            alert => HandshakeTrouble::Alert(format!("{alert:?}")),
        },
        Error::PeerIncompatible(
            Lacks::ServerDoesNotSupportTls12Or13
            | Lacks::ServerTlsVersionIsDisabledByOurConfig
            | Lacks::Tls12NotOffered
            | Lacks::Tls12NotOfferedOrEnabled,
        ) => HandshakeTrouble::TooOld,
        Error::PeerIncompatible(lacks) => HandshakeTrouble::NothingInCommon(format!("{lacks:?}")),
        Error::InvalidCertificate(reason) => HandshakeTrouble::NoProof(format!("{reason:?}")),
        Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) => HandshakeTrouble::Broken(
            "the server sends more than 64 KiB at once, which clients refuse: the certificates that it presents hold too \
             many names, or are too many"
                .to_owned(),
        ),
        other => HandshakeTrouble::Broken(other.to_string()),
    }
}

/// Sees the handshake: the chain, the version, and whether a client certificate was asked for.
#[derive(Debug)]
struct Witness {
    seen: Mutex<Seen>,
    identity: Option<Identity>,
    /// The only kind of key that it takes.
    key: Option<KeyKind>,
    offer: Offer,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<CertificateDer<'static>>,
    stapled: Vec<u8>,
    protocol: Option<Protocol>,
    asked: bool,
    proven: bool,
    /// The kind of the signature, where it is none that is verified.
    unverified: Option<&'static str>,
}

impl Witness {
    fn with(identity: Option<Identity>) -> Self {
        Self { seen: Mutex::default(), identity, key: None, offer: Offer::Usual }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_asked(&self) -> bool {
        self.seen().asked
    }

    /// What was seen in all. A handshake that breaks only after the server has proven its key and asked for
    /// a certificate was refused for the want of one: nothing is wrong with the server.
    fn testify(&self, address: std::net::SocketAddr, behind: Result<Behind, HandshakeTrouble>) -> Capture {
        use HandshakeTrouble::{Alert, Closed, Reset};
        let mut seen = self.seen();
        let refused = |refusal| Behind { afterwards: Afterwards::Refused(refusal), is_confirmed: false };
        let (Behind { afterwards, is_confirmed }, trouble) = match (seen.asked && seen.proven, behind) {
            (true, Err(Alert(alert))) => (refused(Refusal::Alert(alert)), None),
            (true, Err(Closed | Reset)) => (refused(Refusal::Cut), None),
            (_, Err(trouble)) => (Behind::default(), Some(trouble)),
            (_, Ok(behind)) => (behind, None),
        };
        let client_certificate = match (&afterwards, seen.asked) {
            (Afterwards::Refused(_), _) => ClientCertificate::Demanded,
            (_, true) => ClientCertificate::Optional,
            (_, false) => ClientCertificate::NotAsked,
        };
        Capture {
            address,
            protocol: seen.protocol,
            chain: std::mem::take(&mut seen.chain),
            stapled: std::mem::take(&mut seen.stapled),
            client_certificate,
            afterwards,
            is_confirmed,
            trouble,
        }
    }

    fn proven(
        &self,
        protocol: Protocol,
        verified: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        let mut seen = self.seen();
        seen.protocol = Some(protocol);
        seen.proven = verified.is_ok();
        verified
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let mut seen = self.seen();
        seen.chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        seen.stapled = ocsp_response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proven(Protocol::Tls12, proof::of_tls12(message, certificate, signed))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Some(name) = rare::unverified_name(signed.scheme) {
            let mut seen = self.seen();
            (seen.protocol, seen.unverified) = (Some(Protocol::Tls13), Some(name));
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.proven(Protocol::Tls13, proof::of_tls13(message, certificate, signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = PROVIDER.signature_verification_algorithms.supported_schemes();
        if self.offer == Offer::Wide {
            schemes.extend(rare::unverified_schemes());
        }
        let is_rsa = |scheme: &SignatureScheme| scheme.as_str().is_some_and(|name| name.starts_with("RSA"));
        schemes.retain(|scheme| self.key.is_none_or(|kind| (kind == KeyKind::Rsa) == is_rsa(scheme)));
        schemes
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen().asked = true;
        self.identity.as_ref().map(Identity::key)
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
