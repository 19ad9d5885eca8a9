//! Asks a server that rustls has nothing in common with for its certificate, over a connection of its own.

use std::{net::SocketAddr, time::Duration};

use rustls::crypto::SecureRandom;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Approach, address,
    legacy_hello::{Flight, GOODBYE, Presented, Progress, client_hello},
    observation::HandshakeTrouble,
    starttls,
};
use crate::{assess::name::Host, targets::Endpoint};

/// How long saying goodbye may take.
const LEAVE: Duration = Duration::from_millis(500);

/// Whether this is how a server that speaks only old TLS turns a client of today away. Some close or reset
/// the connection without a word (Windows does).
pub(super) fn may_help(trouble: &HandshakeTrouble) -> bool {
    match trouble {
        HandshakeTrouble::TooOld
        | HandshakeTrouble::NothingInCommon(_)
        | HandshakeTrouble::Closed
        | HandshakeTrouble::Reset => true,
        HandshakeTrouble::Alert(alert) => {
            matches!(alert.as_str(), "HandshakeFailure" | "ProtocolVersion" | "InsufficientSecurity")
        }
        _ => false,
    }
}

/// What the server at this address presents to a client that takes everything; nothing where it presents
/// nothing to that one either.
pub(super) async fn present(
    endpoint: &Endpoint,
    at: SocketAddr,
    approach: &Approach,
    random: &dyn SecureRandom,
) -> Option<Presented> {
    let timeouts = approach.timeouts;
    let there = endpoint.at(at.ip());
    let (_, mut stream) = address::connect(&there, approach).await.ok()?;
    let _ = stream.set_nodelay(true);
    if let Some(start) = endpoint.start {
        starttls::begin(&mut stream, start, endpoint.asked_as(), timeouts.handshake).await.ok()?;
    }
    let mut flight = Flight::default();
    let _ = timeout(timeouts.handshake, exchange(endpoint, &mut stream, &mut flight, random)).await;
    let _ = timeout(LEAVE, take_leave(&mut stream)).await;
    flight.presented()
}

async fn exchange(
    endpoint: &Endpoint,
    stream: &mut TcpStream,
    flight: &mut Flight,
    random: &dyn SecureRandom,
) -> Option<()> {
    let name = match endpoint.asked_as() {
        Host::Name(name) => Some(name.as_str()),
        Host::Address(_) => None,
    };
    let mut chance = [0; 32];
    random.fill(&mut chance).ok()?;
    stream.write_all(&client_hello(name, &chance)).await.ok()?;
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 || flight.hear(&buffer[..read]) != Progress::More {
            return Some(());
        }
    }
}

async fn take_leave(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&GOODBYE).await?;
    stream.shutdown().await
}
