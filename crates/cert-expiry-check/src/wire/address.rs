//! From a host to a TCP connection: resolved once, then its addresses in turn, a new one whenever the last
//! keeps us waiting (RFC 8305), all within one timeout.

use std::{collections::HashSet, io, net::SocketAddr, time::Duration, vec::IntoIter};

use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Approach, Pace, observation::ReachTrouble};
use crate::{assess::name::Host, targets::Endpoint};

/// How long an address may keep us waiting before the next one is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Connects to the endpoint, within the timeout. Where connections have to wait for their turns, that does not
/// count, and each address has the timeout for itself.
pub(super) async fn connect(
    endpoint: &Endpoint,
    approach: &Approach,
) -> Result<(SocketAddr, TcpStream), ReachTrouble> {
    let (limit, pace) = (approach.timeouts.connect, &approach.pace);
    if pace.is_limited() {
        return connect_to_any(addresses(endpoint, limit).await?, limit, pace).await;
    }
    let attempt = async { connect_to_any(resolve(endpoint).await?, limit, pace).await };
    timeout(limit, attempt).await.unwrap_or(Err(ReachTrouble::TimedOut(limit)))
}

/// Every address of the endpoint's host, each once, in the resolver's order.
///
/// # Errors
/// When the name does not resolve within the timeout.
pub async fn addresses(endpoint: &Endpoint, limit: Duration) -> Result<Vec<SocketAddr>, ReachTrouble> {
    timeout(limit, resolve(endpoint)).await.unwrap_or(Err(ReachTrouble::TimedOut(limit)))
}

async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ReachTrouble> {
    let port = endpoint.connect_port();
    match (&endpoint.host, &endpoint.address) {
        (_, Some(address)) | (Host::Address(address), None) => Ok(vec![SocketAddr::new(*address, port)]),
        (Host::Name(name), None) => {
            let found = lookup_host((name.as_str(), port)).await;
            let mut known = HashSet::new();
            let found: Vec<_> = found
                .map_err(|error| trouble_of_look_up(&error))?
                .filter(|address| known.insert(*address))
                .collect();
            if found.is_empty() {
                Err(ReachTrouble::Unresolved("it has no address".to_owned()))
            } else {
                Ok(found)
            }
        }
    }
}

fn trouble_of_look_up(error: &io::Error) -> ReachTrouble {
    match ours(error) {
        Some(ours) => ours,
        None => {
            let words = error.to_string();
            let words = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
            ReachTrouble::Unresolved(words.to_owned())
        }
    }
}

async fn connect_to_any(
    addresses: Vec<SocketAddr>,
    limit: Duration,
    pace: &Pace,
) -> Result<(SocketAddr, TcpStream), ReachTrouble> {
    // Nothing to race: no task of its own for each of thousands of targets.
    if let [address] = addresses[..] {
        pace.turn().await;
        return match timeout(limit, TcpStream::connect(address)).await {
            Ok(connected) => {
                connected.map(|stream| (address, stream)).map_err(|error| trouble_of_connect(&error))
            }
            Err(_) => Err(ReachTrouble::TimedOut(limit)),
        };
    }
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = ReachTrouble::Unresolved("it has no address".to_owned());
    let try_next = |waiting: &mut IntoIter<SocketAddr>, attempts: &mut JoinSet<_>| {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move { (address, timeout(limit, TcpStream::connect(address)).await) });
        }
    };
    pace.turn().await;
    try_next(&mut waiting, &mut attempts);
    loop {
        let patience = async {
            sleep(NEXT_ADDRESS_AFTER).await;
            pace.turn().await;
        };
        tokio::select! {
            done = attempts.join_next() => {
                last = match done {
                    Some(Ok((address, Ok(Ok(stream))))) => return Ok((address, stream)),
                    Some(Ok((_, Ok(Err(error))))) => trouble_of_connect(&error),
                    Some(Ok((_, Err(_)))) => ReachTrouble::TimedOut(limit),
                    Some(Err(_)) => last,
                    None => return Err(last),
                };
                if waiting.len() > 0 {
                    pace.turn().await;
                }
                try_next(&mut waiting, &mut attempts);
            }
            () = patience, if waiting.len() > 0 => try_next(&mut waiting, &mut attempts),
        }
    }
}

fn trouble_of_connect(error: &io::Error) -> ReachTrouble {
    ours(error).unwrap_or_else(|| match error.kind() {
        io::ErrorKind::ConnectionRefused => ReachTrouble::Refused,
        _ => ReachTrouble::Failed(error.to_string()),
    })
}

fn ours(error: &io::Error) -> Option<ReachTrouble> {
    is_ours(error).then(|| ReachTrouble::Ours(error.to_string()))
}

/// Whether an error says more about this machine than about the target.
pub(super) fn is_ours(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, NetworkUnreachable, OutOfMemory, PermissionDenied};
    /// EMFILE, ENFILE and ENOBUFS, which have no kind of their own.
    const EXHAUSTED: [i32; 3] = [24, 23, 105];
    error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code))
        || matches!(error.kind(), AddrNotAvailable | NetworkUnreachable | OutOfMemory | PermissionDenied)
}
